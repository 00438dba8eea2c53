"""Speed of the battle engine, of StarCraft II through the same interface, and of the stand-in."""
