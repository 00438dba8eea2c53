"""Runs and judges: open ``harness/compare.py`` first."""

import os

# OpenMP threads that spin for long while they wait make an update ten to a hundred times slower as soon as anything
# else wants a core; threads that never spin make it twice as slow on an idle machine. A short spin is near the best of
# both. It must be said before torch is loaded (the first line is read by GNU's OpenMP, the second by others); a value
# that the user has set stands.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
