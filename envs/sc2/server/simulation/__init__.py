"""The stand-in's battle: what a map holds, the units on it, what was played, and playing it again."""
