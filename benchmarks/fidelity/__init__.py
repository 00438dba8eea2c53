"""Fidelity of the built-in engine's battles to the game's: ``python -m benchmarks.fidelity``."""
