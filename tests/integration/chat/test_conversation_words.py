"""Words alone in the chat, in both languages: what they name is drawn; what names nothing gets an answer that helps."""

import pytest

from pipeline.emoji_names import bare
from scripts.sandbox.emulator.seed import jpeg

UNKNOWN = {"en": "I can't tell what to draw", "ru": "Не понимаю, что нарисовать"}


def named(studio, person, words, count):
    """The sticker that came for the words."""
    person.send(words)
    studio.waits(person, lambda view: len(view.of_kind("document")) == count)
    return person.see().of_kind("sticker")[-1]


@pytest.mark.parametrize(
    ("language", "words", "emoji"), [("en", "a cat in a hat", "🐈"), ("ru", "нарисуй дракона, пожалуйста", "🐉")]
)
def test_a_thing_that_is_named_becomes_a_sticker_with_its_emoji(studio, language, words, emoji):
    anna = studio.emulator.person("Anna", language_code=language)
    studio.learns(anna, language)
    before = len(anna.see().of_kind("sticker"))
    sticker = named(studio, anna, words, 1)
    assert bare(sticker.emoji) == emoji
    assert len(anna.see().of_kind("sticker")) == before + 1
    with studio.jobs() as jobs:
        (job,) = jobs.list(person=f"tg{anna.id}", kind="draw")
    assert job.spec.options["words"] == words
    anna.press("🔄", on=sticker)
    studio.waits(anna, lambda view: len(view.of_kind("document")) == 2)


def test_an_emoji_alone_is_drawn_and_one_of_its_own_goes_before_the_things(studio):
    anna = studio.emulator.person("Anna")
    studio.learns(anna)
    assert named(studio, anna, "🚀", 1).emoji == "🚀"
    assert named(studio, anna, "a rocket ✨", 2).emoji == "✨"
    with studio.jobs() as jobs:
        asked = [job.spec.options["words"] for job in reversed(jobs.list(person=f"tg{anna.id}", kind="draw"))]
    assert asked == ["rocket", "a rocket"]


@pytest.mark.parametrize("language", ["en", "ru"])
def test_what_names_nothing_is_told_and_no_job_is_begun(studio, language):
    anna = studio.emulator.person("Anna", language_code=language)
    studio.learns(anna, language)
    for words in ("xyzzy qwertz", "x" * 4096, "<b>&lt;</b>"):
        anna.send(words)
        studio.until(studio.settled)
        studio.waits(anna, lambda view: UNKNOWN[language] in view.last.text)
    with studio.jobs() as jobs:
        assert jobs.list(person=f"tg{anna.id}", kind="draw") == []


def test_words_before_the_style_is_there_wait_for_it(studio):
    anna = studio.emulator.person("Anna")
    anna.start()
    studio.hold()
    try:
        studio.teaches(anna)
        studio.waits(anna, lambda view: view.find("▱"))
        anna.send("a penguin")
        studio.waits(anna, lambda view: view.find("I'll keep"))
    finally:
        studio.hold(False)
    studio.waits(anna, lambda view: view.of_kind("document"))
    assert anna.see().of_kind("sticker")[-1].emoji == "🐧"
    assert studio.draws(anna, jpeg(3))


def test_other_words_name_another_thing_and_cancel_leaves_the_question(studio):
    anna = studio.emulator.person("Anna")
    studio.learns(anna)
    assert named(studio, anna, "a cat", 1).emoji == "🐈"
    studio.press(anna, "Words")
    studio.waits(anna, lambda view: "Name what I should draw instead" in view.last.text)
    assert named(studio, anna, "a dog", 2).emoji == "🐕"
    studio.press(anna, "Words")
    studio.waits(anna, lambda view: "Name what I should draw instead" in view.last.text)
    anna.send("/cancel")
    studio.waits(anna, lambda view: "leave it as it is" in view.last.text)
    assert named(studio, anna, "a rocket", 3).emoji == "🚀"


def test_a_deletion_is_asked_for_once_and_an_old_question_deletes_nothing(studio):
    anna = studio.emulator.person("Anna")
    studio.learns(anna)
    anna.send("/deletedata")
    view = studio.waits(anna, lambda view: view.last.button("Delete everything"))
    old = view.last
    anna.press("Delete everything", on=old)
    studio.waits(anna, lambda view: view.find("All your data has been deleted"))
    assert not anna.see().find("All your data has been deleted").buttons
    anna.start()
    studio.until(studio.settled)
    anna.send("/deletedata")
    studio.waits(anna, lambda view: view.last.button("Keep it"))
    before = len(anna.see().messages)
    anna.press(old.button("Delete everything"), on=old)  # as an app that has not heard of the change yet
    studio.until(studio.settled)
    assert len(anna.see().messages) == before
    anna.press("Keep it", on=anna.see().last)
    studio.waits(anna, lambda view: view.last.text == "OK, nothing was deleted.")
    assert anna.see().last.text == "OK, nothing was deleted."
