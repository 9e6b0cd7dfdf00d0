"""Files as the contents of messages: photos that lose their transparency, documents bit by bit, stickers, animations.

Owns what the server does to each, and its limits. Knows nothing of chats; loads Pillow.
"""

from __future__ import annotations

import io
from typing import Any

from PIL import Image, ImageOps

from scripts.sandbox.emulator.contents import Container, Measured, Unreadable, measured, opened, sniffed
from scripts.sandbox.emulator.errors import Refused, bad_request
from scripts.sandbox.emulator.files import StoredFile
from scripts.sandbox.emulator.people import Json
from scripts.sandbox.emulator.sets import MOST_BYTES
from scripts.sandbox.emulator.world import World

MOST_PHOTO_BYTES, MOST_PHOTO_SIDES_PX, MOST_PHOTO_RATIO = 10 << 20, 10_000, 20
PHOTO_SIDES_PX = (90, 320, 800, 1280)
STICKER_SIDE_PX = 512
STICKER_FORMATS = {Container.WEBP: "static", Container.TGS: "animated", Container.WEBM: "video"}


def _jpeg(picture: Image.Image, side_px: int) -> bytes:
    copy = picture.copy()
    copy.thumbnail((side_px, side_px), Image.Resampling.BILINEAR)
    out = io.BytesIO()
    copy.save(out, "JPEG", quality=87)
    return out.getvalue()


def _flat(content: bytes) -> Image.Image:
    """The picture as a photo has it: upright, and black where it was transparent."""
    with opened(content) as picture:
        try:
            upright = ImageOps.exif_transpose(picture).convert("RGBA")
        except (OSError, ValueError, SyntaxError):
            raise bad_request("IMAGE_PROCESS_FAILED") from None
    ground = Image.new("RGBA", upright.size, "black")
    return Image.alpha_composite(ground, upright).convert("RGB")


def photo(world: World, content: bytes) -> Json:
    """A photo in several sizes, always JPEG. Raises Refused: not a picture, too large, too long."""
    if len(content) > MOST_PHOTO_BYTES:
        raise bad_request("file is too big")
    try:
        with opened(content) as picture:
            width, height = picture.size
    except Unreadable:
        raise bad_request("IMAGE_PROCESS_FAILED") from None
    if width + height > MOST_PHOTO_SIDES_PX or max(width, height) > MOST_PHOTO_RATIO * min(width, height):
        raise bad_request("PHOTO_INVALID_DIMENSIONS")
    flat = _flat(content)
    largest = min(max(flat.size), PHOTO_SIDES_PX[-1])
    sides = [side for side in PHOTO_SIDES_PX if side < largest] + [largest]
    sizes = {"photo": [_photo_size(world, _jpeg(flat, side), "photo") for side in sides]}
    world.photos |= {size["file_unique_id"]: sizes for size in sizes["photo"]}
    return dict(sizes)


def _photo_size(world: World, jpeg: bytes, kind: str) -> Json:
    stored = world.files.put(jpeg, name="photo.jpg", mime="image/jpeg")
    one = measured(jpeg)
    size = {"width": one.width, "height": one.height, "file_size": len(jpeg)}
    return {"_kind": kind, "file_unique_id": stored.unique_id} | size


def _thumbnail(world: World, content: bytes) -> Json:
    """The small picture that the server makes of a picture; none of anything else."""
    try:
        with opened(content) as picture:
            if sum(picture.size) > MOST_PHOTO_SIDES_PX:
                return {}
        return {"thumbnail": _photo_size(world, _jpeg(_flat(content), 320), "thumbnail")}
    except (Unreadable, Refused):
        return {}


def document(world: World, stored: StoredFile, name: str, *, mime: str = "") -> Json:
    """A file as it is."""
    kind = sniffed(stored.content).value if not mime or mime == Container.OTHER.value else mime
    shown: Json = {"_kind": "document", "file_unique_id": stored.unique_id, "file_name": name or stored.name}
    shown |= {"mime_type": kind, "file_size": len(stored.content)}
    return {"document": shown | _thumbnail(world, stored.content)}


def retyped(world: World, stored: StoredFile, name: str) -> Json:
    """What the server makes of an uploaded document unless it is told not to: a .webp or .tgs becomes a sticker."""
    ending, kind = name.lower().rpartition(".")[2], sniffed(stored.content)
    if (ending, kind) in (("webp", Container.WEBP), ("tgs", Container.TGS)):
        try:
            return sticker(world, stored)
        except Refused:
            return document(world, stored, name)
    if (ending, kind) == ("gif", Container.GIF):
        return animation(world, stored, name)
    return document(world, stored, name)


def animation(world: World, stored: StoredFile, name: str, given: Measured | None = None) -> Json:
    """A GIF or an MP4 without sound; with the document beside it, as for older clients."""
    kind = sniffed(stored.content)
    if kind not in (Container.GIF, Container.MP4):
        raise bad_request("wrong type of the file (emulator: an animation is a GIF or an MP4)")
    try:
        one = given or measured(stored.content)
    except Unreadable:
        one = Measured(width=320, height=320)
    shown: Json = {"_kind": "animation", "file_unique_id": stored.unique_id, "width": one.width, "height": one.height}
    shown |= {"duration": max(1, round(one.duration_s)), "file_name": name, "mime_type": kind.value}
    shown["file_size"] = len(stored.content)
    return {"animation": shown, "document": {**shown, "_kind": "animation"}}


def sticker(world: World, stored: StoredFile, *, emoji: str = "") -> Json:
    """A sticker that was just uploaded: .WEBP, .TGS or .WEBM by content, within the size of its format."""
    kind = STICKER_FORMATS.get(sniffed(stored.content))
    if kind is None:
        found = sniffed(stored.content).value
        raise bad_request(f"wrong file type (emulator: a sticker is uploaded as WEBP, TGS or WEBM, not as {found})")
    try:
        one = measured(stored.content)
    except Unreadable:
        raise bad_request("wrong file type (emulator: the sticker cannot be read)") from None
    if len(stored.content) > MOST_BYTES[kind] or max(one.width, one.height) > STICKER_SIDE_PX:
        raise bad_request("File is too big")
    shown = world.sets.loose_json(stored.unique_id, kind, one.width, one.height)
    return {"sticker": shown | ({"emoji": emoji} if emoji else {})}


def known_sticker(world: World, unique_id: str, set_name: str) -> Json:
    """A sticker that exists: as its set has it now, or by itself."""
    try:
        of = world.sets.find(set_name)
        at = of.index(unique_id)
    except Refused:
        at = None
    if at is not None:
        return {"sticker": world.sets.sticker_json(of, of.stickers[at])}
    return sticker_by_itself(world, unique_id)


def sticker_by_itself(world: World, unique_id: str) -> Json:
    """A content as a sticker of no set; PNG as well, since a set's stickers may be PNG."""
    one = measured(world.files.get(unique_id).content)
    kind: Any = STICKER_FORMATS.get(sniffed(world.files.get(unique_id).content), "static")
    return {"sticker": world.sets.loose_json(unique_id, kind, one.width, one.height)}
