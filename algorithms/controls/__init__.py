"""What a reviewer would compare with: K24 with a part added or changed, other 2:4 masks, other dense learners.

``ablations.py`` is a table of those that only differ in settings; each of the others has a file.
"""

from algorithms.controls import ablations, k24_magnitude, k24_static, qmix_n_rnn, qmix_per_type, vdn  # noqa: F401
