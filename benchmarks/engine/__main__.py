"""``python -m benchmarks.engine``: see ``speed.py``."""

from benchmarks.engine.speed import main

main()
