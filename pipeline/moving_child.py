"""What runs in the child process of ``moving`` and ``strangers``: file after file in through one socket, one frame of
each back.

Owns the limits that the child puts on itself and the choice of the frame. Knows no paths: files come as bytes. Loads
PyAV, rlottie and numpy, so no other module imports it. Run by ``python -m pipeline.moving_child``.
"""

from __future__ import annotations

import ctypes
import gzip
import json
import math
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from PIL import Image, ImageCms
from rlottie_python.rlottie_wrapper import LottieAnimation

from pipeline import strangers
from pipeline.errors import BadInput, PictureTooLarge
from pipeline.frames import best_frame, look_at
from pipeline.headers import moving_kind_of
from pipeline.images import load_picture
from pipeline.lottie import CANVAS_PX, checked_lottie
from pipeline.moving import (
    BAD,
    CPU_S,
    EXIT_MEMORY,
    GOOD,
    LARGE,
    MAX_WEBM_KB,
    READY,
    REPLY,
    REQUEST,
    WALL_S,
    MovingDecoder,
    Refused,
    check_size,
)
from pipeline.webm import checked_video

SPARE_MB = 768  # of address space for the files, beyond what the libraries hold when loaded (some 230 MB)
LIFE_CPU_S = 120  # of a child, over all its files
AS_FULL = 0.98  # of the fullest frame's mean opacity: as large, for choosing the sharpest
EMPTY_BELOW = 0.005  # mean opacity: 36 x 36 of 512 x 512 px
MORE_FRAMES = 12  # looked at where the first ones are empty

_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000  # unshare(2)
_NO_NEW_PRIVILEGES = 38  # prctl(2)
_SQUARE = {"ty": 1, "ip": 0, "op": 1, "st": 0, "ks": {}, "sw": 512, "sh": 512, "sc": "#ff0000"}
_REHEARSAL = {"v": "5.5.2", "fr": 1, "ip": 0, "op": 1, "w": 512, "h": 512, "layers": [_SQUARE]}

Frames = Callable[[list[int]], Iterable[Image.Image]]  # numbers in rising order → those frames, RGBA


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What a child may use. A moving sticker has ``SPARE_MB`` and ``CPU_S`` in any child."""

    still_mb: int = SPARE_MB  # of address space, as SPARE_MB
    still_cpu_s: int = CPU_S
    life_cpu_s: int = LIFE_CPU_S
    wall_s: float = WALL_S
    most_bytes: int = MAX_WEBM_KB * 1024  # of a file
    stills: bool = False  # whether it decodes pictures, too


STRANGERS = Bounds(
    still_mb=2048,  # the largest still that is read has 256 MB, and is there some times over while it is converted
    still_cpu_s=30,
    life_cpu_s=600,
    wall_s=strangers.WALL_S,
    most_bytes=strangers.MAX_FILE_MB * 1_000_000,
    stills=True,
)


def main(mode: str = "") -> None:
    """Give up what a decoder does not need, say READY, then decode whatever comes until the other end closes.

    Once it has used much of its time it leaves by itself, between two files: another takes over.
    """
    bounds = STRANGERS if mode == strangers.MODE else Bounds()
    _leave_network()
    _rehearse(bounds)
    in_use = _limit(bounds)
    with socket.socket(fileno=0) as desk:
        desk.sendall(READY)
        while (request := _read(desk, REQUEST.size)) is not None:
            kind, size = REQUEST.unpack(request)
            data = _read(desk, min(size, bounds.most_bytes))
            if data is None:
                return
            _grant(bounds, in_use, moving=moving_kind_of(data) is not None or not bounds.stills)
            desk.sendall(_reply(data, kind.rstrip(b"\0").decode()))
            if bounds.stills and _used_s() > bounds.life_cpu_s // 2:
                return


def _leave_network() -> None:
    """Into a network and a user of our own, where the system lets anyone do that. Needs a single thread."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            libc = ctypes.CDLL(None, use_errno=True)
            libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
            libc.unshare(_NEW_USER | _NEW_NETWORK)


def _rehearse(bounds: Bounds) -> None:
    """Draw a red square, and read one in every format: whatever loads with the first picture is there before nothing
    can be opened any more.

    Among it are rlottie's threads, one a core: they start before memory is limited, for their stacks count.
    """
    good_frame(gzip.compress(json.dumps(_REHEARSAL).encode()), "TGS")
    if not bounds.stills:
        return
    square, exif = Image.new("RGB", (32, 32), "red"), Image.Exif()
    exif[0x0112] = 6  # turned; its reader loads late
    colours = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for name in ("PNG", "WEBP", "JPEG", "GIF"):
        file = BytesIO()
        more = {} if name == "GIF" else {"exif": exif.tobytes(), "icc_profile": colours}
        square.save(file, name, **more)
        still_of(file.getvalue())


def _limit(bounds: Bounds) -> int:
    """A bound on memory and time; nothing can be opened any more, be it file or socket, and nothing written.

    Returns the bytes of address space that the libraries hold; 0 where that is not known.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, bounds.life_cpu_s))
    in_use = 0
    if sys.platform == "linux":  # macOS does not keep to it
        with open("/proc/self/statm", encoding="ascii") as file:
            in_use = int(file.read().split()[0]) * resource.getpagesize()
        most = in_use + (bounds.still_mb << 20)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))  # 0 to 2 are open
    return in_use


def _read(desk: socket.socket, size: int) -> bytes | None:
    """Exactly so many bytes, or None where the other end has closed."""
    data = bytearray()
    while len(data) < size:
        piece = desk.recv(size - len(data))
        if not piece:
            return None
        data += piece
    return bytes(data)


def _reply(data: bytes, kind: str) -> bytes:
    """The answer to one file. Memory may be in any state once it ran out: then this child ends."""
    try:
        image = still_of(data) if kind == strangers.PICTURE else good_frame(data, kind)
    except MemoryError:
        os._exit(EXIT_MEMORY)
    except PictureTooLarge as refusal:
        return _bad(str(refusal), LARGE)
    except BadInput as refusal:
        return _bad(str(refusal))
    except Refused as refusal:
        return _bad(str(refusal))
    except Exception as error:  # decoders raise dozens of types on damaged bytes
        return _bad(f"is damaged ({getattr(error, 'strerror', None) or type(error).__name__})")
    finally:
        signal.alarm(0)
    pixels = image.tobytes()
    return REPLY.pack(GOOD, *image.size, len(pixels)) + pixels


def _bad(words: str, verdict: bytes = BAD) -> bytes:
    told = words.encode()[:400]
    return REPLY.pack(verdict, 0, 0, len(told)) + told


def _used_s() -> float:
    """Of the processor's time, so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _grant(bounds: Bounds, in_use: int, *, moving: bool) -> None:
    """Each file has its own memory, and its own seconds until the child's are used up."""
    signal.alarm(math.ceil(bounds.wall_s) + 5)  # where it hangs and nobody is left to end it; the alarm does, unheard
    spare_mb, cpu_s = (SPARE_MB, CPU_S) if moving else (bounds.still_mb, bounds.still_cpu_s)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (min(hard, math.ceil(_used_s()) + cpu_s), hard))
    if in_use:
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (min(hard, in_use + (spare_mb << 20)), hard))


class _Here(MovingDecoder):
    """Decodes moving stickers in this very process, which is the child."""

    def frame(self, data: bytes, kind: str, shown: str) -> Image.Image:
        check_size(len(data), kind, shown)
        return good_frame(data, kind)


def still_of(data: bytes) -> Image.Image:
    """A picture file's pixels, or a moving sticker's best frame: RGBA, at most ``strangers.SIDE_PX`` a side.

    Raises:
        Refused, BadInput: the file is against a limit, damaged, or shows nothing.
    """
    return load_picture(data, name="picture", max_side_px=strangers.SIDE_PX, decoder=_Here()).image


def good_frame(data: bytes, kind: str) -> Image.Image:
    """The best frame of a ``.tgs`` or ``.webm``: RGBA.

    Raises:
        Refused: the file is against a limit, damaged, or shows nothing.
    """
    if kind == "TGS":
        lottie = checked_lottie(data)
        return choose(lottie.frames, lambda wanted: _draw(lottie.document, wanted))
    video = checked_video(data)
    return choose(video.frames, lambda wanted: video.pictures(set(wanted)))


def choose(count: int, frames: Frames) -> Image.Image:
    """The frame of the largest opaque area among those at 25, 50 and 75 %; of equally large ones the sharpest.

    Where these are next to empty, more are looked at; a frame that is next to empty is never chosen.

    Raises:
        Refused: every frame looked at is next to empty.
    """
    quarters = sorted({count * quarter // 4 for quarter in (1, 2, 3)})
    spread = sorted({count * part // MORE_FRAMES for part in range(MORE_FRAMES)} | {count - 1})
    for wanted in (quarters, spread):
        pictures = list(frames(wanted))
        looks = [look_at(picture) for picture in pictures]
        if looks and max(look.content for look in looks) >= EMPTY_BELOW:
            return pictures[best_frame(looks, enough=AS_FULL)]
    raise Refused("shows next to nothing in any of the frames looked at")


def _draw(document: str, wanted: list[int]) -> list[Image.Image]:
    """Frames of a Lottie. rlottie multiplies colours by alpha, and its ``render_pillow_frame`` does not undo that."""
    animation: Any
    with LottieAnimation.from_data(document) as animation:
        if not animation.animation_p:
            raise Refused("its renderer cannot read")
        size = {"width": CANVAS_PX, "height": CANVAS_PX}
        buffers = [animation.lottie_animation_render(frame, **size) for frame in wanted]
        return [Image.frombytes("RGBA", (CANVAS_PX, CANVAS_PX), buffer, "raw", "BGRa") for buffer in buffers]


if __name__ == "__main__":
    main(*sys.argv[1:2])
