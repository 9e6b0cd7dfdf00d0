"""What makes the chat pleasant: pictures while one waits, variants, other words, albums, settings."""

import io

import pytest
from PIL import Image

from pipeline.workplace import PREVIEW_PX
from scripts.sandbox.emulator.seed import jpeg, png
from tests.chat_desk import WORDS, final_of


def colour(seen, at=(PREVIEW_PX // 2, PREVIEW_PX // 2)):
    """Of a picture in the chat, as JPEG leaves it: each channel full or not."""
    return tuple(channel > 127 for channel in Image.open(io.BytesIO(seen.file)).convert("RGB").getpixel(at))


def stickers(view):
    return [one for one in view.of_kind("sticker") if not one.mine]


# ── while it is drawn ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_status_becomes_a_picture_of_what_is_drawn_and_goes_with_the_result(studio, language):
    """One message all the while: words, then a picture with bar and button, then another; at last it is gone."""
    anna, say = studio.emulator.person("Anna", language_code=language), WORDS[language]
    studio.learns(anna, language)
    studio.pause("generate", 10, "red")
    try:
        anna.photo(jpeg(1))
        view = studio.waits(anna, lambda view: any(one.kind == "photo" for one in view.from_bot))
        (status,) = [one for one in view.from_bot if one.kind == "photo"]
        assert "▱" in status.text
        assert status.button(say["cancel"])
        assert (colour(status), Image.open(io.BytesIO(status.file)).size) == (
            (True, False, False),
            (PREVIEW_PX, PREVIEW_PX),
        )
        studio.pause("generate", 10, "blue")
        studio.waits(anna, lambda view: colour(view.of_kind("photo")[-1]) == (False, False, True))
        assert anna.see().of_kind("photo")[-1].id == status.id
    finally:
        studio.pause()
    view = studio.waits(anna, stickers)
    studio.quiet()
    assert [one.kind for one in anna.see().from_bot][-2:] == ["sticker", "document"]
    assert status.id not in [one.id for one in anna.see().messages]
    assert studio.emulator.check(outputs=[studio.output()], final_key=final_of) == []


@pytest.mark.slow
def test_a_job_that_is_called_off_or_fails_under_its_picture_says_so_there(studio):
    anna = studio.emulator.person("Anna")
    studio.learns(anna)
    studio.pause("generate", 10, "red")
    try:
        anna.photo(jpeg(1))
        view = studio.waits(anna, lambda view: any(one.kind == "photo" for one in view.from_bot))
        status = view.last
        anna.press("Cancel", on=status)
        view = studio.waits(anna, lambda view: view.find("Cancelled. Send it again"))
        assert (view.last.id, view.last.kind, view.last.buttons) == (status.id, "photo", ())
        anna.photo(jpeg(2))
        studio.waits(anna, lambda view: [one for one in view.from_bot if one.kind == "photo"][-1].id > status.id)
        studio.refuse("OutOfMemory")
    finally:
        studio.pause()
    studio.waits(anna, lambda view: view.find("There wasn't enough memory"))
    studio.press(anna, "Try again")
    studio.waits(anna, stickers)
    studio.quiet()


# ── variants ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "more", "others"), [("en", "More like this", "4 others"), ("ru", "Ещё похожие", "Другие 4")]
)
def test_four_variants_come_on_a_sheet_and_a_number_brings_that_one(studio, language, more, others):
    """One job, one photo with numbers; the third comes as sticker and file, once, and is that one, redrawn, too."""
    anna = studio.emulator.person("Anna", language_code=language)
    studio.learns(anna, language)
    first, _ = studio.draws(anna, jpeg(1), caption="a hat 🦊")
    studio.press(anna, more)
    view = studio.waits(anna, lambda view: any(one.button("4") for one in view.from_bot))
    sheet = next(one for one in view.from_bot if one.button("4"))
    assert (sheet.kind, len(stickers(view))) == ("photo", 1)
    assert [button.text for button in sheet.buttons[0]] == ["1", "2", "3", "4"]
    assert sheet.button(others)
    with studio.jobs() as jobs:
        job = jobs.list(person=f"tg{anna.id}", kind="draw")[0]
    assert (job.spec.options["count"], job.spec.options["words"], len(job.spec.photos)) == (4, "a hat", 1)
    anna.press("3", on=sheet)
    view = studio.waits(anna, lambda view: len(view.of_kind("document")) == 2)
    third = stickers(view)[-1]
    assert third.emoji == "🦊"
    assert third.file != first.file
    studio.waits(anna, lambda view: any(one.button("✓ 3") for one in view.from_bot))
    again = anna.press("✓ 3", on=sheet)
    studio.until(lambda: again.answered)
    assert again.text
    studio.quiet()
    assert len(stickers(anna.see())) == 2
    anna.press("1", on=sheet)
    view = studio.waits(anna, lambda view: len(view.of_kind("document")) == 3)
    assert len({one.file for one in view.of_kind("document")}) == 3
    studio.press(anna, "With outline" if language == "en" else "С обводкой", on=third)
    studio.waits(anna, lambda view: len(view.of_kind("document")) == 4)
    with studio.jobs() as jobs:
        job = jobs.list(person=f"tg{anna.id}", kind="draw")[0]
    assert (job.spec.options["variant"], job.spec.options["outline"]) == (2, 8)
    drawn, redrawn = (Image.open(io.BytesIO(anna.see().of_kind("document")[at].file)) for at in (1, 3))
    assert drawn.getpixel((210, 210))[:2] == redrawn.getpixel((210, 210))[:2]  # the very seed


# ── other words ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
def test_other_words_draw_it_again_and_the_emoji_among_them_are_the_stickers(studio):
    anna = studio.emulator.person("Anna")
    studio.learns(anna)
    studio.draws(anna, jpeg(1), caption="a hat 🦊")
    studio.press(anna, "Words")
    studio.waits(anna, lambda view: "drew this one with the words “a hat”" in view.last.text)
    anna.send("a red_scarf")
    studio.waits(anna, lambda view: len(view.of_kind("document")) == 2)
    assert stickers(anna.see())[-1].emoji == "🦊"
    studio.press(anna, "Words")
    studio.waits(anna, lambda view: "“a red_scarf”" in view.last.text)
    anna.send("two {hats} 🌧")
    studio.waits(anna, lambda view: len(view.of_kind("document")) == 3)
    assert stickers(anna.see())[-1].emoji == "🌧"
    studio.press(anna, "Words")
    studio.waits(anna, lambda view: view.last.button("Without words"))
    anna.press("Without words")
    studio.waits(anna, lambda view: len(view.of_kind("document")) == 4)
    with studio.jobs() as jobs:
        asked = [job.spec.options for job in reversed(jobs.list(person=f"tg{anna.id}", kind="draw"))]
    assert [one.get("words") for one in asked] == ["a hat", "a red_scarf", "two (hats)", None]
    assert len({one["seed"] for one in asked}) == 1


def test_a_question_is_left_by_a_press_and_one_of_emoji_alone_gives_the_sticker_those(studio):
    anna = studio.emulator.person("Anna")
    studio.learns(anna)
    studio.draws(anna, jpeg(1))
    studio.press(anna, "Words")
    studio.waits(anna, lambda view: "Send me words" in view.last.text)
    anna.press("Never mind")
    studio.waits(anna, lambda view: view.last.text == "OK, I'll leave it as it is.")
    anna.send("qwertz")
    studio.waits(anna, lambda view: "I can't tell what to draw" in view.last.text)
    studio.press(anna, "Words")
    studio.waits(anna, lambda view: "Send me words" in view.last.text)
    anna.send("🐻")
    studio.waits(anna, lambda view: stickers(view)[-1].button("Emoji 🐻"))
    studio.quiet()
    with studio.jobs() as jobs:
        assert len(jobs.list(person=f"tg{anna.id}", kind="draw")) == 1


# ── settings ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "only_file", "only_sticker", "outline", "file"),
    [
        ("en", "File only", "Sticker only", "Outline: off", "File"),
        ("ru", "Только файл", "Только стикер", "Обводка: нет", "Файл"),
    ],
)
def test_settings_say_what_a_drawing_comes_as_and_whether_it_is_outlined(
    studio, language, only_file, only_sticker, outline, file
):
    anna = studio.emulator.person("Anna", language_code=language)
    studio.learns(anna, language)
    anna.send("/settings")
    studio.press(anna, only_file)
    studio.waits(anna, lambda view: view.last.button(f"✓ {only_file}"))
    anna.press(outline)
    studio.waits(anna, lambda view: not view.last.button(outline))
    anna.photo(jpeg(1))
    view = studio.waits(anna, lambda view: view.of_kind("document"))
    studio.quiet()
    assert (stickers(anna.see()), view.last.silent) == ([], False)
    assert view.last.button(WORDS[language]["new"])
    with studio.jobs() as jobs:
        assert jobs.list(person=f"tg{anna.id}", kind="draw")[0].spec.options["outline"] == 8
    anna.send("/settings")
    studio.press(anna, only_sticker)
    studio.waits(anna, lambda view: view.last.button(f"✓ {only_sticker}"))
    anna.photo(jpeg(2))
    studio.waits(anna, stickers)
    studio.quiet()
    assert len(anna.see().of_kind("document")) == 1
    studio.press(anna, f"📄 {file}")
    studio.waits(anna, lambda view: len(view.of_kind("document")) == 2)


# ── albums ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "begun", "named"), [("en", "I'm drawing all 4", "photo 3 –"), ("ru", "Рисую все 4 фото", "фото 3 –")]
)
def test_an_album_is_one_job_with_one_status_and_names_the_picture_that_failed(studio, language, begun, named):
    """Four pictures, the third broken: one status, three stickers in order, their files as an album, one name."""
    anna = studio.emulator.person("Anna", language_code=language)
    studio.learns(anna, language)
    before = len(anna.see().messages)
    for number in range(4):
        content = png(1)[:300] if number == 2 else png(number, (300, 300 + 50 * number))
        anna.document(content, name="a.png", album="x", caption="a hat" if number == 0 else "")
    studio.waits(anna, lambda view: view.find(named))
    studio.quiet()
    after = [one for one in anna.see().messages[before:] if not one.mine]
    assert [one.kind for one in after] == ["sticker"] * 3 + ["document"] * 3 + ["text"]
    assert [one.file_name for one in after[3:6]] == ["sticker-1.png", "sticker-2.png", "sticker-3.png"]
    with studio.jobs() as jobs:
        (job,) = jobs.list(person=f"tg{anna.id}", kind="draw")
    assert [key[-7:] for key in job.spec.photos] == ["001.png", "002.png", "004.png"]
    assert job.spec.options["words"] == "a hat"
    seeds = [Image.open(io.BytesIO(one.file)).getpixel((210, 210)) for one in after[3:6]]
    anna.press("With outline" if language == "en" else "С обводкой", on=after[2])
    studio.waits(anna, lambda view: len(view.of_kind("document")) == 4 + 3 + 1)
    again = Image.open(io.BytesIO(anna.see().last.file)).getpixel((210, 210))
    assert again[:2] == seeds[2][:2]


def test_an_album_that_comes_while_its_style_is_learned_waits_as_one(studio):
    anna = studio.emulator.person("Anna")
    anna.start()
    studio.hold()
    try:
        studio.teaches(anna)
        studio.waits(anna, lambda view: view.find("“Cats”"))
        for number in range(3):
            anna.photo(jpeg(number), album="x")
        studio.waits(anna, lambda view: view.find("I'll keep these 3 photos"))
    finally:
        studio.hold(False)
    studio.waits(anna, lambda view: len(stickers(view)) == 3)
    studio.quiet()
    with studio.jobs() as jobs:
        assert len(jobs.list(person=f"tg{anna.id}", kind="draw")) == 1
