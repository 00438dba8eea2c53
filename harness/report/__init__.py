"""A study as one HTML page with its plots: ``python -m harness.report``."""
