"""Upload a trained policy to the Hugging Face hub, with its settings, its result and a model card.

python -m harness.push runs/compare-quick/k24-terran_5_vs_5-seed0-0123456789ab USER/NAME
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from harness.cli.common import ALL_DONE, command, parse_flags
from harness.cli.errors import UsageError
from harness.flags.study import push_parser
from harness.policies.trained import folder_of_run
from studies.db.storage_url import without_passwords


@command("nothing was uploaded")
def main(argv: Sequence[str]) -> int:
    """Pack a policy and upload it; returns the exit code: 0, or 2 for a mistake in the command."""
    flags = parse_flags(push_parser, argv)
    if (flags.name is None) == (flags.pack_only is None):
        raise UsageError("give USER/NAME on the hub, or --pack-only FOLDER to upload nothing")
    if flags.private and flags.name is None:
        raise UsageError("--private is of an upload, and --pack-only uploads nothing; leave one of them out")
    from harness.sharing.hub import push
    from harness.sharing.package import find_row, pack

    run = folder_of_run(flags.run, study=flags.study, storage=flags.storage, out=flags.runs)
    row = find_row(run, flags.storage)
    if row is None:
        database = without_passwords(flags.storage)
        print(f"the result of {run} is not in {database}; the card says that it is unknown", file=sys.stderr)
    if flags.pack_only is not None:
        print(f"written: {pack(run, flags.pack_only, row=row)}")
    else:
        print(f"uploaded: {push(run, flags.name, storage=flags.storage, private=flags.private)}")
    return ALL_DONE


if __name__ == "__main__":
    sys.exit(main())
