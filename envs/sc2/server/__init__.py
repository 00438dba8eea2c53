"""A program that is the game to any client: Blizzard's SC2 API, answered by the built-in battle engine."""
