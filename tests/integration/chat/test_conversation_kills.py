"""The chat while the bot dies, people leave, or Telegram's answers are lost: one result, one sticker in its set."""

import random
import signal
import threading
import time
from collections import Counter

import pytest

from bot.effects import Action
from scripts.sandbox.emulator import FaultKind
from scripts.sandbox.emulator.seed import jpeg, webp
from tests.bot_desk import UNHURRIED
from tests.chat_desk import Studio, final_of

MOST_PER_SET = 120
BEGUN_IN_S = 0.6  # a bot on an idle machine


@pytest.fixture
def studio(tmp_path, nursery):
    studio = Studio(tmp_path, nursery, **UNHURRIED)  # a conversation has to last for the kills
    yield studio
    studio.close()


class Killer(threading.Thread):
    """Kills the bot with -9 at random moments, and starts it again.

    Where starting takes long, as on a busy machine, it lives as much longer: else it would die before it did anything.
    """

    def __init__(self, studio, seed):
        super().__init__(daemon=True)
        self.studio, self.chance, self.done, self.kills = studio, random.Random(seed), threading.Event(), 0

    def run(self):
        process, begun_in_s = self._begun()
        while not self.done.wait(self.chance.uniform(0.1, 1.6) * max(1.0, begun_in_s / BEGUN_IN_S)):
            self.studio.kill(process)
            self.kills += 1
            process, begun_in_s = self._begun()

    def _begun(self):
        at_s = time.monotonic()
        process = self.studio.bot()
        return process, time.monotonic() - at_s

    def stop(self):
        self.done.set()
        self.join()


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [1, 2])
def test_killed_again_and_again_the_bot_finishes_the_whole_conversation_and_tells_everything_once(studio, seed):
    """From /start to two stickers in a pack and one taken out, the bot being killed all the time."""
    killer, anna, draws = Killer(studio, seed), studio.emulator.person("Anna"), 2
    killer.start()
    try:
        studio.learns(anna)
        studio.draws(anna, jpeg(1))
        studio.press(anna, "New pack")
        studio.waits(anna, lambda view: view.find("t.me/addstickers/"))
        studio.draws(anna, jpeg(2))
        studio.press(anna, "➕")
        studio.until(lambda: [len(one.stickers) for one in studio.made()] == [2])
        studio.waits(anna, lambda view: view.find("now has 2 stickers"))
        anna.press("Undo", on=anna.see().find("now has 2 stickers"))
        studio.until(lambda: [len(one.stickers) for one in studio.made()] == [1])
        while killer.kills < 5:  # where it lives long, the conversation goes on
            draws += 1
            studio.draws(anna, jpeg(draws))
    finally:
        killer.stop()
    studio.quiet()
    in_doubt = Counter(row["action"] for row in studio.rows("outbox") if row["doubts"])
    broken = studio.emulator.check(outputs=[studio.output()], final_key=final_of)
    # A repeated sticker loses its mark where its buttons change, as they do once it is in a pack.
    assert {one.rule for one in broken} <= {"final"}
    assert len(broken) <= in_doubt[Action.STICKER], broken
    assert [len(one.stickers) for one in studio.made()] == [1]
    statuses = [one for one in anna.see().from_bot if one.button("Cancel")]
    assert len(statuses) <= in_doubt[Action.SAY]  # whose number was lost with the bot stays
    with studio.jobs() as jobs:
        views = jobs.list(person=f"tg{anna.id}")
        assert sorted(job.spec.kind for job in views) == [*["draw"] * draws, "learn"]
        assert all(job.delivered for job in views)


@pytest.mark.slow
def test_a_result_that_comes_while_its_person_has_left_is_delivered_on_their_return(studio):
    studio.bot()
    anna = studio.emulator.person("Anna")
    studio.learns(anna)
    studio.hold()
    anna.photo(jpeg(1))
    studio.waits(anna, lambda view: view.find("▱"))
    anna.block()
    studio.hold(False)
    with studio.jobs() as jobs:
        studio.until(lambda: not any(job.status in ("queued", "running") for job in jobs.list()))
        studio.until(lambda: all(job.delivered for job in jobs.list()))
    time.sleep(1.0)
    assert anna.see().of_kind("document") == ()
    anna.unblock()
    anna.send("/status")
    studio.waits(anna, lambda view: view.of_kind("document"))
    studio.quiet()
    assert studio.emulator.check(outputs=[studio.output()], final_key=final_of) == []


@pytest.mark.slow
def test_a_bot_that_was_away_while_the_job_ended_goes_on_in_the_same_status_message(studio):
    process = studio.bot()
    anna = studio.emulator.person("Anna")
    anna.start()
    studio.hold()
    studio.teaches(anna)
    status = studio.waits(anna, lambda view: view.find("▱")).find("▱")
    studio.kill(process)
    studio.hold(False)
    with studio.jobs() as jobs:
        studio.until(lambda: [job.status for job in jobs.list()] == ["done"])
    process = studio.bot()
    view = studio.waits(anna, lambda view: view.find("Done! I know"))
    assert view.find("I've learned “Cats” from 8").id == status.id
    assert studio.kill(process, signal.SIGTERM) == 0
    studio.bot()
    time.sleep(1.0)
    assert len([one for one in anna.see().from_bot if "Done! I know" in one.text]) == 1


# ── sets ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_sticker_is_in_its_set_once_though_telegrams_answer_was_lost(studio):
    """createNewStickerSet and addStickerToSet are done and their answers lost; undo likewise."""
    studio.bot()
    anna, faults = studio.emulator.person("Anna"), studio.emulator.faults
    studio.learns(anna)
    studio.draws(anna, jpeg(1))
    faults.add(FaultKind.ERROR_AFTER_EFFECT, "createNewStickerSet")
    anna.press("New pack")
    studio.waits(anna, lambda view: view.find("t.me/addstickers/"))
    (made,) = studio.made()
    assert len(made.stickers) == 1
    studio.draws(anna, jpeg(2))
    faults.add(FaultKind.ERROR_AFTER_EFFECT, "addStickerToSet")
    anna.press("➕")
    studio.waits(anna, lambda view: view.find("now has 2 stickers"))
    assert len(made.stickers) == 2
    anna.press("➕")  # the same sticker once more
    studio.waits(anna, lambda view: view.find("already in “Cats – stickers”"))
    assert len(made.stickers) == 2
    faults.add(FaultKind.ERROR_AFTER_EFFECT, "deleteStickerFromSet")
    anna.press("Undo", on=anna.see().find("now has 2 stickers"))
    studio.until(lambda: len(made.stickers) == 1)
    studio.waits(anna, lambda view: view.find("Taken back out"))
    studio.quiet()
    assert len(studio.made()) == 1
    assert studio.emulator.check(outputs=[studio.output()]) == []


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_set_that_is_full_or_gone_and_a_name_that_is_taken_lead_on(studio):
    studio.bot()
    anna, emulator = studio.emulator.person("Anna"), studio.emulator
    studio.learns(anna)
    studio.draws(anna, jpeg(1))
    occupied = {"code": 400, "description": "Bad Request: sticker set name is already occupied"}
    emulator.faults.add(FaultKind.ERROR, "createNewStickerSet", **occupied)
    anna.press("New pack")
    studio.waits(anna, lambda view: view.find("t.me/addstickers/"))
    (first,) = studio.made()
    assert first.name.endswith("2_by_stickersmith_bot")
    # deleted in the app: made anew under its name
    anna.delete_set(first.name)
    studio.draws(anna, jpeg(2))
    studio.press(anna, "➕")
    studio.waits(anna, lambda view: view.find("so I made it again"))
    (again,) = studio.made()
    assert (again.name, len(again.stickers)) == (first.name, 1)
    # full
    for number in range(MOST_PER_SET - 1):
        again.stickers.append(emulator._set_sticker(webp(number), "🙂", "regular", "", checked=False))
    studio.draws(anna, jpeg(3))
    studio.press(anna, "➕")
    view = studio.waits(anna, lambda view: view.find("is full"))
    assert len(again.stickers) == MOST_PER_SET
    anna.press("New pack", on=view.find("is full"))
    studio.until(lambda: len(studio.made()) == 2)
    studio.quiet()
    assert emulator.check(outputs=[studio.output()]) == []


@pytest.mark.slow
def test_undoing_the_first_sticker_takes_the_set_with_it_and_the_next_one_gets_a_new_set(studio):
    studio.bot()
    anna = studio.emulator.person("Anna")
    studio.learns(anna)
    studio.draws(anna, jpeg(1))
    anna.press("New pack")
    studio.press(anna, "Undo")
    studio.waits(anna, lambda view: view.find("is gone, as this was its only sticker"))
    assert studio.made() == []
    anna.press("New pack")
    studio.until(lambda: [len(one.stickers) for one in studio.made()] == [1])
    studio.quiet()


@pytest.mark.slow
def test_downloads_that_fail_for_a_while_are_tried_again_and_nobody_else_waits(studio):
    studio.bot()
    anna, boris = studio.emulator.person("Anna"), studio.emulator.person("Boris")
    studio.emulator.faults.add(FaultKind.BAD_GATEWAY, "file", times=5)
    anna.start()
    studio.teaches(anna)
    boris.start()
    studio.waits(boris, lambda view: view.from_bot, patience_s=20)
    studio.waits(anna, lambda view: view.find("I've learned “Cats” from 8 pictures"))
    studio.quiet()
    assert studio.emulator.check(outputs=[studio.output()], final_key=final_of) == []
