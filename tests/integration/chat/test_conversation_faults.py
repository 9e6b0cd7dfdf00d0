"""Every way in which a call can fail, met in the middle of a conversation: what the person sees in the end, once."""

import itertools

import pytest
import sqlalchemy as sa

from pipeline.jobs.tables import JOBS
from scripts.sandbox.emulator import FaultKind
from scripts.sandbox.emulator.seed import jpeg
from tests.bot_desk import REPEAT
from tests.chat_desk import SET

NUMBERS = itertools.count(1)  # of photos: none is like another
SECONDS = 2
# How often what was sent is there in the end, unmarked and marked as a repeat.
CERTAIN, AGAIN, TWICE = (1, 0), (0, 1), (1, 1)
OUTCOMES = {
    FaultKind.TOO_MANY_REQUESTS: CERTAIN,
    FaultKind.SLOW_BODY: CERTAIN,
    FaultKind.CLOCK_JUMP: CERTAIN,
    FaultKind.SERVER_ERROR: AGAIN,  # nobody can know that it did nothing
    FaultKind.BAD_GATEWAY: AGAIN,
    FaultKind.RESET: AGAIN,
    FaultKind.TIMEOUT_AFTER_EFFECT: TWICE,
    FaultKind.ERROR_AFTER_EFFECT: TWICE,
    FaultKind.TRUNCATED: TWICE,
    FaultKind.WRONG_LENGTH: TWICE,
}
HARMLESS = ("getFile", "editMessageText", "deleteMessage")  # doing them again shows nothing
OF_FILES = set(OUTCOMES) - {FaultKind.TOO_MANY_REQUESTS, FaultKind.CLOCK_JUMP}  # a download has no such answer


@pytest.fixture(autouse=True)
def fair_weather(studio):
    """No fault of another test's is left."""
    studio.emulator.faults.clear()


def marked(seen):
    return REPEAT in seen.text or any(REPEAT in button.text for row in seen.buttons for button in row)


def drawn(studio, person):
    """A photo is sent; what came of it: stickers, files, and anything else, once nothing is under way."""
    sent = person.photo(jpeg(next(NUMBERS)))
    studio.waits(person, lambda view: any(one.id > sent.id for one in view.of_kind("document") if not one.mine))
    studio.quiet()
    came = [one for one in person.see().from_bot if one.id > sent.id]
    kinds = ("sticker", "document")
    stickers, files = ([one for one in came if one.kind == kind] for kind in kinds)
    return stickers, files, [one for one in came if one.kind not in kinds]


def counts(messages):
    """Unmarked and marked; they are all the same."""
    assert len({one.file for one in messages}) == 1
    return sum(not marked(one) for one in messages), sum(marked(one) for one in messages)


UPLOADS = [("sendSticker", kind) for kind in OUTCOMES]
UPLOADS += [("sendDocument", kind) for kind in (FaultKind.TOO_MANY_REQUESTS, FaultKind.RESET, FaultKind.TRUNCATED)]


@pytest.mark.slow
@pytest.mark.parametrize(("method", "kind"), UPLOADS, ids=lambda value: getattr(value, "value", value))
def test_a_result_whose_upload_fails_is_there_once_or_says_that_it_is_a_repeat(studio, anna, kind, method):
    fault = studio.emulator.faults.add(kind, method, seconds=SECONDS)
    stickers, files, rest = drawn(studio, anna)
    assert fault.met == 1
    hit, other = (stickers, files) if method == "sendSticker" else (files, stickers)
    assert counts(hit) == OUTCOMES[kind]
    assert counts(other) == CERTAIN
    assert rest == []  # its status is gone


@pytest.mark.slow
@pytest.mark.parametrize("kind", OUTCOMES, ids=lambda kind: kind.value)
def test_calls_that_may_be_made_again_fail_and_nobody_sees_it(studio, anna, kind):
    faults = [studio.emulator.faults.add(kind, method, seconds=SECONDS) for method in HARMLESS]
    faults += [studio.emulator.faults.add(kind, "file", seconds=SECONDS)] if kind in OF_FILES else []
    stickers, files, rest = drawn(studio, anna)
    assert {fault.method for fault in faults if fault.met} >= {"getFile", "deleteMessage"}
    assert (counts(stickers), counts(files), rest) == (CERTAIN, CERTAIN, [])


@pytest.mark.slow
@pytest.mark.parametrize("kind", OUTCOMES, ids=lambda kind: kind.value)
def test_a_pressed_button_is_answered_and_shows_its_effect_though_both_calls_fail(studio, anna, kind):
    sticker = drawn(studio, anna)[0][0]
    faults = [
        studio.emulator.faults.add(kind, method, seconds=SECONDS)
        for method in ("answerCallbackQuery", "editMessageReplyMarkup")
    ]
    pressed = anna.press("Emoji", on=sticker)
    studio.waits(anna, lambda view: any(one.id == sticker.id and one.button("Back") for one in view.from_bot))
    studio.until(lambda: pressed.answered)
    anna.press("Back", on=sticker)
    studio.waits(anna, lambda view: any(one.id == sticker.id and one.button("New pack") for one in view.from_bot))
    studio.quiet()
    assert [fault.met for fault in faults] == [1, 1]


@pytest.mark.slow
@pytest.mark.parametrize("kind", OUTCOMES, ids=lambda kind: kind.value)
def test_a_pack_is_made_filled_and_emptied_by_one_though_every_call_fails_once(studio, anna, kind):
    before = {one.name for one in studio.made()}
    fresh = lambda: [len(one.stickers) for one in studio.made() if one.name not in before]  # noqa: E731
    first = drawn(studio, anna)[0][0]
    writes = ("uploadStickerFile", "createNewStickerSet", "getStickerSet", "addStickerToSet", "deleteStickerFromSet")
    faults = [studio.emulator.faults.add(kind, method, seconds=SECONDS) for method in writes]
    sent = anna.press("New pack", on=first).query
    studio.until(lambda: sent.answer is not None and fresh() == [1])
    studio.quiet()
    anna.press("➕", on=drawn(studio, anna)[0][0])
    studio.until(lambda: fresh() == [2])
    studio.quiet()
    anna.press("Undo", on=[one for one in anna.see().from_bot if one.button("Undo")][-1])
    studio.until(lambda: fresh() == [1])
    studio.quiet()
    assert [fault.met for fault in faults] == [1] * len(faults)
    assert fresh() == [1]


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(OF_FILES, key=str), ids=lambda kind: kind.value)
def test_a_pack_whose_downloads_fail_is_learned_as_a_whole(studio, kind):
    boris = studio.emulator.person("Boris")
    faults = [studio.emulator.faults.add(kind, method, seconds=SECONDS, times=2) for method in ("file", "getFile")]
    boris.start()
    boris.sticker(SET)
    studio.press(boris, "Learn it")
    studio.press(boris, "I agree")
    studio.waits(boris, lambda view: view.find("I've learned “Cats” from 8 pictures."))
    studio.quiet()
    assert all(fault.met for fault in faults)
    told = [one for one in boris.see().from_bot if "Done! I know" in one.text]
    assert [marked(one) for one in told] == [False]


def test_updates_that_come_twice_begin_one_drawing(studio, anna):
    studio.emulator.faults.add(FaultKind.REDELIVER, "getUpdates", times=3)
    jobs = len([row for row in studio.rows("errand") if row["kind"] == "draw"])
    stickers, files, _ = drawn(studio, anna)
    assert (counts(stickers), counts(files)) == (CERTAIN, CERTAIN)
    assert len([row for row in studio.rows("errand") if row["kind"] == "draw"]) == jobs + 1
    assert studio.emulator.faults.rules[0].met


def test_a_damaged_job_is_told_to_its_owner_and_keeps_nobody_s_stickers_back(studio, anna):
    """As a disk's fault leaves a row; what the job made cannot be found, and everybody else is served."""
    bob = studio.emulator.person("Bob")
    studio.learns(bob)
    studio.hold()
    try:
        anna.photo(jpeg(next(NUMBERS)))
        studio.waits(anna, lambda view: view.find("▱"))
        with studio.jobs() as jobs:
            (job,) = jobs.list(person=f"tg{anna.id}", kind="draw", status=["running", "queued"])
            studio.until(lambda: jobs.show(job.job_id).status == "running")
            with jobs.engine.begin() as connection:
                damaged = sa.update(JOBS).where(JOBS.c.job_id == job.job_id)
                connection.execute(damaged.values(spec=f"sealed1.{'A' * 80}"))
    finally:
        studio.hold(False)
    assert drawn(studio, bob)[2] == []
    studio.waits(anna, lambda view: view.find("I no longer have a picture"))
    studio.quiet()
