"""The leaderboard: results of several databases on one page, which needs nothing else and quotes nothing unescaped."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.cli.common import ALL_DONE
from harness.leaderboard import FILTERS, main, ranked, read_entries
from studies.rows import RunKey
from studies.search import SearchStudy
from studies.store import StudyStore
from tests.harness.conftest import ErrorOf, Printed
from tests.harness.report.browser import needs_browser, visit
from tests.harness.report.test_page import Outline
from tests.studies.sample import PROVENANCE, RESULT, turn_reading, url


def add_run(
    path: Path,
    study: str = "s",
    algorithm: str = "k24",
    scenario: str = "map",
    seed: int = 0,
    *,
    wins: int = 16,
    measured: bool = False,
    settings: dict[str, Any] | None = None,
    options: dict[str, Any] | None = None,
    commit: str = "abc",
    **result: Any,
) -> None:
    """Store one finished run of 32 battles."""
    config = {"algorithm": settings or {"lr": 0.1}, "env": {"scenario": scenario, **(options or {})}}
    key = RunKey(algorithm=algorithm, scenario=scenario, seed=seed, config_hash=f"{hash(str(config)):x}")
    with StudyStore.open(url(path), study) as store:
        run = store.begin(key, config=config, provenance={**PROVENANCE, "commit": commit})
        row = run.finish(replace(RESULT, **{"wins": wins, "win_rate": wins / 32, **result}))
        if measured:
            store.store_readings({row.run_id: turn_reading("cpu")})


def words(tmp_path: Path, *databases: str, flags: tuple[str, ...] = ()) -> list[str]:
    """Flags of the command with ``page.html`` as its page, on these databases and with these flags."""
    storages = [word for name in databases for word in ("--storage", url(tmp_path / name))]
    return [*storages, "--out", str(tmp_path / "page.html"), *flags]


def page(tmp_path: Path, *databases: str, flags: tuple[str, ...] = ()) -> str:
    """The page that the command writes."""
    assert main(words(tmp_path, *databases, flags=flags)) == ALL_DONE
    return (tmp_path / "page.html").read_text(encoding="utf-8")


def entries_in(tmp_path: Path, *databases: str, studies: Sequence[str] = ()) -> list[dict[str, Any]]:
    return ranked(read_entries([url(tmp_path / name) for name in databases], studies))


def entries_of(text: str) -> list[dict[str, Any]]:
    """What the page's own script reads."""
    found = re.search(r"const entries = (.*);$", text, flags=re.MULTILINE)
    assert found
    entries: list[dict[str, Any]] = json.loads(found[1])
    return entries


def choices(text: str, name: str) -> list[str]:
    """Values that a filter of the page offers, ``all`` aside."""
    found = re.search(rf'<select name="{name}">(.*?)</select>', text, flags=re.DOTALL)
    assert found
    return [html.unescape(value) for value in re.findall(r'<option value="([^"]+)">', found[1])]


def test_the_results_of_one_study(tmp_path: Path, printed: Printed) -> None:
    for seed, wins in enumerate((16, 32)):
        add_run(tmp_path / "a.db", algorithm="k24", seed=seed, wins=wins, commit="0123456789abcdef")
    add_run(tmp_path / "a.db", algorithm="qmix", wins=8, speedup_24=1.5, speedup_24_reason="")
    first, second = entries_of(page(tmp_path, "a.db"))
    assert printed() == f"written: {tmp_path}/page.html (2 results, opens in a browser)\n"
    expected = {"rank": 1, "algorithm": "k24", "scenario": "map", "study": "s", "win_rate": 0.75, "seeds": 2}
    assert first.items() >= {**expected, "battles": 64, "commit": "0123456789", "speedup_24": None}.items()
    assert second.items() >= {"rank": 2, "algorithm": "qmix", "win_rate": 0.25, "speedup_24": 1.5}.items()
    assert second["win_low"] < 0.25 < second["win_high"]
    assert (first["decisions"], first["settings"]) == (None, ""), "nothing was measured, and settings do not differ"


def test_a_database_that_is_named_in_two_ways_is_read_once(tmp_path: Path) -> None:
    add_run(tmp_path / "a.db")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link.db").symlink_to(tmp_path / "a.db")
    assert len(entries_in(tmp_path, "a.db", "folder/../a.db", "link.db", "a.db")) == 1


def test_several_databases_share_a_page(tmp_path: Path) -> None:
    add_run(tmp_path / "a.db", "one", "k24", "map_a", wins=8)
    add_run(tmp_path / "b.db", "two", "qmix", "map_a", wins=16, device="cuda")
    add_run(tmp_path / "b.db", "two", "qmix", "map_b")
    text = page(tmp_path, "a.db", "b.db")
    found = [(entry["scenario"], entry["rank"], entry["algorithm"]) for entry in entries_of(text)]
    assert found == [("map_a", 1, "qmix"), ("map_a", 2, "k24"), ("map_b", 1, "qmix")]
    known = {"scenario": ["map_a", "map_b"], "algorithm": ["k24", "qmix"], "study": ["one", "two"]}
    assert {name: choices(text, name) for name in FILTERS} == {**known, "device": ["cpu", "cuda"]}


def test_a_study_counts_once_however_often_it_is_named(tmp_path: Path) -> None:
    for study in ("one", "two"):
        add_run(tmp_path / "a.db", study)
    text = page(tmp_path, "a.db", "a.db", flags=("--study", "two,two"))
    assert [entry["study"] for entry in entries_of(text)] == ["two"]


def test_a_study_may_be_in_any_of_the_databases(tmp_path: Path, error_of: ErrorOf) -> None:
    add_run(tmp_path / "a.db", "one")
    add_run(tmp_path / "b.db", "two")
    text = page(tmp_path, "a.db", "b.db", flags=("--study", "two"))
    assert [entry["study"] for entry in entries_of(text)] == ["two"]
    error = error_of(main, *words(tmp_path, "a.db", "b.db", flags=("--study", "tow")))
    assert error.startswith("error: unknown study 'tow'; did you mean two? Known: one, two. It is looked for in")
    assert error.count("sqlite:") == 2


def test_settings_that_differ_are_shown(tmp_path: Path) -> None:
    add_run(tmp_path / "a.db", settings={"lr": 0.1})
    add_run(tmp_path / "a.db", settings={"lr": 0.2})
    found = entries_in(tmp_path, "a.db")
    assert [entry["settings"] for entry in found] == ["algorithm.lr = 0.1", "algorithm.lr = 0.2"]
    assert all(re.fullmatch(r"k24@[0-9a-f]{6}", entry["algorithm"]) for entry in found)


def test_options_of_a_world_are_other_scenarios(tmp_path: Path) -> None:
    """An easier world does not compete with a harder one of the same name."""
    for sight, wins in ((9, 8), (90, 16)):
        add_run(tmp_path / "a.db", wins=wins, options={"sight": sight})
    found = entries_in(tmp_path, "a.db")
    assert {entry["settings"] for entry in found} == {"env.sight = 9", "env.sight = 90"}
    assert len({entry["scenario"] for entry in found}) == 2
    assert [entry["rank"] for entry in found] == [1, 1]


def test_ranks_are_within_a_length_and_go_by_return_where_no_one_wins(tmp_path: Path) -> None:
    no_winners: dict[str, Any] = {"wins": 0, "details": {"can_be_won": False}}
    for number, algorithm in enumerate(("k24", "qmix", "kalei")):
        add_run(tmp_path / "a.db", algorithm=algorithm, scenario="spread", return_mean=number - 9.0, **no_winners)
    add_run(tmp_path / "a.db", algorithm="rule", scenario="spread", env_steps=9000, return_mean=-50.0, **no_winners)
    found = entries_in(tmp_path, "a.db")
    ranks = [(entry["algorithm"], entry["rank"]) for entry in found]
    assert ranks == [("kalei", 1), ("qmix", 2), ("k24", 3), ("rule", 1)]
    assert {entry["win_rate"] for entry in found} == {None}


def test_unfinished_runs_make_no_page(tmp_path: Path, error_of: ErrorOf) -> None:
    with StudyStore.open(url(tmp_path / "a.db"), "s") as store:
        key = RunKey(algorithm="k24", scenario="map", seed=0, config_hash="1")
        store.begin(key, config={}, provenance=PROVENANCE)
    StudyStore.open(url(tmp_path / "b.db"), "empty").close()
    places = f"sqlite:///{tmp_path}/a.db, sqlite:///{tmp_path}/b.db"
    error = error_of(main, *words(tmp_path, "a.db", "b.db"))
    assert error.startswith(f"error: no finished run was found in {places}; make some: python -m harness.compare; runs")
    error = error_of(main, *words(tmp_path, "b.db", flags=("--study", "empty")))
    assert "unknown study 'empty'; known: none. It is looked for in sqlite:" in error
    assert not (tmp_path / "page.html").exists()


def test_a_missing_database_is_named_and_not_made(tmp_path: Path, error_of: ErrorOf) -> None:
    add_run(tmp_path / "a.db")
    error = error_of(main, *words(tmp_path, "a.db", "none.db"))
    assert re.match(r"error: There is no database \S+none\.db\. Make one: python -m harness\.compare", error)
    assert not {"none.db", "page.html"} & {path.name for path in tmp_path.iterdir()}


def test_pages_that_cannot_be_written(tmp_path: Path, error_of: ErrorOf) -> None:
    add_run(tmp_path / "a.db")
    (tmp_path / "folder.html").mkdir()
    mistakes = {
        "page.pdf": "page.pdf: the leaderboard is an HTML page; name a file such as",
        "folder.html": "folder.html cannot be written (Is a directory)",
        "a.db/page.html": "cannot be written",
    }
    for out, message in mistakes.items():
        assert message in error_of(main, *words(tmp_path, "a.db", flags=("--out", str(tmp_path / out))))
    assert main(words(tmp_path, "a.db", flags=("--out", str(tmp_path / "new" / "page.HTM")))) == ALL_DONE


ODD = {"script": "</script><script>document.title='bad'</script>", "quotes": "a\"b'c & <b>", "spaces": "two  spaces "}
"""Names that would break out of the page's script, or out of an attribute, or that a browser would shorten."""


def test_odd_names_stay_text(tmp_path: Path) -> None:
    for name in ODD.values():
        add_run(tmp_path / "a.db", study=name, device=name, settings={"lr": name})
    text = page(tmp_path, "a.db")
    outline = Outline(text)
    assert (outline.faults, outline.open) == ([], [])
    assert [tag for tag, _ in outline.tags].count("script") == 1
    assert "<b>" not in text
    assert choices(text, "study") == choices(text, "device") == sorted(ODD.values())
    assert {entry["study"] for entry in entries_of(text)} == set(ODD.values())


def test_the_page_needs_nothing_beside_it(tmp_path: Path) -> None:
    add_run(tmp_path / "a.db")
    text = page(tmp_path, "a.db")
    outline = Outline(text)
    assert outline.attributes("src") == outline.attributes("href") == outline.attributes("action") == []
    assert not [tag for tag, _ in outline.tags if tag in ("link", "iframe", "object", "embed", "img")]
    assert not re.search(r"url\(|@import|https?:|fetch\(|XMLHttpRequest|import\(", text)
    assert "default-src 'none'" in text


PROBE = """
<script>
addEventListener("load", () => {
  const form = document.getElementById("filters");
  const shown = () => [...document.querySelectorAll("#rows tr")].map((row) => row.children[1].textContent);
  const choose = (name, value) => { form[name].value = value; form.dispatchEvent(new Event("input")); return shown(); };
  const heads = () => [...document.querySelectorAll("#heads button")];
  const seen = { all: shown(), heads: heads().map((head) => head.textContent), filtered: {} };
  seen.cells = [...document.querySelector("#rows tr").children].map((cell) => cell.textContent);
  for (const select of form.querySelectorAll("select")) {
    for (const value of [...select.options].map((option) => option.value).filter(Boolean)) {
      seen.filtered[`${select.name} ${value}`] = choose(select.name, value);
    }
    choose(select.name, "");
  }
  seen.text = choose("text", "QMIX"); choose("text", "");
  seen.seeds = choose("seeds", "2"); choose("seeds", "1");
  seen.sorted = {};
  for (const head of heads()) { head.click(); seen.sorted[head.textContent] = shown(); }
  seen.count = document.getElementById("count").textContent;
  seen.title = document.title;
  document.body.dataset.seen = JSON.stringify(seen);
});
</script>
"""


@needs_browser
def test_a_browser_filters_and_sorts(tmp_path: Path) -> None:
    """Runs that were measured stand beside runs that were not, and worlds with winners beside one without."""
    add_run(tmp_path / "a.db", ODD["script"], "k24", seed=0, measured=True)
    add_run(tmp_path / "a.db", ODD["script"], "k24", seed=1, measured=True)
    add_run(tmp_path / "a.db", ODD["spaces"], "qmix", wins=8, speedup_24=1.5, speedup_24_reason="")
    add_run(tmp_path / "b.db", ODD["quotes"], "kalei", "spread", wins=0, details={"can_be_won": False})
    page(tmp_path, "a.db", "b.db")
    visited = visit(tmp_path / "page.html", tmp_path / "browser", probe=PROBE)
    assert visited.complaints == []
    seen = visited.seen
    assert seen["all"] == ["k24", "qmix", "kalei"]
    assert (seen["title"], seen["count"]) == ("Leaderboard", "3 of 3 results")
    assert "settings" not in seen["heads"], "a column without a value is left out"
    cells = dict(zip(seen["heads"], seen["cells"], strict=True))
    assert cells["study"] == ODD["script"]
    assert (cells["decisions/s"], cells["2:4 speed-up"]) == ("1.23k", "n/a")
    studies = {"script": ["k24"], "spaces": ["qmix"], "quotes": ["kalei"]}
    assert {name: seen["filtered"][f"study {ODD[name]}"] for name in ODD} == studies
    assert seen["filtered"]["scenario map"] == ["k24", "qmix"]
    assert seen["filtered"]["algorithm kalei"] == ["kalei"]
    assert (seen["text"], seen["seeds"]) == (["qmix"], ["k24"])
    assert seen["sorted"]["algorithm"] == ["k24", "kalei", "qmix"]
    assert seen["sorted"]["win rate [95%]"] == ["k24", "qmix", "kalei"]
    assert seen["sorted"]["decisions/s"][0] == "k24"


def test_runs_of_a_search_compete_only_where_they_are_named(tmp_path: Path) -> None:
    """Their seeds chose the settings, so the best of them is no fair result."""
    add_run(tmp_path / "a.db", "plain")
    add_run(tmp_path / "a.db", "tuned-runs", wins=30)
    with SearchStudy.open(url(tmp_path / "a.db"), "tuned", request={"jobs": []}, trials=1):
        assert {entry["study"] for entry in entries_in(tmp_path, "a.db")} == {"plain"}
        named = entries_in(tmp_path, "a.db", studies=["tuned-runs"])
        assert {entry["study"] for entry in named} == {"tuned-runs"}


def test_worlds_and_settings_of_different_studies_are_kept_apart(tmp_path: Path) -> None:
    add_run(tmp_path / "a.db", "easy", wins=24, options={"sight": 90})
    add_run(tmp_path / "a.db", "hard", wins=8, options={"sight": 9})
    add_run(tmp_path / "b.db", "hard", wins=16, options={"sight": 9}, settings={"lr": 0.5})
    found = entries_in(tmp_path, "a.db", "b.db")
    assert sorted((entry["study"], entry["rank"]) for entry in found) == [("easy", 1), ("hard", 1), ("hard", 2)]
    assert len({entry["scenario"] for entry in found}) == 2
    assert len({entry["settings"] for entry in found}) == 3
