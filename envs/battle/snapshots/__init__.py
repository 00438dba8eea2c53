"""Battles as snapshots: read, set, follow and record one, and note the version that played it."""
