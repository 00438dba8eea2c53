"""What ``--storage`` names, and what is shown of it."""

from __future__ import annotations

import pytest

from studies.db.errors import StorageError
from studies.db.storage_url import parse_storage_url, without_passwords


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("postgresql://ann:se:cret@host:5432/k24", "postgresql://ann:***@host:5432/k24"),
        ("postgresql://me:p@ss@host/k24", "postgresql://me:***@host/k24"),
        ("postgresql://me:p/ss@host/k24", "postgresql://me:***@host/k24"),
        ("a://b:c@d/e,f://g:h@i/j", "a://b:***@d/e,f://g:***@i/j"),
        ("postgresql://host/k24?sslpassword=secret&user=ann", "postgresql://host/k24?sslpassword=***&user=ann"),
        ("postgresql://:secret@host/k24", "postgresql://:***@host/k24"),
        ("postgresql://host/k24?password=secret&user=ann", "postgresql://host/k24?password=***&user=ann"),
        (
            "compare --storage 'postgresql://host/k24?user=ann&password=secret' --seeds 2",
            "compare --storage 'postgresql://host/k24?user=ann&password=***' --seeds 2",
        ),
        ("postgresql://ann@host/k24?a=b:c@d", "postgresql://ann@host/k24?a=b:c@d"),
        ("sqlite:///a:b@c/studies.db", "sqlite:///a:b@c/studies.db"),
        ("--set env.rules=2023", "--set env.rules=2023"),
    ],
)
def test_passwords_are_not_shown(typed: str, shown: str) -> None:
    assert without_passwords(typed) == shown


@pytest.mark.parametrize("end", ["ann:{}@host/k24", "ann@host/k24?password={}"])
def test_a_place_is_shown_without_its_password_and_reached_with_it(end: str) -> None:
    place = parse_storage_url("postgresql://" + end.format("secret"))
    assert place.address == "postgresql+psycopg://" + end.format("secret")
    assert place.redacted == "postgresql+psycopg://" + end.format("***")
    assert str(place) == "postgresql://" + end.format("***")


@pytest.mark.parametrize(
    ("storage", "message"),
    [
        (
            "mysql://ann:secret@host/k24",
            "starts with 'mysql'; studies are kept in SQLite files or on a PostgreSQL server",
        ),
        ("postgresql://ann:secret@host", "names no database of the server"),
        ("postgresql://ann:secret@host:99999/k24", "names port 99999, a port is 1 to 65535"),
        ("postgres ://ann:secret@host/k24", "is not a URL"),
        ("sqlite://ann:secret@/:memory:", "names no plain file"),
        ("runs/studies.db", "is not a URL. Type: --storage sqlite:///runs/studies.db"),
    ],
)
def test_a_refused_storage_is_shown_without_its_password(storage: str, message: str) -> None:
    with pytest.raises(StorageError) as refused:
        parse_storage_url(storage)
    assert message in str(refused.value)
    assert "secret" not in str(refused.value)
