"""Sticker sets with Telegram's rules: owners, names, counts, pixels, bytes, formats, order, and whose set it is."""

import json

import pytest
from PIL import Image

from scripts.sandbox.emulator import seed
from scripts.sandbox.emulator.parameters import check_object

NAME = "cats_by_stickersmith_bot"


def given(part="s", kind="static", emoji=("🙂",), **rest):
    return {"sticker": f"attach://{part}", "format": kind, "emoji_list": list(emoji), **rest}


def create(api, anna, *contents, name=NAME, kind="static", call=None, **rest):
    files = {f"s{number}": content for number, content in enumerate(contents)}
    stickers = json.dumps([given(part, kind) for part in files])
    values = {"user_id": anna.id, "name": name, "title": "Cats", "stickers": stickers, **rest}
    return (call or api.result)("createNewStickerSet", files, **values)


def add(api, anna, content, kind="static", call=None, **rest):
    sticker = json.dumps(given("s", kind, **rest))
    return (call or api.result)("addStickerToSet", {"s": content}, user_id=anna.id, name=NAME, sticker=sticker)


def stickers(api, name=NAME):
    return api.result("getStickerSet", name=name)["stickers"]


def test_a_set_is_made_read_and_found_whatever_the_case(emulator, api, anna):
    assert create(api, anna, seed.png(1), seed.webp(2)) is True
    found = api.result("getStickerSet", name=NAME.upper())
    check_object("StickerSet", found)
    assert [(one["emoji"], one["set_name"], one["width"]) for one in found["stickers"]] == [("🙂", NAME, 512)] * 2
    assert emulator.sticker_set(NAME).owner_id == anna.id


@pytest.mark.parametrize(
    "name",
    [
        "cats",
        "1cats_by_stickersmith_bot",
        "a__b_by_stickersmith_bot",
        "_by_stickersmith_bot",
        "c-t_by_stickersmith_bot",
    ],
)
def test_a_name_that_breaks_the_rule_is_refused(api, anna, name):
    refusal = create(api, anna, seed.png(), name=name, call=api.refusal)
    assert refusal == "400 Bad Request: invalid sticker set name is specified"


def test_a_name_is_taken_once(api, anna):
    create(api, anna, seed.png())
    refusal = create(api, anna, seed.png(), name=NAME.replace("cats", "CATS"), call=api.refusal)
    assert refusal == "400 Bad Request: sticker set name is already occupied"


def test_the_owner_is_a_person_who_has_met_the_bot(emulator, api, anna):
    stranger = emulator.person("Boris")
    assert create(api, stranger, seed.png(), call=api.refusal) == "400 Bad Request: PEER_ID_INVALID"
    assert create(api, emulator.bot, seed.png(), call=api.refusal) == "400 Bad Request: USER_IS_BOT"


NOISE = Image.effect_noise((512, 512), 200)
NOISE_PNG = seed.encoded(Image.merge("RGBA", (NOISE, NOISE.rotate(90), NOISE.rotate(180), NOISE.rotate(270))), "PNG")


@pytest.mark.parametrize(
    ("content", "kind", "refusal"),
    [
        (seed.png(0, (512, 300)), "static", ""),
        (seed.png(0, (511, 300)), "static", "STICKER_PNG_DIMENSIONS"),
        (seed.png(0, (513, 512)), "static", "STICKER_PNG_DIMENSIONS"),
        (seed.jpeg(0, (512, 512)), "static", "STICKER_PNG_NOPNG"),
        (NOISE_PNG, "static", "File is too big"),
        (seed.tgs(), "animated", ""),
        (seed.tgs(side_px=500), "animated", "STICKER_TGS_NOTGS"),
        (seed.tgs(seconds=4), "animated", "STICKER_TGS_NOTGS"),
        (seed.png(), "animated", "STICKER_TGS_NOTGS"),
        (seed.webm(), "video", ""),
        (seed.webm(0, (512, 100)), "video", ""),
        (seed.webm(0, (500, 500)), "video", "STICKER_VIDEO_DIMENSIONS"),
        (seed.webm(seconds=3.5), "video", "STICKER_VIDEO_LONG"),
        (seed.webm(codec="V_VP8"), "video", "STICKER_VIDEO_NOWEBM"),
        (seed.webm(audio=True), "video", "STICKER_VIDEO_NOWEBM"),
        (seed.webm() + b"\0" * (256 << 10), "video", "File is too big"),
    ],
)
def test_a_sticker_keeps_the_rules_of_its_format(api, anna, content, kind, refusal):
    status, body = create(api, anna, content, kind=kind, call=api)
    assert (status, body.get("description", "")) == ((400, f"Bad Request: {refusal}") if refusal else (200, ""))


def test_custom_emoji_are_100_px(api, anna):
    create(api, anna, seed.png(0, (100, 100)), sticker_type="custom_emoji")
    assert "custom_emoji_id" in stickers(api)[0]
    wrong = {"name": "b_by_stickersmith_bot", "sticker_type": "custom_emoji"}
    assert "STICKER_PNG_DIMENSIONS" in create(api, anna, seed.png(), call=api.refusal, **wrong)


def test_the_same_sticker_a_second_time_changes_nothing(api, anna):
    create(api, anna, seed.png(1))
    before = stickers(api)
    assert add(api, anna, seed.png(1), emoji=("🎉",)) is True
    assert stickers(api) == before
    add(api, anna, seed.png(2))
    assert len(stickers(api)) == 2


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "most", "side_px"), [("regular", 120, 512), ("custom_emoji", 200, 100)])
def test_a_set_is_full_at_its_number(emulator, api, anna, kind, most, side_px):
    contents = [_tiny(number, side_px) for number in range(most + 1)]
    create(api, anna, *contents[:50], sticker_type=kind)
    for content in contents[50:most]:
        add(api, anna, content)
    assert add(api, anna, contents[most], call=api.refusal) == "400 Bad Request: STICKERS_TOO_MUCH"
    assert len(emulator.sticker_set(NAME).stickers) == most


def _tiny(number, side_px):
    return seed.encoded(Image.new("RGBA", (side_px, side_px), (number, 0, 0, 255)), "PNG")


def test_stickers_move_change_are_replaced_and_go(emulator, api, anna):
    create(api, anna, *(seed.png(number) for number in range(3)))
    first, second, third = (one["file_id"] for one in stickers(api))
    api.result("setStickerPositionInSet", sticker=third, position=0)
    assert [one["file_id"] for one in stickers(api)] == [third, first, second]
    api.result("setStickerEmojiList", sticker=first, emoji_list=["🎉", "🙂"])
    api.result("setStickerKeywords", sticker=first, keywords=["cat"])
    kept = emulator.sticker_set(NAME).stickers[1]
    assert (kept.emoji_list, kept.keywords) == (("🎉", "🙂"), ("cat",))
    new = {"user_id": anna.id, "name": NAME, "old_sticker": first, "sticker": json.dumps(given())}
    api.result("replaceStickerInSet", {"s": seed.png(9)}, **new)
    assert stickers(api)[1]["file_id"] not in (first, second, third)
    api.result("deleteStickerFromSet", sticker=third)
    assert api.refusal("deleteStickerFromSet", sticker=third) == "400 Bad Request: STICKER_INVALID"
    api.result("setStickerSetTitle", name=NAME, title="Dogs")
    assert api.result("getStickerSet", name=NAME)["title"] == "Dogs"


def test_a_set_without_stickers_stays_until_it_is_deleted(api, anna):
    create(api, anna, seed.png())
    api.result("deleteStickerFromSet", sticker=stickers(api)[0]["file_id"])
    assert stickers(api) == []
    api.result("deleteStickerSet", name=NAME)
    assert api.refusal("getStickerSet", name=NAME) == "400 Bad Request: STICKERSET_INVALID"


def test_a_set_of_somebody_else_can_be_read_and_not_changed(emulator, api, anna):
    emulator.add_sticker_set("foreign", [seed.webp(1), seed.tgs(), seed.webm()], emoji=("🙂", "🎉"))
    found = stickers(api, "foreign")
    assert [one["emoji"] for one in found] == ["🙂", "🎉", "🙂"]
    for method in ("deleteStickerFromSet", "setStickerKeywords"):
        assert api.refusal(method, sticker=found[0]["file_id"]) == "400 Bad Request: STICKERSET_INVALID"
    assert "STICKERSET_INVALID" in api.refusal("deleteStickerSet", name="foreign")


def test_an_uploaded_file_serves_many_sets_and_is_a_member_of_none(api, anna):
    file = api.result("uploadStickerFile", {"sticker": seed.png()}, user_id=anna.id, sticker_format="static")
    check_object("File", file)
    for name in (NAME, f"more_{NAME}"):
        sticker = {"sticker": file["file_id"], "format": "static", "emoji_list": ["🙂"]}
        api.result("createNewStickerSet", user_id=anna.id, name=name, title="T", stickers=[sticker])
        assert stickers(api, name)[0]["file_unique_id"] == file["file_unique_id"]
    assert api.refusal("deleteStickerFromSet", sticker=file["file_id"]) == "400 Bad Request: STICKER_INVALID"


def test_a_thumbnail_is_100_px_and_can_be_taken_back(api, anna):
    create(api, anna, seed.png())
    place = {"user_id": anna.id, "name": NAME, "format": "static"}
    api.result("setStickerSetThumbnail", {"thumbnail": seed.webp(0, (100, 100))}, **place)
    assert api.result("getStickerSet", name=NAME)["thumbnail"]["width"] == 100
    assert "STICKER_THUMB" in api.refusal("setStickerSetThumbnail", {"thumbnail": seed.png()}, **place)
    big = seed.tgs() + b"\0" * (32 << 10)
    assert "too big" in api.refusal("setStickerSetThumbnail", {"thumbnail": big}, **place | {"format": "animated"})
    api.result("setStickerSetThumbnail", **place)
    assert "thumbnail" not in api.result("getStickerSet", name=NAME)


def test_the_owner_changes_a_set_behind_the_bots_back(api, anna):
    create(api, anna, seed.png(1), seed.png(2))
    anna.take_out(NAME, 0)
    assert len(stickers(api)) == 1
    anna.delete_set(NAME)
    assert "STICKERSET_INVALID" in api.refusal("getStickerSet", name=NAME)


def test_a_sent_sticker_of_a_set_leads_back_to_the_set(api, anna):
    create(api, anna, seed.png(1))
    file_id = stickers(api)[0]["file_id"]
    sent = api.result("sendSticker", chat_id=anna.id, sticker=file_id)["sticker"]
    assert (sent["set_name"], sent["file_id"]) == (NAME, file_id)


def test_an_old_set_may_hold_what_is_refused_now(emulator, api):
    emulator.add_sticker_set("old", [seed.png(0, (300, 300)), b"\x1f\x8b broken"], checked=False)
    assert [one["width"] for one in stickers(api, "old")] == [300, 512]
    assert stickers(api, "old")[1]["is_animated"] is True
