"""Flags of each command, read and checked, and the runs that they stand for."""
