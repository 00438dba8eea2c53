"""Plots: one style for curves, outcomes, masks and throughput."""
