"""Errands: what takes longer than an answer may (fetching a pack, writing to a sticker set), from press to end.

Owns their rows. Knows not how any is done. Light: loads SQLAlchemy.

An errand is written down in the transaction of the press, and ended in the transaction of what is said of it. A crash
in between has it done again from the beginning, so doing one twice must come to the same: each says how.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa

from bot.desk import Desk, Settled
from bot.tables import ERRANDS, put, writing
from bot.talk import Talk
from pipeline.domain import Json
from pipeline.jobs.address import reading
from pipeline.jobs.views import now_ms
from pipeline.vault import Vault

MOST_TRIES = 6


class Kind(StrEnum):
    """What is to be done."""

    LEARN = "learn"  # fetch a pack's pictures, and hand in the job that learns from them
    DRAW = "draw"  # fetch a photo, and hand in the job that draws it
    ADD = "add"  # a sticker to a sticker set
    UNDO = "undo"  # of that
    EMOJI = "emoji"  # of a sticker in a set
    TITLE = "title"  # of a set
    LAST = "last"  # sticker of a set, out of it
    DROP = "drop"  # a set as a whole
    EXPORT = "export"  # all that is kept of a person, as a file
    CLEAN = "clean"  # that file away again


class State(StrEnum):
    """Where it stands."""

    HELD = "held"  # behind another, which is not done yet
    OPEN = "open"  # to be done
    WAITING = "waiting"  # its job is in the queue
    TOLD = "told"  # what came of its job was told; one that failed may be taken up again
    STOPPING = "stopping"  # its person called it off; the queue is to hear of it
    OVER = "over"


JOBS = (Kind.LEARN, Kind.DRAW)  # what ends with a job in the queue
UNDER_WAY = (State.HELD, State.OPEN, State.WAITING)


@dataclass(frozen=True, kw_only=True)
class Errand:
    """A row."""

    key: str
    person: int
    chat: int
    kind: Kind
    payload: Json
    state: State
    tries: int
    made_ms: int = 0

    @property
    def last(self) -> bool:
        """Whether this try is the last one."""
        return self.tries + 1 >= MOST_TRIES


def begin(talk: Talk, key: str, kind: Kind, payload: Json, *, state: State = State.OPEN, in_s: float = 0.0) -> None:
    """With the talk: this is to be done, after ``in_s`` seconds; nothing happens where it was begun before.

    Where the talk's ``admits`` raises, nothing of the talk is written.
    """
    person, chat = talk.person.id, talk.chat

    def write(connection: sa.Connection, vault: Vault) -> None:
        facts: Json = {"key": key, "person": person, "chat": chat, "kind": kind, "payload": vault.seal(payload)}
        fresh = put(
            connection,
            ERRANDS,
            instead=False,
            **facts,
            state=state,
            tries=0,
            due_ms=now_ms() + int(in_s * 1000),
            made_ms=now_ms(),
        )
        if fresh and talk.admits is not None:
            talk.admits(connection, key, kind, payload)

    talk.also.append(write)


def advance(talk: Talk, errand: Errand, state: State, payload: Json | None = None) -> None:
    """With the talk, or not at all: the errand goes on to another state from the one it was seen in."""

    def write(connection: sa.Connection, vault: Vault) -> None:
        sealed = vault.seal(errand.payload if payload is None else payload)
        mine = sa.update(ERRANDS).where(ERRANDS.c.key == errand.key, ERRANDS.c.state == errand.state)
        if connection.execute(mine.values(state=state, payload=sealed, due_ms=now_ms(), tries=0)).rowcount != 1:
            raise Settled(f"errand {errand.key} is not {errand.state} any more")

    talk.also.append(write)


def move(talk: Talk, key: str, frm: Sequence[State], to: State, *, then: Callable[[], None] = lambda: None) -> None:
    """With the talk: a person's own errand goes on to another state, if it is in one of these; nothing happens else.

    ``then``: what is to be said if it did.
    """
    person = talk.person.id

    def write(connection: sa.Connection, _: Vault) -> None:
        mine = sa.update(ERRANDS).where(ERRANDS.c.key == key, ERRANDS.c.person == person, ERRANDS.c.state.in_(frm))
        if connection.execute(mine.values(state=to, due_ms=now_ms())).rowcount == 1:
            then()

    talk.also.append(write)


def still(talk: Talk, errand: Errand) -> None:
    """The talk is settled only while the errand is as it was seen; what is said of it would be wrong else."""

    def look(connection: sa.Connection, _: Vault) -> None:
        mine = sa.select(ERRANDS.c.key).where(ERRANDS.c.key == errand.key, ERRANDS.c.state == errand.state)
        if connection.execute(mine.with_for_update()).first() is None:
            raise Settled(f"errand {errand.key} is not {errand.state} any more")

    talk.also.append(look)


def note(desk: Desk, errand: Errand, payload: Json) -> None:
    """Now: what a later try has to know.

    Raises:
        Settled: it was called off.
    """
    mine = sa.update(ERRANDS).where(ERRANDS.c.key == errand.key, ERRANDS.c.state == errand.state)
    with writing(desk.engine) as connection:
        if connection.execute(mine.values(payload=desk.vault.seal(payload))).rowcount != 1:
            raise Settled(f"errand {errand.key} is not {errand.state} any more")


def errand(desk: Desk, key: str, person: int) -> Errand | None:
    """One, if it is there and theirs."""
    found = errands(desk, ERRANDS.c.key == key, person=person)
    return found[0] if found else None


def errands(
    desk: Desk,
    *which: sa.ColumnElement[bool],
    states: Sequence[State] = (),
    person: int | None = None,
    most: int = 1000,
) -> list[Errand]:
    """Those, the oldest first."""
    query = sa.select(ERRANDS).where(*which).order_by(ERRANDS.c.made_ms, ERRANDS.c.key).limit(most)
    query = query.where(ERRANDS.c.state.in_(states)) if states else query
    query = query if person is None else query.where(ERRANDS.c.person == person)
    with reading(desk.engine) as connection:
        rows = connection.execute(query).all()
    return [
        Errand(
            key=row.key,
            person=row.person,
            chat=row.chat,
            kind=Kind(row.kind),
            payload=desk.vault.open(row.payload),
            state=State(row.state),
            tries=row.tries,
            made_ms=row.made_ms,
        )
        for row in rows
    ]


def sweep(desk: Desk, *, before_ms: int) -> int:
    """Forget those that are over and older than this. Returns how many."""
    old = (ERRANDS.c.made_ms < before_ms) & ERRANDS.c.state.in_((State.OVER, State.TOLD))
    with writing(desk.engine) as connection:
        return connection.execute(sa.delete(ERRANDS).where(old)).rowcount
