"""The command ``harness.throughput``: sweep a grid of policies, sizes and batches, and show the results as tables."""
