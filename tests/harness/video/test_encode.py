"""Pictures become files that other programs can read."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from harness.cli.errors import UsageError
from harness.video.encode import check_path, write_video

SHAPE = (64, 48, 3)
COLOURS = np.array([(255, 255, 255), (0, 0, 255), (255, 0, 0)], np.uint8)


def pictures(count: int) -> Iterator[np.ndarray]:
    """A red square walks over a white ground with a blue corner."""
    for number in range(count):
        picture = np.full(SHAPE, 255, np.uint8)
        picture[:16, :16] = (0, 0, 255)
        picture[24:40, number : number + 16] = (255, 0, 0)
        yield picture


def test_gif(tmp_path: Path) -> None:
    path = tmp_path / "a.gif"
    assert write_video(path, pictures(20), 16.0, COLOURS) == 20
    with Image.open(path) as video:
        assert (video.n_frames, video.size, video.info["loop"]) == (20, (48, 64), 0)  # type: ignore[attr-defined]
        assert video.info["duration"] == 60, "a sixteenth of a second in whole hundredths"
        video.seek(12)
        shown = np.asarray(video.convert("RGB")).astype(int)
    assert np.array_equal(shown, list(pictures(13))[12])


@pytest.mark.parametrize("rate", [16.0, 22.4, 50.0, 89.6, 128.0])
def test_a_gif_keeps_the_pace(rate: float, tmp_path: Path) -> None:
    """Its frames last whole hundredths of a second, and no browser shows more than fifty a second."""
    path = tmp_path / "a.gif"
    moving = (picture for _ in range(8) for picture in pictures(28))
    assert write_video(path, moving, rate, COLOURS) == 224
    with Image.open(path) as video:
        lasts = []
        for frame in range(video.n_frames):  # type: ignore[attr-defined]
            video.seek(frame)
            lasts.append(video.info["duration"])
    assert min(lasts) >= 20
    assert sum(lasts) / 1000 == pytest.approx(224 / rate, abs=0.03)


def test_mp4(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    assert write_video(path, pictures(20), 16.0, COLOURS) == 20
    with av.open(str(path)) as video:
        stream = video.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt, stream.average_rate) == ("h264", "yuv420p", 16)
        shown = [frame.to_ndarray(format="rgb24").astype(int) for frame in video.decode(stream)]
    assert len(shown) == 20
    assert shown[12].shape == SHAPE
    assert np.abs(shown[12] - list(pictures(13))[12]).mean() < 6
    assert np.abs(shown[12][30, 20] - (255, 0, 0)).max() < 20


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    def broken() -> Iterator[np.ndarray]:
        yield from pictures(3)
        raise KeyboardInterrupt

    for ending in ("gif", "mp4"):
        path = tmp_path / f"a.{ending}"
        path.write_text("before")
        with pytest.raises(KeyboardInterrupt):
            write_video(path, broken(), 16.0, COLOURS)
        assert path.read_text() == "before"
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(("name", "says"), [("a.avi", ".avi is no video"), ("a", "no ending is no video")])
def test_another_ending_is_refused(name: str, says: str) -> None:
    with pytest.raises(UsageError, match=re.escape(says)) as error:
        check_path(Path(name))
    assert "use .mp4 or .gif" in str(error.value)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr("harness.video.encode.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=re.escape("pip install av; or write a .gif, which needs none")):
        check_path(Path("a.mp4"))
    check_path(Path("a.gif"))
