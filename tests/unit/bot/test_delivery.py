"""Delivery gives each message to Telegram once, whatever order its own threads happen to run in."""

import asyncio

import pytest
import sqlalchemy as sa
from telegram.error import RetryAfter

from bot import delivery as delivery_module
from bot.delivery import AT_ONCE, Delivery
from bot.effects import Action
from bot.rates import Limits, Rates
from bot.sending import OtherKind
from bot.tables import OUTBOX
from pipeline.files import Files

FREELY = Limits(chat_per_s=1000, chat_burst=1000, all_per_s=1000, all_burst=1000)
PATIENCE_S = 30.0


class Wire:
    """Takes what is sent; each call ends only when it is let."""

    def __init__(self):
        self.calls, self.free = [], asyncio.Event()

    async def send(self, _bot, _files, row, *, mark):
        self.calls.append((row.action, row.message_id))
        await self.free.wait()
        return 100 if row.message_id is None else None


@pytest.fixture
def wire(monkeypatch):
    wire = Wire()
    monkeypatch.setattr(delivery_module, "send", wire.send)
    return wire


@pytest.fixture
def delivery(desk, outbox, tmp_path):
    return Delivery(None, Files(tmp_path / "files"), outbox, desk.seals, Rates(limits=FREELY))


def settle(desk, origin, tell):
    talk = desk.talk(origin=origin, person=desk.person(7), chat=7)
    tell(talk)
    desk.settle(talk)


def in_time(story):
    async def told():
        async with asyncio.timeout(PATIENCE_S):
            await story()

    asyncio.run(told())


def test_a_change_that_was_read_while_its_message_was_on_its_way_waits_for_the_messages_id(
    desk, outbox, delivery, wire, monkeypatch
):
    """The message's id is written down after the look at the outbox and before its end: that look knew no id, and the
    change would go out as a second message."""
    looked, written = outbox.heads, asyncio.Event()

    def looks_slowly():
        rows = looked()
        loop.call_soon_threadsafe(wire.free.set)  # the message arrives now, and is written down, before we have gone on
        asyncio.run_coroutine_threadsafe(written.wait(), loop).result(PATIENCE_S)
        return rows

    async def story():
        nonlocal loop
        loop = asyncio.get_running_loop()
        settle(desk, "u1", lambda talk: talk.say("status", slot="s"))
        await delivery._round()
        (sending,) = delivery._lanes.values()
        sending.add_done_callback(lambda _: written.set())
        settle(desk, "u2", lambda talk: talk.edit("s", "newer"))
        monkeypatch.setattr(outbox, "heads", looks_slowly)
        await delivery._round()
        await delivery.leave(PATIENCE_S)
        monkeypatch.setattr(outbox, "heads", looked)
        await delivery._round()
        await delivery.leave(PATIENCE_S)

    loop = None
    in_time(story)
    assert wire.calls == [(Action.SAY, None), (Action.EDIT, 100)]
    with outbox.engine.connect() as connection:
        assert connection.execute(sa.select(OUTBOX.c.state)).scalars().all() == ["sent", "sent"]


def test_a_button_is_answered_while_as_many_messages_are_on_their_way_as_may_be(desk, delivery, wire):
    async def story():
        for chat in range(1, AT_ONCE + 3):
            talk = desk.talk(origin=f"u{chat}", person=desk.person(7), chat=chat)
            talk.say("a large file")
            desk.settle(talk)
        await delivery._round()
        pressed = desk.talk(origin="u100", person=desk.person(7), chat=7, query="q")
        pressed.answer("pressed")
        desk.settle(pressed)
        await delivery._round()
        await asyncio.sleep(0)
        wire.free.set()
        await delivery.leave(PATIENCE_S)

    in_time(story)
    assert [action for action, _ in wire.calls] == [Action.SAY] * AT_ONCE + [Action.NOTICE]


def test_a_pause_that_telegram_wants_keeps_no_button_from_being_answered_later(desk, outbox, delivery, monkeypatch):
    """The answer is not dropped: the button would spin on. Nor is the chat held for it."""
    asked = []

    async def send(_bot, _files, row, *, mark):
        asked.append(row.action)
        if len(asked) == 1:
            raise RetryAfter(0)

    async def story():
        pressed = desk.talk(origin="u1", person=desk.person(7), chat=7, query="q")
        pressed.answer("pressed")
        desk.settle(pressed)
        while len(asked) < 2:
            await delivery._round()
            await delivery.leave(PATIENCE_S)

    monkeypatch.setattr(delivery_module, "send", send)
    in_time(story)
    assert asked == [Action.NOTICE, Action.NOTICE]
    assert outbox.holds() == {}


def test_words_of_a_picture_take_one_counted_call_each_once_it_is_known_to_be_one(desk, outbox, delivery, monkeypatch):
    """The vain call counts among Telegram's limits, so it is a try of its own; the kind is remembered after it."""
    asked = []

    async def send(_bot, _files, row, *, mark):
        asked.append((row.action, bool(row.payload.get("captioned"))))
        if row.action is Action.EDIT and not row.payload.get("captioned"):
            raise OtherKind("there is no text in the message to edit")
        return 100 if row.message_id is None else None

    async def story():
        settle(desk, "u1", lambda talk: talk.document("key", name="a.png", slot="s"))
        while len(asked) < 1:
            await turn(delivery)
        for number in (2, 3):
            settle(desk, f"u{number}", lambda talk, number=number: talk.edit("s", f"words {number}"))
            for _ in range(3):
                await turn(delivery)

    taken = []
    monkeypatch.setattr(delivery_module, "send", send)
    monkeypatch.setattr(delivery.rates, "take", lambda *one, **_: taken.append(one))
    in_time(story)
    assert asked == [(Action.DOCUMENT, False), (Action.EDIT, False), (Action.EDIT, True), (Action.EDIT, True)]
    assert len(taken) == len(asked)
    with outbox.engine.connect() as connection:
        assert {*connection.execute(sa.select(OUTBOX.c.state)).scalars()} == {"sent"}


def test_a_picture_that_we_sent_is_known_to_be_one_and_what_is_neither_is_given_up(desk, outbox, delivery, monkeypatch):
    asked = []

    async def send(_bot, _files, row, *, mark):
        asked.append((row.action, bool(row.payload.get("captioned"))))
        if row.slot == "sticker" and row.action is Action.EDIT:
            raise OtherKind("there is no text in the message to edit")
        return 100 + len(asked) if row.message_id is None else None

    async def story():
        settle(desk, "u1", lambda talk: talk.photo("key", slot="photo"))
        await turn(delivery)
        settle(desk, "u2", lambda talk: talk.edit("photo", "words"))
        await turn(delivery)
        settle(desk, "u3", lambda talk: talk.sticker("key", slot="sticker"))
        await turn(delivery)
        settle(desk, "u4", lambda talk: talk.edit("sticker", "words"))
        for _ in range(5):
            await turn(delivery)

    monkeypatch.setattr(delivery_module, "send", send)
    in_time(story)
    edit, say = Action.EDIT, Action.SAY
    told = [(Action.PHOTO, False), (edit, True), (Action.STICKER, False), (edit, False), (edit, True), (say, False)]
    assert asked == told


async def turn(delivery):
    await delivery._round()
    await delivery.leave(PATIENCE_S)
