"""How units walk: round others, past walls, to a place at a prey, to the end of a march; ``movement`` begins."""
