"""What a person keeps: packs as a whole, styles that learn more, collections that were left open."""

import io

import pytest
from PIL import Image

from scripts.sandbox.emulator.seed import jpeg, png, webp
from tests.chat_desk import WORDS, zipped
from tests.unit.pipeline.stickers import greedy


def mine(studio, person):
    """The sets that are theirs."""
    return [one for one in studio.made() if one.owner_id == person.id]


def packed(studio, person, language="en"):
    """A person with a pack of one sticker, and its name."""
    studio.learns(person, language)
    studio.draws(person, jpeg(1))
    studio.press(person, WORDS[language]["new"])
    studio.waits(person, lambda view: view.find("t.me/addstickers/"))
    return mine(studio, person)[0].name


# ── packs ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "rename", "last", "drop", "yes", "gone"),
    [
        ("en", "Rename", "Remove the last sticker", "Delete the pack", "Delete", "has been deleted."),
        ("ru", "Переименовать", "Убрать последний стикер", "Удалить набор", "Удалить", "удалён."),
    ],
)
def test_a_pack_is_renamed_loses_its_last_sticker_and_is_deleted(studio, language, rename, last, drop, yes, gone):
    anna = studio.emulator.person("Anna", language_code=language)
    packed(studio, anna, language)
    studio.draws(anna, jpeg(2))
    studio.press(anna, "➕")
    (made,) = mine(studio, anna)
    studio.until(lambda: len(made.stickers) == 2)
    anna.send("/packs")
    view = studio.waits(anna, lambda view: view.last.button("✓ Cats"))
    place = view.last
    anna.press("✓ Cats", on=place)
    studio.waits(anna, lambda view: any(one.id == place.id and one.button(rename) for one in view.messages))
    anna.press(rename, on=place)
    studio.waits(anna, lambda view: not view.last.mine and view.last.id > place.id)
    anna.send("My_cats 🐱")
    studio.until(lambda: made.title == "My_cats 🐱")
    anna.press(last, on=place)
    studio.until(lambda: len(made.stickers) == 1)
    view = studio.waits(anna, lambda view: any("My_cats" in one.text and one.id == place.id for one in view.messages))
    studio.quiet()
    view = anna.see()
    assert sum(one.button(WORDS[language]["undo"]) is not None for one in view.from_bot) == 1  # of the one still there
    anna.press("←", on=place)
    studio.waits(anna, lambda view: any(one.id == place.id and one.button("✓ My_cats") for one in view.messages))
    anna.press("✓ My_cats", on=place)
    studio.waits(anna, lambda view: any(one.id == place.id and one.button(drop) for one in view.messages))
    anna.press(drop, on=place)
    studio.waits(
        anna, lambda view: any(one.id == place.id and one.button(yes) and not one.button(drop) for one in view.messages)
    )
    assert mine(studio, anna) != []
    anna.press(yes, on=place)
    studio.waits(anna, lambda view: any(one.id == place.id and gone in one.text for one in view.messages))
    assert mine(studio, anna) == []
    anna.send("/packs")
    studio.waits(anna, lambda view: WORDS[language]["new"] in view.last.text)


@pytest.mark.slow
@pytest.mark.parametrize(("language", "said"), [("en", "was deleted in Telegram"), ("ru", "удалили в Telegram")])
def test_a_pack_that_was_deleted_in_telegram_is_told_of_and_leaves_the_list(studio, language, said):
    anna = studio.emulator.person("Anna", language_code=language)
    name = packed(studio, anna, language)
    anna.send("/packs")
    view = studio.waits(anna, lambda view: view.last.button("✓ Cats"))
    anna.press("✓ Cats", on=view.last)
    studio.waits(anna, lambda view: len(view.last.buttons) > 2)
    anna.press("Rename" if language == "en" else "Переименовать")
    studio.waits(
        anna, lambda view: view.last.id > view.messages[-2].id and not view.last.mine and len(view.last.buttons) == 1
    )
    anna.delete_set(name)
    anna.send("Tom")
    studio.waits(anna, lambda view: view.find(said))
    anna.send("/packs")
    studio.waits(anna, lambda view: WORDS[language]["new"] in view.last.text)


def test_a_second_press_of_new_pack_makes_no_second_one_unless_the_first_is_gone(studio):
    anna = studio.emulator.person("Anna")
    name = packed(studio, anna)
    sticker = [one for one in anna.see().of_kind("sticker") if not one.mine][-1]
    pressed = anna.press("New pack", on=sticker)
    studio.until(lambda: pressed.answered)
    assert "already started “Cats – stickers”" in pressed.text
    studio.quiet()
    assert [one.name for one in mine(studio, anna)] == [name]
    anna.delete_set(name)
    anna.press("New pack", on=sticker)
    studio.waits(anna, lambda view: sum("t.me/addstickers/" in one.text for one in view.from_bot) == 2)
    studio.quiet()
    assert len(mine(studio, anna)) == 1


# ── styles ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "more", "begun", "again", "better"),
    [
        ("en", "Learn more", "which I still have", "Learn again, from all 13", "better now"),
        ("ru", "Доучить", "они ещё у меня", "Выучить заново по всем 13", "» лучше."),
    ],
)
def test_a_style_learns_more_from_old_pictures_and_new_ones_and_its_stickers_stay(
    studio, language, more, begun, again, better
):
    """Eight old, a picture and a pack of four new; the sticker of before is drawn again by what it knows now."""
    name = f"Dogs_{language}"
    studio.emulator.add_sticker_set(name, [webp(n) for n in range(10, 14)], title="Dogs")
    anna = studio.emulator.person("Anna", language_code=language)
    studio.learns(anna, language)
    sticker, _ = studio.draws(anna, jpeg(1))
    anna.send("/styles")
    view = studio.waits(anna, lambda view: view.last.button("✓ Cats"))
    anna.press("✓ Cats", on=view.last)
    studio.press(anna, more)
    studio.waits(anna, lambda view: view.find(begun))
    anna.document(png(20), name="20.png")
    studio.waits(anna, lambda view: any(one.button(again.replace("13", "9")) for one in view.from_bot))
    anna.send(name)
    studio.press(anna, again)
    studio.waits(anna, lambda view: view.find(better) and view.find(better).id > sticker.id)
    with studio.jobs() as jobs:
        new, old = jobs.list(person=f"tg{anna.id}", kind="learn")
    assert (len(new.spec.pack), len(old.spec.pack)) == (13, 8)
    anna.send("/styles")
    studio.waits(anna, lambda view: [b.text for row in view.last.buttons for b in row] == ["✓ Cats"])
    anna.press("🔄", on=sticker)
    studio.waits(anna, lambda view: len(view.of_kind("document")) == 3)
    with studio.jobs() as jobs:
        assert jobs.list(person=f"tg{anna.id}", kind="draw")[0].spec.style == new.spec.style
    studio.quiet()


def test_a_style_whose_pictures_are_not_kept_any_more_says_so(studio):
    anna = studio.emulator.person("Anna")
    studio.learns(anna)
    with studio.jobs() as jobs:
        (learned,) = jobs.list(person=f"tg{anna.id}", kind="learn")
    studio.files.delete(f"people/tg{anna.id}/jobs/{learned.job_id}/given")
    anna.send("/styles")
    view = studio.waits(anna, lambda view: view.last.button("✓ Cats"))
    anna.press("✓ Cats", on=view.last)
    studio.press(anna, "Learn more")
    studio.waits(anna, lambda view: view.find("I no longer have the pictures"))


# ── collections ───────────────────────────────────────────────────────────────────────────────────────────────────────


def ages(studio, person):
    """Their collection was left a quarter of an hour ago."""
    with studio.jobs() as jobs:
        desk = studio.desk(jobs)
        found = desk.person(person.id)
        talk = desk.talk(origin="test", person=found, chat=person.id)
        talk.put_state(collect=found.state["collect"] | {"at_ms": found.state["collect"]["at_ms"] - 900_000})
        desk.settle(talk)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "one", "draw", "keep", "asked"),
    [
        ("en", "One picture so far", "Draw it", "It belongs to the new style", "with one picture so far"),
        ("ru", "Пока 1 картинка", "Нарисовать", "Добавить к новому стилю", "в нём 1 картинка"),
    ],
)
def test_a_photo_beside_a_collection_that_was_left_open_is_asked_about(studio, language, one, draw, keep, asked):
    anna = studio.emulator.person("Anna", language_code=language)
    studio.learns(anna, language)
    anna.send("/new")
    studio.waits(anna, lambda view: not view.last.mine)
    anna.document(png(1), name="1.png")
    studio.waits(anna, lambda view: view.find(one))
    ages(studio, anna)
    anna.document(png(2), name="2.png")
    studio.waits(anna, lambda view: view.find(asked))
    studio.press(anna, keep)
    studio.waits(anna, lambda view: view.find(asked) is None)
    studio.until(studio.settled)
    ages(studio, anna)
    anna.photo(jpeg(3))
    studio.press(anna, draw)
    studio.waits(anna, lambda view: len([one for one in view.of_kind("sticker") if not one.mine]) == 1)
    anna.photo(jpeg(4))  # without a question: it was answered
    studio.waits(anna, lambda view: len([one for one in view.of_kind("sticker") if not one.mine]) == 2)
    studio.quiet()
    with studio.jobs() as jobs:
        assert len(jobs.list(person=f"tg{anna.id}", kind="draw")) == 2


def test_an_album_beside_an_old_collection_is_asked_about_once_and_drawn_as_one(studio):
    anna = studio.emulator.person("Anna")
    studio.learns(anna)
    anna.send("/new")
    studio.waits(anna, lambda view: not view.last.mine)
    studio.until(studio.settled)
    ages(studio, anna)
    for number in range(3):
        anna.photo(jpeg(number), album="x")
    studio.waits(anna, lambda view: view.find("What are these 3 pictures for?"))
    anna.press("Draw them")
    studio.waits(anna, lambda view: len([one for one in view.of_kind("sticker") if not one.mine]) == 3)
    studio.quiet()
    with studio.jobs() as jobs:
        assert len(jobs.list(person=f"tg{anna.id}", kind="draw")) == 1


# ── files that harm ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
def test_a_file_that_kills_its_decoder_is_named_and_those_after_it_are_learned(studio):
    """One of a zip fills its decoder's memory; a bomb of pixels and a photo cut short are named, too."""
    huge = io.BytesIO()
    Image.new("1", (9000, 9000)).save(huge, "PNG")
    files = {"a.png": png(1), "b.tgs": greedy(), "c.png": png(2), "d.png": huge.getvalue(), "e.jpg": jpeg(3)[:300]}
    anna = studio.emulator.person("Anna")
    anna.start()
    anna.document(zipped(files | {"f.png": png(4)}), name="all.zip", mime="application/zip")
    studio.press(anna, "Learn it")
    studio.press(anna, "I agree")
    view = studio.waits(anna, lambda view: view.find("I've learned “all” from 3 pictures"))
    told = view.find("I've learned “all” from 3 pictures").text
    assert "b.tgs – not a picture I can read" in told
    assert "d.png – too many pixels" in told
    assert "e.jpg – not a picture I can read" in told
