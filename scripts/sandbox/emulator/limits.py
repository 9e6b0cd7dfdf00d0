"""The limits that the Bot API states in prose only, as one table: owner and field → rule.

Owns what concerns a sticker bot's methods. Lengths of formatted text are checked after its entities are read
(``methods/texts.py``); what depends on state is checked where the state is. Loads ``emoji`` for what is an emoji.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import emoji

from scripts.sandbox.emulator.errors import Malformed

Rule = Callable[[str, Any], None]
MOST_KEYWORD_CHARACTERS = 64  # of all keywords of a sticker together
MOST_BUTTONS = 100


def units(text: str) -> int:
    """Length in UTF-16 code units, as Telegram counts offsets and lengths."""
    return len(text.encode("utf-16-le")) // 2


def _length(least: int, most: int) -> Rule:
    def keep(where: str, value: Any) -> None:
        if not least <= units(value) <= most:
            raise Malformed(f"{where}: {value[:40]!r} has {units(value)} characters; {least} to {most} are allowed")

    return keep


def _bytes(least: int, most: int, error: str = "") -> Rule:
    def keep(where: str, value: Any) -> None:
        size = len(value.encode())
        if not least <= size <= most:
            raise Malformed(error or f"{where}: {value[:40]!r} has {size} bytes; {least} to {most} are allowed")

    return keep


def _range(least: float, most: float) -> Rule:
    def keep(where: str, value: Any) -> None:
        if not least <= value <= most:
            raise Malformed(f"{where}: {value!r} is not within {least} to {most}")

    return keep


def _count(least: int, most: int) -> Rule:
    def keep(where: str, value: Any) -> None:
        if not least <= len(value) <= most:
            raise Malformed(f"{where}: {len(value)} items; {least} to {most} are allowed")

    return keep


def _like(pattern: str, meaning: str) -> Rule:
    def keep(where: str, value: Any) -> None:
        if not re.fullmatch(pattern, value):
            raise Malformed(f"{where}: {value!r} is not {meaning}")

    return keep


def _one_of(*allowed: str) -> Rule:
    def keep(where: str, value: Any) -> None:
        if value not in allowed:
            raise Malformed(f"{where}: {value!r} is none of {', '.join(allowed)}")

    return keep


def is_emoji(text: str) -> bool:
    """Is this one Unicode emoji? With or without the variation selector, as Telegram takes it."""
    return emoji.is_emoji(text) or emoji.is_emoji(text.replace("\ufe0f", "")) or emoji.is_emoji(text + "\ufe0f")


def _emoji_list(where: str, value: Any) -> None:
    if not value:
        raise Malformed("emoji list must be non-empty")
    if len(value) > 20:
        raise Malformed("too many emoji specified")
    wrong = [one for one in value if not is_emoji(one)]
    if wrong:
        raise Malformed(f"expected a Unicode emoji (emulator: {where} has {wrong[0]!r})")


def _one_emoji(where: str, value: Any) -> None:
    if value:
        _emoji_list(where, [value])


def _keywords(where: str, value: Any) -> None:
    _count(0, 20)(where, value)
    total = sum(map(len, value))
    if total > MOST_KEYWORD_CHARACTERS:
        raise Malformed(f"{where}: {total} characters in all keywords; at most {MOST_KEYWORD_CHARACTERS} are allowed")


def _keyboard(where: str, rows: Any) -> None:
    buttons = [button for row in rows for button in row]
    _count(0, MOST_BUTTONS)(where, buttons)
    for button in buttons:
        kinds = [name for name in button if name not in ("text", "style", "icon_custom_emoji_id")]
        if len(kinds) != 1:
            raise Malformed(f"{where}: the button {button['text']!r} must do exactly one thing, not {kinds or 'none'}")


STICKER_FORMAT = _one_of("static", "animated", "video")
LANGUAGE = _like("|[a-z]{2}", "a two-letter language code")
_MEDIA = ("photo", "video", "voice", "document", "video_note")
ACTIONS = (
    "typing",
    *(f"upload_{one}" for one in _MEDIA),
    *(f"record_{one}" for one in ("video", "voice", "video_note")),
    "choose_sticker",
    "find_location",
)

LIMITS: Mapping[str, Rule] = {
    "getUpdates.limit": _range(1, 100),
    "getUpdates.timeout": _range(0, 1000),  # the server cuts it to 50 s
    "setWebhook.url": _length(0, 2048),
    "setWebhook.secret_token": _like("[A-Za-z0-9_-]{1,256}", "1 to 256 characters of A-Z, a-z, 0-9, _ and -"),
    "setWebhook.max_connections": _range(1, 100),
    "sendChatAction.action": _one_of(*ACTIONS),
    "sendMediaGroup.media": _count(2, 10),
    "sendSticker.emoji": _one_emoji,
    "deleteMessages.message_ids": _count(1, 100),
    "forwardMessages.message_ids": _count(1, 100),
    "copyMessages.message_ids": _count(1, 100),
    "answerCallbackQuery.text": _length(0, 200),
    "answerInlineQuery.results": _count(0, 50),
    "answerInlineQuery.next_offset": _bytes(0, 64),
    "uploadStickerFile.sticker_format": STICKER_FORMAT,
    "createNewStickerSet.name": _length(1, 64),
    "createNewStickerSet.title": _length(1, 64),
    "createNewStickerSet.stickers": _count(1, 50),
    "createNewStickerSet.sticker_type": _one_of("regular", "mask", "custom_emoji"),
    "setStickerPositionInSet.position": _range(0, 199),
    "setStickerEmojiList.emoji_list": _emoji_list,
    "setStickerKeywords.keywords": _keywords,
    "setStickerSetTitle.title": _length(1, 64),
    "setStickerSetThumbnail.format": STICKER_FORMAT,
    "setMyCommands.commands": _count(0, 100),
    "setMyCommands.language_code": LANGUAGE,
    "getMyCommands.language_code": LANGUAGE,
    "deleteMyCommands.language_code": LANGUAGE,
    "setMyName.name": _length(0, 64),
    "setMyName.language_code": LANGUAGE,
    "getMyName.language_code": LANGUAGE,
    "setMyDescription.description": _length(0, 512),
    "setMyDescription.language_code": LANGUAGE,
    "getMyDescription.language_code": LANGUAGE,
    "setMyShortDescription.short_description": _length(0, 120),
    "setMyShortDescription.language_code": LANGUAGE,
    "getMyShortDescription.language_code": LANGUAGE,
    "BotCommand.command": _like("[a-z0-9_]{1,32}", "a command of 1 to 32 lower-case letters, digits and underscores"),
    "BotCommand.description": _length(1, 256),
    "InputSticker.format": STICKER_FORMAT,
    "InputSticker.emoji_list": _emoji_list,
    "InputSticker.keywords": _keywords,
    "InlineKeyboardMarkup.inline_keyboard": _keyboard,
    "InlineKeyboardButton.text": _length(1, 1024),
    "InlineKeyboardButton.callback_data": _bytes(1, 64, "BUTTON_DATA_INVALID"),
    "InlineKeyboardButton.style": _one_of("danger", "success", "primary"),
    "KeyboardButton.style": _one_of("danger", "success", "primary"),
    "CopyTextButton.text": _length(1, 256),
    "ReplyKeyboardMarkup.input_field_placeholder": _length(1, 64),
    "ForceReply.input_field_placeholder": _length(1, 64),
    "InlineQueryResultCachedSticker.id": _bytes(1, 64),
    "InlineQueryResultArticle.id": _bytes(1, 64),
    "InlineQueryResultsButton.start_parameter": _like(
        "[A-Za-z0-9_-]{1,64}", "1 to 64 characters of A-Z, a-z, 0-9, _, -"
    ),
}


def keep(owner: str, name: str, value: Any) -> None:
    """Refuse the value of a method's or type's field that its written limit does not allow. Raises Malformed."""
    rule = LIMITS.get(f"{owner}.{name}")
    if rule is not None:
        rule(f"{owner}.{name}", value)
