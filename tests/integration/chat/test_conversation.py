"""The chat from the first word to a sticker in a set: over HTTP, with a real queue and worker, in both languages."""

import io

import pytest
from PIL import Image

from scripts.sandbox.emulator import Limits
from scripts.sandbox.emulator.seed import jpeg, png, tgs, webp
from tests.chat_desk import SET, WORDS, Studio, final_of, zipped

# ── the whole way ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "ru"])
def test_from_start_to_a_pack_of_two_stickers_and_back(tmp_path, nursery, language):
    """Within Telegram's rates: start, consent, a pack learned, a photo drawn, a new pack, a second sticker, undo."""
    studio, say = Studio(tmp_path, nursery, limits=Limits()), WORDS[language]
    try:
        studio.bot()
        anna = studio.emulator.person("Anna", language_code=language)
        view = studio.learns(anna, language)
        status = next(seen for seen in view.from_bot if seen.edited)
        assert "8" in status.text
        assert not status.buttons
        sticker, file = studio.draws(anna, jpeg(1), caption="in the rain 🌧")
        assert sticker.emoji == "🌧"
        assert not sticker.silent
        assert file.silent
        assert file.file_name == "sticker.png"
        seen, kept = (Image.open(io.BytesIO(one.file)) for one in (sticker, file))
        assert (seen.format, kept.format, seen.size) == ("WEBP", "PNG", (512, 512))
        assert kept.convert("RGBA").getchannel("A").getextrema() == (0, 255)
        assert seen.convert("RGBA").getpixel((256, 100)) == kept.convert("RGBA").getpixel((256, 100))
        studio.press(anna, say["new"])
        studio.waits(anna, lambda view: view.find("t.me/addstickers/"))
        studio.draws(anna, jpeg(2))
        studio.press(anna, "➕")
        studio.waits(anna, lambda view: len([one for one in view.from_bot if one.button(say["undo"])]) == 2)
        (made,) = studio.made()
        assert [one.emoji_list for one in made.stickers] == [("🌧",), ("🐱",)]
        assert made.owner_id == anna.id
        anna.press(say["undo"])
        studio.until(lambda: len(made.stickers) == 1)
        studio.quiet()
        assert made.stickers[0].emoji_list == ("🌧",)
        assert studio.emulator.check(outputs=[studio.output()], final_key=final_of) == []
        assert studio.emulator.world.broken == []
    finally:
        studio.close()


def test_nothing_is_learned_before_its_person_has_agreed_and_that_is_noted_with_its_version(studio):
    anna = studio.emulator.person("Anna")
    anna.start()
    anna.sticker(SET)
    studio.press(anna, "Learn it")
    view = studio.waits(anna, lambda view: view.find("Before I learn"))
    assert "right to use" in view.last.text
    with studio.jobs() as jobs:
        assert jobs.list(person=f"tg{anna.id}") == []
        studio.press(anna, "I agree")
        studio.waits(anna, lambda view: view.find("Done! I know"))
        (row,) = [row for row in studio.rows("consent") if row["person"] == anna.id]
        assert (row["purpose"], row["version"], row["revoked_ms"]) == ("training", "2026-11", None)
        anna.sticker(SET)  # agreed to already
        studio.press(anna, "Learn it")
        studio.waits(anna, lambda view: sum("Done! I know" in one.text for one in view.messages) == 2)
        anna.send("/privacy")
        studio.press(anna, "Take my consent back")
        studio.waits(anna, lambda view: view.find("your consent is taken back"))
        (row,) = [row for row in studio.rows("consent") if row["person"] == anna.id]
        assert row["revoked_ms"] is not None
        anna.sticker(SET)
        studio.press(anna, "Learn it")
        studio.waits(anna, lambda view: "Before I learn" in view.last.text)


@pytest.mark.parametrize("link", [f"look: https://t.me/addstickers/{SET}", SET, f"tg://addstickers?set={SET}"])
def test_a_link_and_a_bare_name_show_the_pack(studio, link):
    anna = studio.emulator.person("Anna")
    anna.start()
    anna.send(link)
    view = studio.waits(anna, lambda view: view.last.button("Learn it"))
    assert "“Cats” (8)" in view.last.text


def test_an_unknown_pack_and_words_alone_get_an_answer_that_leads_on(studio):
    anna = studio.emulator.person("Anna")
    anna.start()
    anna.send("https://t.me/addstickers/Nowhere_at_all")
    studio.waits(anna, lambda view: view.last.button("How do I begin?") and "Nowhere_at_all" in view.last.text)
    anna.send("a cat, please")
    view = studio.waits(anna, lambda view: "Show me a style first" in view.last.text)
    assert view.last.button("How do I begin?")


# ── pictures ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_album_is_collected_in_one_message_and_learned(studio):
    anna = studio.emulator.person("Anna")
    anna.start()
    for number in range(7):
        anna.photo(png(number), album="a", caption="My dogs" if number == 0 else "")
    view = studio.waits(anna, lambda view: any(one.button("Learn these 7") for one in view.from_bot))
    assert len([one for one in view.from_bot if "picture" in one.text]) == 1
    anna.press("Learn these 7")
    studio.press(anna, "I agree")
    studio.waits(anna, lambda view: view.find("I've learned “My dogs” from 7 pictures."))


def test_the_same_picture_twice_counts_once_and_starting_over_forgets_them(studio):
    anna = studio.emulator.person("Anna")
    anna.start()
    for number in (1, 2, 1):
        anna.document(png(number), name=f"{number}.png")
    studio.waits(anna, lambda view: view.find("2 pictures so far"))
    studio.until(studio.settled)
    assert anna.see().find("2 pictures so far")
    anna.press("Start over")
    studio.waits(anna, lambda view: view.find("forgotten"))
    anna.document(png(3), name="3.png")
    studio.waits(anna, lambda view: view.find("One picture so far"))


def test_starting_over_goes_on_with_a_new_style_until_it_is_called_off(studio, anna):
    """Somebody with a style: the next picture belongs to the new one still, and is not drawn."""
    before = len(anna.see().messages)
    anna.send("/new")
    view = studio.waits(anna, lambda view: "A new style" in view.last.text)
    assert not view.last.button("Start over")
    anna.document(png(1), name="1.png")
    studio.press(anna, "Start over")
    view = studio.waits(anna, lambda view: view.find("I've forgotten those pictures. Send me others"))
    assert not any(one.button("Start over") for one in view.from_bot)
    anna.document(png(2), name="2.png")
    studio.waits(anna, lambda view: view.find("One picture so far"))
    studio.press(anna, "Start over")
    studio.press(anna, "Never mind")
    studio.waits(anna, lambda view: view.find("OK, no new style"))
    studio.quiet()
    assert len([one for one in anna.see().messages[before:] if not one.mine]) == 1


@pytest.mark.parametrize("pressed", [True, False])
def test_a_photo_before_any_style_is_asked_about_and_drawn_once_one_is_learned(studio, pressed):
    """By a press, or because its person shows a pack instead of a second picture."""
    anna = studio.emulator.person("Anna")
    anna.start()
    anna.photo(jpeg(1), caption="in the rain")
    view = studio.waits(anna, lambda view: view.find("You don't have a style yet"))
    asked = view.find("One picture so far")
    assert (asked.button("Draw it later") is not None, asked.button("Start over") is not None) == (True, True)
    if pressed:
        anna.press("Draw it later")
        studio.waits(anna, lambda view: view.find("I'll keep this photo and draw it as soon as I've learned a style"))
        anna.photo(jpeg(2))  # asked about below
        studio.waits(anna, lambda view: view.last.button("Draw it later"))
        anna.press("Draw it later")
        studio.waits(anna, lambda view: "I'll keep these 2 photos" in view.last.text)
    studio.teaches(anna)
    drawn = 2 if pressed else 1
    view = studio.waits(anna, lambda view: len([one for one in view.of_kind("sticker") if not one.mine]) == drawn)
    studio.quiet()
    with studio.jobs() as jobs:
        (job,) = jobs.list(person=f"tg{anna.id}", kind="draw")
    assert (len(job.spec.photos), job.spec.options["words"]) == (drawn, "in the rain")
    anna.photo(jpeg(3))  # nothing is collected any more
    studio.waits(anna, lambda view: len([one for one in view.of_kind("sticker") if not one.mine]) == drawn + 1)


def test_a_photo_that_waits_for_a_style_can_be_given_up(studio):
    anna = studio.emulator.person("Anna")
    anna.start()
    anna.photo(jpeg(1))
    studio.press(anna, "Draw it later")
    studio.press(anna, "Never mind")
    studio.waits(anna, lambda view: view.find("I've forgotten that photo"))
    anna.send("/cancel")
    studio.waits(anna, lambda view: view.find("There's nothing to cancel"))


def test_a_zip_is_learned_and_what_is_no_picture_is_named(studio):
    anna = studio.emulator.person("Anna")
    anna.start()
    files = {f"cat {n}.png": png(n) for n in range(4)} | {"notes.txt": b"hello there", "broken.png": png(1)[:200]}
    anna.document(zipped(files), name="My cats.zip", mime="application/zip")
    studio.press(anna, "Learn it")
    studio.press(anna, "I agree")
    view = studio.waits(anna, lambda view: view.find("Done! I know the style of “My cats”"))
    status = view.find("I've learned “My cats” from 4 pictures")
    assert "2 files were left out" in status.text
    assert "notes.txt" in status.text
    assert "broken.png" in status.text


def test_a_zip_that_is_none_is_told(studio):
    anna = studio.emulator.person("Anna")
    anna.start()
    anna.document(b"PK\x03\x04 nothing", name="a.zip", mime="application/zip")
    studio.press(anna, "Learn it")
    studio.press(anna, "I agree")
    studio.waits(anna, lambda view: view.find("I can't open that zip"))


def test_moving_stickers_are_learned_by_a_frame_and_one_that_kills_its_decoder_by_its_thumbnail(studio):
    bad = b"\x1f\x8b" + b"\0" * 100
    moving = [*(tgs(n) for n in range(3)), bad]
    studio.emulator.add_sticker_set("Moving_set", moving, title="Moving", thumbnail=webp(5, (128, 128)), checked=False)
    anna = studio.emulator.person("Anna")
    anna.start()
    anna.send("t.me/addstickers/Moving_set")
    studio.press(anna, "Learn it")
    studio.press(anna, "I agree")
    studio.waits(anna, lambda view: view.find("I've learned “Moving” from 4 pictures."))


def test_too_few_usable_pictures_are_told_with_their_names_and_nothing_stays(studio):
    anna = studio.emulator.person("Anna")
    anna.start()
    anna.document(png(1), name="good.png")
    anna.document(b"hello", name="bad.txt", mime="text/plain")
    anna.document(b"\x89PNG\r\n\x1a\nnothing", name="broken.png")
    studio.press(anna, "Learn these 3")
    studio.press(anna, "I agree")
    view = studio.waits(anna, lambda view: view.find("I can use only one of these pictures"))
    assert "bad.txt" in view.find("I can use only").text
    assert "broken.png" in view.find("I can use only").text
    studio.quiet()
    assert studio.files.list(f"people/tg{anna.id}") == []


# ── while it goes on ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
def test_the_status_is_one_message_with_a_bar_and_cancel_ends_the_job(studio):
    anna = studio.emulator.person("Anna")
    anna.start()
    studio.hold()
    try:
        studio.teaches(anna)
        view = studio.waits(anna, lambda view: view.find("▱"))
        status = view.find("▱")
        assert "0 %" in status.text
        before = [one.id for one in view.messages]
        anna.photo(jpeg(1))  # too early: it waits for the style
        studio.waits(anna, lambda view: view.find("I'll keep this and draw it"))
        pressed = anna.press("Cancel", on=status)
        view = studio.waits(anna, lambda view: view.find("Cancelled, and nothing was learned"))
        assert view.find("Cancelled, and nothing").id == status.id
        studio.until(lambda: pressed.answered)
        studio.waits(anna, lambda view: view.find("can't draw the photo I kept: the style “Cats” was cancelled"))
        assert len([one for one in anna.see().from_bot if one.id not in before]) == 1
    finally:
        studio.hold(False)
    studio.quiet()
    with studio.jobs() as jobs:
        assert [job.status for job in jobs.list(person=f"tg{anna.id}")] == ["cancelled"]


def test_a_photo_that_came_too_early_is_drawn_once_the_style_is_there(studio):
    anna = studio.emulator.person("Anna")
    anna.start()
    studio.hold()
    try:
        studio.teaches(anna)
        studio.waits(anna, lambda view: view.find("“Cats”"))
        anna.photo(jpeg(1))
        studio.waits(anna, lambda view: view.find("I'll keep this and draw it"))
    finally:
        studio.hold(False)
    studio.waits(anna, lambda view: [one for one in view.of_kind("sticker") if not one.mine])
    studio.quiet()
    assert len(anna.see().of_kind("document")) == 1


def test_a_job_that_fails_says_why_and_is_taken_up_again_by_a_press(studio):
    anna = studio.emulator.person("Anna")
    studio.learns(anna)
    studio.refuse("OutOfMemory")
    anna.photo(jpeg(1))
    view = studio.waits(anna, lambda view: view.find("There wasn't enough memory"))
    assert "kept" in view.last.text
    studio.press(anna, "Try again")
    studio.waits(anna, lambda view: [one for one in view.of_kind("sticker") if not one.mine])


def test_a_failed_learning_goes_on_only_with_a_consent_that_still_stands(studio):
    anna = studio.emulator.person("Anna")
    anna.start()
    studio.refuse("OutOfMemory")
    studio.teaches(anna)
    view = studio.waits(anna, lambda view: view.find("There wasn't enough memory"))
    failed = next(one for one in view.from_bot if one.button("Try again"))
    anna.send("/privacy")
    studio.press(anna, "Take my consent back")
    studio.waits(anna, lambda view: view.find("your consent is taken back"))
    anna.press("Try again", on=failed)
    studio.until(studio.settled)
    with studio.jobs() as jobs:
        assert [job.status for job in jobs.list(person=f"tg{anna.id}")] == ["failed"]


def test_a_pack_of_pictures_that_look_the_same_is_told_by_the_worker(studio):
    anna = studio.emulator.person("Anna")
    anna.start()
    for size in (300, 301, 302):
        anna.document(png(1, (size, size)), name=f"{size}.png")
    studio.press(anna, "Learn these 3")
    studio.press(anna, "I agree")
    studio.waits(anna, lambda view: view.find("Fewer than 3 of its pictures differ"))
