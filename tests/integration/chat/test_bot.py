"""The bot before a Bot API: nothing that people send is lost, nothing is answered twice, whoever dies or leaves."""

import random
import signal
import time

import pytest

from bot.delivery import AT_ONCE
from bot.inbox import MOST_DEATHS
from scripts.sandbox.emulator import FaultKind, Limits
from tests.bot_desk import REPEAT, Place
from tests.postgres import installed, serving

SORRY = "Sorry, I couldn't handle your last message"


# ── in order, once ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
def test_killed_at_random_moments_the_bot_loses_no_update_and_answers_none_twice(place):
    """25 times killed with -9 while 20 people write: every counter ends where it must, every answer is there once.

    No death is the last that an update may have: it would be parked, which is another test's (``MOST_DEATHS``).
    """
    chance, people = random.Random(7), [place.emulator.person(f"P{number}") for number in range(20)]
    rounds, kills, sent = 12, 0, 0
    began_s = time.monotonic()
    process = place.bot()
    begins_s = time.monotonic() - began_s  # a life is as long as that on a slow machine
    while sent < rounds * len(people) or kills < 25:
        until_s = time.monotonic() + chance.uniform(0.1, 1.0) * max(0.5, begins_s)
        while time.monotonic() < until_s:
            if sent < rounds * len(people) and sent < 10 * (kills + 1):
                person = people[sent % len(people)]
                person.send(f"{'draw' if sent % 60 < 20 and sent >= 60 else 'count'} {sent // len(people)}")
                sent += 1
            time.sleep(0.004)
        if kills < 25:
            place.until(lambda: not any(fated(row) for row in place.rows("inbox")))
            place.kill(process)
            kills += 1
            began_s, waits = time.monotonic(), chance.random() < 0.7
            process = place.bot(wait=waits)
            begins_s = time.monotonic() - began_s if waits else begins_s
    place.until(lambda: len(place.rows("inbox")) == sent)  # the last of them may still begin
    place.until(place.settled)
    assert {row["state"] for row in place.rows("inbox")} == {"done"}
    assert {row["state"] for row in place.rows("outbox")} <= {"sent", "dropped"}
    doubled = 0
    for person in people:
        texts = place.texts(person)
        plain = [text.removeprefix(REPEAT).partition("\n")[2] if text.startswith(REPEAT) else text for text in texts]
        counted = [text for text in plain if "number" in text]
        assert sorted(set(counted)) == sorted(
            f"{round_} is number {place_ + 1}"
            for place_, round_ in enumerate(r for r in range(rounds) if not is_draw(r))
        )
        firsts = [text for text in texts if "number" in text and not text.startswith(REPEAT)]
        assert len(firsts) == len(set(firsts)), texts  # what is not marked as a repeat is there once
        doubled += len(texts) - len(set(plain))
    drawn = sum(is_draw(r) for r in range(rounds)) * len(people)
    with place.jobs() as jobs:
        assert len(jobs.list(most=10_000)) == drawn  # each once, though their handlers may have run twice
    assert kills == 25
    assert doubled <= kills * AT_ONCE  # a death leaves no more in doubt than were under way, and those are marked
    assert place.emulator.check(outputs=[place.output()]) == []


def fated(update):
    """One more death, and it is parked."""
    return update["state"] in {"new", "taken"} and update["deaths"] >= MOST_DEATHS - 1


def is_draw(round_):
    return round_ * 20 % 60 < 20 and round_ * 20 >= 60


def test_an_update_that_comes_twice_is_answered_once(place):
    person = place.emulator.person()
    place.bot()
    person.send("count 0")
    place.until(place.settled)
    place.emulator.faults.add(FaultKind.REDELIVER, "getUpdates", times=3)
    for number in range(1, 4):
        person.send(f"count {number}")
    place.hears(person, "3 is number 4")
    place.until(place.settled)
    assert place.texts(person) == [f"{number} is number {number + 1}" for number in range(4)]
    assert all(fault.met for fault in place.emulator.faults.rules)  # updates did come twice
    assert len(place.rows("inbox")) == 4


def test_one_persons_updates_are_answered_in_order_and_others_do_not_wait_for_them(place):
    slow, quick = place.emulator.person("Slow"), place.emulator.person("Quick")
    place.bot()
    slow.send("slow 3")
    slow.send("count 1")
    quick.send("count 1")
    place.hears(quick, "1 is number 1")
    assert place.texts(slow) == []  # the other one was first, though they came later
    place.hears(slow, "1 is number 1")
    assert place.texts(slow) == ["slow", "1 is number 1"]


def test_a_poison_update_is_parked_after_three_failures_with_an_apology_and_the_next_one_is_answered(place):
    person = place.emulator.person()
    place.bot()
    person.send("poison my secret words")
    person.send("count 0")
    place.hears(person, "0 is number 1")
    assert [text[: len(SORRY)] for text in place.texts(person)] == [SORRY, "0 is number 1"]
    parked = place.rows("inbox")[0]
    assert (parked["state"], parked["failures"]) == ("parked", 3)
    with place.jobs() as jobs:
        assert [view.status for view in jobs.list()] == ["cancelled"]  # what it had submitted is called off
    assert "secret words" not in place.output()


def test_an_update_that_kills_the_process_is_parked_and_no_other_one_with_it(place):
    person = place.emulator.person()
    person.send("die")
    person.send("count 0")
    for _ in range(5):
        process = place.bot(wait=False)
        process.wait(60)
    place.bot()
    place.hears(person, "0 is number 1")
    assert [text[: len(SORRY)] for text in place.texts(person)] == [SORRY, "0 is number 1"]
    assert [row["state"] for row in place.rows("inbox")] == ["parked", "done"]


def test_sigterm_lets_the_running_answer_finish_and_a_second_bot_goes_on(place):
    person = place.emulator.person()
    process = place.bot()
    person.send("slow 1.5")
    place.until(lambda: [row["state"] for row in place.rows("inbox")] == ["taken"])
    assert place.kill(process, signal.SIGTERM) == 0
    assert [row["state"] for row in place.rows("inbox")] == ["done"]
    assert '"left in order"' in place.output()
    place.bot()
    place.hears(person, "slow")
    assert place.texts(person) == ["slow"]


# ── status messages ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_of_many_changes_that_wait_only_the_newest_is_sent(place):
    person = place.emulator.person()
    place.bot()
    person.send("progress 30")
    place.hears(person, "progress 30")
    assert place.texts(person) == ["progress 30"]
    assert place.emulator.record.count("editMessageText") == 1


def test_a_status_message_that_was_deleted_is_sent_anew_and_then_changed(place):
    person = place.emulator.person()
    place.bot()
    person.send("status a")
    place.hears(person, "a")
    person.delete(person.see().from_bot[0])
    person.send("status b")
    place.hears(person, "b")
    place.until(place.settled)
    person.send("status b")  # the same once more: "message is not modified"
    place.until(place.settled)
    person.send("status c")
    place.hears(person, "c")
    place.until(place.settled)
    assert place.texts(person) == ["c"]
    assert place.emulator.record.count("sendMessage") == 2  # the first one, and the one in its place


# ── who is there ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_blocks_the_bot_gets_nothing_until_they_return_and_then_their_results(place):
    person = place.emulator.person()
    place.bot()
    person.send("slow 2")
    person.send("result one")
    place.until(lambda: place.rows("inbox"))
    person.block()
    place.until(lambda: all(row["state"] in ("done",) for row in place.rows("inbox")) and len(place.rows("inbox")) == 3)
    place.until(lambda: place.rows("chat") and place.rows("chat")[0]["blocked_ms"])
    time.sleep(1.5)  # nothing is sent meanwhile: the emulator counts each try as broken
    assert [row["state"] for row in place.rows("outbox") if row["priority"] == 0] == ["pending"]
    person.unblock()
    place.hears(person, "result one")
    place.until(place.settled)
    assert place.texts(person) == ["result one"]
    assert place.emulator.check(outputs=[place.output()]) == []


def test_a_group_that_moved_is_followed(place):
    person = place.emulator.person()
    group = place.emulator.group("Friends", person)
    place.bot()
    person.send("/help@stickersmith_bot", group=group)
    place.until(place.settled)
    group.migrate(by=person)
    assert place.emulator.check() == []


def test_a_button_works_for_whom_it_was_made_and_for_nobody_else(place):
    anna, bert = place.emulator.person("Anna"), place.emulator.person("Bert")
    group = place.emulator.group("Friends", anna, bert)
    place.bot()
    anna.send("/button@stickersmith_bot", group=group)
    place.hears(anna, "press", group=group)
    forged = bert.press(data="v1:delete-yes::" + "A" * 24, on=anna.see(group=group).find("press"), group=group)
    foreign = bert.press("mine", group=group)
    own = anna.press("mine", group=group)
    place.until(lambda: all(pressed.query.answer for pressed in (forged, foreign, own)))
    place.until(place.settled)
    told = [pressed.query.answer.get("text") for pressed in (forged, foreign, own)]
    assert told == ["I don't know this button.", "This button isn't yours.", "more!"]
    assert [text for text in place.texts(anna, group=group) if text.startswith("more")] == ["more of a"]


# ── PostgreSQL ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.skipif(not installed(), reason="no PostgreSQL is installed that we may start")
def test_on_postgresql_kills_lose_and_double_nothing_either(tmp_path, nursery):
    with serving() as server:
        place = Place(tmp_path, nursery, url=server.database("bot"))
        try:
            people = [place.emulator.person(f"P{number}") for number in range(5)]
            process = place.bot()
            for number in range(4):
                for person in people:
                    person.send(f"count {number}")
                time.sleep(0.15)
                place.kill(process)
                process = place.bot()
            for person in people:
                place.hears(person, "is number 4")
                unmarked = [text for text in place.texts(person) if not text.startswith(REPEAT)]
                assert len(unmarked) == len(set(unmarked))
                assert not person.see().find("is number 5")
            second = place.bot(wait=False)
            assert second.wait(60) == 69  # the advisory lock keeps a second one out
            assert place.kill(process, signal.SIGTERM) == 0
        finally:
            place.close()


# ── limits ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_telegrams_limits_are_kept_while_many_are_answered_and_a_death_gives_no_new_ones(tmp_path, nursery):
    """The emulator counts as Telegram does, edits too, and says 429 where more is sent; it has no reason to."""
    place = Place(tmp_path, nursery, limits=Limits())
    try:
        people = [place.emulator.person(f"P{number}") for number in range(20)]
        group = place.emulator.group("Friends", *people)
        process = place.bot()
        for number in range(3):
            for person in people:
                person.send(f"count {number}")
                person.send("status now " + str(number))
            people[number].send("/help", group=group)
        time.sleep(2.5)
        place.kill(process)
        place.bot()
        for person in people:
            place.hears(person, "2 is number 3")
        place.until(place.settled)
        told = [one for one in place.emulator.record.requests if one.status == 429]
        assert told == []
        assert place.emulator.check(outputs=[place.output()]) == []
    finally:
        place.close()
