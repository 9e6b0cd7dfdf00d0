"""Sticker sets with their rules: names, counts, sizes in pixels and KiB, formats, emoji, keywords, positions.

Owns what a set is and what may become a sticker. Knows nothing of chats and HTTP; loads Pillow through ``contents.py``.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field
from typing import Any

from scripts.sandbox.emulator.contents import Container, Measured, Unreadable, measured, sniffed
from scripts.sandbox.emulator.errors import bad_request
from scripts.sandbox.emulator.files import Files

MOST_AT_CREATION = 50
MOST = {"regular": 120, "mask": 120, "custom_emoji": 200}
SIDE_PX, EMOJI_PX = 512, 100
MOST_SECONDS, MOST_TGS_FPS, MOST_WEBM_FPS = 3.0, 60.0, 30.0
MOST_BYTES = {"static": 512 << 10, "animated": 64 << 10, "video": 256 << 10}
MOST_EMOJI_BYTES = {"static": 128 << 10, "animated": 64 << 10, "video": 64 << 10}
MOST_THUMBNAIL_BYTES = {"static": 128 << 10, "animated": 32 << 10, "video": 32 << 10}
SLACK = 0.05  # of seconds and frames a second: containers round both


@dataclass(frozen=True, kw_only=True)
class SetSticker:
    """A sticker of a set."""

    unique_id: str
    format: str  # static | animated | video
    width: int
    height: int
    emoji_list: tuple[str, ...]
    keywords: tuple[str, ...] = ()
    mask_position: dict[str, Any] | None = None
    thumbnail: str = ""  # unique id of a small picture


@dataclass(kw_only=True)
class StickerSet:
    """A set. ``bot_id`` is the bot that made it; 0 for one that a person made without our bots."""

    name: str
    title: str
    type: str
    owner_id: int
    bot_id: int = 0
    stickers: list[SetSticker] = field(default_factory=list)
    thumbnail: str = ""

    def index(self, unique_id: str) -> int | None:
        """Where in the set a content is."""
        return next((at for at, one in enumerate(self.stickers) if one.unique_id == unique_id), None)


def check_name(name: str, bot_username: str) -> None:
    """A name's rule: letters first, single underscores, ends with ``_by_<bot>``. Raises Refused."""
    suffix = f"_by_{bot_username}".lower()
    shaped = re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,63}", name) and "__" not in name
    if not shaped or not name.lower().endswith(suffix) or len(name) == len(suffix):
        raise bad_request("invalid sticker set name is specified")


def _readable(content: bytes, error: str) -> Measured:
    try:
        return measured(content)
    except Unreadable:
        raise bad_request(error) from None


def _check_pixels(one: Measured, set_type: str, error: str) -> None:
    small = set_type == "custom_emoji"
    fits = one.width == one.height == EMOJI_PX if small else max(one.width, one.height) == SIDE_PX
    if not fits:
        raise bad_request(error)


def check_static(content: bytes, set_type: str) -> Measured:
    """PNG or WEBP; one side exactly 512 px, the other at most that; 100 x 100 for custom emoji."""
    if sniffed(content) not in (Container.PNG, Container.WEBP):
        raise bad_request("STICKER_PNG_NOPNG")
    one = _readable(content, "STICKER_PNG_NOPNG")
    _check_pixels(one, set_type, "STICKER_PNG_DIMENSIONS")
    return one


def check_animated(content: bytes, set_type: str) -> Measured:
    """A gzipped Lottie of 512 x 512, at most 3 s and 60 frames a second."""
    if sniffed(content) is not Container.TGS:
        raise bad_request("STICKER_TGS_NOTGS")
    one = _readable(content, "STICKER_TGS_NOTGS")
    in_time = 0 < one.duration_s <= MOST_SECONDS + SLACK and one.fps <= MOST_TGS_FPS + SLACK
    if not (one.width == one.height == SIDE_PX and in_time):
        raise bad_request("STICKER_TGS_NOTGS")
    return one


def check_video(content: bytes, set_type: str) -> Measured:
    """VP9 in WebM without sound, at most 3 s and 30 frames a second."""
    if sniffed(content) is not Container.WEBM:
        raise bad_request("STICKER_VIDEO_NOWEBM")
    one = _readable(content, "STICKER_VIDEO_NOWEBM")
    if one.codec != "V_VP9" or one.has_audio:
        raise bad_request("STICKER_VIDEO_NOWEBM")
    _check_pixels(one, set_type, "STICKER_VIDEO_DIMENSIONS")
    if one.duration_s > MOST_SECONDS + SLACK or one.fps > MOST_WEBM_FPS + SLACK:
        raise bad_request("STICKER_VIDEO_LONG")
    return one


CHECKS = {"static": check_static, "animated": check_animated, "video": check_video}


def check_sticker(content: bytes, sticker_format: str, set_type: str) -> Measured:
    """A content as a sticker of a set of some type. Raises Refused with the server's code."""
    most = (MOST_EMOJI_BYTES if set_type == "custom_emoji" else MOST_BYTES)[sticker_format]
    if len(content) > most:
        raise bad_request("File is too big")
    return CHECKS[sticker_format](content, set_type)


class StickerSets:
    """All sets of the emulator, by name without regard to case."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._sets: dict[str, StickerSet] = {}

    def find(self, name: str) -> StickerSet:
        """Any set. Raises Refused."""
        found = self._sets.get(name.lower())
        if found is None:
            raise bad_request("STICKERSET_INVALID")
        return found

    def own(self, name: str, bot_id: int, owner_id: int | None = None) -> StickerSet:
        """A set that this bot made (for this owner); others it may only read. Raises Refused."""
        found = self.find(name)
        if found.bot_id != bot_id or (owner_id is not None and found.owner_id != owner_id):
            raise bad_request("STICKERSET_INVALID")
        return found

    def create(self, new: StickerSet) -> None:
        if new.name.lower() in self._sets:
            raise bad_request("sticker set name is already occupied")
        self._sets[new.name.lower()] = new

    def remove(self, name: str) -> None:
        del self._sets[self.find(name).name.lower()]

    def made_by(self, bot_id: int) -> list[StickerSet]:
        return [one for one in self._sets.values() if one.bot_id == bot_id]

    def add(self, to: StickerSet, sticker: SetSticker) -> None:
        """Append; exactly the same sticker a second time changes nothing. Raises Refused."""
        if to.index(sticker.unique_id) is not None:
            return
        if len(to.stickers) >= MOST[to.type]:
            raise bad_request("STICKERS_TOO_MUCH")
        to.stickers.append(sticker)

    def change(self, in_set: StickerSet, at: int, **changes: Any) -> None:
        in_set.stickers[at] = dataclasses.replace(in_set.stickers[at], **changes)

    def sticker_json(self, of: StickerSet, one: SetSticker) -> dict[str, Any]:
        """The Sticker object, without file_ids."""
        shown = self.loose_json(one.unique_id, one.format, one.width, one.height, one.thumbnail)
        shown |= {"type": of.type, "set_name": of.name, "emoji": one.emoji_list[0]}
        if of.type == "custom_emoji":
            shown["custom_emoji_id"] = str(int.from_bytes(one.unique_id.encode()[-7:], "big"))
        return shown | ({"mask_position": one.mask_position} if one.mask_position else {})

    def loose_json(self, unique_id: str, kind: str, width: int, height: int, thumbnail: str = "") -> dict[str, Any]:
        """The Sticker object of a sticker that is in no set."""
        size = len(self._files.get(unique_id).content)
        shown: dict[str, Any] = {"_kind": "sticker", "file_unique_id": unique_id, "type": "regular"}
        shown |= {"width": width, "height": height, "is_animated": kind == "animated", "is_video": kind == "video"}
        if thumbnail:
            shown["thumbnail"] = self.picture_json(thumbnail)
        return shown | {"file_size": size}

    def picture_json(self, unique_id: str) -> dict[str, Any]:
        """A PhotoSize, without its file_id."""
        content = self._files.get(unique_id).content
        one = measured(content)
        shown = {"_kind": "thumbnail", "file_unique_id": unique_id, "width": one.width, "height": one.height}
        return shown | {"file_size": len(content)}

    def to_json(self, one: StickerSet) -> dict[str, Any]:
        """The StickerSet object, without file_ids."""
        shown: dict[str, Any] = {"name": one.name, "title": one.title, "sticker_type": one.type}
        shown["stickers"] = [self.sticker_json(one, sticker) for sticker in one.stickers]
        return shown | ({"thumbnail": self.picture_json(one.thumbnail)} if one.thumbnail else {})
