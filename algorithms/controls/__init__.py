"""What a reviewer would compare with: K24 with a part taken away, other 2:4 masks, other dense learners.

One file each; ``algorithms/registry.py`` lists them.
"""
