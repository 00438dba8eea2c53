"""A stored study as tables: runs, learning curves, battles."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from common.values import checked
from harness.api.policy import TrainedPolicy
from harness.cli.errors import UsageError
from harness.policies.trained import read_policy_of
from harness.results.findings import ComparisonReport, compute_report
from harness.results.records import Records, curve_records, outcome_records, run_records
from harness.results.study_data import StudyData, collect
from harness.results.tables import as_markdown, csv_rows
from harness.runs.budget import default_study
from harness.runs.files import run_folder
from harness.runs.process import resolve_device
from studies.db.storage_url import DEFAULT_STORAGE
from studies.reader import StudyReader
from studies.rows import key_of

if TYPE_CHECKING:
    import pandas


class Study:
    """The runs of one study, read once; open it with ``open_study``.

    Args:
        data: what was read.
        title: above the table.
        storage: the database.
        out: folder of checkpoints, ``--out`` of the comparison.
    """

    def __init__(self, data: StudyData, *, title: str, storage: str, out: Path) -> None:
        self.data, self.title, self.storage, self.out = data, title, storage, out

    @property
    def name(self) -> str:
        """The study's name."""
        return self.data.study

    @property
    def algorithms(self) -> list[str]:
        """As the tables name them: ``k24``, or ``k24@0a1b2c`` where a study holds several settings of it."""
        return self.data.algorithms

    @property
    def scenarios(self) -> list[str]:
        """As the tables name them, likewise."""
        return self.data.scenarios

    @cached_property
    def findings(self) -> ComparisonReport:
        """Everything that is said about the finished runs: rows, comparisons, aggregates, curves with bands."""
        return compute_report(self.data.groups, self.data, title=self.title)

    def runs(self) -> Records:
        """Every run with its state, result and settings."""
        return run_records(self.data)

    def curves(self) -> Records:
        """Every evaluation made in training."""
        return curve_records(self.data)

    def outcomes(self) -> Records:
        """Every battle of the final evaluations."""
        return outcome_records(self.data)

    def table(self) -> str:
        """The table of the comparison with verdicts and notes, as Markdown."""
        return as_markdown(self.findings)

    def to_pandas(self) -> pandas.DataFrame:
        """The table's rows, one for each algorithm and scenario.

        Raises:
            ImportError: pandas is not installed.
        """
        return Records(csv_rows(self.findings)).to_pandas()

    @checked(UsageError)
    def policy(
        self,
        algorithm: str,
        scenario: str | None = None,
        *,
        seed: int | None = None,
        device: str | torch.device = "cpu",
    ) -> TrainedPolicy:
        """Load the trained policy of a finished run.

        Args:
            algorithm: as ``algorithms`` lists it.
            scenario: may be left out where the study has only one.
            seed: ``None``: the first that has finished.
            device: where its network computes.

        Raises:
            UsageError: there is no such finished run, or its checkpoint is not in ``out``.
        """
        found = [
            (where, run)
            for name, where, run in self.data.finished()
            if name == algorithm and where == (scenario or where) and run.seed == (run.seed if seed is None else seed)
        ]
        known = ", ".join(f"{name} {where} seed {run.seed}" for name, where, run in self.data.finished())
        if not found:
            wanted = " ".join([algorithm, *filter(None, [scenario]), *([] if seed is None else [f"seed {seed}"])])
            raise UsageError(f"study {self.name} has no finished run {wanted}; finished: {known or 'none'}")
        if scenario is None and len({where for where, _ in found}) > 1:
            raise UsageError(f"study {self.name} has {algorithm} on several scenarios; name one; finished: {known}")
        run = found[0][1]
        file = read_policy_of(run, run_folder(self.out, self.name, key_of(run)))
        return TrainedPolicy(file, file.restore(resolve_device(str(device))))

    def __repr__(self) -> str:
        finished, begun = (sum(1 for _ in runs) for runs in (self.data.finished(), self.data.unfinished()))
        return f"{type(self).__name__}({self.name!r}: {finished} of {finished + begun} runs finished)"

    def _repr_markdown_(self) -> str:
        """Return the table for a notebook."""
        return self.table() if self.findings.rows else repr(self)


@checked(UsageError)
def open_study(
    study: str = default_study("quick", None), *, storage: str = DEFAULT_STORAGE, out: str | Path = "runs"
) -> Study:
    """Read a study; nothing is written.

    Args:
        study: its name.
        storage: the database, as ``--storage`` names it.
        out: folder of checkpoints, only for ``Study.policy``.

    Raises:
        StorageError: there is no such database or study, or it cannot be read.
    """
    with StudyReader.open_existing(storage, study) as store:
        data = collect(store, study)
    return Study(data, title=study, storage=storage, out=Path(out))
