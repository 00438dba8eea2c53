"""Measure how fast a policy decides, and what 2:4 compression gains.

``decisions`` times ``act`` as it is, ``speedup24`` gives one trained policy's 2:4 speed-up: both belong to every row of
``harness.compare``. A grid point (``grid_point``) is every layer alone and the whole agent (``policy_pass``) in every
storage format (``storage_formats``, ``kernels``), checked, timed against each other and, once chosen, timed again
(``compare_kernels``). ``record`` keeps grid points in a file. ``benchmarks.learner.roofline`` says what a card cannot
beat.
"""
