"""How closely the built-in engine's battles follow the game's: ``python -m benchmarks.fidelity``."""
