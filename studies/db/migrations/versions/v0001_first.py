"""Version 1: the tables as the program made them before it knew migrations. Such a database is stamped, not made."""

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Do nothing: a database of this version has its tables."""
