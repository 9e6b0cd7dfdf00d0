"""A person's side: what they send reaches the bot as Telegram would tell it, and they see what a screen would show."""

import io
import threading

import pytest
from PIL import Image

from scripts.sandbox.emulator import seed
from scripts.sandbox.emulator.errors import WrongUse
from scripts.sandbox.emulator.parameters import check_object


def newest(api):
    return api.result("getUpdates", offset=-1)[0]["message"]


def test_a_command_is_marked_as_one_and_its_author_is_known(api, anna):
    anna.start("ref_1")
    message = newest(api)
    assert message["text"] == "/start ref_1"
    assert message["entities"] == [{"type": "bot_command", "offset": 0, "length": 6}]
    assert message["from"]["language_code"] == "ru"
    assert message["chat"] == {"id": anna.id, "type": "private", "first_name": "Anna"}


def test_a_photo_arrives_as_jpeg_in_sizes_and_a_document_as_it_is(emulator, api, anna):
    anna.photo(seed.png(1, (1600, 900)), caption="see /help")
    message = newest(api)
    assert [size["width"] for size in message["photo"]] == [90, 320, 800, 1280]
    assert message["caption_entities"][0]["type"] == "bot_command"
    largest = emulator.file(message["photo"][-1]["file_unique_id"])
    assert Image.open(io.BytesIO(largest)).format == "JPEG"
    anna.document(seed.png(2), name="a.png")
    assert emulator.file(newest(api)["document"]["file_unique_id"]) == seed.png(2)


def test_photos_of_an_album_share_its_group(api, anna):
    for number in range(3):
        anna.photo(seed.png(number, (64, 64)), album="trip")
    groups = [update["message"].get("media_group_id") for update in api.result("getUpdates")]
    assert groups[0] is None
    assert len(groups) == 4
    assert len(set(groups[1:])) == 1


def test_stickers_of_any_set_and_loose_ones_can_be_sent(emulator, api, anna):
    emulator.add_sticker_set("zoo", [seed.webp(1), seed.tgs(1), seed.webm(1)], emoji=("🐱", "🐶", "🐭"))
    seen = []
    for index in range(3):
        anna.sticker("zoo", index)
        sticker = newest(api)["sticker"]
        seen.append((sticker["emoji"], sticker["is_animated"], sticker["is_video"], sticker["set_name"]))
    assert seen == [("🐱", False, False, "zoo"), ("🐶", True, False, "zoo"), ("🐭", False, True, "zoo")]
    anna.sticker(seed.webp(7))
    assert "set_name" not in newest(api)["sticker"]


def test_a_small_picture_of_a_moving_sticker_is_there_if_it_was_given(emulator, api):
    emulator.add_sticker_set("moving", [seed.tgs()], thumbnail=seed.webp(0, (128, 128)))
    sticker = api.result("getStickerSet", name="moving")["stickers"][0]
    assert sticker["thumbnail"]["width"] == 128
    check_object("Sticker", sticker)


def test_anything_else_is_posted_by_its_content_and_held_to_the_api(emulator, api, anna):
    anna.post({"location": {"longitude": 1.5, "latitude": 2.5}})
    assert newest(api)["location"] == {"longitude": 1.5, "latitude": 2.5}
    with pytest.raises(Exception, match="no parameter 'place'"):
        anna.post({"place": {}})


def test_who_blocks_writes_no_more_and_the_bot_is_told_of_both_turns(api, anna):
    anna.block()
    with pytest.raises(WrongUse, match="unblock"):
        anna.send("hi")
    anna.unblock()
    anna.send("hi")
    changes = [one["my_chat_member"] for one in api.result("getUpdates") if "my_chat_member" in one]
    statuses = [(one["old_chat_member"]["status"], one["new_chat_member"]["status"]) for one in changes]
    assert statuses == [("member", "kicked"), ("kicked", "member")]


def test_the_view_shows_the_chat_as_it_stands(api, anna):
    keys = {"inline_keyboard": [[{"text": "Yes", "callback_data": "y"}, {"text": "No", "callback_data": "n"}]]}
    sent = api.result("sendMessage", chat_id=anna.id, text="sure?", reply_markup=keys)
    api.result("sendMessage", chat_id=anna.id, text="gone")
    api.result("deleteMessage", chat_id=anna.id, message_id=anna.see().last.id)
    api.result("editMessageText", chat_id=anna.id, message_id=sent["message_id"], text="really?", reply_markup=keys)
    assert str(anna.see()) == "#1 Anna: /start\n#2 StickerSmith: really? (edited) | Yes · No"
    assert anna.see().find("really").button("No").data == "n"


def test_waiting_ends_with_what_was_waited_for_or_shows_the_chat(api, anna):
    teller = threading.Timer(0.1, api.result, ("sendMessage",), {"chat_id": anna.id, "text": "here"})
    teller.start()
    assert anna.wait(lambda view: view.find("here")).last.text == "here"
    teller.join()
    with pytest.raises(TimeoutError, match="#1 Anna: /start"):
        anna.wait(lambda view: view.find("never"), timeout_s=0.05)


def test_own_messages_can_be_deleted(anna):
    anna.delete(anna.send("oops"))
    assert anna.see().find("oops") is None
