"""``python -m harness.throughput``."""

import sys

from harness.throughput.command import main

if __name__ == "__main__":
    sys.exit(main())
