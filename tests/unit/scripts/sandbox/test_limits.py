"""The limits that the Bot API states in prose only, each at its edge: what just passes, and what does not."""

import pytest

from scripts.sandbox.emulator.errors import Malformed
from scripts.sandbox.emulator.limits import LIMITS, is_emoji, keep, units
from scripts.sandbox.emulator.spec import bot_api

STICKERS = [{}] * 51


def keyboard(**button):
    return [[{"text": "a", **button}]]


@pytest.mark.parametrize(
    ("field", "passes", "fails"),
    [
        ("InlineKeyboardButton.callback_data", "я" * 32, "я" * 32 + "a"),
        ("InlineKeyboardButton.callback_data", "a", ""),
        ("answerCallbackQuery.text", "a" * 200, "a" * 201),
        ("sendMediaGroup.media", [1] * 2, [1]),
        ("sendMediaGroup.media", [1] * 10, [1] * 11),
        ("createNewStickerSet.stickers", STICKERS[:50], STICKERS),
        ("createNewStickerSet.title", "a" * 64, "a" * 65),
        ("createNewStickerSet.title", "a", ""),
        ("InputSticker.emoji_list", ["🙂"] * 20, ["🙂"] * 21),
        ("InputSticker.emoji_list", ["❤️", "👨‍👩‍👧"], ["a"]),
        ("InputSticker.emoji_list", ["❤"], []),
        ("InputSticker.keywords", ["a" * 60, "bcde"], ["a" * 60, "bcdef"]),
        ("InputSticker.keywords", ["a"] * 20, ["a"] * 21),
        ("InputSticker.format", "video", "webm"),
        ("BotCommand.command", "my_1", "My"),
        ("BotCommand.command", "a" * 32, "a" * 33),
        ("BotCommand.description", "a" * 256, ""),
        ("setMyCommands.commands", [1] * 100, [1] * 101),
        ("setMyName.name", "a" * 64, "a" * 65),
        ("setMyDescription.description", "a" * 512, "a" * 513),
        ("setMyShortDescription.short_description", "a" * 120, "a" * 121),
        ("setMyName.language_code", "ru", "rus"),
        ("setWebhook.secret_token", "aZ_-9", "a b"),
        ("getUpdates.limit", 100, 0),
        ("answerInlineQuery.results", [1] * 50, [1] * 51),
        ("InlineQueryResultCachedSticker.id", "a" * 64, "a" * 65),
        ("InlineQueryResultsButton.start_parameter", "a" * 64, "a.b"),
        ("sendChatAction.action", "choose_sticker", "sleeping"),
        ("sendSticker.emoji", "🙂", "smile"),
        ("InlineKeyboardMarkup.inline_keyboard", keyboard(callback_data="x"), keyboard()),
        ("InlineKeyboardMarkup.inline_keyboard", keyboard(url="t.me/x"), keyboard(url="t.me/x", callback_data="x")),
        ("InlineKeyboardMarkup.inline_keyboard", keyboard(pay=True) * 100, keyboard(pay=True) * 101),
        ("deleteMessages.message_ids", [1] * 100, [1] * 101),
        ("uploadStickerFile.sticker_format", "static", "png"),
    ],
)
def test_a_limit_holds_exactly_at_its_edge(field, passes, fails):
    owner, name = field.split(".")
    keep(owner, name, passes)
    with pytest.raises(Malformed):
        keep(owner, name, fails)


def test_every_limit_is_of_a_field_that_the_api_has():
    api = bot_api()
    fields = {f"{owner}.{name}" for owner, names in api.methods.items() for name in names}
    fields |= {f"{one.name}.{name}" for one in api.types.values() for name in one.fields}
    assert set(LIMITS) <= fields


@pytest.mark.parametrize(
    ("text", "so"), [("🙂", True), ("❤️", True), ("🏳️‍🌈", True), ("", False), ("🙂🙂", False), ("x", False)]
)
def test_one_emoji_is_told_from_everything_else(text, so):
    assert is_emoji(text) is so


def test_lengths_are_counted_as_telegram_counts_them():
    assert units("a🙂я") == 4
