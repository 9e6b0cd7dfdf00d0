"""What became of a row of the outbox, as it is written down: each within a transaction that others may share.

Owns these endings, and the slots by which messages are found again. Knows no Telegram. Light: loads SQLAlchemy.
"""

from __future__ import annotations

import sqlalchemy as sa

from bot.effects import COALESCE, Action, Effect
from bot.outbox import Row, State, block, overtake, post
from bot.people import NOBODY
from bot.tables import CHATS, OUTBOX, SLOTS, put
from pipeline.jobs.views import now_ms
from pipeline.vault import Vault


def sent(connection: sa.Connection, row: Row, message_id: int | None) -> None:
    """It arrived; ``message_id``: of the message that was made, None where none was."""
    there = _end(connection, row, State.SENT, message_id=message_id)
    if row.slot is None or not there or row.person == NOBODY:  # its person may have been erased meanwhile
        return
    if row.action is Action.DELETE:
        connection.execute(sa.delete(SLOTS).where(SLOTS.c.slot == row.slot))
    elif message_id is not None:
        renewed = max(0, row.renewed + int(row.action in COALESCE and row.renewed >= 0))
        values = {"chat": row.chat, "person": row.person, "message_id": message_id, "changed_ms": now_ms()}
        put(connection, SLOTS, instead=True, slot=row.slot, renewed=renewed, **values)


def lost(connection: sa.Connection, row: Row) -> None:
    """The slot's message is gone; the row waits again, and will find no message there."""
    gone = sa.update(SLOTS).where(SLOTS.c.slot == row.slot, SLOTS.c.message_id == row.message_id)
    connection.execute(gone.values(message_id=None))
    again(connection, row, wait_s=0.0)


def again(
    connection: sa.Connection,
    row: Row,
    *,
    wait_s: float,
    doubt: bool = False,
    timeout: bool = False,
    error: str | None = None,
) -> None:
    """It waits again. ``doubt``: it may have arrived; ``timeout``: no answer came in time."""
    mine = sa.update(OUTBOX).where(OUTBOX.c.number == row.number, OUTBOX.c.state == State.SENDING)
    counts = {"doubts": OUTBOX.c.doubts + int(doubt), "timeouts": OUTBOX.c.timeouts + int(timeout)}
    due_ms = now_ms() + int(wait_s * 1000)
    connection.execute(mine.values(state=State.PENDING, due_ms=due_ms, error=error, **counts))
    if row.slot is not None:  # what came while it was being sent could not supersede it then
        overtake(connection, row.slot)


def dropped(connection: sa.Connection, row: Row, error: str, *, instead: tuple[Vault, Effect] | None = None) -> None:
    """It is not sent; ``instead`` is, in its place."""
    if _end(connection, row, State.DROPPED, error=error) and instead is not None:
        post(connection, instead[0], [instead[1]], origin=f"{row.key}.instead", person=row.person)


def unknown(connection: sa.Connection, row: Row, error: str) -> None:
    """Nobody knows, and it is not tried again."""
    _end(connection, row, State.UNKNOWN, error=error)


def hold(connection: sa.Connection, chat: int, seconds: float) -> None:
    """Telegram wants nothing there for so long; remembered beyond our own death."""
    put(connection, CHATS, instead=True, chat=chat, held_ms=now_ms() + int(seconds * 1000))


def nobody(connection: sa.Connection, row: Row) -> None:
    """Nobody is there any more: results are kept for their return, the rest goes."""
    again(connection, row, wait_s=0.0)
    block(connection, row.chat)


def moved(connection: sa.Connection, row: Row, chat: int) -> None:
    """The group has another id now, and all that is meant for it goes there."""
    again(connection, row, wait_s=0.0)
    connection.execute(sa.update(SLOTS).where(SLOTS.c.chat == row.chat).values(chat=chat))
    lane = sa.update(OUTBOX).where(OUTBOX.c.lane == f"c{row.chat}", OUTBOX.c.state == State.PENDING)
    connection.execute(lane.values(lane=f"c{chat}"))
    connection.execute(sa.update(OUTBOX).where(OUTBOX.c.chat == row.chat).values(chat=chat))


def _end(
    connection: sa.Connection, row: Row, state: State, *, message_id: int | None = None, error: str | None = None
) -> bool:
    """Whether the row was still there. One of nobody, such as the last word to a person who was erased, goes, and its
    slot with it.
    """
    mine = OUTBOX.c.number == row.number
    if row.person == NOBODY:
        connection.execute(sa.delete(SLOTS).where(SLOTS.c.slot == row.slot))
    if row.person == NOBODY and state is not State.UNKNOWN:
        return connection.execute(sa.delete(OUTBOX).where(mine)).rowcount == 1
    values = {"state": state, "payload": None, "ended_ms": now_ms(), "message_id": message_id, "error": error}
    return connection.execute(sa.update(OUTBOX).where(mine).values(**values)).rowcount == 1
