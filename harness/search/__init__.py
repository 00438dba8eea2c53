"""Search for settings: spaces, the objective of a trial, samplers."""
