"""Steps from each version of the ``k24_`` tables to the next, run by alembic (``studies/db/migrate.py``)."""
