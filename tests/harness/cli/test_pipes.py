"""A reader that leaves, such as ``head``, ends a command without a traceback."""

from __future__ import annotations

import subprocess
import sys

import pytest

from harness.cli.streams import LEFT
from tests.test_layering import ROOT


@pytest.mark.parametrize("words", [["harness"], ["harness.baselines", "--help"], ["harness.watch", "--help"]])
def test_nothing_is_said_when_the_reader_has_left(words: list[str]) -> None:
    pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with subprocess.Popen([sys.executable, "-m", *words], cwd=ROOT, **pipes) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        program.stdout.close()
        assert program.stderr.read() == ""
    assert program.returncode in (0, LEFT)  # argparse itself is silent where it cannot write its help


def test_a_command_that_is_read_to_its_end_returns_its_code() -> None:
    command = [sys.executable, "-m", "harness", "nothing"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "unknown command 'nothing'" in done.stderr
