"""Version 4: trials of a search are rows of the run queue (``k24_runs``), and a search has no owner of its own."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_SEARCHES = sa.table(
    "k24_searches",
    sa.column("study", sa.String),
    sa.column("request", sa.JSON),
    sa.column("trials", sa.Integer),
    sa.column("created", sa.Double),
)
_RUNS = sa.table(
    "k24_runs",
    *(sa.column(name, sa.Integer) for name in ("id", "seed")),
    *(sa.column(name, sa.String) for name in ("study", "algorithm", "scenario", "config_hash", "state")),
    *(sa.column(name, sa.JSON) for name in ("config", "job")),
    *(sa.column(name, sa.Double) for name in ("created", "heartbeat")),
)
_ATTRIBUTES = sa.table(
    "trial_user_attributes",
    sa.column("trial_id", sa.Integer),
    sa.column("key", sa.String),
    sa.column("value_json", sa.Text),
)


def upgrade() -> None:
    """Give every search its rows, then drop its owner."""
    connection = op.get_bind()
    has_trials = sa.inspect(connection).has_table("trial_user_attributes")
    for search in connection.execute(sa.select(_SEARCHES)).all():
        answered, left = _trials(search.study) if has_trials else (0, [])
        for place in range(search.trials):
            row = {"study": search.study, "seed": place, "config_hash": "trial of a search", "config": {}, "job": {}}
            state = "finished" if place < answered else "queued"
            times = {"created": search.created, "heartbeat": 0.0}
            connection.execute(sa.insert(_RUNS).values(**row, algorithm="", scenario="", state=state, **times))
        waiting = connection.execute(sa.select(_RUNS.c.id).filter_by(study=search.study, state="queued")).scalars()
        for run, trial in zip(list(waiting), left, strict=False):
            _keep_settings(trial, run)
        request = {name: value for name, value in search.request.items() if name != "heartbeat"}
        connection.execute(sa.update(_SEARCHES).filter_by(study=search.study).values(request=request))
    with op.batch_alter_table("k24_searches") as table:
        for column in ("owner_host", "owner_pid", "owner_started", "heartbeat"):
            table.drop_column(column)


def _trials(study: str) -> tuple[int, list[int]]:
    """Count the answered trials of a search, and return the ids of those begun or repeated and not answered."""
    question = sa.text(
        "SELECT t.trial_id, t.number, t.state FROM trials t JOIN studies s ON s.study_id = t.study_id "
        "WHERE s.study_name = :study ORDER BY t.number"
    )
    connection = op.get_bind()
    trials = connection.execute(question, {"study": study}).all()
    failed, repeated = set(), set()
    for trial_id, key, value in connection.execute(sa.select(_ATTRIBUTES)):
        if key == "error":
            failed.add(trial_id)
        elif key == "again_of":
            repeated.add((trial_id, json.loads(value)))
    answered = sum(trial.state in ("COMPLETE", "PRUNED") or trial.trial_id in failed for trial in trials)
    of_study = {trial.trial_id for trial in trials}
    again = {number for trial_id, number in repeated if trial_id in of_study}
    left = [
        trial.trial_id
        for trial in trials
        if trial.state not in ("COMPLETE", "PRUNED") and trial.trial_id not in failed and trial.number not in again
    ]
    return answered, left


def _keep_settings(trial: int, run: int) -> None:
    """End a trial that was not answered, and let its row try the same settings."""
    connection = op.get_bind()
    connection.execute(sa.text("UPDATE trials SET state = 'FAIL' WHERE trial_id = :id"), {"id": trial})
    for key, value in (("run_id", str(run)), ("stopped", "true")):
        there = {"trial_id": trial, "key": key}
        connection.execute(sa.delete(_ATTRIBUTES).filter_by(**there))
        connection.execute(sa.insert(_ATTRIBUTES).values(**there, value_json=value))
