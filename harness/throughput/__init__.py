"""How fast a policy decides, and what its 2:4 zeros are worth on sparse tensor cores.

    python -m harness.throughput                    the table; docs/THROUGHPUT.md says how to read it

``decisions.py`` times ``act`` as it is, ``speedup24.py`` gives one trained policy's 2:4 speed-up: both belong to every
row of ``harness.compare``. The command measures a grid (``command.py``): for each cell (``cell.py``) every layer alone
(``layers.py``) and the whole agent (``agent.py``) in each way to store its weights (``ways.py``, ``backends.py``).
"""
