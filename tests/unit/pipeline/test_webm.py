"""Video stickers: what is refused before a frame is decoded, and what comes out."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from fractions import Fraction
from io import BytesIO

import av
import numpy as np
import pytest

from pipeline.moving import Refused
from pipeline.webm import checked_video
from tests.unit.pipeline.stickers import ring, sound_only, webm


@pytest.mark.parametrize("codec", ["libvpx-vp9", "libvpx"])
def test_alpha_and_colour(codec: str) -> None:
    """Nothing, half and full opacity come out as they were drawn, in both codecs; FFmpeg's own decoders lose them."""
    video = checked_video(webm(codec=codec))
    assert video.frames == 8
    (picture,) = video.pictures({5})
    assert picture.mode == "RGBA"
    seen, drawn = np.asarray(picture, int), np.asarray(ring(5), int)
    for at in ((20, 20), (370, 120), (240, 200)):  # row, column: nothing, red, the green window
        assert drawn[at][3] == 0 or np.abs(seen[at] - drawn[at]).max() <= 4
    assert np.abs(seen[..., 3] - drawn[..., 3]).max() <= 1


def test_wanted_frames_only() -> None:
    """The frames asked for, in order, told apart by where they lie."""
    video = checked_video(webm(lambda number: ring(number * 8)))
    left = [
        picture.getchannel("A").point(lambda alpha: 255 * (alpha > 128)).getbbox()[0]
        for picture in video.pictures({1, 4})
    ]
    assert [round((side - 64) / 8) for side in left] == [1, 4]


def test_odd_sides_and_no_alpha() -> None:
    """511 x 301 is no matter; a video without alpha is opaque."""
    (picture,) = checked_video(webm(size=(511, 301), pix_fmt="yuv420p")).pictures({0})
    assert picture.size == (511, 301)
    assert picture.getchannel("A").getextrema() == (255, 255)


def patched(data: bytes, old: bytes, new: bytes) -> bytes:
    assert data.count(old) == 1
    assert len(old) == len(new)
    return data.replace(old, new)


def longer() -> bytes:
    """A header that promises three seconds where there are 8 frames."""
    data = webm()
    at = data.index(b"\x44\x89\x88") + 3
    return data[:at] + struct.pack(">d", 3000.0) + data[at + 8 :]


def larger() -> bytes:
    """A header of 512 x 512 over frames of 640 x 512."""
    data = webm(size=(640, 512))
    return patched(data, b"\xb0\x82" + struct.pack(">H", 640), b"\xb0\x82" + struct.pack(">H", 512))


BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "only a signature": (lambda: b"\x1aE\xdf\xa3", "is cut short"),
    "zeros": (lambda: b"\x1aE\xdf\xa3" + bytes(999), "is damaged (a part of it has no length)"),
    "no segment": (lambda: b"\x1aE\xdf\xa3\x84" + bytes(99), "is damaged (no segment behind its header)"),
    "a segment of nothing": (lambda: b"\x1aE\xdf\xa3\x80\x18\x53\x80\x67\x80", "is damaged"),
    "a header only": (lambda: webm()[:60], "is cut short"),
    "half": (lambda: webm()[:2500], "is cut short"),
    "a few bytes less": (lambda: webm()[:-7], "is cut short"),
    "a zip behind": (lambda: webm() + b"PK\x03\x04" + bytes(20), "has 24 more bytes behind its end"),
    "fewer frames than promised": (longer, "is cut short"),
    "sound only": (sound_only, "holds audio where one video is due"),
    "another codec": (
        lambda: webm(codec="libx264", pix_fmt="yuv420p", container="matroska"),
        "is encoded as 'h264'; it must be vp9 or vp8",
    ),
    "too large": (lambda: webm(size=(514, 512), frames=2), "is 514 x 512 px; 512 px a side is the most"),
    "larger than its header says": (larger, "is 640 x 512 px"),
    "too long": (lambda: webm(frames=100, size=(64, 64)), "lasts 3.3 s; 3.1 s is the most"),
    "too many frames": (lambda: webm(frames=201, fps=100, size=(64, 64)), "has more than 200 frames"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_one(case: str) -> None:
    """Each has its reason, and nothing is decoded."""
    make, words = BAD[case]
    with pytest.raises(Refused, match=re.escape(words)):
        checked_video(make())


def growing() -> bytes:
    """A video of 64 x 64 whose second half is 1280 x 1280."""
    out = BytesIO()
    with av.open(out, "w", format="webm") as video:
        stream = video.add_stream("libvpx-vp9", rate=30)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for at, side in enumerate((64, 64, 1280, 1280)):
            encoder = av.CodecContext.create("libvpx-vp9", "w")
            encoder.width = encoder.height = side
            encoder.pix_fmt, encoder.time_base, encoder.options = "yuv420p", Fraction(1, 30), {"cpu-used": "8"}
            frame = av.VideoFrame.from_ndarray(np.full((side, side, 3), 90, np.uint8), format="rgb24")
            for packet in (*encoder.encode(frame), *encoder.encode()):
                packet.pts = packet.dts = at
                packet.time_base, packet.duration, packet.stream = Fraction(1, 30), 1, stream
                video.mux(packet)
    return out.getvalue()


def test_frames_that_grow() -> None:
    """Small ones come out; of the first that is over the limit there is an error, and no picture."""
    video = checked_video(growing())
    assert video.frames == 4
    pictures = video.pictures({0, 1, 2})
    assert [next(pictures).size, next(pictures).size] == [(64, 64), (64, 64)]
    with pytest.raises((av.FFmpegError, Refused)):
        next(pictures)
