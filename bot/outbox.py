"""The outbox: what is to be done in chats, from the moment it was decided until Telegram has it.

Owns those rows, their states, and the slots by which messages are found again. Knows not how anything is sent.
Light: loads SQLAlchemy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from bot.effects import AGAIN_HARMLESS, COALESCE, Action, Effect
from bot.rates import Priority
from bot.tables import CHATS, OUTBOX, SLOTS, put, writing
from pipeline.domain import Json
from pipeline.jobs.address import reading
from pipeline.jobs.views import now_ms
from pipeline.vault import Vault

MOST_DEATHS = 10  # of the process while one message was being sent, before it is left alone
AT_ONCE = 100  # rows looked at in one go


_SILENT = sa.exists().where(CHATS.c.chat == OUTBOX.c.chat, CHATS.c.blocked_ms.is_not(None))


class State(StrEnum):
    """Where a row stands."""

    PENDING = "pending"
    SENDING = "sending"  # asked of Telegram; its answer is not written down yet
    SENT = "sent"
    UNKNOWN = "unknown"  # nobody knows whether it arrived, and it was repeated already
    DROPPED = "dropped"  # superseded, refused, or nobody is there


@dataclass(frozen=True, kw_only=True)
class Row:
    """Something to be done now."""

    number: int
    key: str
    lane: str
    chat: int
    person: int
    priority: Priority
    action: Action
    payload: Json
    slot: str | None
    message_id: int | None  # the slot's
    renewed: int  # times that the slot's message was sent anew
    tries: int
    doubts: int  # tries of which nobody knows whether they arrived: what is sent is a repeat, and says so
    timeouts: int


def post(connection: sa.Connection, vault: Vault, effects: list[Effect], *, origin: str, person: int) -> None:
    """Within a transaction: what is to be done, in order; what is there already, by its key, is left as it is."""
    for number, effect in enumerate(effects):
        now = now_ms()
        fresh = put(
            connection,
            OUTBOX,
            instead=False,
            key=f"{origin}.{number}",
            lane=effect.lane or f"c{effect.chat}",
            chat=effect.chat,
            person=person,
            priority=int(effect.priority),
            slot=effect.slot,
            action=effect.action,
            payload=vault.seal(effect.payload),
            state=State.PENDING,
            tries=0,
            doubts=0,
            timeouts=0,
            deaths=0,
            due_ms=now,
            made_ms=now,
        )
        if fresh and effect.slot is not None:
            key = f"{origin}.{number}"
            _supersede(connection, effect.slot, effect.action, int(effect.priority), key, OUTBOX.c.key != key)


def overtake(connection: sa.Connection, slot: str) -> None:
    """Within a transaction: of the slot's changes that wait, the older are not sent, and the message that one of them
    changes goes no later than it. To be called where one of them waits for a second time.
    """
    columns = (OUTBOX.c.number, OUTBOX.c.key, OUTBOX.c.action, OUTBOX.c.priority)
    mine = (OUTBOX.c.slot == slot) & (OUTBOX.c.state == State.PENDING)
    for row in connection.execute(sa.select(*columns).where(mine).order_by(OUTBOX.c.number)).all():
        _supersede(connection, slot, Action(row.action), row.priority, row.key, OUTBOX.c.number < row.number)


def _supersede(
    connection: sa.Connection, slot: str, action: Action, priority: int, key: str, older: sa.ColumnElement[bool]
) -> None:
    """What is older in its slot.

    One of those that may have arrived leaves its doubt to the newest: where that makes a message, it may be a second.
    """
    of_slot = (OUTBOX.c.slot == slot) & older
    waiting = of_slot & (OUTBOX.c.state == State.PENDING)
    if action in COALESCE or action is Action.DELETE:
        # Buttons alone do not supersede a text: they say less.
        lesser = (Action.BUTTONS,) if action is Action.BUTTONS else tuple(COALESCE)
        doubtful = of_slot & OUTBOX.c.action.in_(lesser) & OUTBOX.c.state.in_((State.PENDING, State.UNKNOWN))
        doubts = connection.execute(sa.select(sa.func.max(OUTBOX.c.doubts)).where(doubtful)).scalar()
        if doubts:
            mine = (OUTBOX.c.key == key) & (OUTBOX.c.doubts < doubts)
            connection.execute(sa.update(OUTBOX).where(mine).values(doubts=doubts))
        drop = sa.update(OUTBOX).where(waiting, OUTBOX.c.action.in_(lesser))
        connection.execute(drop.values(state=State.DROPPED, payload=None, ended_ms=now_ms(), error="superseded"))
    sooner = sa.update(OUTBOX).where(waiting, OUTBOX.c.priority > priority)
    connection.execute(sooner.values(priority=priority))


Note = Callable[[sa.Connection], None]  # what became of a row, to be written down


class Outbox:
    """The rows, as their sender has them."""

    def __init__(self, engine: sa.Engine, vault: Vault) -> None:
        self.engine, self.vault = engine, vault

    def recover(self) -> list[int]:
        """After a start: what was being sent may have arrived. Returns which rows.

        What may be done again harmlessly simply is; a message is repeated, marked as such, unless the process died
        under it ``MOST_DEATHS`` times.
        """
        sending = OUTBOX.c.state == State.SENDING
        with writing(self.engine) as connection:
            found = connection.execute(sa.select(OUTBOX.c.number, OUTBOX.c.slot).where(sending)).all()
            harmless = OUTBOX.c.action.in_([*AGAIN_HARMLESS])
            given_up = sa.update(OUTBOX).where(sending, ~harmless, OUTBOX.c.deaths + 1 >= MOST_DEATHS)
            told = {"ended_ms": now_ms(), "error": f"the process died under it {MOST_DEATHS} times"}
            connection.execute(given_up.values(state=State.UNKNOWN, deaths=OUTBOX.c.deaths + 1, **told))
            again = sa.update(OUTBOX).where(sending)
            counted = {"deaths": OUTBOX.c.deaths + 1, "doubts": OUTBOX.c.doubts + 1}
            connection.execute(again.values(state=State.PENDING, **counted))
            for slot in {row.slot for row in found} - {None}:
                overtake(connection, slot)
        return [row.number for row in found]

    def holds(self) -> dict[int, float]:
        """Chats that Telegram wants still, and for how many seconds yet."""
        with reading(self.engine) as connection:
            rows = connection.execute(sa.select(CHATS).where(CHATS.c.held_ms > now_ms())).all()
        return {row.chat: (row.held_ms - now_ms()) / 1000 for row in rows}

    def lately(self, seconds: float) -> list[tuple[int, Priority, float]]:
        """Chat, priority, and how many seconds ago, of what was sent within this time; the oldest first.

        Our own death must not give us Telegram's allowances anew.
        """
        counted = (OUTBOX.c.action != Action.NOTICE) & (OUTBOX.c.ended_ms > now_ms() - int(seconds * 1000))
        query = sa.select(OUTBOX.c.chat, OUTBOX.c.priority, OUTBOX.c.ended_ms).where(counted)
        query = query.where(OUTBOX.c.state.in_((State.SENT, State.UNKNOWN))).order_by(OUTBOX.c.ended_ms)
        with reading(self.engine) as connection:
            rows = connection.execute(query).all()
        return [(row.chat, Priority(row.priority), max(0.0, (now_ms() - row.ended_ms) / 1000)) for row in rows]

    def heads(self) -> list[Row]:
        """The first of every lane, in the order of their turn; none of chats where nothing may be sent.

        Answers to pressed buttons are in front of all: no limit holds them, and they must not wait behind a hundred
        messages that one does.
        """
        order = (OUTBOX.c.priority, OUTBOX.c.number)
        turn = sa.func.row_number().over(partition_by=OUTBOX.c.lane, order_by=order).label("turn")
        waiting = sa.select(OUTBOX, turn).where(OUTBOX.c.state == State.PENDING, ~_SILENT).subquery()
        joined = sa.outerjoin(waiting, SLOTS, SLOTS.c.slot == waiting.c.slot)
        query = sa.select(waiting, SLOTS.c.message_id.label("slot_message"), SLOTS.c.renewed).select_from(joined)
        query = query.where(waiting.c.turn == 1, waiting.c.due_ms <= now_ms())
        first = sa.case((waiting.c.action == Action.NOTICE, 0), else_=1)
        with reading(self.engine) as connection:
            rows = connection.execute(query.order_by(first, waiting.c.priority, waiting.c.number).limit(AT_ONCE)).all()
        return [self._row(row) for row in rows]

    def due_in_s(self) -> float | None:
        """Seconds until something that waits for its time is due; None where nothing does."""
        later = sa.select(sa.func.min(OUTBOX.c.due_ms)).where(
            OUTBOX.c.state == State.PENDING, OUTBOX.c.due_ms > now_ms()
        )
        with reading(self.engine) as connection:
            due = connection.execute(later).scalar()
        return None if due is None else max(0.0, (due - now_ms()) / 1000)

    def sending(self, numbers: list[int]) -> set[int]:
        """These are asked of Telegram next. Returns those that still may: one can have been superseded meanwhile."""
        mine = sa.update(OUTBOX).where(OUTBOX.c.number.in_(numbers), OUTBOX.c.state == State.PENDING, ~_SILENT)
        with writing(self.engine) as connection:
            done = connection.execute(mine.values(state=State.SENDING, tries=OUTBOX.c.tries + 1))
            if done.rowcount == len(numbers):
                return set(numbers)
            kept = sa.select(OUTBOX.c.number).where(OUTBOX.c.number.in_(numbers), OUTBOX.c.state == State.SENDING)
            return set(connection.execute(kept).scalars())

    def write(self, notes: list[Note]) -> None:
        """What became of rows, in one transaction."""
        with writing(self.engine) as connection:
            for one in notes:
                one(connection)

    def _row(self, row: sa.Row[Any]) -> Row:
        return Row(
            number=row.number,
            key=row.key,
            lane=row.lane,
            chat=row.chat,
            person=row.person,
            priority=Priority(row.priority),
            action=Action(row.action),
            payload=self.vault.open(row.payload),
            slot=row.slot,
            message_id=row.slot_message,
            renewed=-1 if row.renewed is None else row.renewed,
            tries=row.tries,
            doubts=row.doubts,
            timeouts=row.timeouts,
        )


def block(connection: sa.Connection, chat: int) -> None:
    """Within a transaction: nothing is sent there until they return; results wait for that, the rest goes."""
    put(connection, CHATS, instead=True, chat=chat, blocked_ms=now_ms())
    _drop_the_rest(connection, chat)


def _drop_the_rest(connection: sa.Connection, chat: int) -> None:
    """All but results."""
    rest = sa.update(OUTBOX).where(OUTBOX.c.chat == chat, OUTBOX.c.state == State.PENDING)
    rest = rest.where(OUTBOX.c.priority != int(Priority.RESULT))
    connection.execute(rest.values(state=State.DROPPED, payload=None, ended_ms=now_ms(), error="blocked"))


def unblock(connection: sa.Connection, chat: int) -> None:
    """Within a transaction: they are back, if they were gone; answers to what they asked before are too late."""
    back = sa.update(CHATS).where(CHATS.c.chat == chat, CHATS.c.blocked_ms.is_not(None))
    if connection.execute(back.values(blocked_ms=None)).rowcount:
        _drop_the_rest(connection, chat)


def sweep(connection: sa.Connection, *, older_than_ms: int, slots_older_than_ms: int) -> int:
    """Forget rows that are over, and slots that were not changed for long. Returns how many rows."""
    over = OUTBOX.c.state.in_((State.SENT, State.UNKNOWN, State.DROPPED)) & (OUTBOX.c.made_ms < older_than_ms)
    connection.execute(sa.delete(SLOTS).where(SLOTS.c.changed_ms < slots_older_than_ms))
    return connection.execute(sa.delete(OUTBOX).where(over)).rowcount
