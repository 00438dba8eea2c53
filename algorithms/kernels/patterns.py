"""The six ways to keep two of four consecutive inputs, in the order in which everything numbers them."""

import itertools

PLACES = tuple(itertools.combinations(range(4), 2))
"""Which two of four each pattern keeps."""
