"""How many jobs a person may begin in a day, and when none may be begun at all.

Owns both: the rows of what was begun, and the note of a maintenance. Knows no message. Light: loads SQLAlchemy.

Nothing is counted up or down. A job has one row from the transaction that begins it; whether it counts is asked of what
became of it: one that was cancelled before it started, that never came to the queue, or that failed by our fault does
not. So a repetition charges nothing twice, and what is to be given back is given back by itself. The day is the last 24
hours: it begins for everybody where they are, and nobody saves up for midnight.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

import sqlalchemy as sa

from bot.errands import JOBS as KINDS
from bot.errands import Kind, State
from bot.tables import ERRANDS, NOTES, PEOPLE, SPENT, note, put, take_note
from pipeline.jobs.tables import JOBS
from pipeline.jobs.views import now_ms
from pipeline.jobs.words import Status

DAY_MS = 86_400_000
MAINTENANCE = "maintenance"  # a note
MOST_WORDS = 200  # of the operator's, as much as a sentence takes of anybody's
THEIRS = ("pack_size", "bad_picture", "picture_too_large", "bad_input")  # errors that lie in what was sent


class NotBegun(Exception):
    """A job may not be begun now; nothing of what was to begin it is written."""


class Closed(NotBegun):
    """There is maintenance."""

    def __init__(self, words: str) -> None:
        super().__init__("maintenance")
        self.words = words


class Spent(NotBegun):
    """The day's number is reached."""

    def __init__(self, kind: Kind, most: int, wait_s: float) -> None:
        super().__init__(f"{most} of kind {kind} in a day")
        self.kind, self.most, self.wait_s = kind, most, wait_s


# ── maintenance ───────────────────────────────────────────────────────────────────────────────────────────────────────


def close(connection: sa.Connection, words: str) -> None:
    """Nobody but admins begins a job from now on."""
    take_note(connection, MAINTENANCE, json.dumps({"words": words[:MOST_WORDS], "since_ms": now_ms()}))


def reopen(connection: sa.Connection) -> None:
    """It is over."""
    connection.execute(sa.delete(NOTES).where(NOTES.c.name == MAINTENANCE))


def closed(connection: sa.Connection) -> str | None:
    """The operator's words, perhaps none, while there is maintenance; None else."""
    value = note(connection, MAINTENANCE)
    return None if value is None else str(json.loads(value)["words"])


def check_open(connection: sa.Connection) -> None:
    """
    Raises:
        Closed: there is maintenance.
    """
    words = closed(connection)
    if words is not None:
        raise Closed(words)


# ── daily limits ──────────────────────────────────────────────────────────────────────────────────────────────────────


def spend(connection: sa.Connection, person: int, kind: Kind, key: str, most: Mapping[Kind, int]) -> None:
    """Within the transaction that begins a job: it counts from now on.

    Raises:
        Spent: too many did already.
    """
    connection.execute(sa.select(PEOPLE.c.person).where(PEOPLE.c.person == person).with_for_update())  # one at a time
    check_left(connection, person, kind, most)
    put(connection, SPENT, instead=False, key=key, person=person, kind=kind, made_ms=now_ms())


def check_left(connection: sa.Connection, person: int, kind: Kind, most: Mapping[Kind, int]) -> None:
    """
    Raises:
        Spent: the day's number is reached; where it is 0 or there is none, it never is.
    """
    allowed = most.get(kind, 0)
    times = counted(connection, person, kind) if allowed else []
    if allowed and len(times) >= allowed:
        freed_ms = times[len(times) - allowed] + DAY_MS  # then there is one less than allowed
        raise Spent(kind, allowed, max(0.0, (freed_ms - now_ms()) / 1000))


def counted(connection: sa.Connection, person: int, kind: Kind) -> list[int]:
    """When those jobs of the last day were begun that count, the oldest first (Unix time, ms)."""
    rows = sa.outerjoin(SPENT, ERRANDS, ERRANDS.c.key == SPENT.c.key).outerjoin(JOBS, JOBS.c.job_id == SPENT.c.key)
    failed = JOBS.c.status.in_((Status.FAILED, Status.PARKED)) & sa.func.coalesce(JOBS.c.error_code, "").not_in(THEIRS)
    unstarted = (JOBS.c.status == Status.CANCELLED) & JOBS.c.started_ms.is_(None)
    nowhere = JOBS.c.job_id.is_(None) & ERRANDS.c.state.in_((State.STOPPING, State.OVER))
    given_back = sa.func.coalesce(failed, False) | sa.func.coalesce(unstarted, False) | sa.func.coalesce(nowhere, False)
    query = sa.select(SPENT.c.made_ms).select_from(rows).where(~given_back)
    query = query.where(SPENT.c.person == person, SPENT.c.kind == kind, SPENT.c.made_ms > now_ms() - DAY_MS)
    return list(connection.execute(query.order_by(SPENT.c.made_ms)).scalars())


def told(connection: sa.Connection, person: int) -> dict[str, int]:
    """What is kept of a person here, for them."""
    return {kind.value: len(counted(connection, person, kind)) for kind in KINDS}


def sweep(connection: sa.Connection) -> None:
    """Forget what counts no more."""
    connection.execute(sa.delete(SPENT).where(SPENT.c.made_ms <= now_ms() - DAY_MS))


def minutes_of(wait_s: float) -> int:
    """Rounded up: whoever comes then is not sent away again."""
    return max(1, math.ceil(wait_s / 60))
