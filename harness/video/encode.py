"""Pictures to a video file as they are drawn: of those behind, a GIF keeps what changed and an MP4 nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from harness.cli.errors import UsageError
from harness.runs.files import atomic_write

Picture = NDArray[np.uint8]
ENCODER = {"crf": "20", "x264-params": "colormatrix=bt709:colorprim=bt709:transfer=bt709"}
"""Quality (18 looks almost like the original, 23 is the default), and which colours are meant: players guess
otherwise, and guess differently."""


def write_mp4(path: Path, pictures: Iterator[Picture], rate: float, palette: Picture) -> None:
    """H.264 in the pixel format that every player and browser reads; it needs no palette."""
    import av  # an optional package, checked by ``check_path``

    first = next(pictures)
    with av.open(str(path), "w", format="mp4") as file:
        stream = file.add_stream("libx264", rate=Fraction(rate).limit_denominator(1000), options=ENCODER)
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt = "yuv420p"
        for picture in chain([first], pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            file.mux(stream.encode(frame.reformat(format="yuv420p", dst_colorspace="ITU709")))
        file.mux(stream.encode(None))


def write_gif(path: Path, pictures: Iterator[Picture], rate: float, palette: Picture) -> None:
    """The palette's colours and no others, undithered: what stands still costs nothing. It loops.

    Pictures beyond 50 a second are left out, since browsers slow down what is faster; the pace is the one asked for.
    """
    colours = Image.new("P", (1, 1))
    colours.putpalette(palette.tobytes())
    share = min(1.0, 50.0 / rate)
    shown = (each for n, each in enumerate(pictures) if n == 0 or int(n * share) > int((n - 1) * share))
    frames = (Image.fromarray(picture).quantize(palette=colours, dither=Image.Dither.NONE) for picture in shown)
    with path.open("wb") as file:
        next(frames).save(
            file, format="GIF", save_all=True, append_images=frames, duration=_Durations(rate * share), loop=0
        )


class _Durations(list[int]):
    """Milliseconds of each frame: whole hundredths of a second, which together keep the pace."""

    def __init__(self, rate: float) -> None:
        super().__init__([0])  # Pillow asks whether it is empty
        self._rate = rate

    def __getitem__(self, frame: Any) -> Any:
        return 10 * (round(100 * (frame + 1) / self._rate) - round(100 * frame / self._rate))


WRITERS: dict[str, Callable[[Path, Iterator[Picture], float, Picture], None]] = {".mp4": write_mp4, ".gif": write_gif}


def check_path(path: Path) -> None:
    """Refuse a file that could not be written in the end.

    Raises:
        UsageError: another ending than those of ``WRITERS``, or a package that it needs is not installed.
    """
    if path.suffix.lower() not in WRITERS:
        raise UsageError(f"--out {path}: {path.suffix or 'no ending'} is no video format of ours; {endings()}")
    if path.suffix.lower() == ".mp4" and find_spec("av") is None:
        raise UsageError(f"--out {path}: .mp4 needs the package av: pip install av; or write a .gif, which needs none")


def endings() -> str:
    """The allowed endings as a sentence."""
    return f"use {' or '.join(WRITERS)}"


def write_video(path: Path, pictures: Iterable[Picture], rate: float, palette: Picture) -> int:
    """Write a video; a file of that name is replaced only when all is written.

    Args:
        path: its ending decides the format.
        pictures: (height, width, 3) uint8, all of one size, even in both directions; at least one.
        rate: pictures a second.
        palette: (C, 3) uint8, the at most 256 colours of a GIF.

    Returns:
        How many pictures were written.

    Raises:
        UsageError: as ``check_path``.
    """
    check_path(path)
    count = 0

    def counted() -> Iterator[Picture]:
        nonlocal count
        for picture in pictures:
            count += 1
            yield picture

    with atomic_write(path) as draft:
        WRITERS[path.suffix.lower()](draft, counted(), rate, palette)
    return count
