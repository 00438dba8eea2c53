"""Whole episodes: recorded, packed at their real length, sampled as padded batches."""
