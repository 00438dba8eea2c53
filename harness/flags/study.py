"""Flags that name a stored study or a run of it, and those of the commands on one."""

from __future__ import annotations

from harness.cli.common import Parser, add_import, add_setting
from harness.runs.budget import default_study
from studies.db.storage_url import DEFAULT_STORAGE


def add_study(parser: Parser, study: str = "which study", storage: str = "its database") -> None:
    """Add ``--study`` and ``--storage`` with these words of help."""
    add = parser.add_argument
    add("--study", default=default_study("quick", None), metavar="NAME", help=f"{study} (default: %(default)s)")
    add("--storage", default=DEFAULT_STORAGE, metavar="URL", help=f"{storage} (default: %(default)s)")


def add_runs(parser: Parser) -> None:
    """Add ``--runs``."""
    parser.add_argument(
        "--runs", default="runs", metavar="FOLDER", help="--out of harness.compare (default: %(default)s)"
    )


def delete_parser() -> Parser:
    found = Parser("delete", "Delete runs of a study from the database.")
    add = found.add_argument
    add("--study", required=True, metavar="NAME", help="which study")
    add("--storage", default=DEFAULT_STORAGE, metavar="URL", help="its database (default: %(default)s)")
    add("--runs", metavar="ID,ID", help="ids of runs; without --yes they are listed")
    add("--all", action="store_true", help="every run, and the study itself")
    add("--yes", action="store_true", help="delete them (default: list them)")
    return found


def patterns_parser() -> Parser:
    found = Parser("patterns", "Show how the masks of a study's finished runs are used: tables, CSV and pictures.")
    add = found.add_argument
    add_study(found)
    add("--algos", metavar="A,B", help="only these algorithms (default: all that have masks)")
    add("--scenarios", metavar="A,B", help="only these scenarios (default: all)")
    add("--out", default="runs", metavar="FOLDER", help="pictures and CSV go to FOLDER/STUDY/patterns")
    return found


def measure_parser() -> Parser:
    found = Parser("measure", "Measure the decisions/s of a study's finished runs, all in turn.")
    add = found.add_argument
    add_study(found)
    add_runs(found)
    add("--device", metavar="cpu|cuda", help="where to measure (default: where each run was trained)")
    add_import(found)
    return found


def report_parser() -> Parser:
    found = Parser("report", "Write a study as one HTML page, with its plots as PNG and SVG beside it.")
    add = found.add_argument
    add_import(found)
    add_study(found)
    add_runs(found)
    add("--out", metavar="FILE", help="the page (default: RUNS/STUDY/report.html)")
    add("--throughput", metavar="FILE", help="results of harness.throughput (default: those in RUNS/STUDY, if any)")
    add("--clips", metavar="SCENARIO|none", help="where battles are played (default: where most can play)")
    add("--clip-seed", type=int, default=0, metavar="S", help="which battle (default: %(default)s)")
    add("--json", action="store_true", help="for machines: all findings as JSON on standard output")
    return found


def leaderboard_parser() -> Parser:
    found = Parser("leaderboard", "Write the results of databases as one page with filters.")
    add = found.add_argument
    add("--storage", action="append", metavar="URL", help=f"a database; may be repeated (default: {DEFAULT_STORAGE})")
    add("--study", metavar="A,B", help="only these studies (default: all but the runs of searches, NAME-runs)")
    add("--out", default="leaderboard.html", metavar="FILE", help="the page (default: %(default)s)")
    return found


RECORD_FORMATS = ("runs", "curves", "battles")
FINDING_FORMATS = ("csv", "markdown", "json")
MARL_EVAL = "marl-eval"


def export_parser() -> Parser:
    found = Parser("export", "Write the finished runs of a study for other programs.")
    add = found.add_argument
    add(
        "--format",
        required=True,
        choices=[*RECORD_FORMATS, MARL_EVAL, *FINDING_FORMATS],
        help="runs, curves, battles: rows as CSV or Parquet; csv, markdown: the table; json: all findings; "
        "marl-eval: its JSON layout",
    )
    add_study(found)
    add("--algos", metavar="A,B", help="only these algorithms (default: all)")
    add("--scenarios", metavar="A,B", help="only these scenarios (default: all)")
    add("--out", metavar="FILE", help="where to write (default: standard output)")
    return found


BATCHES = (256, 4096, 65_536)
"""Default numbers of agent decisions in one call."""


def throughput_parser() -> Parser:
    found = Parser(
        "throughput",
        "Measure how fast a policy decides: dense, masked dense and compressed 2:4, layer by layer and as "
        "a whole, and from which size on compression pays.",
    )
    add = found.add_argument
    add_import(found, "your own algorithms and worlds")
    add("--run", metavar="FOLDER|TRIAL", help="what harness.compare has trained (default: a fresh policy)")
    add_study(found, "of the trial", "the trial's database")
    add_runs(found)
    add("--algo", default="k24", metavar="NAME", help="algorithm of a fresh policy (default: %(default)s)")
    words = "one after the other, for their widths and types (default: %(default)s)"
    add("--scenarios", "--scenario", default="terran_5_vs_5", metavar="A,B", help=words)
    add_setting(found, "NAME.KEY=VALUE", "as in harness.compare")
    add("--hidden", metavar="A,B", help="hidden sizes of fresh policies (default: the algorithm's own)")
    add("--batches", metavar="A,B", help=f"agent decisions (default: {','.join(map(str, BATCHES))})")
    add("--dtypes", metavar="A,B", help="float16, bfloat16, float32 (default: the first two; on a CPU the last)")
    add("--all", action="store_true", help="hidden sizes 64 to 4096, batches 256 to 1,048,576")
    add("--device", default="auto", metavar="NAME", help="auto, cpu, cuda or cuda:N (default: %(default)s)")
    add("--out", metavar="FILE.json", help="save each grid point there at once, and measure only those that it lacks")
    add("--minutes", type=float, metavar="N", help="begin no grid point after that; --out goes on later")
    add("--plot", metavar="FILE.png", help="draw speed-up over hidden size and batch")
    add("--json", action="store_true", help="print JSON instead of tables")
    return found


def push_parser() -> Parser:
    found = Parser("push", "Upload a trained policy with its settings, result and model card.")
    add = found.add_argument
    add("run", metavar="RUN", help="folder of a run, or the number of its trial")
    add("name", metavar="USER/NAME", nargs="?", help="where on the hub; made where missing")
    add("--pack-only", metavar="FOLDER", help="write the folder that would be uploaded, and upload nothing")
    add("--private", action="store_true", help="make a new one private")
    add_study(found, "of the trial", "database with the result")
    add_runs(found)
    add_import(found)
    return found


def pull_parser() -> Parser:
    found = Parser("pull", "Download a trained policy from the hub.")
    add = found.add_argument
    add("name", metavar="USER/NAME", help="where on the hub")
    add("--out", metavar="FOLDER", help="where to (default: NAME)")
    add("--revision", metavar="NAME", help="a branch, tag or commit (default: the newest)")
    return found
