"""One row of the outbox as one call of the Bot API.

Owns that translation, the mark of a repeat, and what is known of messages being pictures. Knows no database and no
limits. Loads python-telegram-bot.

Nothing is sent as HTML or Markdown: what people wrote stays what they wrote.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from telegram import (
    Bot,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputFile,
    InputMediaDocument,
    InputMediaPhoto,
    Message,
    ReplyParameters,
)
from telegram.error import BadRequest

from bot.effects import COALESCE, MOST_CAPTION, MOST_TEXT, Action
from bot.outbox import Row
from bot.shortening import shortened
from bot.texts import Words
from pipeline.domain import Json
from pipeline.files import Files

OTHER_KIND = ("there is no text in the message to edit", "there is no caption in the message to edit")
REPEAT = "repeat"  # what the button of a repeated sticker does: it says what it is
MOST_KNOWN = 10_000  # messages of which it is known whether they are pictures


class OtherKind(Exception):
    """The message to be changed is a picture, and not words, or the other way round; nothing was changed."""


class Pictures:
    """Which messages are pictures, as far as this process has met them: words and captions are changed by different
    calls, and each call counts among Telegram's limits, the vain ones too."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int | None], bool] = {}

    def told(self, row: Row) -> Row:
        """The row with what is known."""
        known = self._known.get((row.chat, row.message_id))
        return row if known is None else replace(row, payload=row.payload | {"captioned": known})

    def met(self, row: Row, message_id: int | None) -> None:
        """It was sent: ``message_id`` is of a message that was made."""
        if row.action in (Action.PHOTO, Action.REPHOTO):
            self._keep((row.chat, row.message_id if message_id is None else message_id), True)

    def mistaken(self, row: Row) -> bool:
        """It was tried as the other kind. False where it was tried as both."""
        key, tried = (row.chat, row.message_id), bool(row.payload.get("captioned"))
        if self._known.get(key) == tried:
            del self._known[key]
            return False
        self._keep(key, not tried)
        return True

    def _keep(self, key: tuple[int, int | None], pictured: bool) -> None:
        self._known.pop(key, None)
        self._known[key] = pictured
        if len(self._known) > MOST_KNOWN:
            del self._known[next(iter(self._known))]


async def send(bot: Bot, files: Files, row: Row, *, mark: str) -> int | None:
    """Do it. Returns the id of the message that was made; None where none was.

    Args:
        mark: the callback data of the button that marks a repeated sticker.

    Raises:
        TelegramError: see ``verdicts``.
        OtherKind: see there.
        BadInput: the file to be sent is not there any more. Nothing was sent.
    """
    calls = {
        Action.NOTICE: _notice,
        Action.BUTTONS: _rebutton,
        Action.DELETE: _delete,
        Action.EDIT: _edit,
        Action.REPHOTO: _rephoto,
        Action.SAY: _say,
        Action.PHOTO: _photo,
        Action.STICKER: _sticker,
        Action.DOCUMENT: _document,
        Action.ALBUM: _album,
    }
    payload = dict(row.payload)
    if row.doubts and (row.action not in COALESCE or row.message_id is None):
        payload = _marked(row.action, payload, mark)
    return await calls[row.action](bot, files, row, payload)


def _marked(action: Action, payload: Json, mark: str) -> Json:
    """The payload of a message that may have arrived already, saying so."""
    words = Words(str(payload.get("language")))
    if action is Action.STICKER:  # it has no words of its own
        return payload | {"buttons": [*payload.get("buttons", []), [{"text": words("key-repeat"), "data": mark}]]}
    if action in (Action.NOTICE, Action.DELETE, Action.BUTTONS):
        return payload
    said = words("repeat-mark")
    text, most = payload.get("text") or "", MOST_TEXT if action in (Action.SAY, Action.EDIT) else MOST_CAPTION
    return payload | {"text": shortened(f"{said}\n{text}" if text else said, most)}


async def _notice(bot: Bot, _: Files, row: Row, payload: Json) -> None:
    await bot.answer_callback_query(payload["query"], text=payload["text"] or None, show_alert=payload["alert"])


async def _rebutton(bot: Bot, _: Files, row: Row, payload: Json) -> None:
    if row.message_id is not None:
        await bot.edit_message_reply_markup(
            chat_id=row.chat, message_id=row.message_id, reply_markup=_keyboard(payload)
        )


async def _delete(bot: Bot, _: Files, row: Row, payload: Json) -> None:
    if row.message_id is not None:
        await bot.delete_message(row.chat, row.message_id)


async def _edit(bot: Bot, files: Files, row: Row, payload: Json) -> int | None:
    """A message of words, or the caption of a picture: one call, for whichever it is thought to be."""
    if row.message_id is None:
        return await _say(bot, files, row, payload)
    where: dict[str, Any] = {
        "chat_id": row.chat,
        "message_id": row.message_id,
        "reply_markup": _keyboard(payload),
    }
    try:
        if payload.get("captioned"):
            await bot.edit_message_caption(caption=shortened(payload["text"], MOST_CAPTION), **where)
        else:
            await bot.edit_message_text(payload["text"], **where)
    except BadRequest as error:
        if any(words in error.message.lower() for words in OTHER_KIND):
            raise OtherKind(error.message) from None
        raise
    return None


async def _rephoto(bot: Bot, files: Files, row: Row, payload: Json) -> int | None:
    if row.message_id is None:
        return await _photo(bot, files, row, payload)
    media = InputMediaPhoto(await _file(files, payload["file"], attach=True), caption=payload["text"] or None)
    await bot.edit_message_media(media, chat_id=row.chat, message_id=row.message_id, reply_markup=_keyboard(payload))
    return None


async def _say(bot: Bot, _: Files, row: Row, payload: Json) -> int:
    made = await bot.send_message(row.chat, payload["text"], **_manner(payload))
    return made.message_id


async def _photo(bot: Bot, files: Files, row: Row, payload: Json) -> int:
    picture = await _file(files, payload["file"])
    made = await bot.send_photo(row.chat, picture, caption=payload["text"] or None, **_manner(payload))
    return made.message_id


async def _sticker(bot: Bot, files: Files, row: Row, payload: Json) -> int:
    sticker = await _file(files, payload["file"])
    made = await bot.send_sticker(row.chat, sticker, emoji=payload["emoji"], **_manner(payload))
    return made.message_id


async def _document(bot: Bot, files: Files, row: Row, payload: Json) -> int:
    made = await bot.send_document(
        row.chat,
        await _file(files, payload["file"], payload["name"]),
        caption=payload["text"] or None,
        disable_content_type_detection=True,  # else a WEBP becomes a sticker
        **_manner(payload),
    )
    return made.message_id


async def _album(bot: Bot, files: Files, row: Row, payload: Json) -> int:
    pieces = [await _file(files, key, name, attach=True) for key, name in payload["files"]]
    media = [InputMediaDocument(piece, disable_content_type_detection=True) for piece in pieces]
    made: tuple[Message, ...] = await bot.send_media_group(
        row.chat, media, disable_notification=not payload["loud"], caption=payload["text"] or None
    )
    return made[0].message_id


async def _file(files: Files, key: str, name: str | None = None, *, attach: bool = False) -> InputFile:
    """``attach``: as a part of its own, which the JSON of an album or of a change refers to."""
    data = await asyncio.to_thread(files.read, key)
    return InputFile(data, filename=name or key.rpartition("/")[2], attach=attach)


def _manner(payload: Json) -> dict[str, Any]:
    found: dict[str, Any] = {"disable_notification": not payload["loud"], "reply_markup": _keyboard(payload)}
    if payload.get("reply_to"):
        found["reply_parameters"] = ReplyParameters(payload["reply_to"], allow_sending_without_reply=True)
    return found


def _keyboard(payload: Json) -> InlineKeyboardMarkup | None:
    rows = payload.get("buttons") or []
    keys = [
        [InlineKeyboardButton(key["text"], url=key.get("url"), callback_data=key.get("data")) for key in row]
        for row in rows
    ]
    return InlineKeyboardMarkup(keys) if keys else None
