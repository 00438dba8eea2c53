"""Runs and judges: open ``harness/compare.py`` first."""

import os

# OpenMP threads that spin while they wait make small tensor products some forty times slower as soon as anything else
# wants a core. It must be said before torch is loaded; a value that the user has set stands.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
