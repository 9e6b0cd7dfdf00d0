"""Who is answered no more, and the strikes that lead there.

Owns those rows: no word of anybody's is in them. Knows no message and no policy of words. Light: loads SQLAlchemy.

They outlive /deletedata, by which nobody is to come back: a ban until it ends, a strike for a day.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa

from bot.tables import BANS, STRIKES, put
from pipeline.domain import Json
from pipeline.jobs.views import now_ms

DAY_MS = 86_400_000
MOST_STRIKES = 3  # within a day; then its person is banned for a day


class Why(StrEnum):
    """What a ban is for."""

    OPERATOR = "operator"
    WORDS = "words"  # refused ones, again and again


@dataclass(frozen=True, kw_only=True)
class Ban:
    """A row."""

    person: int
    since_ms: int
    until_ms: int | None  # None: until it is lifted
    why: Why


def ban_of(connection: sa.Connection, person: int) -> Ban | None:
    """The ban that is in force."""
    counts = BANS.c.until_ms.is_(None) | (BANS.c.until_ms > now_ms())
    row = connection.execute(sa.select(BANS).where(BANS.c.person == person, counts)).one_or_none()
    if row is None:
        return None
    return Ban(person=row.person, since_ms=row.since_ms, until_ms=row.until_ms, why=Why(row.why))


def ban(connection: sa.Connection, person: int, *, until_ms: int | None, why: Why) -> None:
    """From now on; an earlier one is replaced."""
    put(connection, BANS, instead=True, person=person, since_ms=now_ms(), until_ms=until_ms, why=why)


def lift(connection: sa.Connection, person: int) -> None:
    """They are answered again, and begin without a strike."""
    for table in (BANS, STRIKES):
        connection.execute(sa.delete(table).where(table.c.person == person))


def strike(connection: sa.Connection, key: str, person: int, reason: str) -> None:
    """Once for a key."""
    put(connection, STRIKES, instead=False, key=key, person=person, reason=reason, at_ms=now_ms())


def strikes(connection: sa.Connection, person: int) -> int:
    """How many within a day."""
    mine = (STRIKES.c.person == person) & (STRIKES.c.at_ms > now_ms() - DAY_MS)
    return connection.execute(sa.select(sa.func.count()).where(mine)).scalar() or 0


def told(connection: sa.Connection, person: int) -> Json:
    """What is kept of a person here, for them."""
    found = ban_of(connection, person)
    rows = connection.execute(sa.select(STRIKES).where(STRIKES.c.person == person).order_by(STRIKES.c.at_ms)).all()
    return {
        "ban": found and {"since_ms": found.since_ms, "until_ms": found.until_ms, "why": found.why},
        "strikes": [{"reason": row.reason, "at_ms": row.at_ms} for row in rows],
    }


def sweep(connection: sa.Connection) -> None:
    """Forget bans that have ended, and strikes that count no more."""
    connection.execute(sa.delete(BANS).where(BANS.c.until_ms <= now_ms()))
    connection.execute(sa.delete(STRIKES).where(STRIKES.c.at_ms <= now_ms() - DAY_MS))
