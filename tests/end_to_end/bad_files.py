"""Files and folders that a person may hand in by mistake or malice, each with the sentence that it gets."""

import shutil
import struct
import zipfile
import zlib

from PIL import Image

from tests.tiny_profile import write_pack, write_photos


def png_header(width, height):
    """A PNG that says it is so large, and has next to no pixels."""
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(bytes(9))),
        (b"IEND", b""),
    ]
    body = b"".join(struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + body


def sparse(path, size_bytes):
    """A file of that size which takes no room on the disk."""
    with path.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        file.truncate(size_bytes)


def truncated(path):
    Image.effect_noise((80, 80), 90).save(path)
    path.write_bytes(path.read_bytes()[:900])


BAD_PHOTOS = {
    "a text named .png": (lambda path: path.write_text("hello"), "not a PNG, WEBP, JPEG or GIF"),
    "a truncated PNG": (truncated, "damaged PNG"),
    "a header of 30000 x 30000": (lambda path: path.write_bytes(png_header(30_000, 30_000)), "30000 x 30000 px"),
    "a file of 200 MB": (lambda path: sparse(path, 200_000_000), r"200\.0 MB; a picture file may have"),
    "1 x 1": (lambda path: Image.new("RGB", (1, 1)).save(path), "1 x 1 px; each side needs"),
    "fully transparent": (lambda path: Image.new("RGBA", (64, 64)).save(path), "fully transparent"),
    "an empty file": (lambda path: path.write_bytes(b""), "bad.png"),
    "a folder": (lambda path: path.mkdir(), "is a folder"),
}


def zip_of(path, entries):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def folder_of(path, count):
    """A folder of ``count`` pictures."""
    path.mkdir()
    for picture in sorted(write_pack(path.parent / "source", 3).iterdir())[:count]:
        shutil.move(picture, path)
    return path


def texts(path):
    path.mkdir()
    for number in range(4):
        (path / f"{number}.png").write_text("hello")
    return path


BAD_PACKS = {
    "an empty folder": (lambda tmp: folder_of(tmp / "bad", 0), r"has 0 of the 3 to 120 .*; add 3 more"),
    "2 images": (lambda tmp: folder_of(tmp / "bad", 2), r"has 2 of the 3 to 120 .*; add 1 more"),
    "texts named .png": (lambda tmp: texts(tmp / "bad"), r"has 0 of .*'0\.png' is .*not a PNG"),
    "a zip bomb": (lambda tmp: zip_of(tmp / "bad.zip", {"a.png": bytes(60_000_000)}), r"'a\.png' that unpacks from"),
    "a zip with ../": (
        lambda tmp: zip_of(tmp / "bad.zip", {"../../a.png": b"x"}),
        r"'\.\./\.\./a\.png' that points outside",
    ),
    "a photo": (lambda tmp: write_photos(tmp / "bad", 1)[0], "a pack is a folder or a zip"),
    "no such path": (lambda tmp: tmp / "bad", "there is no"),
}


def long_gif(frames):
    """A GIF of 16 x 16 whose every frame is one colour: clear, 2 pixels, clear, 2 pixels ..., end (3 bits each)."""
    codes = "".join(reversed([code for _ in range(128) for code in ("100", "000", "000")]))
    packed = int("101" + codes, 2).to_bytes((len(codes) + 3 + 7) // 8, "little")
    frame = b"," + struct.pack("<HHHHB", 0, 0, 16, 16, 0) + b"\x02" + bytes([len(packed)]) + packed + b"\0"
    return b"GIF89a" + struct.pack("<HHBBB", 16, 16, 0x80, 0, 0) + bytes([255, 0, 0, 0, 0, 255]) + frame * frames + b";"
