"""Sending a message that exists once more: forwarded with its origin, or copied without.

Owns ``forwardMessage`` and ``copyMessage``; loads no heavy library.
"""

from __future__ import annotations

import copy
from typing import Any

from scripts.sandbox.emulator.errors import bad_request
from scripts.sandbox.emulator.methods.call import Call
from scripts.sandbox.emulator.people import Message


def _source(call: Call, what: str) -> Message:
    chat = call.world.chat(call.bot, call.values["from_chat_id"])
    message = chat.live(call.values["message_id"])
    if message is None:
        raise bad_request(f"message to {what} not found")
    return message


def forward_message(call: Call) -> Any:
    chat = call.writable()
    source = _source(call, "forward")
    origin = {"type": "user", "date": int(source.date), "sender_user": source.sender.to_json()}
    extra = {"forward_origin": source.extra.get("forward_origin", origin)}
    message = call.post(chat, copy.deepcopy(source.content), extra=extra)
    return call.shown(message, chat)


def copy_message(call: Call) -> Any:
    chat = call.writable()
    content = copy.deepcopy(_source(call, "copy").content)
    if "caption" in call.values and "text" not in content:
        content = {key: value for key, value in content.items() if not key.startswith("caption")} | call.caption()
    return {"message_id": call.post(chat, content).id}


METHODS = {"forwardMessage": forward_message, "copyMessage": copy_message}
