"""Reading one picture: every format to RGBA, and one sentence for every bad file."""

from __future__ import annotations

import hashlib
import re
import struct
import tracemalloc
import warnings
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.errors import BadInput, BadPicture, PictureTooLarge
from pipeline.images import MAX_FILE_MB, load_picture
from tests.unit.pipeline.drawings import drawing, encoded, pixel


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(size: tuple[int, int], depth: int, colour_type: int, rows: bytes, *extra: bytes) -> bytes:
    """A PNG by hand: what Pillow cannot write."""
    header = struct.pack(">IIBBBBB", *size, depth, colour_type, 0, 0, 0)
    body = [chunk(b"IHDR", header), *extra, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(body)


@pytest.mark.parametrize("picture_format", ["PNG", "WEBP", "GIF"])
def test_transparency_is_kept(picture_format: str) -> None:
    """A transparent ground stays transparent in every format that has one."""
    options = {"lossless": True} if picture_format == "WEBP" else {}
    data = encoded(drawing(), picture_format, **options)
    assert pixel(data, (39, 29))[3] == 0
    assert pixel(data, (20, 15)) == (200, 30, 30, 255)


def test_a_path_and_its_bytes_give_the_same_picture(tmp_path: Path) -> None:
    """The hash is that of the file's bytes, and the suffix does not matter."""
    data = encoded(drawing(), "PNG")
    path = tmp_path / "picture.jpg"
    path.write_bytes(data)
    from_path, from_bytes = load_picture(path, name="a"), load_picture(data, name="a")
    assert from_path.sha256 == from_bytes.sha256 == hashlib.sha256(data).hexdigest()
    assert from_path.image.tobytes() == from_bytes.image.tobytes() == drawing().tobytes()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_turn(orientation: int) -> None:
    """A JPEG stored turned or mirrored comes out upright, for all eight orientations."""
    upright = Image.new("RGB", (64, 48), (255, 255, 255))
    upright.paste((255, 0, 0), (0, 0, 32, 16))  # an L of two colours: no symmetry hides a mistake
    upright.paste((0, 0, 255), (0, 16, 16, 48))
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Exif value → the transposition that stores it so
    stored = upright if orientation == 1 else upright.transpose(Image.Transpose(undo[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = load_picture(encoded(stored, "JPEG", quality=95, subsampling=0, exif=exif), name="x").image
    assert image.size == (64, 48)
    error = np.abs(np.asarray(image.convert("RGB"), int) - np.asarray(upright, int))
    assert error.mean() < 3


def test_cmyk_jpeg_has_its_colours() -> None:
    """CMYK red comes out red and opaque, not inverted."""
    red, green, blue, alpha = pixel(encoded(Image.new("CMYK", (32, 32), (0, 255, 255, 0)), "JPEG"), (5, 5))
    assert red > 240
    assert green < 15
    assert blue < 15
    assert alpha == 255


def test_16_bit_grey_is_scaled_not_clipped() -> None:
    """0, 1/4, 1/2 and full of 65535 become 0, 64, 128 and 255."""
    values = np.array([0, 16384, 32768, 65535], np.uint16).repeat(8)
    data = encoded(Image.fromarray(np.tile(values, (32, 1))), "PNG")
    assert [pixel(data, (x, 9))[0] for x in (0, 8, 16, 24)] == [0, 64, 128, 255]


def test_16_bit_transparent_grey_and_colour() -> None:
    """The transparent colour of a 16-bit PNG is compared in its own depth."""
    grey_row = b"\0" + struct.pack(">HH", 300, 65535) * 8
    grey = png((16, 16), 16, 0, grey_row * 16, chunk(b"tRNS", struct.pack(">H", 300)))
    assert [pixel(grey, (x, 0)) for x in (0, 1)] == [(1, 1, 1, 0), (255, 255, 255, 255)]
    colour_row = b"\0" + struct.pack(">6H", 300, 65535, 7, 1, 2, 3) * 8
    colour = png((16, 16), 16, 2, colour_row * 16, chunk(b"tRNS", struct.pack(">3H", 300, 65535, 7)))
    assert [pixel(colour, (x, 0))[3] for x in (0, 1)] == [0, 255]


def test_4_bit_transparent_grey() -> None:
    """Grey level 5 of 15 is the transparent one: Pillow alone would compare 5 with 85."""
    data = png((16, 16), 4, 0, (b"\0" + b"\x05" * 8) * 16, chunk(b"tRNS", struct.pack(">H", 5)))
    assert [pixel(data, (x, 0)) for x in (0, 1)] == [(0, 0, 0, 255), (85, 85, 85, 0)]


def test_palette_with_alpha() -> None:
    """Each entry of a palette keeps its own alpha."""
    palette = chunk(b"PLTE", bytes([255, 0, 0, 0, 255, 0, 0, 0, 255])) + chunk(b"tRNS", bytes([255, 128, 0]))
    data = png((18, 16), 8, 3, (b"\0" + bytes([0, 1, 2] * 6)) * 16, palette)
    assert [pixel(data, (x, 0)) for x in range(3)] == [(255, 0, 0, 255), (0, 255, 0, 128), (0, 0, 255, 0)]


def test_grey_with_alpha_and_one_bit() -> None:
    """LA keeps its alpha; 1-bit becomes black and white."""
    assert pixel(encoded(Image.new("LA", (20, 20), (90, 33)), "PNG"), (1, 1)) == (90, 90, 90, 33)
    assert pixel(encoded(Image.new("1", (20, 20), 1), "PNG"), (1, 1)) == (255, 255, 255, 255)


def test_shrinks_to_a_longer_side() -> None:
    """Only a picture that is larger is shrunk, and it keeps its proportions."""
    data = encoded(drawing((400, 200)), "PNG")
    assert load_picture(data, name="x", max_side_px=100).image.size == (100, 50)
    assert load_picture(data, name="x", max_side_px=1000).image.size == (400, 200)


def test_broken_exif_does_not_cost_the_picture() -> None:
    """Garbage in the EXIF block is ignored, without a warning."""
    data = encoded(drawing().convert("RGB"), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\xfe" * 40)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load_picture(data, name="x").image.size == (40, 30)


def truncated_png() -> bytes:
    data = encoded(Image.effect_noise((200, 200), 80), "PNG")
    return data[: len(data) // 2]


def truncated_jpeg() -> bytes:
    data = encoded(Image.effect_noise((200, 200), 80), "JPEG")
    return data[: len(data) // 2]


def flipped_bytes_png() -> bytes:
    data = bytearray(encoded(Image.effect_noise((200, 200), 80), "PNG"))
    data[5000:5040] = bytes(40)
    return bytes(data)


def forged(width: int, height: int) -> bytes:
    return png((width, height), 8, 6, b"")


def forged_webp() -> bytes:
    sides = (29_999).to_bytes(3, "little") * 2
    return b"RIFF" + struct.pack("<I", 100) + b"WEBPVP8X" + struct.pack("<II", 10, 0) + sides + bytes(80)


def forged_gif_frame() -> bytes:
    """A GIF of 20 x 20 whose one frame claims 60 000 x 60 000."""
    header = b"GIF89a" + struct.pack("<HHBBB", 20, 20, 0x80, 0, 0) + bytes([0, 0, 0, 255, 0, 0])
    return header + b"," + struct.pack("<HHHHB", 0, 0, 60_000, 60_000, 0) + b"\x02\x02\x4c\x01\x00;"


BAD = {
    "text": (b"Dear diary, today", BadPicture, "is a text file, not a PNG, WEBP, JPEG or GIF"),
    "empty": (b"", BadPicture, "is an empty file"),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", BadPicture, "is an SVG drawing"),
    "zip": (b"PK\x03\x04" + bytes(30), BadPicture, "is a zip archive"),
    "heic": (b"\0\0\0\x18ftypheic" + bytes(30), BadPicture, "is a HEIC picture"),
    "binary": (bytes(range(128, 256)), BadPicture, "unknown kind"),
    "tiff": (encoded(Image.new("L", (30, 30)), "TIFF"), BadPicture, "is a TIFF picture"),
    "truncated png": (truncated_png(), BadPicture, "is a damaged PNG"),
    "truncated jpeg": (truncated_jpeg(), BadPicture, "is a damaged JPEG"),
    "flipped bytes": (flipped_bytes_png(), BadPicture, "is a damaged PNG"),
    "only a signature": (b"\x89PNG\r\n\x1a\n", BadPicture, "its header cannot be read"),
    "only a jpeg marker": (b"\xff\xd8\xff", BadPicture, "its header cannot be read"),
    "30000 square png": (forged(30_000, 30_000), PictureTooLarge, "30000 x 30000 px; at most 64 megapixels"),
    "30000 square webp": (forged_webp(), PictureTooLarge, "30000 x 30000 px"),
    "one long side": (forged(100_000, 20), PictureTooLarge, "20000 px a side"),
    "hostile gif frame": (forged_gif_frame(), PictureTooLarge, "more pixels than its header says"),
    "no side": (forged(0, 0), BadPicture, "0 x 0 px"),
    "1 x 1": (encoded(Image.new("RGB", (1, 1)), "PNG"), BadPicture, "1 x 1 px; each side needs at least 16 px"),
    "15 high": (encoded(Image.new("RGB", (500, 15)), "PNG"), BadPicture, "500 x 15 px"),
    "transparent": (encoded(Image.new("RGBA", (64, 64)), "PNG"), BadPicture, "is fully transparent"),
    "all but transparent": (encoded(Image.new("RGBA", (64, 64), (9, 9, 9, 3)), "PNG"), BadPicture, "transparent"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_file(case: str, tmp_path: Path) -> None:
    """Each bad file: its own error, one line, the name shown with !r, no warning, and memory stays small."""
    data, error, words = BAD[case]
    path = tmp_path / "it's.png"
    path.write_bytes(data)
    warnings.simplefilter("error")  # pytest puts the filters back after each test
    tracemalloc.start()
    try:
        with pytest.raises(error, match=re.escape(words)) as caught:
            load_picture(path, name="x")
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()
    assert type(caught.value) is error
    assert repr(str(path)) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_200_mb_file_is_refused_unread(tmp_path: Path) -> None:
    """A sparse file of 200 MB that starts as a PNG costs nothing."""
    path = tmp_path / "huge.png"
    with path.open("wb") as file:
        file.write(forged(100, 100))
        file.truncate(200_000_000)
    tracemalloc.start()
    with pytest.raises(PictureTooLarge, match=rf"has 200\.0 MB; a picture file may have {MAX_FILE_MB} MB at most"):
        load_picture(path, name="x")
    assert tracemalloc.get_traced_memory()[1] < 1e6
    tracemalloc.stop()


def test_too_many_bytes_are_refused_as_well() -> None:
    """The limit of a file's size holds for bytes from an archive or a chat."""
    with pytest.raises(PictureTooLarge, match=r"'photo' has 50\.0 MB"):
        load_picture(bytes(MAX_FILE_MB * 1_000_000 + 1), name="photo")


@pytest.mark.parametrize(
    ("name", "words"), [("none.png", "there is no file"), (".", "is a folder"), ("a\0b", "cannot read")]
)
def test_no_file(name: str, words: str, tmp_path: Path) -> None:
    """A missing path, a folder and an impossible path are told apart."""
    with pytest.raises(BadInput, match=words):
        load_picture(tmp_path / name, name="x")


def test_a_device_is_not_read() -> None:
    """An endless device is refused before the first byte."""
    with pytest.raises(BadInput, match="not a regular file"):
        load_picture("/dev/zero", name="x")


@pytest.mark.parametrize("picture_format", ["PNG", "JPEG", "GIF", "WEBP"])
def test_damaged_files_never_leak_another_error(picture_format: str) -> None:
    """Cut and overwritten files either load or raise ``BadPicture``; nothing else, and no warning."""
    data = encoded(drawing((48, 48)).convert("P" if picture_format == "GIF" else "RGB"), picture_format)
    random = np.random.default_rng(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(150):
            broken = bytearray(data[: random.integers(1, len(data) + 1)])
            for at in random.integers(0, len(broken), 4):
                broken[at] = random.integers(0, 256)
            with suppress(BadPicture):
                assert load_picture(bytes(broken), name="x").image.mode == "RGBA"
