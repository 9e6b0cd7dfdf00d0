"""Updates are kept once, given out in their person's order, and never two of a person at a time."""

import pytest
import sqlalchemy as sa

from bot import inbox
from bot.inbox import Inbox, State, chat_of, end, person_of
from bot.people import NOBODY
from bot.tables import CHATS, INBOX, make_tables, writing
from pipeline.errors import QueueUnreachable
from pipeline.jobs import address
from tests.postgres import installed, serving


def update(number, person=7, text="hello xylophone", chat=None):
    chat = {"id": chat or person, "type": "private"}
    message = {"message_id": number, "date": 1, "chat": chat, "from": {"id": person}, "text": text}
    return {"update_id": number, "message": message}


def changed(number, status, person=7):
    change = {"chat": {"id": person, "type": "private"}, "from": {"id": person}, "new_chat_member": {"status": status}}
    return {"update_id": number, "my_chat_member": change}


@pytest.fixture
def box(desk, vault):
    return Inbox(desk.engine, vault)


def rows(box, table=INBOX):
    with box.engine.connect() as connection:
        return connection.execute(sa.select(table)).all()


def done(box, number):
    with writing(box.engine) as connection:
        return end(connection, number, State.DONE)


def test_a_duplicate_changes_nothing_and_the_offset_is_kept_with_its_updates(box):
    assert box.offset() is None
    assert box.accept([update(1), update(2), update(1)], offset=3) == 2
    [first, *_] = box.take(1)
    done(box, first.update_id)
    assert box.accept([update(1), update(2)]) == 0
    assert [row.state for row in rows(box)] == ["done", "new"]
    assert box.offset() == 3


def test_after_days_of_silence_no_offset_is_asked_for(box, monkeypatch):
    box.accept([update(1)], offset=2)
    later = inbox.now_ms() + 6 * 86_400_000
    monkeypatch.setattr(inbox, "now_ms", lambda: later)
    assert box.offset() is None


def test_one_person_waits_for_themselves_and_for_nobody_else(box):
    box.accept([update(3), update(1), update(2, person=8), update(4, person=8)])
    assert [one.update_id for one in box.take(10)] == [1, 2]
    assert box.take(10) == []
    done(box, 1)
    assert [one.update_id for one in box.take(10)] == [3]


def test_what_is_put_back_for_later_holds_up_its_person_alone(box):
    box.accept([update(1), update(2), update(3, person=8)])
    box.take(10)
    box.put_back(1, wait_s=60, error="RuntimeError: xylophone", failed=True)
    done(box, 3)
    assert box.take(10) == []
    assert 50 < box.due_in_s() <= 60 or box.due_in_s() == 0  # update 2 is due, and has to wait all the same
    [row] = [row for row in rows(box) if row.update_id == 1]
    assert (row.state, row.failures) == ("new", 1)
    assert b"xylophone" not in row.error


def test_what_was_being_answered_at_a_death_is_answered_again_and_counted(box):
    box.accept([update(1), update(2, person=8)])
    box.take(10)
    assert box.recover() == [1, 2]
    assert [one.deaths for one in box.take(10)] == [1, 1]


def test_what_may_have_killed_the_process_is_tried_alone(box):
    box.accept([update(number, person=number) for number in range(1, 5)])
    for _ in range(inbox.SUSPECT):  # all of them were there at each death
        assert len(box.take(10)) == 4
        box.recover()
    box.accept([update(9, person=9)])
    for number in range(1, 5):
        assert [one.update_id for one in box.take(10)] == [number]
        assert box.take(10) == []
        done(box, number)
    assert [one.update_id for one in box.take(10)] == [9]


def test_a_suspect_waits_until_nobody_else_is_being_answered(box, monkeypatch):
    box.accept([update(1)])
    for _ in range(inbox.SUSPECT):
        box.take(10)
        box.recover()
    box.take(10)
    box.put_back(1, wait_s=60)
    box.accept([update(9, person=9), update(10, person=10)])
    assert [one.update_id for one in box.take(1)] == [9]
    later = inbox.now_ms() + 61_000
    monkeypatch.setattr(inbox, "now_ms", lambda: later)
    assert box.take(10) == []  # not 10 either: it would never be alone
    done(box, 9)
    assert [one.update_id for one in box.take(10)] == [1]


def test_people_words_lie_there_sealed_and_are_gone_once_answered(box):
    box.accept([update(1)])
    assert b"xylophone" not in rows(box)[0].payload
    assert box.take(1)[0].raw["message"]["text"] == "hello xylophone"
    assert done(box, 1) is True
    assert done(box, 1) is False
    assert rows(box)[0].payload is None


def test_who_blocks_us_is_known_before_what_they_asked_is_answered(box):
    box.accept([update(1), changed(2, "kicked")])
    assert rows(box, CHATS)[0].blocked_ms is not None
    box.accept([changed(3, "member")])
    assert rows(box, CHATS)[0].blocked_ms is None
    box.accept([changed(2, "kicked")])  # a duplicate of what is long past
    assert rows(box, CHATS)[0].blocked_ms is None


@pytest.mark.parametrize(
    ("raw", "person", "chat"),
    [
        (update(1, person=7, chat=-5), 7, -5),
        ({"update_id": 1, "callback_query": {"from": {"id": 7}, "message": {"chat": {"id": -5}}}}, 7, -5),
        ({"update_id": 1, "inline_query": {"from": {"id": 7}}}, 7, None),
        ({"update_id": 1, "message_reaction": {"user": {"id": 7}, "chat": {"id": -5}}}, 7, -5),
        ({"update_id": 1, "channel_post": {"chat": {"id": -9}}}, -9, -9),
        ({"update_id": 1, "poll": {"id": "1"}}, NOBODY, None),
        ({"update_id": 1, "message": {"from": "x", "chat": 5}, "odd": 3}, NOBODY, None),
        (changed(1, "kicked"), 7, 7),
    ],
)
def test_whose_update_it_is_can_be_told_whatever_else_is_in_it(raw, person, chat):
    assert (person_of(raw), chat_of(raw)) == (person, chat)


def test_old_ones_that_are_over_are_forgotten(box):
    box.accept([update(1), update(2)])
    box.take(1)
    done(box, 1)
    with writing(box.engine) as connection:
        assert inbox.sweep(connection, older_than_ms=inbox.now_ms() + 1000) == 1
    assert [row.update_id for row in rows(box)] == [2]


def test_an_older_update_that_comes_late_waits_for_the_one_that_is_being_answered(box):
    """Telegram's webhook calls may overtake each other; two of a person at a time would lose what one of them wrote."""
    box.accept([update(2)])
    assert [one.update_id for one in box.take(10)] == [2]
    box.accept([update(1), update(3), update(4, person=8)])
    assert [one.update_id for one in box.take(10)] == [4]
    done(box, 2)
    assert [one.update_id for one in box.take(10)] == [1]


# ── what no database takes ────────────────────────────────────────────────────────────────────────────────────────────

BEYOND = 2**70  # 64 bits


def unkeepable():
    """Name → an update that cannot be written."""
    beyond = update(BEYOND, text="hello xylophone")
    return {
        "a lone surrogate": update(2, text="hello xylophone \ud83d"),
        "a person beyond 64 bits": update(2, person=BEYOND),
        "a chat beyond 64 bits": update(2, chat=BEYOND),
        "a number beyond 64 bits": beyond | {"message": beyond["message"] | {"message_id": 2}},
    }


@pytest.mark.parametrize("what", unkeepable())
def test_an_update_that_cannot_be_written_is_parked_without_its_words_and_holds_up_no_other(box, what, caplog):
    bad = unkeepable()[what]
    for _ in range(2):  # it comes again, as whatever was not thanked for
        box.accept([update(1), bad, update(3, person=8)], offset=4)
    assert [one.update_id for one in box.take(10)] == [1, 3]
    assert box.offset() == 4
    [parked] = [row for row in rows(box) if row.state == State.PARKED]
    assert (parked.person, box.vault.open(parked.payload)) == (NOBODY, {"update_id": parked.update_id})
    assert parked.update_id == 2 or parked.update_id < 0
    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    assert [record.update for record in errors] == [parked.update_id]
    assert "xylophone" not in "".join(str(vars(record)) for record in caplog.records)


def test_a_nul_character_is_kept_as_it_is(box):
    box.accept([update(1, text="a\0b")])
    assert box.take(1)[0].raw["message"]["text"] == "a\0b"


@pytest.mark.parametrize("error", [QueueUnreachable("away"), MemoryError(), OSError("disk")])
def test_where_the_database_is_away_nothing_is_parked_and_all_is_brought_again(box, monkeypatch, error):
    def away(*_, **__):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(inbox, "put", away)
        with pytest.raises(type(error)):
            box.accept([update(1), update(2)], offset=3)
    assert (rows(box), box.offset()) == ([], None)
    assert box.accept([update(1), update(2)], offset=3) == 2


def test_where_nothing_at_all_can_be_written_no_update_is_to_blame(box, monkeypatch):
    """A mistake of ours: it is told, and the updates are brought again, instead of being parked one after the other."""
    with monkeypatch.context() as patch:
        patch.setattr(inbox, "put", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            box.accept([update(1), update(2)], offset=3)
    assert (rows(box), box.offset()) == ([], None)


@pytest.mark.skipif(not installed(), reason="PostgreSQL is not installed")
def test_on_postgresql_what_cannot_be_written_is_parked_likewise(vault):
    with serving() as server:
        engine = address.connected(address.parsed(server.database("inbox")))
        make_tables(engine)
        box = Inbox(engine, vault)
        for number, bad in enumerate(unkeepable().values(), start=10):
            box.accept(
                [update(number, person=number), bad | {"update_id": max(bad["update_id"], 20 + number)}], offset=9
            )
        assert [one.update_id for one in box.take(10)] == [10, 11, 12, 13]
        assert len([row for row in rows(box) if row.state == State.PARKED]) == 4
        assert box.offset() == 9
        engine.dispose()
