"""A video sticker (``.webm``: VP9 or VP8 with alpha) checked and decoded.

Owns what such a file may be, and how its alpha is got. Knows no choice of frames. Loads PyAV and numpy; meant for the
child process of ``moving``.

Alpha lies beside each frame (BlockAdditional, alpha_mode = 1). FFmpeg's own VP8 and VP9 decoders, which a container
would choose, drop it without a word; libvpx's return it. It is never scaled here: what swscale does to planes with
alpha has crashed others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

import av
import av.subtitles.codeccontext
import av.subtitles.stream  # PyAV fetches these two with its first file; the child cannot open anything by then
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream
from PIL import Image

from pipeline.moving import Refused

MAX_SIDE_PX = 512
MAX_S = 3.1  # Telegram says three seconds; encoders round up
MAX_FRAMES = 200  # 60 a second, and some
MAX_STREAMS = 8

_DECODERS = {"vp9": "libvpx-vp9", "vp8": "libvpx"}
_WHITELIST = "vp8,vp9,libvpx,libvpx-vp9"  # nothing else looks at a byte, not even to guess what a stream is
_SEGMENT = b"\x18\x53\x80\x67"  # Matroska (RFC 9559) §5.1
_CUT_S = 0.5  # the header may promise that much more than there is


@dataclass(frozen=True, kw_only=True)
class Video:
    """A checked video: its packets, one a frame, in order."""

    codec: str  # of ``_DECODERS``
    packets: tuple[av.Packet[VideoStream], ...]
    extradata: bytes | None

    @property
    def frames(self) -> int:
        """How many there are; a damaged one may give fewer."""
        return len(self.packets)

    def pictures(self, wanted: set[int]) -> Iterator[Image.Image]:
        """Decode up to the last frame that is wanted; RGBA. Frames need those before them, so all are decoded."""
        decoder = av.CodecContext.create(_DECODERS[self.codec], "r")
        assert isinstance(decoder, VideoCodecContext)  # both are
        decoder.extradata = self.extradata
        decoder.thread_count = 1  # a sticker is too small for more, and each takes address space
        decoder.options = {"max_pixels": str(MAX_SIDE_PX * MAX_SIDE_PX)}  # a frame may be larger than its header says
        at = 0
        for packet in (*self.packets, None):
            for frame in decoder.decode(packet):
                if at in wanted:
                    yield _picture(frame)
                at += 1
            if at > max(wanted):
                return


def checked_video(data: bytes) -> Video:
    """Check the bytes of a ``.webm`` and take its packets out.

    Raises:
        Refused: it is damaged, no video, in another codec, or larger or longer than a sticker may be.
    """
    _check_length(data)
    try:
        with av.open(
            BytesIO(data), "r", format="matroska", options={"codec_whitelist": _WHITELIST}, metadata_errors="replace"
        ) as container:
            return _video(container)
    except MemoryError:
        raise
    except (av.FFmpegError, ValueError) as error:
        raise Refused(f"is damaged ({getattr(error, 'strerror', None) or error})") from error


def _check_length(data: bytes) -> None:
    """The file ends where its one segment does: nothing cut off, nothing behind it."""
    at = _element(data, 0)[1]  # behind the EBML header
    if data[at : at + 4] != _SEGMENT:
        raise Refused("is damaged (no segment behind its header)")
    end = _element(data, at)[1]
    if end > len(data):
        raise Refused("is cut short")
    if 0 <= end < len(data):
        raise Refused(f"has {len(data) - end} more bytes behind its end")


def _element(data: bytes, at: int) -> tuple[int, int]:
    """Where the content of a four-byte element begins and ends (EBML, RFC 8794 §4); -1 for an end not yet known."""
    head = data[at + 4 : at + 12]
    width = 9 - head[0].bit_length() if head else 1
    if width > 8:
        raise Refused("is damaged (a part of it has no length)")
    if len(head) < width:
        raise Refused("is cut short")
    size = int.from_bytes(head[:width], "big") & ((1 << 7 * width) - 1)
    start = at + 4 + width
    return start, -1 if size == (1 << 7 * width) - 1 else start + size


def _video(container: InputContainer) -> Video:
    if len(container.streams) > MAX_STREAMS or len(container.streams.video) != 1:
        kinds = ", ".join(stream.type for stream in list(container.streams)[:MAX_STREAMS]) or "nothing"
        raise Refused(f"holds {kinds} where one video is due")
    stream = container.streams.video[0]
    codec = stream.codec_context.name
    if codec not in _DECODERS:
        raise Refused(f"is encoded as {codec!r}; it must be vp9 or vp8")
    _check_size(stream.codec_context.width, stream.codec_context.height)
    promised_s = (container.duration or 0) / av.time_base
    _check_seconds(promised_s)
    packets: list[av.Packet[VideoStream]] = []
    last_s = 0.0
    for packet in container.demux(stream):
        if not packet.size:  # the flush at the end
            continue
        packets.append(packet)
        if len(packets) > MAX_FRAMES:
            raise Refused(f"has more than {MAX_FRAMES} frames")
        last_s = max(last_s, float(((packet.pts or 0) + (packet.duration or 0)) * packet.time_base))
        _check_seconds(last_s)
    if not packets:
        raise Refused("has no frames")
    if promised_s > last_s + _CUT_S:
        raise Refused("is cut short")
    return Video(codec=codec, packets=tuple(packets), extradata=stream.codec_context.extradata)


def _check_size(width: int, height: int) -> None:
    if not (0 < width <= MAX_SIDE_PX and 0 < height <= MAX_SIDE_PX):
        raise Refused(f"is {width} x {height} px; {MAX_SIDE_PX} px a side is the most")


def _check_seconds(seconds: float) -> None:
    if seconds > MAX_S:
        raise Refused(f"lasts {seconds:.1f} s; {MAX_S} s is the most")


def _picture(frame: av.VideoFrame) -> Image.Image:
    _check_size(frame.width, frame.height)
    return Image.fromarray(frame.to_ndarray(format="rgba"))
