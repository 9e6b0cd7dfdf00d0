"""What is to be sent waits in order, in lanes; what is newer supersedes; what a death left in doubt says so."""

from functools import partial

import pytest
import sqlalchemy as sa

from bot import fates, outbox
from bot.effects import Action, Effect
from bot.outbox import AT_ONCE, MOST_DEATHS, State
from bot.rates import Priority
from bot.tables import CHATS, OUTBOX, SLOTS, writing


def say(desk, text, *, origin, chat=7, **more):
    talk = desk.talk(origin=origin, person=desk.person(7), chat=chat)
    talk.say(text, **more)
    desk.settle(talk)


def edit(desk, text, *, origin, slot="s", priority=Priority.ANSWER):
    talk = desk.talk(origin=origin, person=desk.person(7), chat=7)
    talk.edit(slot, text, priority=priority)
    desk.settle(talk)


def texts(rows):
    return [row.payload.get("text") for row in rows]


def send(box, row, message_id=100):
    """As if it had been sent."""
    assert box.sending([row.number]) == {row.number}
    box.write([partial(fates.sent, row=row, message_id=message_id)])


def states(box):
    with box.engine.connect() as connection:
        return dict(connection.execute(sa.select(OUTBOX.c.key, OUTBOX.c.state)).all())


def test_a_chat_is_a_lane_and_the_first_of_each_is_given_out(desk, outbox):
    say(desk, "a", origin="u1")
    say(desk, "b", origin="u2")
    say(desk, "c", origin="u3", chat=8)
    assert texts(outbox.heads()) == ["a", "c"]
    send(outbox, outbox.heads()[0])
    assert texts(outbox.heads()) == ["b", "c"]


def test_results_go_before_answers_and_those_before_progress(desk, outbox):
    say(desk, "progress", origin="u1", priority=Priority.PROGRESS)
    say(desk, "answer", origin="u2")
    say(desk, "result", origin="u3", priority=Priority.RESULT)
    said = []
    while heads := outbox.heads():
        said += texts(heads)
        send(outbox, heads[0])
    assert said == ["result", "answer", "progress"]


def test_an_answer_to_a_button_waits_behind_no_number_of_messages(desk, outbox):
    for chat in range(1, AT_ONCE + 20):
        say(desk, "result", origin=f"u{chat}", chat=chat, priority=Priority.RESULT)
    talk = desk.talk(origin="u1000", person=desk.person(7), chat=7, query="q")
    talk.answer("pressed")
    desk.settle(talk)
    heads = outbox.heads()
    assert (len(heads), heads[0].action) == (AT_ONCE, Action.NOTICE)


def test_of_a_slots_changes_the_newest_is_left_and_its_message_is_found(desk, outbox):
    say(desk, "status", origin="u1", slot="s")
    send(outbox, outbox.heads()[0], message_id=42)
    for number in range(5):
        edit(desk, f"{number}", origin=f"u{number + 2}", priority=Priority.PROGRESS)
    [row] = outbox.heads()
    assert (row.payload["text"], row.message_id) == ("4", 42)
    assert list(states(outbox).values()).count("dropped") == 4


def test_a_change_waits_for_the_message_that_it_changes(desk, outbox):
    """Though it is more urgent: else the message would be sent twice."""
    say(desk, "status", origin="u1", slot="s", priority=Priority.PROGRESS)
    edit(desk, "done", origin="u2", priority=Priority.RESULT)
    [first] = outbox.heads()
    assert (first.action, first.priority) == (Action.SAY, Priority.RESULT)
    send(outbox, first, message_id=42)
    assert outbox.heads()[0].message_id == 42


def test_what_was_being_sent_at_a_death_is_in_doubt(desk, outbox):
    say(desk, "a", origin="u1")
    for _ in range(MOST_DEATHS - 1):
        [row] = outbox.heads()
        outbox.sending([row.number])
        assert outbox.recover() == [row.number]
    [row] = outbox.heads()
    assert row.doubts == MOST_DEATHS - 1
    outbox.sending([row.number])
    outbox.recover()
    assert states(outbox) == {"u1.0": State.UNKNOWN}
    assert outbox.heads() == []


def test_a_change_is_made_again_however_often_the_process_died(desk, outbox):
    edit(desk, "a", origin="u1")
    for _ in range(MOST_DEATHS + 3):
        outbox.sending([outbox.heads()[0].number])
        outbox.recover()
    assert states(outbox) == {"u1.0": State.PENDING}


def test_a_change_that_may_have_made_a_message_leaves_its_doubt_to_the_one_that_supersedes_it(desk, outbox):
    """Sent as a message of its own, the newer one may be the second: it has to say so. As a change, it need not."""
    edit(desk, "one picture", origin="u1")
    outbox.sending([outbox.heads()[0].number])
    outbox.recover()  # it may have arrived
    edit(desk, "two pictures", origin="u2")
    [row] = outbox.heads()
    assert (row.payload["text"], row.message_id, row.doubts) == ("two pictures", None, 1)
    outbox.sending([row.number])
    outbox.write([partial(fates.unknown, row=row, error="no answer, twice")])
    edit(desk, "three pictures", origin="u3")
    [row] = outbox.heads()
    assert (row.payload["text"], row.doubts) == ("three pictures", 1)
    edit(desk, "of another message", origin="u4", slot="t")
    assert [one.doubts for one in outbox.heads() if one.slot == "t"] == []
    send(outbox, row)
    assert [one.doubts for one in outbox.heads()] == [0]


@pytest.mark.parametrize("died", [True, False], ids=["the process died", "no answer"])
def test_a_change_overtaken_while_it_was_being_sent_is_not_made_again(desk, outbox, died):
    """Behind the message's deletion it would send that anew."""
    say(desk, "status", origin="u1", slot="s")
    send(outbox, outbox.heads()[0], message_id=42)
    edit(desk, "20 %", origin="u2", priority=Priority.PROGRESS)
    [row] = outbox.heads()
    outbox.sending([row.number])
    talk = desk.talk(origin="u3", person=desk.person(7), chat=7)
    talk.delete("s")
    desk.settle(talk)
    if died:
        outbox.recover()
    else:
        outbox.write([partial(fates.again, row=row, wait_s=0.0, doubt=True, timeout=True)])
    assert [one.action for one in outbox.heads()] == [Action.DELETE]
    assert states(outbox)["u2.0"] == State.DROPPED
    send(outbox, outbox.heads()[0], message_id=None)
    assert outbox.heads() == []


def test_buttons_that_came_meanwhile_overtake_no_text(desk, outbox):
    say(desk, "status", origin="u1", slot="s")
    send(outbox, outbox.heads()[0], message_id=42)
    edit(desk, "20 %", origin="u2")
    [row] = outbox.heads()
    outbox.sending([row.number])
    talk = desk.talk(origin="u3", person=desk.person(7), chat=7)
    talk.rebutton("s", [])
    desk.settle(talk)
    outbox.write([partial(fates.again, row=row, wait_s=0.0)])
    assert {key: state for key, state in states(outbox).items() if key != "u1.0"} == {
        "u2.0": State.PENDING,
        "u3.0": State.PENDING,
    }


def test_a_message_that_is_gone_is_found_gone(desk, outbox):
    say(desk, "status", origin="u1", slot="s")
    send(outbox, outbox.heads()[0], message_id=42)
    edit(desk, "new", origin="u2")
    [row] = outbox.heads()
    outbox.sending([row.number])
    outbox.write([partial(fates.lost, row=row)])
    [row] = outbox.heads()
    assert row.message_id is None
    send(outbox, row, message_id=43)
    edit(desk, "newer", origin="u3")
    [row] = outbox.heads()
    assert (row.message_id, row.renewed) == (43, 1)


def test_a_blocked_chat_gets_nothing_and_keeps_its_results(desk, outbox):
    say(desk, "answer", origin="u1")
    say(desk, "result", origin="u2", priority=Priority.RESULT)
    [row] = outbox.heads()
    outbox.sending([row.number])
    outbox.write([partial(fates.nobody, row=row)])
    say(desk, "answer while away", origin="u3")
    assert outbox.heads() == []
    assert outbox.sending([row.number]) == set()
    with writing(outbox.engine) as connection:
        unblock(connection, 7)
    assert texts(outbox.heads()) == ["result"]
    assert states(outbox) == {"u1.0": "dropped", "u2.0": "pending", "u3.0": "dropped"}


unblock = outbox.unblock


def test_a_chat_that_moved_takes_everything_with_it(desk, outbox):
    say(desk, "a", origin="u1", chat=-5, slot="s")
    send(outbox, outbox.heads()[0])
    say(desk, "b", origin="u2", chat=-5)
    say(desk, "c", origin="u3", chat=-5)
    [row] = outbox.heads()
    outbox.sending([row.number])
    outbox.write([partial(fates.moved, row=row, chat=-1005)])
    [row] = outbox.heads()
    assert (row.chat, row.lane, row.payload["text"]) == (-1005, "c-1005", "b")
    with outbox.engine.connect() as connection:
        assert connection.execute(sa.select(SLOTS.c.chat)).scalars().all() == [-1005]


def test_a_pause_is_remembered(desk, outbox):
    outbox.write([partial(fates.hold, chat=7, seconds=30)])
    assert 29 < outbox.holds()[7] <= 30
    with outbox.engine.connect() as connection:
        assert connection.execute(sa.select(CHATS.c.blocked_ms)).scalars().all() == [None]


def test_what_cannot_be_sent_is_told_in_its_place(desk, outbox):
    say(desk, "a", origin="u1")
    [row] = outbox.heads()
    outbox.sending([row.number])
    payload = {"text": "sorry", "loud": True, "language": "en"}
    sorry = Effect(action=Action.SAY, chat=7, payload=payload, priority=Priority.ANSWER)
    outbox.write([partial(fates.dropped, row=row, error="refused", instead=(desk.vault, sorry))])
    assert texts(outbox.heads()) == ["sorry"]
    assert states(outbox) == {"u1.0": "dropped", "u1.0.instead.0": "pending"}


def test_what_was_sent_lately_is_told_with_its_age(desk, outbox):
    say(desk, "a", origin="u1")
    send(outbox, outbox.heads()[0])
    [(chat, priority, ago_s)] = outbox.lately(60)
    assert (chat, priority) == (7, Priority.ANSWER)
    assert 0 <= ago_s < 10


def test_words_are_gone_once_they_are_sent(desk, outbox):
    say(desk, "a", origin="u1")
    send(outbox, outbox.heads()[0])
    with outbox.engine.connect() as connection:
        assert connection.execute(sa.select(OUTBOX.c.payload)).scalars().all() == [None]
