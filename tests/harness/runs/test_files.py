"""Files that are whole or not there at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.runs.files import atomic_write, remove_drafts


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("old")
    with atomic_write(path) as draft:
        assert draft.suffix == ".html", "writers choose the format by it"
        draft.write_text("new")
        assert path.read_text() == "old"
    assert (path.read_text(), os.listdir(tmp_path)) == ("new", ["page.html"])
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask(), "readable by whom the umask lets, unlike temporary files"


def umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_two_at_once_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    with atomic_write(path) as mine:
        mine.write_text("mine")
        with atomic_write(path) as theirs:
            theirs.write_text("theirs")
        assert path.read_text() == "theirs"
    assert (path.read_text(), os.listdir(tmp_path)) == ("mine", ["page.html"])


def test_after_a_failure_the_file_is_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("old")

    def write(text: str) -> None:
        with atomic_write(path) as draft:
            draft.write_text(text)
            raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        write("ha")
    assert (path.read_text(), os.listdir(tmp_path)) == ("old", ["page.html"])


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "run[1].pt"
    for name in ("run[1].pt", ".run[1]-0123.part.pt", ".other-0123.part.pt"):
        (tmp_path / name).write_text(name)
    remove_drafts(path)
    assert sorted(os.listdir(tmp_path)) == [".other-0123.part.pt", "run[1].pt"]
