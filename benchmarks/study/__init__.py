"""Long studies: the runs of K24's, curves beside published ones, and how large a study may grow."""
