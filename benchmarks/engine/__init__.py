"""Speed of the battle engine, of the game behind the same door and of the stand-in."""
