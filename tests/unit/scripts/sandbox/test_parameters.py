"""Requests are held to the Bot API's table: names, what is required, types at any depth."""

import pytest

from scripts.sandbox.emulator.errors import Malformed
from scripts.sandbox.emulator.parameters import Upload, check_object, checked

STICKER = {"sticker": "attach://one", "format": "static", "emoji_list": ["🙂"]}
FILE = Upload(name="a.png", content=b"1")


def test_text_as_http_carries_it_becomes_values():
    given = {"chat_id": "-5", "text": "7", "disable_notification": "True", "reply_markup": '{"inline_keyboard": []}'}
    assert checked("sendMessage", given) == {
        "chat_id": -5,
        "text": "7",
        "disable_notification": True,
        "reply_markup": {"inline_keyboard": []},
    }


@pytest.mark.parametrize(
    ("method", "given", "complaint"),
    [
        ("sendMessage", {"chat_id": 1, "text": "a", "reply_to_message_id": 3}, "no parameter 'reply_to_message_id'"),
        ("sendMessage", {"chat_id": 1}, "'text' is required"),
        ("sendMessage", {"chat_id": 1, "text": 5}, "5 is not a string"),
        ("sendMessage", {"chat_id": 1.5, "text": "a"}, "1.5 is not"),
        ("sendMessage", {"chat_id": 1, "text": "a", "protect_content": "maybe"}, "'maybe' is not a Boolean"),
        ("deleteMessage", {"chat_id": 1, "message_id": True}, "True is not an integer"),
        ("deleteMessages", {"chat_id": 1, "message_ids": ["1"]}, "'1' is not an integer"),
        ("sendMessage", {"chat_id": 1, "text": "a", "reply_markup": "{"}, "is not JSON"),
        (
            "sendMessage",
            {"chat_id": 1, "text": "a", "reply_markup": {"inline_keyboard": [[{"x": 1}]]}},
            "parameter 'x'",
        ),
        (
            "sendMessage",
            {"chat_id": 1, "text": "a", "reply_markup": {"keyboard": [[{"text": 1}]]}},
            "1 is not a string",
        ),
        (
            "sendMessage",
            {"chat_id": 1, "text": "a", "reply_parameters": {}},
            "ReplyParameters: the parameter 'message_id'",
        ),
        ("editMessageMedia", {"media": {"type": "sticker", "media": "x"}}, "is 'sticker', not"),
        ("addStickerToSet", {"user_id": 1, "name": "a", "sticker": STICKER}, "no file 'one' was uploaded"),
        ("sendMessage", {"chat_id": 1, "text": "a", "two": FILE}, "no parameter names the uploaded file 'two'"),
        ("getStickerSet", {"name": FILE}, "the file 'a.png' is not a string"),
        ("uploadStickerFile", {"user_id": 1, "sticker": "id", "sticker_format": "static"}, "'id' is no uploaded file"),
        ("setMyCommands", {"commands": [], "scope": {"type": "chat"}}, "BotCommandScopeChat: the parameter 'chat_id'"),
    ],
)
def test_what_the_table_does_not_have_is_refused_by_name(method, given, complaint):
    with pytest.raises(Malformed) as refusal:
        checked(method, given)
    assert complaint in refusal.value.description


def test_an_attached_file_belongs_to_the_object_that_names_it():
    values = checked("addStickerToSet", {"user_id": 1, "name": "a", "sticker": STICKER, "one": FILE})
    assert values == {"user_id": 1, "name": "a", "sticker": STICKER}


def test_an_album_may_mix_the_kinds_that_the_table_lists():
    items = [{"type": kind, "media": "x"} for kind in ("photo", "video")]
    assert checked("sendMediaGroup", {"chat_id": 1, "media": items})["media"] == items


def test_members_of_a_union_are_told_apart_by_their_fixed_values():
    good = {"type": "sticker", "id": "1", "sticker_file_id": "x"}
    assert checked("answerInlineQuery", {"inline_query_id": "1", "results": [good]})["results"] == [good]
    with pytest.raises(Malformed, match="InlineQueryResultCachedSticker"):
        checked("answerInlineQuery", {"inline_query_id": "1", "results": [good | {"title": "no"}]})


def test_objects_that_the_emulator_sends_are_held_to_the_table_too():
    user = {"id": 1, "is_bot": False, "first_name": "A"}
    check_object("User", user)
    with pytest.raises(Malformed, match="no parameter 'age'"):
        check_object("User", user | {"age": 7})
