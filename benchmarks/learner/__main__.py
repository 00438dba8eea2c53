"""``python -m benchmarks.learner``: see ``update.py``."""

from benchmarks.learner.update import main

if __name__ == "__main__":  # the processes that it spawns read this file too
    main()
