"""What becomes of what a bot sends: texts, photos, documents, stickers, albums, and where it may not send."""

import io
import json

import pytest
from PIL import Image

from scripts.sandbox.emulator import seed
from scripts.sandbox.emulator.contents import has_alpha
from scripts.sandbox.emulator.parameters import check_object


def last(person):
    return person.see().last


def test_text_is_limited_after_its_entities_are_read(api, anna):
    api.result("sendMessage", chat_id=anna.id, text="<b>" + "a" * 4096 + "</b>", parse_mode="HTML")
    assert api.refusal("sendMessage", chat_id=anna.id, text="a" * 4097) == "400 Bad Request: message is too long"
    assert api.refusal("sendMessage", chat_id=anna.id, text=" \n") == "400 Bad Request: message text is empty"


def test_a_caption_is_limited_to_1024(api, anna):
    api.result("sendPhoto", {"photo": seed.png()}, chat_id=anna.id, caption="a" * 1024)
    refusal = api.refusal("sendPhoto", {"photo": seed.png()}, chat_id=anna.id, caption="a" * 1025)
    assert refusal == "400 Bad Request: message caption is too long"


def test_a_photo_loses_its_transparency_and_a_sticker_keeps_it(api, anna):
    photo = api.result("sendPhoto", {"photo:a.png": seed.png()}, chat_id=anna.id)["photo"]
    assert [size["width"] for size in photo] == [90, 320, 512]
    flat = last(anna).file
    assert Image.open(io.BytesIO(flat)).format == "JPEG"
    assert max(Image.open(io.BytesIO(flat)).convert("RGB").getpixel((2, 2))) < 12  # black where it was clear
    sticker = api.result("sendSticker", {"sticker:a.webp": seed.webp()}, chat_id=anna.id, emoji="🙂")["sticker"]
    assert (sticker["width"], sticker["is_video"], sticker["emoji"]) == (512, False, "🙂")
    assert last(anna).file == seed.webp()
    assert has_alpha(last(anna).file)


@pytest.mark.parametrize(
    ("size", "refusal"),
    [((9000, 1001), "PHOTO_INVALID_DIMENSIONS"), ((2100, 100), "PHOTO_INVALID_DIMENSIONS"), ((2000, 100), "")],
)
def test_a_photo_that_is_too_large_or_too_long_is_refused(api, anna, size, refusal):
    status, body = api("sendPhoto", {"photo": seed.encoded(Image.new("L", size), "PNG")}, chat_id=anna.id)
    assert (status, body.get("description", "")[13:]) == ((400, refusal) if refusal else (200, ""))


def test_what_is_no_picture_is_no_photo(api, anna):
    assert api.refusal("sendPhoto", {"photo": b"text"}, chat_id=anna.id) == "400 Bad Request: IMAGE_PROCESS_FAILED"
    cut = seed.png()[:2000]
    assert api.refusal("sendPhoto", {"photo": cut}, chat_id=anna.id) == "400 Bad Request: IMAGE_PROCESS_FAILED"


def test_a_document_arrives_bit_by_bit(api, anna):
    shown = api.result("sendDocument", {"document:my.png": seed.png()}, chat_id=anna.id)
    assert (last(anna).file, last(anna).file_name) == (seed.png(), "my.png")
    assert shown["document"]["mime_type"] == "image/png"
    assert shown["document"]["thumbnail"]["width"] == 320


def test_a_webp_document_becomes_a_sticker_unless_detection_is_off(api, anna):
    file = {"document:a.webp": seed.webp()}
    assert "sticker" in api.result("sendDocument", file, chat_id=anna.id)
    kept = api.result("sendDocument", file, chat_id=anna.id, disable_content_type_detection="true")
    assert "sticker" not in kept
    assert kept["document"]["file_name"] == "a.webp"


def test_a_png_is_not_uploaded_as_a_sticker(api, anna):
    assert "not as image/png" in api.refusal("sendSticker", {"sticker:a.webp": seed.png()}, chat_id=anna.id)


@pytest.mark.parametrize(("content", "flag"), [(seed.tgs(), "is_animated"), (seed.webm(), "is_video")])
def test_moving_stickers_are_told_by_their_content(api, anna, content, flag):
    assert api.result("sendSticker", {"sticker": content}, chat_id=anna.id)["sticker"][flag] is True


def test_a_file_id_sends_the_same_file_and_only_as_what_it_is(api, anna):
    first = api.result("sendPhoto", {"photo": seed.png()}, chat_id=anna.id)["photo"]
    again = api.result("sendPhoto", chat_id=anna.id, photo=first[0]["file_id"])["photo"]
    assert again == first
    wrong = api.refusal("sendDocument", chat_id=anna.id, document=first[0]["file_id"])
    assert wrong.startswith("400 Bad Request: type of file mismatch")
    assert "wrong file identifier" in api.refusal("sendPhoto", chat_id=anna.id, photo="AgACAgIAAx")
    assert "failed to get HTTP URL" in api.refusal("sendPhoto", chat_id=anna.id, photo="https://example.com/a.png")


def test_an_album_is_several_messages_of_one_group(api, anna):
    files = {f"f{number}:a{number}.png": seed.png(number) for number in range(3)}
    media = [{"type": "photo", "media": f"attach://f{number}", "caption": f"n{number}"} for number in range(3)]
    sent = api.result("sendMediaGroup", files, chat_id=anna.id, media=json.dumps(media))
    assert len({one["media_group_id"] for one in sent}) == 1
    assert [seen.text for seen in anna.see().from_bot] == ["n0", "n1", "n2"]
    for one in sent:
        check_object("Message", one)


def test_documents_go_only_with_documents_and_stickers_not_at_all(api, anna):
    files = {"a:a.png": seed.png(), "b:b.png": seed.png(1)}
    mixed = [{"type": "photo", "media": "attach://a"}, {"type": "document", "media": "attach://b"}]
    assert "can't be mixed" in api.refusal("sendMediaGroup", files, chat_id=anna.id, media=json.dumps(mixed))
    stickers = [{"type": "sticker", "media": "attach://a"}, {"type": "sticker", "media": "attach://b"}]
    assert api("sendMediaGroup", files, chat_id=anna.id, media=json.dumps(stickers))[0] == 400
    assert anna.see().from_bot == ()


def test_a_person_who_never_came_or_blocked_or_left_cannot_be_written_to(emulator, api, anna):
    stranger = emulator.person("Boris")
    to = {"text": "hi"}
    assert api.refusal("sendMessage", chat_id=stranger.id, **to).startswith("403 Forbidden: bot can't initiate")
    assert api.refusal("sendMessage", chat_id=5, **to) == "400 Bad Request: chat not found"
    assert api.refusal("sendMessage", chat_id="@nobody", **to) == "400 Bad Request: chat not found"
    anna.block()
    assert api.refusal("sendMessage", chat_id=anna.id, **to) == "403 Forbidden: bot was blocked by the user"
    anna.unblock()
    api.result("sendMessage", chat_id=anna.id, **to)
    anna.deactivate()
    assert api.refusal("sendMessage", chat_id=anna.id, **to) == "403 Forbidden: user is deactivated"


def test_a_reply_needs_its_message_unless_it_says_otherwise(api, anna):
    reply = {"message_id": 99}
    refusal = api.refusal("sendMessage", chat_id=anna.id, text="a", reply_parameters=reply)
    assert refusal == "400 Bad Request: message to be replied not found"
    alone = reply | {"allow_sending_without_reply": True}
    assert "reply_to_message" not in api.result("sendMessage", chat_id=anna.id, text="a", reply_parameters=alone)
    start = anna.see().messages[0].id
    sent = api.result("sendMessage", chat_id=anna.id, text="a", reply_parameters={"message_id": start})
    assert sent["reply_to_message"]["message_id"] == start


def test_forwarding_tells_the_origin_and_copying_does_not(api, anna):
    source = {"from_chat_id": anna.id, "message_id": anna.send("hello").id}
    assert api.result("forwardMessage", chat_id=anna.id, **source)["forward_origin"]["sender_user"]["id"] == anna.id
    assert set(api.result("copyMessage", chat_id=anna.id, **source)) == {"message_id"}
    assert [one.text for one in anna.see().from_bot] == ["hello", "hello"]


def test_a_chat_action_shows_for_five_seconds(emulator, api, anna):
    api.result("sendChatAction", chat_id=anna.id, action="upload_photo")
    assert anna.see().action == "upload_photo"
    emulator.clock.advance(6)
    assert anna.see().action == ""


def test_a_reply_keyboard_stays_until_it_is_removed(api, anna):
    api.result("sendMessage", chat_id=anna.id, text="a", reply_markup={"keyboard": [[{"text": "Yes"}]]})
    assert anna.see().keyboard == (("Yes",),)
    api.result("sendMessage", chat_id=anna.id, text="b", reply_markup={"remove_keyboard": True})
    assert anna.see().keyboard == ()
