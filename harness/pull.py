"""Download a trained policy that ``harness.push`` has uploaded to the Hugging Face hub.

python -m harness.pull USER/NAME --out my_policy
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence

from harness.cli.common import ALL_DONE, command
from harness.flags.study import pull_parser


@command("the download is not complete")
def main(argv: Sequence[str]) -> int:
    """Download a policy; returns the exit code: 0, or 2 for a mistake in the command."""
    flags = pull_parser().parse_args(argv)
    from harness.sharing.hub import pull

    folder = pull(flags.name, flags.out or flags.name.rpartition("/")[2], revision=flags.revision)
    watch = shlex.join(["python", "-m", "harness.watch", "--run", str(folder)])
    print(f"downloaded: {folder}; in Python: load_policy({str(folder)!r}); as a video: {watch}")
    return ALL_DONE


if __name__ == "__main__":
    sys.exit(main())
