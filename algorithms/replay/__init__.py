"""Whole episodes: packed at their real length, sampled as padded batches."""
