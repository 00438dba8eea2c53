"""Version 3: decisions/s are measured in turn (``k24_throughput``), and a run's hash leaves out how it is evaluated."""

import hashlib
import json

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add both tables, and name runs by what their training depends on."""
    _rename_runs()
    op.create_table(
        "k24_throughput",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("session", sa.String(), nullable=False),
        sa.Column("measured", sa.Double(), nullable=False),
        sa.Column("decisions_per_second", sa.Double(), nullable=False),
        sa.Column("low", sa.Double(), nullable=False),
        sa.Column("high", sa.Double(), nullable=False),
        sa.Column("rounds", sa.Integer(), nullable=False),
        sa.Column("batch", sa.Integer(), nullable=False),
        sa.Column("dtype", sa.String(), nullable=False),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("machine", sa.Text(), nullable=False),
        sa.Column("load", sa.Double(), nullable=False),
        sa.Column("quiet", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["k24_runs.id"], name="fk_k24_throughput_run_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", name="pk_k24_throughput"),
    )
    op.create_table(
        "k24_machines",
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("owner_host", sa.String(), nullable=True),
        sa.Column("owner_pid", sa.Integer(), nullable=True),
        sa.Column("owner_started", sa.String(), nullable=True),
        sa.Column("heartbeat", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("host", name="pk_k24_machines"),
    )
    op.execute("UPDATE k24_schema SET version = 2")


def _rename_runs() -> None:
    """Two runs of a study that differ in their evaluation alone keep their names: one would hide the other."""
    runs = sa.table(
        "k24_runs",
        *(sa.column(name, kind) for name, kind in (("id", sa.Integer), ("seed", sa.Integer))),
        *(sa.column(name, sa.String) for name in ("study", "algorithm", "scenario", "config_hash")),
        *(sa.column(name, sa.JSON(none_as_null=True)) for name in ("config", "job")),
    )
    connection = op.get_bind()
    rows = connection.execute(sa.select(runs)).all()
    names: dict[tuple[object, ...], list[sa.Row]] = {}
    for row in rows:
        if isinstance(row.config, dict) and "evaluation" in row.config:
            names.setdefault((row.study, row.algorithm, row.scenario, row.seed, _hash(row.config)), []).append(row)
    for (*_, name), same in names.items():
        if len(same) > 1:
            continue
        job = None if same[0].job is None else {**same[0].job, "config_hash": name}
        connection.execute(sa.update(runs).where(runs.c.id == same[0].id).values(config_hash=name, job=job))


def _hash(config: dict[str, object]) -> str:
    """As programs of this version name a run; later ones may do otherwise, this step never."""
    training = {part: value for part, value in config.items() if part != "evaluation"}
    text = json.dumps(training, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
