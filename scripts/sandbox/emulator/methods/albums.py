"""Albums: two to ten photos, or two to ten documents, as messages that belong together.

Owns ``sendMediaGroup``. Stickers cannot be in an album, and an album has no buttons: the API's table says so.
"""

from __future__ import annotations

import secrets
from typing import Any

from scripts.sandbox.emulator.errors import NotEmulated, bad_request
from scripts.sandbox.emulator.methods.call import Call
from scripts.sandbox.emulator.methods.sending import document_content, photo_content
from scripts.sandbox.emulator.people import Json


def item_content(call: Call, item: Json) -> Json:
    """One item of an album, or the new content of an edited message."""
    if item["type"] == "photo":
        return photo_content(call, item["media"]) | call.caption(item)
    if item["type"] == "document":
        untouched = bool(item.get("disable_content_type_detection"))
        return document_content(call, item["media"], untouched=untouched) | call.caption(item)
    raise NotEmulated(f"{call.method} with {item['type']}")


def send_media_group(call: Call) -> Any:
    chat = call.writable()
    items = call.values["media"]
    kinds = {item["type"] for item in items}
    if len(kinds) > 1 and kinds & {"document", "audio"}:
        raise bad_request("media of different types can't be mixed in an album (documents go only with documents)")
    contents = [item_content(call, item | {"disable_content_type_detection": True}) for item in items]
    group = {"media_group_id": str(secrets.randbits(60))}
    messages = [call.post(chat, content, extra=dict(group)) for content in contents]
    return [call.shown(message, chat) for message in messages]


METHODS = {"sendMediaGroup": send_media_group}
