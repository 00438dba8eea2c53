"""A headless browser: opens a page from disk and says what it saw."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--hide-scrollbars"),
    *("--enable-logging=stderr", "--dump-dom"),
)
DARK, LIGHT = 0, 1
"""What the reader's system prefers, in Chromium's own numbers."""
PROBE = """
<script>
addEventListener("load", async () => {
  const images = [...document.images];
  await Promise.all(images.map((image) => image.decode().catch(() => null)));
  const colour = (element, what) => getComputedStyle(element)[what];
  const line = document.querySelector("svg.plot [style*='stroke: #0068a8']");
  const look = () => ({
    paper: colour(document.body, "backgroundColor"),
    ink: colour(document.body, "color"),
    text: colour(document.querySelector("svg.plot text"), "fill"),
    line: line && colour(line, "stroke"),
  });
  const seen = { width: innerWidth, overflow: document.documentElement.scrollWidth - innerWidth, first: look() };
  seen.images = images.map((image) => image.naturalWidth);
  document.getElementById("theme").click();
  seen.switched = look();
  document.body.dataset.seen = JSON.stringify(seen);
});
</script>
"""


@dataclass(frozen=True, kw_only=True)
class Visit:
    """What the browser saw."""

    seen: dict[str, Any]
    """By the probe."""
    complaints: list[str]
    """Lines of the browser's console."""


BROWSER = next((found for name in NAMES if (found := shutil.which(name))), None)
needs_browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine (apt-get install chromium)")


def visit(
    page: Path, folder: Path, *, scheme: int = LIGHT, width: int = 1280, probe: str = PROBE, seconds: int = 4
) -> Visit:
    """Open a page with the probe in it.

    Args:
        page: the file.
        folder: empty, for the browser's profile and the copy with the probe.
        scheme: ``DARK`` or ``LIGHT``.
        width: of the window, pixels.
        seconds: of the page's own time after which the browser stops; they pass fast.
        probe: script that leaves what it saw in ``document.body.dataset.seen``, as JSON.
    """
    assert BROWSER is not None, "only for tests that need a browser"
    folder.mkdir()
    copy = folder / "page.html"
    copy.write_text(page.read_text(encoding="utf-8").replace("</body>", f"{probe}</body>"), encoding="utf-8")
    own = [f"--window-size={width},900", f"--blink-settings=preferredColorScheme={scheme}", copy.as_uri()]
    for attempt in range(3):  # a busy machine may be asked for the page before its pictures are decoded
        profile = f"--user-data-dir={folder / f'profile{attempt}'}"  # a used one remembers the theme that was chosen
        words = [BROWSER, *FLAGS, f"--virtual-time-budget={1000 * seconds}", profile, *own]
        try:
            done = subprocess.run(words, capture_output=True, text=True, timeout=40, check=False)
        except subprocess.TimeoutExpired:
            if attempt == 2:
                raise
            continue  # now and then a browser without a desktop never ends
        found = re.search(r'data-seen="([^"]*)"', done.stdout)
        if found:
            break
    assert found, f"the page's own scripts did not run to their end:\n{done.stderr[-2000:]}"
    complaints = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return Visit(seen=json.loads(html.unescape(found[1])), complaints=complaints)
