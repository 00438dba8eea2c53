"""How fast a policy decides, and what its 2:4 zeros are worth on sparse tensor cores.

    python -m harness.throughput                    the tables; docs/throughput.md says how to read them

``decisions.py`` times ``act`` as it is, ``speedup24.py`` gives one trained policy's 2:4 speed-up: both belong to every
row of ``harness.compare``. The command (``command.py``) sweeps a grid (``sweep.py``): for each cell (``cell.py``) every
layer alone and the whole agent (``policy_pass.py``) in each way to store their weights (``ways.py``, ``backends.py``),
checked, timed against each other and, once chosen, timed again (``race.py``). ``limits.py`` computes what a card
cannot beat.
"""
