"""What a person does with what they have: the buttons below a sticker, styles, what is under way, their data."""

import io
import json
import zipfile

import pytest

from scripts.sandbox.emulator.seed import jpeg, png, webp

# ── below a sticker ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
def test_the_buttons_below_a_sticker_draw_it_again_otherwise(studio):
    anna = studio.emulator.person("Anna")
    studio.learns(anna)
    studio.draws(anna, jpeg(1), caption="blue {hat}")
    asked = []
    for number, key in enumerate(("Another", "Stronger", "Weaker", "With outline", "Without outline"), start=2):
        studio.press(anna, key)
        studio.waits(anna, lambda view, number=number: len(view.of_kind("document")) == number)
    with studio.jobs() as jobs:
        asked = [job.spec.options for job in reversed(jobs.list(person=f"tg{anna.id}", kind="draw"))]
    assert len({one["seed"] for one in asked}) == 2
    assert [one.get("outline") for one in asked] == [None, None, None, None, 8, 0]
    assert asked[2]["strength"] > asked[3]["strength"]
    assert {one["words"] for one in asked} == {"blue (hat)"}
    pictures = [one.file for one in anna.see().of_kind("document")]
    assert pictures[5] == pictures[3]  # as before the outline
    assert len(set(pictures)) == 5


def test_emoji_are_proposed_chosen_or_written_and_reach_the_pack(studio):
    anna = studio.emulator.person("Anna")
    studio.learns(anna)
    sticker, _ = studio.draws(anna, jpeg(1))
    assert sticker.emoji == "🐱"
    anna.press("Emoji", on=sticker)
    studio.press(anna, "🌞")
    studio.waits(anna, lambda view: view.of_kind("sticker")[-1].button("Emoji 🌞"))
    anna.press("New pack")
    studio.waits(anna, lambda view: view.find("t.me/addstickers/"))
    mine = [one for one in studio.made() if one.owner_id == anna.id]
    assert mine[0].stickers[0].emoji_list == ("🌞",)
    anna.press("Emoji", on=sticker)
    studio.waits(anna, lambda view: view.of_kind("sticker")[-1].button("Back"))
    anna.send("🦊🐻")
    studio.until(lambda: mine[0].stickers[0].emoji_list == ("🦊", "🐻"))


def test_buttons_that_were_forged_or_are_anothers_do_nothing(studio):
    anna, boris = studio.emulator.person("Anna"), studio.emulator.person("Boris")
    studio.learns(anna)
    studio.draws(anna, jpeg(1))
    boris.start()
    studio.waits(boris, lambda view: view.from_bot)
    data = anna.see().of_kind("sticker")[-1].button("New pack").data
    made = len(studio.made())
    foreign, forged = boris.press(data=data), boris.press(data="v1:add-new:u1-0.0:AAAAAAAAAAAAAAAAAAAAAAAA")
    studio.until(lambda: foreign.answered and forged.answered)
    assert foreign.text == "This button isn't yours."
    studio.quiet()
    assert len(studio.made()) == made


# ── styles, status, cancel ────────────────────────────────────────────────────────────────────────────────────────────


def test_styles_are_switched_renamed_and_deleted(studio):
    studio.emulator.add_sticker_set("Dogs_set", [webp(n) for n in range(10, 14)], title="Dogs")
    anna = studio.emulator.person("Anna")
    studio.learns(anna)
    anna.send("Dogs_set")
    studio.waits(anna, lambda view: "Dogs" in view.last.text and view.last.button("Learn it"))
    anna.press("Learn it")
    studio.waits(anna, lambda view: view.find("Done! I know the style of “Dogs”"))
    anna.send("/styles")
    view = studio.waits(anna, lambda view: view.last.button("✓ Dogs"))
    anna.press("Cats", on=view.last)
    studio.waits(anna, lambda view: view.last.button("Rename"))
    anna.press("Rename")
    studio.waits(anna, lambda view: view.find("What would you like to call"))
    anna.send("Tom <b>cats</b>")
    studio.waits(anna, lambda view: view.find("Tom <b>cats</b>") and view.last.mine is False)
    anna.send("/status")
    studio.waits(anna, lambda view: "using the style “Tom <b>cats</b>”" in view.last.text)
    anna.send("/styles")
    view = studio.waits(anna, lambda view: view.last.button("✓ Tom"))
    anna.press("✓ Tom", on=view.last)
    studio.press(anna, "Delete")
    studio.waits(anna, lambda view: "learn it again" in view.last.text)
    anna.press("Delete")
    studio.waits(anna, lambda view: view.find("has been deleted"))
    styles = {key.split("/")[3] for key in studio.files.list(f"people/tg{anna.id}/styles")}
    assert len(styles) == 1


def test_a_style_that_is_deleted_while_it_is_drawn_in_calls_the_drawing_off_and_says_why(studio):
    anna = studio.emulator.person("Anna")
    studio.learns(anna)

    def drawn():
        with studio.jobs() as jobs:
            return [job.status for job in jobs.list(person=f"tg{anna.id}", kind="draw")]

    studio.hold()
    try:
        anna.photo(jpeg(1))
        studio.waits(anna, lambda view: view.find("▱"))
        anna.send("/styles")
        view = studio.waits(anna, lambda view: view.last.button("✓ Cats"))
        anna.press("✓ Cats", on=view.last)
        studio.press(anna, "Delete")
        studio.waits(anna, lambda view: "learn it again" in view.last.text)
        anna.press("Delete")
        view = studio.waits(anna, lambda view: view.find("“Cats” was deleted, so I won't draw this"))
        assert not view.find("so I won't draw this").buttons
        studio.until(lambda: drawn() == ["cancelled"])
    finally:
        studio.hold(False)
    studio.quiet()
    assert anna.see().find("so I won't draw this")
    assert anna.see().of_kind("sticker")[-1].mine
    assert drawn() == ["cancelled"]


def test_status_and_cancel_by_command(studio):
    anna = studio.emulator.person("Anna")
    anna.start()
    anna.send("/cancel")
    studio.waits(anna, lambda view: view.find("There's nothing to cancel"))
    studio.learns(anna)
    studio.hold()
    try:
        anna.photo(jpeg(1))
        studio.waits(anna, lambda view: view.find("I'm drawing"))
        anna.send("/status")
        studio.waits(anna, lambda view: view.find("One job is in progress"))
        anna.send("/cancel")
        studio.waits(anna, lambda view: view.find("Cancelled: drawing a photo"))
    finally:
        studio.hold(False)
    studio.quiet()
    assert anna.see().of_kind("document") == ()


def test_what_is_under_way_can_be_told_apart_and_only_the_newest_list_has_buttons(studio):
    anna = studio.emulator.person("Anna")
    anna.start()
    studio.hold()

    def lists():
        return [one for one in anna.see().from_bot if "in progress:" in one.text]

    def named(one):
        return [button.text for row in one.buttons for button in row]

    try:
        studio.teaches(anna)
        studio.waits(anna, lambda view: view.find("▱"))
        anna.send("/status")
        view = studio.waits(anna, lambda view: view.find("One job is in progress"))
        assert "“Cats” will be your first style" in view.last.text
        assert "a style yet" not in view.last.text
        anna.photo(jpeg(1), caption="a red hat")
        studio.waits(anna, lambda view: "I'll keep this" in view.last.text)
        anna.document(png(2), name="bear.png")
        studio.waits(anna, lambda view: view.find("I'll keep this") and "I'll keep this" in view.from_bot[-1].text)
        anna.send("/status")
        studio.waits(anna, lambda view: view.find("3 jobs are in progress"))
        studio.until(lambda: not lists()[0].buttons)
        (_, newest) = lists()
        assert named(newest) == [
            "Cancel 1: learning “Cats”",
            "Cancel 2: “a red hat”, waiting fo…",
            "Cancel 3: “bear.png”, waiting for…",
        ]
        assert "2. “a red hat”, waiting for the style “Cats” · for " in newest.text
        anna.press("Cancel 3", on=newest)
        studio.waits(
            anna, lambda _: named(lists()[1]) == ["Cancel 1: learning “Cats”", "Cancel 2: “a red hat”, waiting fo…"]
        )
    finally:
        studio.hold(False)
    studio.waits(anna, lambda view: [one for one in view.of_kind("sticker") if not one.mine])
    studio.waits(anna, lambda view: view.find("None of this is in progress any more."))


def test_all_that_is_kept_comes_as_a_zip(studio):
    anna = studio.emulator.person("Anna")
    studio.learns(anna)
    sticker, file = studio.draws(anna, jpeg(1))
    anna.send("/mydata")
    view = studio.waits(anna, lambda view: len(view.of_kind("document")) == 2)
    with zipfile.ZipFile(io.BytesIO(view.last.file)) as archive:
        told = json.loads(archive.read("about-you.json"))
        contents = {archive.read(name) for name in archive.namelist()}
    assert told["telegram_id"] == anna.id
    assert told["consents"][0]["purpose"] == "training"
    assert [one["value"]["title"] for one in told["things"]["style"]] == ["Cats"]
    assert {sticker.file, file.file} <= contents


def test_after_deletion_nothing_of_a_person_is_left_while_their_job_ran(studio):
    anna = studio.emulator.person("Anna")
    studio.learns(anna)
    studio.draws(anna, jpeg(1))
    studio.hold()
    try:
        anna.photo(jpeg(2))
        studio.waits(anna, lambda view: view.find("▱"))
        anna.send("/deletedata")
        studio.press(anna, "Delete everything")
    finally:
        studio.hold(False)
    studio.waits(anna, lambda view: view.find("has been deleted"))
    studio.until(lambda: studio.files.list(f"people/tg{anna.id}") == [])
    for table in ("errand", "thing", "person", "consent", "slot"):
        assert [row for row in studio.rows(table) if row["person"] == anna.id] == [], table


def erased(studio, person):
    """Nobody follows it up any more."""
    return not any(row["name"] == f"erasing:{person.id}" for row in studio.rows("note"))


def test_who_is_back_at_once_after_deletion_keeps_what_is_new_and_nothing_of_before(studio):
    """The following up ends though they have jobs again: else it would take those styles with it a month later."""
    anna = studio.emulator.person("Anna")
    studio.learns(anna)
    studio.hold()
    try:
        anna.photo(jpeg(2))
        studio.waits(anna, lambda view: view.find("▱"))
        before = set(studio.files.list(f"people/tg{anna.id}"))
        anna.send("/deletedata")
        studio.press(anna, "Delete everything")
        studio.waits(anna, lambda view: view.find("has been deleted"))
        studio.teaches(anna)
        studio.waits(anna, lambda view: view.last.text.startswith("I'm learning"))
    finally:
        studio.hold(False)
    studio.waits(anna, lambda view: view.last.text.startswith("Done! I know"))
    studio.until(lambda: erased(studio, anna))
    now = set(studio.files.list(f"people/tg{anna.id}"))
    assert (sum("/given/" in key for key in now), any("/styles/" in key for key in now)) == (8, True)
    assert not before & now
    with studio.jobs() as jobs:
        assert [view.spec.kind for view in jobs.list(person=f"tg{anna.id}")] == ["learn"]


def test_a_photo_that_was_being_fetched_at_the_deletion_leaves_no_file_and_no_job(studio):
    """The file comes after all of theirs was deleted, and after that was first followed up."""
    anna = studio.emulator.person("Anna")
    studio.learns(anna)
    studio.quiet()
    slow = studio.emulator.faults.add("slow_body", "file", seconds=7)
    anna.photo(jpeg(2))
    studio.until(lambda: slow.met)
    anna.send("/deletedata")
    studio.press(anna, "Delete everything")
    studio.waits(anna, lambda view: view.find("has been deleted"))
    studio.until(lambda: "an errand was called off" in studio.output() and erased(studio, anna))
    assert studio.files.list(f"people/tg{anna.id}") == []
    with studio.jobs() as jobs:
        assert jobs.list(person=f"tg{anna.id}") == []


def test_what_is_ones_own_is_not_shown_to_a_group(studio):
    anna, boris = studio.emulator.person("Anna"), studio.emulator.person("Boris")
    group = studio.emulator.group("All of us", anna, boris)
    anna.start()
    anna.send("/styles", group=group)
    studio.hears(anna, "for your eyes only", group=group)
