"""Runs and judges: open ``harness/compare.py`` first."""
