"""Make the pictures of report, dashboard and terminal in ``docs/_static/`` again.

    python docs/screenshots.py                                                 a short comparison first
    python docs/screenshots.py --study compare-quick --storage URL --out runs  of a study that is there

Needs Chromium. Pictures are made small enough for the repository: few colours, no more than 150 kB.
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.text import Text

from harness.api import open_study
from harness.results.tables import show_table

STATIC = Path(__file__).parent / "_static"
MOST_BYTES = 150_000
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")
FRAME = """<!doctype html><style>html, body {{ margin: 0 }} iframe {{ border: 0; width: 100vw; height: 100vh }}</style>
<iframe src="{page}" style="width: {width}px; height: {height}px"></iframe>"""
"""No window is narrower than 500 pixels; a frame inside one is."""
COLUMNS = 80


@dataclass(frozen=True)
class Shot:
    """One picture of a page."""

    name: str
    width: int
    height: int
    dark: bool = False
    section: str = ""
    """The only part of the page that is shown; empty: all."""
    seconds: int = 8
    """Of the page's own time, after which the picture is taken."""
    moving: bool = False
    """Whether battles play; else they stand at their end."""


REPORT = (
    Shot("report", 1280, 900),
    Shot("report-dark", 1280, 900, dark=True),
    Shot("report-phone", 390, 844),
    Shot("report-battles", 1280, 640, section="battles", seconds=3, moving=True),
)
DASHBOARD = Shot("dashboard", 1280, 900)


@dataclass(frozen=True)
class Study:
    """A finished comparison."""

    name: str
    storage: str
    out: Path

    @property
    def flags(self) -> list[str]:
        """What names it on a command line."""
        return ["--study", self.name, "--storage", self.storage]


def main() -> int:
    """Take every picture; returns 0."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--study", help="a finished study (default: a short comparison is made)")
    parser.add_argument("--storage", default="sqlite:///studies/studies.db", help="its database (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("runs"), help="folder of its runs (default: %(default)s)")
    parser.add_argument("--pictures", type=Path, default=STATIC, help="where to (default: docs/_static)")
    flags = parser.parse_args()
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        print("no Chromium was found; on Debian or Ubuntu: apt-get install chromium", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        study = Study(flags.study, flags.storage, flags.out) if flags.study else short_comparison(folder)
        page = folder / "report.html"
        run("harness.report", *study.flags, "--runs", str(study.out), "--out", str(page))
        for shot in REPORT:
            take(browser, only_section(page, shot.section).as_uri(), shot, flags.pictures, folder)
        with dashboard(study.storage) as address:
            studies = json.load(urllib.request.urlopen(f"{address}/api/studies", timeout=10))["study_summaries"]
            number = next(each["study_id"] for each in studies if each["study_name"] == study.name)
            take(browser, f"{address}/dashboard/studies/{number}", DASHBOARD, flags.pictures, folder)
        draw_terminal(study, flags.pictures / "terminal.svg")
    return 0


def short_comparison(folder: Path) -> Study:
    """Train for a moment."""
    study = Study("short", f"sqlite:///{folder}/s.db", folder / "runs")
    words = ["--algos", "k24,qmix,kalei", "--budget", "smoke", "--seeds", "2", "--report", "none"]
    run("harness.compare", *words, *study.flags, "--out", str(study.out))
    return study


def run(module: str, *words: str) -> None:
    """Run a command of ours."""
    subprocess.run([sys.executable, "-m", module, *words], check=True)


def only_section(page: Path, section: str) -> Path:
    """Return a copy of a page that shows one section alone; no section: the page itself."""
    if not section:
        return page
    copy = page.with_name(f"{page.stem}-{section}.html")
    style = f"<style>header, nav, footer, main > section:not(#{section}) {{ display: none }}</style>"
    copy.write_text(page.read_text(encoding="utf-8").replace("</head>", f"{style}</head>"), encoding="utf-8")
    return copy


@contextmanager
def dashboard(storage: str) -> Iterator[str]:
    """Give the address of a dashboard of this database."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    command = [str(Path(sys.executable).with_name("optuna-dashboard")), storage, "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{address}/api/studies", timeout=10).close()
                break
            except urllib.error.URLError:
                time.sleep(0.1)
        else:
            raise RuntimeError("optuna-dashboard does not answer")
        yield address
    finally:
        server.terminate()
        server.wait()


def draw_terminal(study: Study, path: Path) -> None:
    """Draw the table of ``harness.compare`` as a terminal of 80 columns shows it."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    show_table(console, open_study(study.name, storage=study.storage).findings)
    wrapped = Console(record=True, width=COLUMNS, file=io.StringIO())  # as a terminal breaks long lines
    wrapped.print(Text.from_ansi(console.export_text(styles=True)))
    path.write_text(wrapped.export_svg(title="python -m harness.compare"), encoding="utf-8")
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


def take(browser: str, address: str, shot: Shot, pictures: Path, folder: Path) -> None:
    """Write one picture."""
    path, raw = pictures / f"{shot.name}.png", folder / "raw.png"
    if shot.width < 500:
        frame = folder / "frame.html"
        frame.write_text(FRAME.format(page=address, width=shot.width, height=shot.height), encoding="utf-8")
        address = frame.as_uri()
    scheme = f"--blink-settings=preferredColorScheme={0 if shot.dark else 1}"
    profile = f"--user-data-dir={folder / shot.name}"
    size = f"--window-size={max(shot.width, 500)},{shot.height}"
    motion = [] if shot.moving else ["--force-prefers-reduced-motion"]
    time_given = f"--virtual-time-budget={1000 * shot.seconds}"
    words = [browser, *FLAGS, *motion, time_given, scheme, profile, size, f"--screenshot={raw}", address]
    subprocess.run(words, check=True, capture_output=True, timeout=120)
    with Image.open(raw) as picture:
        cut = picture.convert("RGB").crop((0, 0, shot.width, shot.height))
    for colours in (128, 64, 32, 16):
        cut.quantize(colours, dither=Image.Dither.NONE).save(path, optimize=True)
        if path.stat().st_size <= MOST_BYTES:
            print(f"{path}: {path.stat().st_size / 1000:.0f} kB")
            return
    raise RuntimeError(f"{path} is larger than {MOST_BYTES / 1000:.0f} kB; make the window smaller")


if __name__ == "__main__":
    sys.exit(main())
