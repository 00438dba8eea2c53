"""A battle engine written to be read, not to be fast: the oracle that the compiled one is held against.

It follows docs/engine.md and the facts in ``envs/data``. Objects, lists and plain floats; of the engine it shares the
data files, the scenario and option records, the names of the random draws, and the table of ways round cliffs (which
``tests/oracle/test_ways.py`` checks apart). Start with ``game.py``: one slot, its battles and steps; ``battle.py`` is
one tick.

Where a number is not exact in binary (a missile's place, the direction of a step) the order of operations is part of
the contract, since results are compared bit for bit.
"""
