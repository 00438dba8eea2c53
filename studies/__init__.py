"""Optuna studies and the tables beside them; imports nothing of ``harness``."""
