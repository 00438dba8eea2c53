"""Version 2: runs can wait for a worker (``k24_runs.job``), and what a search asks is kept (``k24_searches``)."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column and the table."""
    op.add_column("k24_runs", sa.Column("job", sa.JSON(), nullable=True))
    op.create_table(
        "k24_searches",
        sa.Column("study", sa.String(), nullable=False),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("trials", sa.Integer(), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("owner_host", sa.String(), nullable=True),
        sa.Column("owner_pid", sa.Integer(), nullable=True),
        sa.Column("owner_started", sa.String(), nullable=True),
        sa.Column("heartbeat", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("study", name="pk_k24_searches"),
    )
    op.execute("UPDATE k24_schema SET version = 2")
