"""What a reviewer would compare with: K24 with a part added or changed, other 2:4 masks, other dense learners."""

from algorithms.controls import ablations, dense, plain_masks  # noqa: F401
