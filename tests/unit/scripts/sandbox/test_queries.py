"""Presses on buttons and inline queries: answered once, in time, by the bot that was asked."""

import pytest

from scripts.sandbox.emulator import seed
from scripts.sandbox.emulator.errors import QUERY_TOO_OLD, WrongUse

KEYS = {"inline_keyboard": [[{"text": "Go", "callback_data": "go"}, {"text": "Site", "url": "t.me/x"}]]}


@pytest.fixture
def sent(api, anna):
    return api.result("sendMessage", chat_id=anna.id, text="one", reply_markup=KEYS)


def pressed_update(api):
    return api.result("getUpdates")[-1]["callback_query"]


def test_a_press_reaches_the_bot_with_its_message_and_is_answered_once(api, anna, sent):
    press = anna.press("Go")
    query = pressed_update(api)
    assert (query["data"], query["message"]["message_id"]) == ("go", sent["message_id"])
    assert not press.answered
    assert api.result("answerCallbackQuery", callback_query_id=query["id"], text="so") is True
    assert (press.answered, press.text) == (True, "so")
    again = api.refusal("answerCallbackQuery", callback_query_id=query["id"])
    assert again == f"400 Bad Request: {QUERY_TOO_OLD}"


def test_a_press_expires(emulator, api, anna, sent):
    anna.press("Go")
    emulator.clock.advance(emulator.world.callback_expires_s + 1)
    refusal = api.refusal("answerCallbackQuery", callback_query_id=pressed_update(api)["id"])
    assert refusal == f"400 Bad Request: {QUERY_TOO_OLD}"


def test_a_forged_press_arrives_with_data_that_no_button_has(api, anna, sent):
    anna.press(data="other:1")
    assert pressed_update(api)["data"] == "other:1"


def test_a_button_that_is_not_there_or_sends_nothing_cannot_be_pressed(anna, sent):
    with pytest.raises(WrongUse, match="no button 'Stop'"):
        anna.press("Stop")
    with pytest.raises(WrongUse, match="sends nothing"):
        anna.press("Site")


def test_a_press_on_a_message_that_is_gone_tells_only_its_place(api, anna, sent):
    shown = anna.see().last
    api.result("deleteMessage", chat_id=anna.id, message_id=sent["message_id"])
    anna.press(shown.button("Go"), on=shown)
    assert pressed_update(api)["message"] == {
        "chat": sent["chat"],
        "message_id": sent["message_id"],
        "date": 0,
    }


def test_inline_results_are_stickers_that_a_person_can_choose(emulator, api, anna):
    emulator.bot.inline = True
    emulator.add_sticker_set("known", [seed.webp(1)])
    file_id = api.result("getStickerSet", name="known")["stickers"][0]["file_id"]
    query = anna.inline("cat")
    identity = api.result("getUpdates")[-1]["inline_query"]["id"]
    results = [{"type": "sticker", "id": "1", "sticker_file_id": file_id}]
    assert "DUPLICATE" in api.refusal("answerInlineQuery", inline_query_id=identity, results=results * 2)
    assert api.result("answerInlineQuery", inline_query_id=identity, results=results, is_personal=True) is True
    anna.choose(query)
    assert (anna.see().last.kind, anna.see().last.set_name) == ("sticker", "known")


def test_a_bot_that_is_not_inline_cannot_be_asked(anna):
    with pytest.raises(WrongUse, match="setinline"):
        anna.inline("cat")
