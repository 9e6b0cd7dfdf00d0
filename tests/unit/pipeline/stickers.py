"""Moving stickers made by code: ``.tgs`` and ``.webm``, good ones to begin with."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from io import BytesIO
from typing import Any

import av
import numpy as np
from PIL import Image

Drawn = Callable[[int], Image.Image]


def value(number: Any) -> dict[str, Any]:
    """A Lottie value that does not change."""
    return {"a": 0, "k": number}


def square(side: float = 200, at: tuple[float, float] = (256, 256)) -> list[dict[str, Any]]:
    """An orange square, as shapes of a group."""
    box = {"ty": "rc", "p": value(list(at)), "s": value([side, side]), "r": value(0)}
    return [box, {"ty": "fl", "c": value([1, 0.5, 0, 1]), "o": value(100)}]


def layer(shapes: list[dict[str, Any]], opacity: float = 100, **more: Any) -> dict[str, Any]:
    """A layer of one group of shapes."""
    group = {"ty": "gr", "it": [*shapes, {"ty": "tr", "o": value(100), "s": value([100, 100])}]}
    moves = {"o": value(opacity), "s": value([100, 100])}
    return {"ty": 4, "ip": 0, "op": 180, "st": 0, "sr": 1, "ks": moves, "shapes": [group], **more}


def lottie(layers: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """A document of one second."""
    return {"tgs": 1, "v": "5.5.2", "fr": 60, "ip": 0, "op": 60, "w": 512, "h": 512, "layers": layers, **more}


def tgs(document: Any = None) -> bytes:
    """The file; an orange square if nothing is given."""
    text = json.dumps(lottie([layer(square())]) if document is None else document)
    return gzip.compress(text.encode(), mtime=0)


def starry(points: float, kind: str = "sr") -> bytes:
    """A star of so many points, or that many copies of a square."""
    star = {"ty": "sr", "sy": 1, "pt": value(points), "p": value([256, 256]), "r": value(0), "or": value(200)}
    many = {"ty": "rp", "c": value(points), "o": value(0), "tr": {"ty": "tr"}}
    return tgs(lottie([layer([star, *square()] if kind == "sr" else [*square(), many])]))


def greedy() -> bytes:
    """Within every limit, and yet its dashes, a millionth of its outline each, fill rlottie's memory."""
    dash = {"n": "d", "v": value(1e-4)}
    stroke = {"ty": "st", "c": value([1, 0, 0, 1]), "o": value(100), "w": value(2), "d": [dash, dash | {"n": "g"}]}
    return tgs(lottie([layer([*square(1e7), stroke])]))


def endless() -> bytes:
    """Within every limit, and yet its outline of a million pixels' width keeps rlottie busy for a minute."""
    stroke = {"ty": "st", "c": value([1, 0, 0, 1]), "o": value(100), "w": value(1e7), "lc": 2, "lj": 2}
    dashes = [{"n": "d", "v": value(5)}, {"n": "g", "v": value(5)}]
    return tgs(lottie([layer([*square(1e7), stroke | {"d": dashes}])]))


def ring(number: int = 0) -> Image.Image:
    """Red with a green window of half opacity, on nothing; each number lies a little further right."""
    pixels = np.zeros((512, 512, 4), np.uint8)
    pixels[96:400, 64 + number : 336 + number] = (200, 30, 30, 255)
    pixels[192:288, 160 + number : 256 + number] = (20, 200, 20, 128)
    return Image.fromarray(pixels)


def webm(
    drawn: Drawn = ring,
    frames: int = 8,
    *,
    size: tuple[int, int] = (512, 512),
    fps: int = 30,
    codec: str = "libvpx-vp9",
    pix_fmt: str = "yuva420p",
    container: str = "webm",
) -> bytes:
    """The file, with its alpha as Telegram's stickers have it."""
    out = BytesIO()
    with av.open(out, "w", format=container) as video:
        stream = video.add_stream(codec, rate=fps, options=_options(codec))
        stream.width, stream.height, stream.pix_fmt = *size, pix_fmt
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(np.asarray(drawn(number).resize(size)), format="rgba")
            video.mux(stream.encode(frame))
        video.mux(stream.encode())
    return out.getvalue()


def _options(codec: str) -> dict[str, str]:
    # "realtime" would let a busy machine encode worse
    fast = {"deadline": "good", "cpu-used": "5", "crf": "10", "b": "2M", "auto-alt-ref": "0", "threads": "1"}
    return fast if codec.startswith("libvpx") else {}


def sound_only() -> bytes:
    """A ``.webm`` with a second of silence and nothing to see."""
    out = BytesIO()
    with av.open(out, "w", format="webm") as audio:
        stream = audio.add_stream("libopus", rate=48_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 48_000), np.float32), format="flt", layout="mono")
        frame.rate = 48_000
        audio.mux(stream.encode(frame))
        audio.mux(stream.encode())
    return out.getvalue()
