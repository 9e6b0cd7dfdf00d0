"""Edits and deletions: what may become what, and when no more."""

import json

import pytest

from scripts.sandbox.emulator import seed

KEYS = {"inline_keyboard": [[{"text": "Go", "callback_data": "go"}]]}


@pytest.fixture
def sent(api, anna):
    """A text with a button, as the address of an edit."""
    message = api.result("sendMessage", chat_id=anna.id, text="one", reply_markup=KEYS)
    return {"chat_id": anna.id, "message_id": message["message_id"]}


def test_an_edit_changes_the_text_and_drops_a_keyboard_that_is_not_sent_again(api, anna, sent):
    assert anna.see().last.button("Go").data == "go"
    api.result("editMessageText", text="two", **sent)
    shown = anna.see().last
    assert (shown.text, shown.edited, shown.buttons) == ("two", True, ())


def test_the_same_content_and_keyboard_is_not_modified(api, sent):
    refusal = api.refusal("editMessageText", text="one", reply_markup=KEYS, **sent)
    assert refusal.startswith("400 Bad Request: message is not modified: specified new message content")
    assert api.result("editMessageText", text="one", **sent)["text"] == "one"  # without the keyboard it is a change
    assert "not modified" in api.refusal("editMessageReplyMarkup", **sent)


def test_a_deleted_message_cannot_be_edited_nor_deleted_again(api, sent):
    assert api.result("deleteMessage", **sent) is True
    assert api.refusal("editMessageText", text="two", **sent) == "400 Bad Request: message to edit not found"
    assert api.refusal("deleteMessage", **sent) == "400 Bad Request: message to delete not found"


def test_a_persons_message_cannot_be_edited(api, anna):
    place = {"chat_id": anna.id, "message_id": anna.send("mine").id}
    assert api.refusal("editMessageText", text="two", **place) == "400 Bad Request: message can't be edited"


def test_after_48_hours_nothing_is_deleted(emulator, api, sent):
    emulator.clock.advance(48 * 3600 + 1)
    assert api.refusal("deleteMessage", **sent) == "400 Bad Request: message can't be deleted"
    assert api.result("deleteMessages", chat_id=sent["chat_id"], message_ids=[sent["message_id"]]) is True
    assert api.result("editMessageText", text="still editable", **sent)


def test_text_and_captions_are_edited_only_where_they_are(api, anna, sent):
    assert "no caption" in api.refusal("editMessageCaption", caption="a", **sent)
    photo = api.result("sendPhoto", {"photo": seed.png()}, chat_id=anna.id)
    place = {"chat_id": anna.id, "message_id": photo["message_id"]}
    assert "no text" in api.refusal("editMessageText", text="a", **place)
    assert api.result("editMessageCaption", caption="b", **place)["caption"] == "b"


def test_a_progress_text_becomes_a_photo_in_place(api, anna, sent):
    media = json.dumps({"type": "photo", "media": "attach://p", "caption": "done"})
    edited = api.result("editMessageMedia", {"p:p.png": seed.png()}, media=media, **sent)
    assert edited["message_id"] == sent["message_id"]
    assert (anna.see().last.kind, anna.see().last.text) == ("photo", "done")
    again = api.refusal("editMessageMedia", {"p:p.png": seed.png()}, media=media, **sent)
    assert "message is not modified" in again


def test_a_sticker_stays_the_sticker_it_is(api, anna):
    sticker = api.result("sendSticker", {"sticker": seed.webp()}, chat_id=anna.id)
    place = {"chat_id": anna.id, "message_id": sticker["message_id"]}
    media = json.dumps({"type": "photo", "media": "attach://p"})
    assert "can't be edited" in api.refusal("editMessageMedia", {"p": seed.png()}, media=media, **place)
    assert api.result("editMessageReplyMarkup", reply_markup=KEYS, **place)["reply_markup"] == KEYS


def test_an_edit_must_name_its_message(api, anna):
    assert "message identifier is not specified" in api.refusal("editMessageText", text="a", chat_id=anna.id)
