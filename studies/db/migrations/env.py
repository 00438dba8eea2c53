"""Alembic's entry point: run the steps on the connection that ``studies/db/migrate.py`` hands over."""

from alembic import context

from studies.db.migrate import VERSION_TABLE
from studies.db.schema import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,  # SQLite changes a table by rewriting it
)
context.run_migrations()
