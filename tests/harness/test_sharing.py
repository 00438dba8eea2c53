"""Policies for others: the packed folder, its model card, and the way to a hub and back."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness.api import Comparison, UsageError, compare, evaluate, load_policy, pull, push
from harness.pull import main as pull_main
from harness.push import main as push_main
from harness.runs.checkpoint import load_policy_content, save_policy
from harness.runs.files import run_folder
from harness.sharing.package import FILES, find_row, pack
from studies.rows import key_of
from tests.harness.conftest import ErrorOf
from tests.harness.fake_hub import FakeHub, running_hub
from tests.harness.test_api import SHORT

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """A run that has learned for a moment on the real engine."""
    folder = tmp_path_factory.mktemp("sharing")
    return compare(algos="k24", seeds=1, storage=f"sqlite:///{folder}/s.db", out=folder / "runs", **SHORT)


@pytest.fixture(scope="module")
def run(made: Comparison) -> Path:
    """The run's folder."""
    return run_folder(made.out, made.name, key_of(made.data.groups["k24", "terran_5_vs_5"][0]))


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeHub]:
    """A stand-in for the hub, and a token that it accepts."""
    pytest.importorskip("huggingface_hub")
    with running_hub() as found:
        monkeypatch.setenv("HF_ENDPOINT", found.address)
        monkeypatch.setenv("HF_TOKEN", "good")
        yield found


def test_a_packed_folder_holds_policy_settings_result_and_card(made: Comparison, run: Path, tmp_path: Path) -> None:
    row = find_row(run, made.storage)
    assert row is not None
    folder = pack(run, tmp_path / "packed", row=row)
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    assert (folder / "policy.pt").read_bytes() == (run / "policy.pt").read_bytes()
    settings = json.loads((folder / "settings.json").read_text())
    assert settings["algorithm"]["name"] == "k24"
    result = json.loads((folder / "result.json").read_text())
    assert (result["win_rate"], result["episodes"], result["env_steps"]) == (row.win_rate, row.episodes, 400)
    assert "study" not in result
    card = (folder / "README.md").read_text()
    assert card.startswith("---\nlibrary_name: k24-harness\n")
    assert f"| win rate | {row.win_rate:.3f} [" in card
    assert repr(load_policy(folder)) == "TrainedPolicy(k24 on terran_5_vs_5, 400 env steps)"
    assert evaluate(load_policy(folder), battles=4).outcomes == evaluate(load_policy(run), battles=4).outcomes


def test_the_hub_reads_the_cards_metadata(made: Comparison, run: Path, tmp_path: Path) -> None:
    library = pytest.importorskip("huggingface_hub")
    row = find_row(run, made.storage)
    data = library.ModelCard.load(pack(run, tmp_path / "packed", row=row) / "README.md").data
    (found,) = data.eval_results
    assert (found.dataset_type, found.metric_type, found.metric_value) == ("terran_5_vs_5", "win_rate", row.win_rate)
    assert "k24" in data.tags


def test_without_a_result_the_card_says_so(run: Path, tmp_path: Path) -> None:
    assert find_row(run, f"sqlite:///{tmp_path}/none.db") is None
    folder = pack(run, tmp_path / "packed")
    assert "The result of this run is unknown." in (folder / "README.md").read_text()
    assert json.loads((folder / "result.json").read_text()) == {}
    with pytest.raises(UsageError, match="a run's folder looks like"):
        pack(tmp_path / "packed" / "nothing", tmp_path / "other")


def test_a_policy_goes_to_a_hub_and_comes_back(made: Comparison, run: Path, hub: FakeHub, tmp_path: Path) -> None:
    assert push(run, "someone/k24-terran", storage=made.storage, private=True) == f"{hub.address}/someone/k24-terran"
    assert sorted(hub.repositories["someone/k24-terran"]) == sorted(FILES)
    assert hub.private["someone/k24-terran"]
    push(run, "someone/k24-terran", storage=made.storage)  # again: the same place
    folder = pull("someone/k24-terran", tmp_path / "mine")
    assert (folder / "policy.pt").read_bytes() == (run / "policy.pt").read_bytes()
    assert evaluate(load_policy(folder), battles=4).outcomes == evaluate(load_policy(run), battles=4).outcomes


def test_the_commands_say_what_they_did(
    made: Comparison, run: Path, hub: FakeHub, tmp_path: Path, capsys: pytest.CaptureFixture[str], error_of: ErrorOf
) -> None:
    trial = str(made.runs()[0]["trial"])
    place = ["--study", made.name, "--storage", made.storage, "--runs", str(made.out)]
    assert push_main([trial, "someone/by-number", *place]) == 0
    assert capsys.readouterr().out == f"uploaded: {hub.address}/someone/by-number\n"
    folder = tmp_path / "by-number"
    assert pull_main(["someone/by-number", "--out", str(folder)]) == 0
    assert f"python -m harness.watch --run {folder}" in capsys.readouterr().out
    assert "win rate" in (folder / "README.md").read_text()
    packed = tmp_path / "packed"
    assert push_main([str(run), "--pack-only", str(packed), "--storage", f"sqlite:///{tmp_path}/none.db"]) == 0
    output = capsys.readouterr()
    assert output.out == f"written: {packed}\n"
    assert "the card says that it is unknown" in output.err
    assert "give USER/NAME on the hub, or --pack-only FOLDER" in error_of(push_main, str(run))
    assert "--private is of an upload" in error_of(push_main, str(run), "--pack-only", str(packed), "--private")


def test_refusals_of_the_hub_say_what_to_do(
    run: Path, hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match=r"pull someone/else failed: .*Log in: hf auth login"):
        pull("someone/else", tmp_path / "else")
    with pytest.raises(UsageError, match=r"push to a/b/c failed: "):
        push(run, "a/b/c")
    monkeypatch.setenv("HF_TOKEN", "bad")
    with pytest.raises(UsageError, match=r"push to someone/else failed: .*401"):
        push(run, "someone/else")
    monkeypatch.setenv("HF_ENDPOINT", NOWHERE)
    with pytest.raises(UsageError, match="another hub: HF_ENDPOINT=URL"):
        push(run, "someone/else")


def test_a_repository_without_a_policy_leaves_the_policy_of_before(run: Path, hub: FakeHub, tmp_path: Path) -> None:
    folder = pack(run, tmp_path / "mine")
    hub.repositories["someone/mine"] = {"README.md": b"another"}
    with pytest.raises(UsageError, match=r"someone/mine on the hub holds no policy\.pt"):
        pull("someone/mine", folder)
    assert "another" not in (folder / "README.md").read_text()
    hub.repositories["someone/mine"] = {"policy.pt": (run / "policy.pt").read_bytes()}
    pull("someone/mine", folder)
    assert [path.name for path in folder.iterdir()] == ["policy.pt"], "what belongs to another policy is gone"


def test_files_of_ones_own_are_kept(run: Path, hub: FakeHub, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("my project")
    with pytest.raises(UsageError, match=r"README\.md is not of a policy's pack and would be replaced"):
        pack(run, tmp_path)
    push(run, "someone/k24")
    with pytest.raises(UsageError, match=r"README\.md is not of a policy's pack"):
        pull("someone/k24", tmp_path)
    assert (tmp_path / "README.md").read_text() == "my project"
    assert not (tmp_path / "policy.pt").exists()


def test_the_address_of_the_database_stays_at_home(made: Comparison, run: Path, tmp_path: Path) -> None:
    row = find_row(run, made.storage)
    assert row is not None
    place = "postgresql://ann@secret.host/runs?a=b&c=d"
    for command, shown in (
        (f"python -m harness.compare --storage '{place}' --seeds 2", "--storage URL --seeds 2"),
        (f"python -m harness.compare '--storage={place}' --seeds 2", "--storage=URL --seeds 2"),
        (f"python -c 'compare(storage=\"{place}\")'", "python -c "),
        (f"python 'a quote that {place}", "python "),
    ):
        folder = pack(run, tmp_path / "mine", row=replace(row, provenance={**row.provenance, "command": command}))
        for name in ("README.md", "result.json"):
            text = (folder / name).read_text()
            assert "secret.host" not in text
            assert shown in text


def test_without_the_library_the_error_says_what_to_type(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(UsageError, match=r"pip install 'k24-harness\[hub\]'"):
        push(run, "someone/else")


def test_a_password_is_not_shown(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--storage", "postgresql://bob:s3cret@127.0.0.1:1/runs"]
    assert push_main([str(run), "--pack-only", str(tmp_path / "packed"), *where]) == 0
    said = capsys.readouterr()
    assert "is not in postgresql://bob:***@127.0.0.1:1/runs" in said.err
    assert "s3cret" not in said.out + said.err


def test_a_policy_that_is_still_in_training_has_no_result(made: Comparison, run: Path, tmp_path: Path) -> None:
    """The same run for another database trains in this folder."""
    folder = tmp_path / run.parent.name / run.name
    folder.mkdir(parents=True)
    content = load_policy_content(run / "policy.pt")
    assert content is not None
    save_policy(folder / "policy.pt", {**content, "env_steps": 200})
    assert find_row(folder, made.storage) is None
