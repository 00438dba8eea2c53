"""The rules of the game: what happens in one tick, as StarCraft II plays it."""
