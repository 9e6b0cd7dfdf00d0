"""Sending one message: text, photo, document, sticker, animation, and the sign that something is coming.

Owns these methods. What becomes of a file is in ``media.py``; loads no heavy library.
"""

from __future__ import annotations

from typing import Any

from scripts.sandbox.emulator.contents import Measured
from scripts.sandbox.emulator.methods import media
from scripts.sandbox.emulator.methods.call import Call, GivenFile
from scripts.sandbox.emulator.people import Json

Result = Any


def send_message(call: Call) -> Result:
    chat = call.writable()
    return call.shown(call.post(chat, call.text()), chat)


def send_photo(call: Call) -> Result:
    chat = call.writable()
    content = photo_content(call, call.values["photo"]) | call.caption()
    return call.shown(call.post(chat, content), chat)


def photo_content(call: Call, value: Any) -> Json:
    """A photo that is uploaded or known."""
    given = call.file(value, wanted="photo")
    return (
        dict(call.world.photos[given.stored.unique_id]) if given.kind else media.photo(call.world, given.stored.content)
    )


def send_document(call: Call) -> Result:
    chat = call.writable()
    untouched = bool(call.get("disable_content_type_detection"))
    content = document_content(call, call.values["document"], untouched=untouched) | call.caption()
    return call.shown(call.post(chat, content), chat)


def document_content(call: Call, value: Any, *, untouched: bool) -> Json:
    """A document that is uploaded, re-typed unless ``untouched``, or known."""
    given = call.file(value, wanted="document")
    name = upload_name(call, value, given)
    if given.kind or untouched:
        return media.document(call.world, given.stored, name)
    return media.retyped(call.world, given.stored, name)


def upload_name(call: Call, value: Any, given: GivenFile) -> str:
    """The name of this upload; the stored file keeps the name that it came with first."""
    upload = call.uploads.get(value.removeprefix("attach://")) if isinstance(value, str) else value
    return upload.name if upload is not None else given.stored.name


def send_animation(call: Call) -> Result:
    chat = call.writable()
    content = animation_content(call, call.values["animation"]) | call.caption()
    return call.shown(call.post(chat, content), chat)


def animation_content(call: Call, value: Any) -> Json:
    """A GIF or MP4; an MP4's size is what the bot says, for nothing here reads it."""
    given = call.file(value, wanted="animation")
    said = None
    if call.get("width") and call.get("height"):
        said = Measured(width=call.get("width"), height=call.get("height"), duration_s=call.get("duration", 0))
    return media.animation(call.world, given.stored, upload_name(call, value, given), said)


def send_sticker(call: Call) -> Result:
    chat = call.writable()
    given = call.file(call.values["sticker"], wanted="sticker")
    if given.kind:
        content = media.known_sticker(call.world, given.stored.unique_id, given.set_name)
    else:
        content = media.sticker(call.world, given.stored, emoji=call.get("emoji", ""))
    return call.shown(call.post(chat, content), chat)


def send_chat_action(call: Call) -> Result:
    chat = call.writable()
    chat.action = (call.values["action"], call.world.clock.ticks())
    return True


METHODS = {
    "sendMessage": send_message,
    "sendPhoto": send_photo,
    "sendDocument": send_document,
    "sendAnimation": send_animation,
    "sendSticker": send_sticker,
    "sendChatAction": send_chat_action,
}
