"""One picture file → one ``Picture``: limits from the header, a good frame, upright, RGBA.

Owns the limits of a single picture and the conversion of every pixel format to RGBA. Knows no packs and no archives,
and leaves moving stickers (``.tgs``, ``.webm``) to ``moving``. Loads Pillow and numpy. The format is told by content,
never by suffix, and nothing is decoded before the header is within limits.
"""

from __future__ import annotations

import hashlib
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms

from pipeline.domain import Picture
from pipeline.errors import BadInput, BadPicture, PictureTooLarge
from pipeline.frames import seek_good_frame
from pipeline.headers import HEAD_BYTES, Header, format_of, kind_of, moving_kind_of, read_header
from pipeline.moving import MovingDecoder, check_size

MAX_FILE_MB = 50
MAX_PIXELS = 64_000_000  # 256 MB as RGBA
MAX_SIDE_PX = 20_000
MIN_SIDE_PX = 16  # less shows nothing that a style or a sticker could keep
MIN_ALPHA = 8  # of 255: fainter than this everywhere counts as fully transparent

_MB = 1_000_000
_ORIENTATION = 0x0112  # Exif 3.0 §4.6.5.1.6
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def load_picture(
    source: Path | str | bytes,
    *,
    name: str,
    max_side_px: int | None = None,
    shown: str | None = None,
    decoder: MovingDecoder | None = None,
    thumbnail: bytes | None = None,
) -> Picture:
    """Read a picture from a path, or from the bytes of a file.

    Args:
        source: a PNG, WEBP, JPEG or GIF, animated or not, or a moving sticker (TGS, WEBM).
        name: becomes ``Picture.name``.
        max_side_px: a larger picture is shrunk so that its longer side fits; None keeps the file's own size.
        shown: what errors call it; the path by default, or ``name`` where ``source`` is bytes.
        decoder: for moving stickers, where there are several; one that is used for this file only if not given.
        thumbnail: the bytes of a small picture that stands for a moving sticker, taken where it cannot be decoded.

    Raises:
        BadInput: there is no such file, or it cannot be read.
        BadPicture: not a picture of these formats, damaged, too small, or fully transparent.
        PictureTooLarge: the file or its header is over a limit; nothing was decoded.
    """
    shown = shown or (name if isinstance(source, bytes) else str(source))
    data = source if isinstance(source, bytes) else read_file(Path(source), shown)
    image = _frame_of(data, shown, decoder, thumbnail)
    if max_side_px is not None and max(image.size) > max_side_px:
        image.thumbnail((max_side_px, max_side_px), Image.Resampling.LANCZOS)
    if image.getchannel("A").getextrema()[1] < MIN_ALPHA:  # type: ignore[operator]  # one band: a pair of numbers
        raise BadPicture(f"{shown!r} is fully transparent; give a picture that shows something")
    return Picture(name=name, image=image, sha256=hashlib.sha256(data).hexdigest())


def _frame_of(data: bytes, shown: str, decoder: MovingDecoder | None, thumbnail: bytes | None) -> Image.Image:
    """A file's pixels: of a picture, of a moving sticker, or of the thumbnail of one that cannot be decoded."""
    kind = moving_kind_of(data)
    if kind is None:
        return _decoded(data, shown)
    try:
        with nullcontext(decoder) if decoder is not None else MovingDecoder() as ready:
            image = ready.frame(data, kind, shown)
            _check_sides(*image.size, shown)
            return image
    except BadInput:
        if thumbnail is None:
            raise
        with suppress(BadPicture):  # what is wrong with the sticker says more
            return _decoded(thumbnail, shown)
        raise


def _decoded(data: bytes, shown: str) -> Image.Image:
    """The pixels of a picture file."""
    header = _checked_header(data, shown)
    with _decoding(shown, header.format):
        return _decode(data, header, shown)


def read_file(path: Path, shown: str) -> bytes:
    """The bytes of a picture file, which errors call ``shown``: size checked before reading, kind after the first 4 KB.

    Raises:
        BadInput: no such file, a folder, a device, or no permission.
        BadPicture: another kind of file.
        PictureTooLarge: more than ``MAX_FILE_MB``.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            what = "a folder" if stat.S_ISDIR(status.st_mode) else "not a regular file"
            raise BadInput(f"{shown!r} is {what}; give the path of a picture file")
        _check_file_size(status.st_size, shown)
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
            _check_format(head, shown)
            if (kind := moving_kind_of(head)) is not None:
                check_size(status.st_size, kind, shown)
            data = head + file.read(max(0, status.st_size - len(head)))  # bounded: the file may grow meanwhile
    except FileNotFoundError as error:
        raise BadInput(f"there is no file {shown!r}; check the path") from error
    except (OSError, ValueError) as error:  # ValueError: a path with a zero byte
        reason = getattr(error, "strerror", None) or error
        raise BadInput(f"cannot read {shown!r}: {reason}; check the path and its permissions") from error
    return data


def _check_file_size(size_bytes: int, shown: str) -> None:
    if size_bytes > MAX_FILE_MB * _MB:
        size_mb = size_bytes / _MB
        raise PictureTooLarge(f"{shown!r} has {size_mb:.1f} MB; a picture file may have {MAX_FILE_MB} MB at most")


def _check_format(head: bytes, shown: str) -> None:
    if format_of(head) is None and moving_kind_of(head) is None:
        known = "a PNG, WEBP, JPEG or GIF picture nor a TGS or WEBM sticker"
        raise BadPicture(f"{shown!r} is {kind_of(head)}, not {known}; save it as one of these")


def _checked_header(data: bytes, shown: str) -> Header:
    """The header of a file that is within every limit."""
    _check_file_size(len(data), shown)
    _check_format(data, shown)
    header = read_header(data)
    if header is None:
        raise BadPicture(f"{shown!r} is a damaged {format_of(data)}: its header cannot be read; save or send it again")
    _check_sides(header.width_px, header.height_px, shown)
    return header


def _check_sides(width_px: int, height_px: int, shown: str) -> None:
    size = f"{shown!r} is {width_px} x {height_px} px"
    if min(width_px, height_px) < MIN_SIDE_PX:
        raise BadPicture(f"{size}; each side needs at least {MIN_SIDE_PX} px; give a larger picture")
    if max(width_px, height_px) > MAX_SIDE_PX or width_px * height_px > MAX_PIXELS:
        limit = f"at most {MAX_PIXELS // 1_000_000} megapixels and {MAX_SIDE_PX} px a side are read"
        raise PictureTooLarge(f"{size}; {limit}; give a smaller one")


@contextmanager
def _decoding(shown: str, picture_format: str) -> Iterator[None]:
    """Turn whatever a decoder raises on hostile bytes into ``BadPicture``, and its warnings into silence."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # broken EXIF and the like: the pixels decide
            warnings.simplefilter("error", Image.DecompressionBombWarning)  # a GIF frame larger than its header
            yield
    except BadPicture:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError) as error:
        raise PictureTooLarge(f"{shown!r} decodes to more pixels than its header says; save it again") from error
    except Exception as error:  # decoders raise a dozen types on damaged bytes; which one tells nobody anything
        raise BadPicture(f"{shown!r} is a damaged {picture_format} ({error}); save or send it again") from error


def _decode(data: bytes, header: Header, shown: str) -> Image.Image:
    """Bytes → the chosen frame, RGBA and upright."""
    with Image.open(BytesIO(data), formats=[header.format]) as image:
        _check_sides(*image.size, shown)  # the decoder's own reading of the header
        seek_good_frame(image)
        turn = _TURNS.get(_orientation(image))
        rgba = to_srgb(to_rgba(image, header.bit_depth), image)
    return rgba if turn is None else rgba.transpose(turn)


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation 1..8; 1 where there is none or the EXIF block is broken."""
    image.load()  # outside the try: damaged pixels are an error, a damaged EXIF block is not
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # the parser raises a dozen types on damaged bytes; the pixels are fine without it
        return 1


def to_rgba(image: Image.Image, bit_depth: int = 8) -> Image.Image:
    """Any mode that the four formats decode to → RGBA, 8 bits a channel, always a new picture.

    Args:
        image: mode 1, L, LA, P, RGB, RGBA, CMYK, YCbCr, I or I;16 (16 bits are scaled by 255/65535, not clipped).
        bit_depth: of the file. PNG's transparent colour (tRNS) is in the file's own depth, while Pillow has already
            scaled the pixels to 8 bits and would compare the two as they are.
    """
    if image.mode.startswith("I"):
        return _wide_grey_to_rgba(image)
    clear = image.info.get("transparency")
    if image.mode == "L" and isinstance(clear, int) and bit_depth in (2, 4):
        image.info["transparency"] = clear * 255 // (2**bit_depth - 1)
    if image.mode == "RGB" and isinstance(clear, tuple) and bit_depth == 16:
        image.info["transparency"] = tuple(channel >> 8 for channel in clear)
    return image.convert("RGBA") if image.mode != "RGBA" else image.copy()


def to_srgb(rgba: Image.Image, source: Image.Image) -> Image.Image:
    """The colours as sRGB has them, by the ICC profile that ``source`` (the decoded file) carries; alpha as it is.

    Without a profile, or with one that is broken or meant for other channels, the picture is returned as it is.
    """
    profile = source.info.get("icc_profile")
    if not profile or source.mode not in ("RGB", "RGBA", "P"):  # a CMYK profile says nothing about our RGB
        return rgba
    try:
        embedded = ImageCms.ImageCmsProfile(BytesIO(profile))
        colours = ImageCms.profileToProfile(rgba.convert("RGB"), embedded, ImageCms.createProfile("sRGB"))
    except (ImageCms.PyCMSError, OSError, ValueError):
        return rgba
    if colours is None:  # it works in place only where it is told to
        return rgba
    colours.putalpha(rgba.getchannel("A"))
    return colours


def _wide_grey_to_rgba(image: Image.Image) -> Image.Image:
    wide = np.clip(np.asarray(image).astype(np.int32), 0, 65535)  # (H, W)
    rgba = Image.fromarray(((wide + 128) // 257).astype(np.uint8)).convert("RGBA")  # 65535 / 255 = 257, rounded
    clear = image.info.get("transparency")
    if isinstance(clear, int):
        rgba.putalpha(Image.fromarray(np.where(wide == clear, 0, 255).astype(np.uint8)))
    return rgba
