"""Making and changing sticker sets.

Owns the methods; the rules of sets are in ``scripts/sandbox/emulator/sets.py``. Loads no heavy library.
"""

from __future__ import annotations

from typing import Any

from scripts.sandbox.emulator.contents import Container, Unreadable, measured, sniffed
from scripts.sandbox.emulator.errors import bad_request
from scripts.sandbox.emulator.methods.call import Call
from scripts.sandbox.emulator.people import Json
from scripts.sandbox.emulator.sets import (
    EMOJI_PX,
    MOST_THUMBNAIL_BYTES,
    SetSticker,
    StickerSet,
    check_name,
    check_sticker,
)


def _owner(call: Call) -> int:
    """The person who will own what is made; one who has never met the bot cannot."""
    owner: int = call.values["user_id"]
    user = call.world.users.get(owner)
    if user is not None and user.is_bot:
        raise bad_request("USER_IS_BOT")
    if user is None or (call.bot.id, owner) not in call.world.chats:
        raise bad_request("PEER_ID_INVALID")
    return owner


def _sticker(call: Call, given: Json, set_type: str) -> SetSticker:
    """An InputSticker, checked against the rules of the set's type."""
    stored = call.file(given["sticker"]).stored
    one = check_sticker(stored.content, given["format"], set_type)
    return SetSticker(
        unique_id=stored.unique_id,
        format=given["format"],
        width=one.width,
        height=one.height,
        emoji_list=tuple(given["emoji_list"]),
        keywords=tuple(given.get("keywords", ())),
        mask_position=given.get("mask_position"),
    )


def _found(call: Call, file_id: str) -> tuple[StickerSet, int]:
    """The set of this bot that a sticker's file_id is of, and the place in it."""
    seen = call.world.files.seen(call.bot.id, file_id)
    if seen.kind != "sticker" or not seen.set_name:
        raise bad_request("STICKER_INVALID")
    of = call.world.sets.own(seen.set_name, call.bot.id)
    at = of.index(seen.unique_id)
    if at is None:
        raise bad_request("STICKER_INVALID")
    return of, at


def get_sticker_set(call: Call) -> Any:
    found = call.world.sets.find(call.values["name"])
    return call.world.files.shown(call.world.sets.to_json(found), call.bot.id)


def upload_sticker_file(call: Call) -> Any:
    _owner(call)
    stored = call.file(call.values["sticker"]).stored
    check_sticker(stored.content, call.values["sticker_format"], "regular")
    shown = {"_kind": "sticker", "file_unique_id": stored.unique_id, "file_size": len(stored.content)}
    return call.world.files.shown(shown, call.bot.id)


def create_new_sticker_set(call: Call) -> Any:
    owner, name, kind = _owner(call), call.values["name"], call.get("sticker_type", "regular")
    check_name(name, call.bot.user.username)
    new = StickerSet(name=name, title=call.values["title"], type=kind, owner_id=owner, bot_id=call.bot.id)
    for given in call.values["stickers"]:
        call.world.sets.add(new, _sticker(call, given, kind))
    call.world.sets.create(new)
    return True


def add_sticker_to_set(call: Call) -> Any:
    to = call.world.sets.own(call.values["name"], call.bot.id, _owner(call))
    call.world.sets.add(to, _sticker(call, call.values["sticker"], to.type))
    return True


def replace_sticker_in_set(call: Call) -> Any:
    of = call.world.sets.own(call.values["name"], call.bot.id, _owner(call))
    found, at = _found(call, call.values["old_sticker"])
    if found is not of:
        raise bad_request("STICKER_INVALID")
    of.stickers[at] = _sticker(call, call.values["sticker"], of.type)
    return True


def set_sticker_position_in_set(call: Call) -> Any:
    of, at = _found(call, call.values["sticker"])
    of.stickers.insert(min(call.values["position"], len(of.stickers)), of.stickers.pop(at))
    return True


def delete_sticker_from_set(call: Call) -> Any:
    of, at = _found(call, call.values["sticker"])
    del of.stickers[at]
    return True


def set_sticker_emoji_list(call: Call) -> Any:
    of, at = _found(call, call.values["sticker"])
    call.world.sets.change(of, at, emoji_list=tuple(call.values["emoji_list"]))
    return True


def set_sticker_keywords(call: Call) -> Any:
    of, at = _found(call, call.values["sticker"])
    call.world.sets.change(of, at, keywords=tuple(call.get("keywords", ())))
    return True


def set_sticker_set_title(call: Call) -> Any:
    call.world.sets.own(call.values["name"], call.bot.id).title = call.values["title"]
    return True


def set_sticker_set_thumbnail(call: Call) -> Any:
    of = call.world.sets.own(call.values["name"], call.bot.id, _owner(call))
    if "thumbnail" not in call.values:
        of.thumbnail = ""
        return True
    kind, stored = call.values["format"], call.file(call.values["thumbnail"]).stored
    if len(stored.content) > MOST_THUMBNAIL_BYTES[kind]:
        raise bad_request("File is too big")
    _check_thumbnail(stored.content, kind)
    of.thumbnail = stored.unique_id
    return True


def _check_thumbnail(content: bytes, kind: str) -> None:
    """100 x 100 for pictures and video; an animation keeps its canvas of 512."""
    errors = {
        "static": "STICKER_THUMB_PNG_NOPNG",
        "animated": "STICKER_THUMB_TGS_NOTGS",
        "video": "STICKER_VIDEO_NOWEBM",
    }
    containers = {"static": (Container.PNG, Container.WEBP), "animated": (Container.TGS,), "video": (Container.WEBM,)}
    try:
        one = measured(content)
    except Unreadable:
        raise bad_request(errors[kind]) from None
    side_px = 512 if kind == "animated" else EMOJI_PX
    if sniffed(content) not in containers[kind] or not one.width == one.height == side_px:
        raise bad_request(errors[kind])


def delete_sticker_set(call: Call) -> Any:
    call.world.sets.remove(call.world.sets.own(call.values["name"], call.bot.id).name)
    return True


METHODS = {
    "getStickerSet": get_sticker_set,
    "uploadStickerFile": upload_sticker_file,
    "createNewStickerSet": create_new_sticker_set,
    "addStickerToSet": add_sticker_to_set,
    "replaceStickerInSet": replace_sticker_in_set,
    "setStickerPositionInSet": set_sticker_position_in_set,
    "deleteStickerFromSet": delete_sticker_from_set,
    "setStickerEmojiList": set_sticker_emoji_list,
    "setStickerKeywords": set_sticker_keywords,
    "setStickerSetTitle": set_sticker_set_title,
    "setStickerSetThumbnail": set_sticker_set_thumbnail,
    "deleteStickerSet": delete_sticker_set,
}
