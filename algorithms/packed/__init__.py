"""Batches without their padding, in PyTorch's operations: for GPUs, for doubles and for MAPPO."""
