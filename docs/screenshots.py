"""Make the pictures of the report in ``docs/_static/`` again.

    python docs/screenshots.py                                  a short comparison first
    python docs/screenshots.py --report runs/STUDY/report.html  of a page that is there

Needs Chromium. Pictures are made small enough for the repository: few colours, no more than 150 kB.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

STATIC = Path(__file__).parent / "_static"
MOST_BYTES = 150_000
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--virtual-time-budget=8000")
FRAME = """<!doctype html><style>html, body {{ margin: 0 }} iframe {{ border: 0; width: 100vw; height: 100vh }}</style>
<iframe src="{page}" style="width: {width}px; height: {height}px"></iframe>"""
"""No window is narrower than 500 pixels; a frame inside one is."""


@dataclass(frozen=True)
class Shot:
    """One picture of the page."""

    name: str
    width: int
    height: int
    dark: bool = False


SHOTS = (Shot("report", 1280, 900), Shot("report-dark", 1280, 900, dark=True), Shot("report-phone", 390, 844))


def main() -> int:
    """Take every picture; returns 0."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--report", type=Path, help="a report's page (default: that of a short comparison)")
    parser.add_argument("--out", type=Path, default=STATIC, help="folder of the pictures (default: docs/_static)")
    flags = parser.parse_args()
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        print("no Chromium was found; on Debian or Ubuntu: apt-get install chromium", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        page = flags.report or short_comparison(Path(folder))
        for shot in SHOTS:
            path = flags.out / f"{shot.name}.png"
            take(browser, page.resolve(), shot, path, Path(folder))
            print(f"{path}: {path.stat().st_size / 1000:.0f} kB")
    return 0


def short_comparison(folder: Path) -> Path:
    """Train for a moment; returns the report's page."""
    words = ["--algos", "k24,qmix,kalei", "--budget", "smoke", "--seeds", "2", "--report", "full", "--study", "short"]
    place = ["--storage", f"sqlite:///{folder}/s.db", "--out", str(folder / "runs")]
    subprocess.run([sys.executable, "-m", "harness.compare", *words, *place], check=True)
    return folder / "runs" / "short" / "report.html"


def take(browser: str, page: Path, shot: Shot, path: Path, folder: Path) -> None:
    """Write one picture."""
    frame = folder / "frame.html"
    frame.write_text(FRAME.format(page=page.as_uri(), width=shot.width, height=shot.height), encoding="utf-8")
    window = max(shot.width, 500)
    raw = folder / "raw.png"
    scheme = f"--blink-settings=preferredColorScheme={0 if shot.dark else 1}"
    profile = f"--user-data-dir={folder / shot.name}"
    size = f"--window-size={window},{shot.height}"
    words = [browser, *FLAGS, scheme, profile, size, f"--screenshot={raw}", frame.as_uri()]
    subprocess.run(words, check=True, capture_output=True, timeout=120)
    with Image.open(raw) as picture:
        cut = picture.convert("RGB").crop((0, 0, shot.width, shot.height))
    for colours in (128, 64, 32, 16):
        cut.quantize(colours, dither=Image.Dither.NONE).save(path, optimize=True)
        if path.stat().st_size <= MOST_BYTES:
            return
    raise RuntimeError(f"{path} is larger than {MOST_BYTES / 1000:.0f} kB; make the window smaller")


if __name__ == "__main__":
    sys.exit(main())
