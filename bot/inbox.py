"""The inbox: every update that Telegram gave us, kept before Telegram is told so, answered once, in its person's order.

Owns the rows of updates and their states. Knows not how an update is answered. Light: loads SQLAlchemy.

A row is written before the update is confirmed (by the next offset, or the webhook's 200), and Telegram's own number is
its key: a duplicate changes nothing. It is marked done in the transaction that writes down its answers.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from bot import outbox
from bot.people import NOBODY
from bot.tables import INBOX, note, put, take_note, writing
from pipeline.domain import Json
from pipeline.errors import BadSetting, JobError
from pipeline.jobs.address import reading
from pipeline.jobs.views import now_ms
from pipeline.vault import Vault

LOG = logging.getLogger("stickers.bot.inbox")
OFFSET = "poll.offset"
NUMBERS = range(-(2**63), 2**63 - 1)  # that a database takes for an update's, and for the next one's
MOST_FAILURES = 3  # of its handler, before an update is parked
MOST_DEATHS = 5  # of the process under it; more, since most deaths are not its fault
SUSPECT = 2  # of those deaths
SILENT_MS = 6 * 86_400_000  # without an update: nothing older can be unconfirmed then
GONE = ("kicked", "left")  # as Telegram calls it that somebody blocked us, or a group threw us out
MOST_WORDS = 2000  # of an error


class State(StrEnum):
    """Where an update stands."""

    NEW = "new"
    TAKEN = "taken"  # its handler runs
    DONE = "done"
    PARKED = "parked"  # given up on; its person was told, the operator may look. Empty: it could not even be kept


@dataclass(frozen=True, kw_only=True)
class Taken:
    """An update to be answered."""

    update_id: int
    person: int
    raw: Json
    failures: int
    deaths: int


class Inbox:
    """The rows."""

    def __init__(self, engine: sa.Engine, vault: Vault) -> None:
        self.engine, self.vault = engine, vault

    # ── in ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def offset(self) -> int | None:
        """What to ask Telegram for next; None for whatever there is: in the beginning, and after days of silence.

        After a week of silence Telegram's next number is a random one, perhaps below the last.
        """
        with reading(self.engine) as connection:
            value = note(connection, OFFSET)
        if value is None:
            return None
        offset, _, noted_ms = value.partition(" ")
        return int(offset) if now_ms() - int(noted_ms) < SILENT_MS else None

    def accept(self, updates: Sequence[Json], *, offset: int | None = None) -> int:
        """Keep updates and the offset behind them, all or nothing. Returns how many were new.

        One that cannot be written, for what is in it, is parked without that and holds up no other: it would come
        again for ever. Then the offset is written after all of them.

        Raises:
            JobError: the database is away; they are to be brought again.
        """
        try:
            return self._keep(updates, offset)
        except (JobError, MemoryError, OSError):
            raise
        except Exception as error:  # whatever a value can do to a driver
            LOG.warning("updates are kept one by one", extra={"count": len(updates), "error": type(error).__name__})
        count = sum(self._keep_or_park(update) for update in updates)
        self._keep([], offset)
        return count

    def _keep_or_park(self, update: Json) -> int:
        try:
            return self._keep([update], None)
        except (JobError, MemoryError, OSError):
            raise
        except Exception as error:
            why = type(error).__name__  # its words may be a person's
        number = int(update["update_id"])
        number = number if number in NUMBERS else -1 - number % 2**62
        row = {"update_id": number, "person": NOBODY, "payload": self.vault.seal({"update_id": number})}
        with writing(self.engine) as connection:  # where not even this can be written, the update is not to blame
            fresh = put(connection, INBOX, instead=False, **row, **_blank(State.PARKED))
        if fresh:
            LOG.error("an update could not be kept, and is parked", extra={"update": number, "error": why})
        return 0

    def _keep(self, updates: Sequence[Json], offset: int | None) -> int:
        """Who blocked us or came back is noted here, not in its turn: what is answered before must not go out."""
        sealed = [(update["update_id"], person_of(update), self.vault.seal(update)) for update in updates]
        blank, count = _blank(State.NEW), 0
        with writing(self.engine) as connection:
            for update, (update_id, person, payload) in zip(updates, sealed, strict=True):
                row = {"update_id": update_id, "person": person, "payload": payload}
                if put(connection, INBOX, instead=False, **row, **blank):
                    count += 1
                    _note_presence(connection, update)
            if offset is not None:
                take_note(connection, OFFSET, f"{offset} {now_ms()}")
        return count

    # ── to be answered ────────────────────────────────────────────────────────────────────────────────────────────

    def recover(self) -> list[int]:
        """After a start: what was being answered when the process died is to be answered again. Returns which."""
        with writing(self.engine) as connection:
            found = connection.execute(sa.select(INBOX.c.update_id).where(INBOX.c.state == State.TAKEN)).scalars().all()
            again = sa.update(INBOX).where(INBOX.c.update_id.in_(found))
            connection.execute(again.values(state=State.NEW, deaths=INBOX.c.deaths + 1))
        return list(found)

    def take(self, most: int) -> list[Taken]:
        """The next updates, the oldest first, one a person and none of a person who is being answered.

        One under which the process died ``SUSPECT`` times is answered alone: most of those just were there, and what
        is alone at each further death was hardly that.
        """
        # Who is being answered is in front, though an older update of theirs came late: a webhook's may overtake.
        order = (sa.case((INBOX.c.state == State.TAKEN, 0), else_=1), INBOX.c.update_id)
        turn = sa.func.row_number().over(partition_by=INBOX.c.person, order_by=order).label("turn")
        open_rows = sa.select(INBOX, turn).where(INBOX.c.state.in_((State.NEW, State.TAKEN))).subquery()
        heads = sa.select(open_rows).where(open_rows.c.turn == 1, open_rows.c.state == State.NEW)
        query = heads.where(open_rows.c.due_ms <= now_ms()).order_by(open_rows.c.update_id)
        busy = sa.select(sa.func.count(), sa.func.max(INBOX.c.deaths)).where(INBOX.c.state == State.TAKEN)
        with reading(self.engine) as connection:
            taken, deaths = connection.execute(busy).one()
            alone = connection.execute(query.where(open_rows.c.deaths >= SUSPECT).limit(1)).all()
            if (alone and taken) or (deaths or 0) >= SUSPECT:
                return []
            rows = alone or connection.execute(query.limit(most)).all()
        if not rows:
            return []
        chosen = sa.update(INBOX).where(INBOX.c.update_id.in_([row.update_id for row in rows]))
        with writing(self.engine) as connection:
            connection.execute(chosen.where(INBOX.c.state == State.NEW).values(state=State.TAKEN))
        return [self._taken(row) for row in rows]

    def due_in_s(self) -> float | None:
        """Seconds until a waiting update is due; None where none waits."""
        with reading(self.engine) as connection:
            due = connection.execute(sa.select(sa.func.min(INBOX.c.due_ms)).where(INBOX.c.state == State.NEW)).scalar()
        return None if due is None else max(0.0, (due - now_ms()) / 1000)

    def put_back(self, update_id: int, *, wait_s: float = 0.0, error: str | None = None, failed: bool = False) -> None:
        """To be answered again later.

        Args:
            failed: by its own fault; ``MOST_FAILURES`` of those, and its next taker parks it.
        """
        mine = sa.update(INBOX).where(INBOX.c.update_id == update_id, INBOX.c.state == State.TAKEN)
        kept = None if error is None else self.vault.seal(error[:MOST_WORDS])
        values = {"state": State.NEW, "due_ms": now_ms() + int(wait_s * 1000), "error": kept}
        with writing(self.engine) as connection:
            connection.execute(mine.values(**values, failures=INBOX.c.failures + int(failed)))

    def dismiss(self, update_id: int) -> None:
        """It is over, and nothing is said to it."""
        with writing(self.engine) as connection:
            end(connection, update_id, State.DONE)

    def _taken(self, row: sa.Row[Any]) -> Taken:
        try:
            raw = self.vault.open(row.payload)
        except BadSetting:  # damaged: it will fail, and be parked, and hold up nobody else
            raw = {"update_id": row.update_id}
        return Taken(update_id=row.update_id, person=row.person, raw=raw, failures=row.failures, deaths=row.deaths)


def _blank(state: State) -> dict[str, Any]:
    """Of a row that comes in."""
    now = now_ms()
    return {"received_ms": now, "due_ms": now, "state": state, "failures": 0, "deaths": 0}


def end(connection: sa.Connection, update_id: int, state: State) -> bool:
    """Within a transaction: an update that is being answered is over. False where it was so already.

    What was in it goes, unless it was parked: then somebody is to look at it.
    """
    mine = sa.update(INBOX).where(INBOX.c.update_id == update_id, INBOX.c.state == State.TAKEN)
    values: dict[str, Any] = {"state": state}
    if state is State.DONE:
        values |= {"payload": None, "error": None}
    return connection.execute(mine.values(**values)).rowcount == 1


def sweep(connection: sa.Connection, *, older_than_ms: int) -> int:
    """Forget updates that are over; Telegram keeps none for longer than a day, so no duplicate comes any more."""
    old = (INBOX.c.received_ms < older_than_ms) & INBOX.c.state.in_((State.DONE, State.PARKED))
    return connection.execute(sa.delete(INBOX).where(old)).rowcount


def _note_presence(connection: sa.Connection, raw: Json) -> None:
    chat, change = chat_of(raw), raw.get("my_chat_member")
    member = change.get("new_chat_member") if isinstance(change, dict) else None
    if chat is None:
        return
    if isinstance(member, dict) and member.get("status") in GONE:
        outbox.block(connection, chat)
    else:
        outbox.unblock(connection, chat)


# ── what an update says of itself, whatever else is in it ─────────────────────────────────────────────────────────────


def person_of(raw: Json) -> int:
    """Whose update it is; a channel's is the channel's own, and a poll's nobody's."""
    for part in _parts(raw):
        for name in ("from", "user"):
            if isinstance(found := part.get(name), dict) and isinstance(found.get("id"), int):
                return int(found["id"])
    return chat_of(raw) or NOBODY


def chat_of(raw: Json) -> int | None:
    """Where it came from."""
    for part in _parts(raw):
        message = part.get("message")
        for place in (part, message if isinstance(message, dict) else {}):
            if isinstance(chat := place.get("chat"), dict) and isinstance(chat.get("id"), int):
                return int(chat["id"])
    return None


def _parts(raw: Json) -> Iterable[Json]:
    return [part for part in raw.values() if isinstance(part, dict)]
