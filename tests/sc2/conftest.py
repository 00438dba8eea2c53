"""smacv2 can be imported from the checkout that SMACV2_SOURCE names, where it is not installed."""

from __future__ import annotations

import os
import sys

from envs.sc2.process import SOURCE

if os.environ.get(SOURCE):
    sys.path.append(os.environ[SOURCE])
