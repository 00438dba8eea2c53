"""The agent network in PyTorch's operations, over batches without padding; its zeros and operations counted."""
