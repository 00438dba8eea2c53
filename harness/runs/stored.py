"""The studies that a command reads instead of writing: they must be there already."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from harness.cli.errors import unknown_name
from studies.db.storage_url import without_passwords
from studies.reader import StudyReader


@contextmanager
def stored_study(storage: str, study: str) -> Iterator[StudyReader]:
    """Open a study that holds runs; nothing is written, so a file that may not be written will do.

    Args:
        storage: as ``StudyStore.open`` takes it.
        study: its name.

    Raises:
        UsageError: the database holds no such study.
        StorageError: there is no such database, or it cannot be read.
    """
    with StudyReader.open(storage, study) as reader:
        known = reader.studies()
        if study not in known:
            raise unknown_name("study", study, known, hint=f"It is looked for in {without_passwords(storage)}.")
        yield reader
