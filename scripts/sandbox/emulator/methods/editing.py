"""Changing and deleting messages that were sent.

Owns the edits, what may be turned into what, "message is not modified", and the 48 hours of deletion. Loads no heavy
library.
"""

from __future__ import annotations

from typing import Any

from scripts.sandbox.emulator.errors import NOT_MODIFIED, Malformed, NotEmulated, Refused, bad_request
from scripts.sandbox.emulator.methods.albums import item_content
from scripts.sandbox.emulator.methods.call import Call
from scripts.sandbox.emulator.methods.sending import animation_content
from scripts.sandbox.emulator.people import Chat, Json, Message

DELETABLE_SECONDS = 48 * 3600
CAPTIONED = ("photo", "document", "animation", "video", "audio", "voice")


def _edited(call: Call) -> tuple[Chat, Message]:
    """The chat and the message of an edit. Raises Refused: gone, another's."""
    if "inline_message_id" in call.values:
        raise NotEmulated(f"{call.method} of an inline message")
    if "chat_id" not in call.values or "message_id" not in call.values:
        raise Malformed("message identifier is not specified")
    chat = call.writable()
    message = chat.live(call.values["message_id"])
    if message is None:
        raise bad_request("message to edit not found")
    if message.sender.id != call.bot.id:
        raise bad_request("message can't be edited")
    return chat, message


def _change(call: Call, chat: Chat, message: Message, content: Json) -> Any:
    """Put the new content and keyboard in place; a keyboard that is not sent again is gone, as on Telegram."""
    keyboard = call.inline_keyboard()
    if content == message.content and keyboard == message.markup:
        raise bad_request(NOT_MODIFIED)
    message.past.append((message.content, message.markup))
    only_keyboard = content == message.content
    message.content, message.markup = content, keyboard
    if not only_keyboard:
        message.edited = call.world.clock.now()
    call.world.noticed(chat, message)
    return call.shown(message, chat)


def edit_message_text(call: Call) -> Any:
    if "text" not in call.values:
        raise NotEmulated("editMessageText without text")
    chat, message = _edited(call)
    if "text" not in message.content:
        raise bad_request("there is no text in the message to edit")
    return _change(call, chat, message, call.text())


def edit_message_caption(call: Call) -> Any:
    chat, message = _edited(call)
    if not any(kind in message.content for kind in CAPTIONED):
        raise bad_request("there is no caption in the message to edit")
    bare = {key: value for key, value in message.content.items() if not key.startswith("caption")}
    return _change(call, chat, message, bare | call.caption())


def edit_message_media(call: Call) -> Any:
    chat, message = _edited(call)
    if "sticker" in message.content:
        raise bad_request("message can't be edited")  # a sticker stays what it is: delete it and send another
    item = call.values["media"]
    if item["type"] == "animation":
        content = animation_content(call, item["media"]) | call.caption(item)
    else:
        content = item_content(call, item)
    if "media_group_id" in message.extra and not set(content) & set(message.content) & {"photo", "document"}:
        raise bad_request("message content type can't be changed in an album")
    return _change(call, chat, message, content)


def edit_message_reply_markup(call: Call) -> Any:
    chat, message = _edited(call)
    return _change(call, chat, message, message.content)


def _delete(call: Call, chat: Chat, message_id: int) -> None:
    message = chat.live(message_id)
    if message is None:
        raise bad_request("message to delete not found")
    own = message.sender.id == call.bot.id
    allowed = own or chat.type == "private" or chat.status.get(call.bot.id) == "administrator"
    if not allowed or call.world.clock.ticks() - message.ticks > DELETABLE_SECONDS:
        raise bad_request("message can't be deleted")
    message.deleted = True


def delete_message(call: Call) -> Any:
    _delete(call, call.world.chat(call.bot, call.values["chat_id"]), call.values["message_id"])
    return True


def delete_messages(call: Call) -> Any:
    """Those that cannot be found or deleted are skipped, as on Telegram."""
    chat = call.world.chat(call.bot, call.values["chat_id"])
    for message_id in call.values["message_ids"]:
        try:
            _delete(call, chat, message_id)
        except Refused:
            continue
    return True


METHODS = {
    "editMessageText": edit_message_text,
    "editMessageCaption": edit_message_caption,
    "editMessageMedia": edit_message_media,
    "editMessageReplyMarkup": edit_message_reply_markup,
    "deleteMessage": delete_message,
    "deleteMessages": delete_messages,
}
