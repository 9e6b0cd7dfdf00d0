"""Whose turn it is: start-time fair queueing, each kind by itself.

Owns the order. Every job gets a tag when it is submitted, and the smallest tag is begun first: a person's next job
comes one cost after the one before, and nobody's first comes before the tag that is being begun now. So who submits
fifty waits behind who submits two, and who was away has saved nothing up (Goyal, Vin & Cheng 1996). Knows no engine.
Light: loads SQLAlchemy.
"""

from __future__ import annotations

import sqlalchemy as sa

from pipeline.errors import TooManyJobs
from pipeline.jobs.tables import JOBS, TURNS
from pipeline.jobs.views import OPEN
from pipeline.jobs.words import JobSpec, Kind, Status

FIRST_TAG = 1
MOST_COST = 1000  # of one job: a slip in its options must not shut its owner out for ever


def cost_of(spec: JobSpec) -> int:
    """How far a job moves its person's next turn: a learning counts once, a drawing by its stickers."""
    if spec.kind is Kind.LEARN:
        return 1
    count = spec.options.get("count", 1)
    variants = count if isinstance(count, int) and count > 0 else 1
    return max(1, min(len(spec.photos) * variants, MOST_COST))


def next_tag(connection: sa.Connection, person: str, kind: Kind) -> int:
    """The turn of the job that ``person`` submits now."""
    begun = connection.execute(sa.select(TURNS.c.tag).where(TURNS.c.kind == kind)).scalar()
    # What was cancelled before it began took nobody's time.
    took = (JOBS.c.status != Status.CANCELLED) | JOBS.c.started_ms.is_not(None)
    mine = sa.select(sa.func.max(JOBS.c.tag + JOBS.c.cost)).where(JOBS.c.person == person, JOBS.c.kind == kind, took)
    return max(begun or FIRST_TAG, connection.execute(mine).scalar() or FIRST_TAG)


def note_begun(connection: sa.Connection, kind: str, tag: int) -> None:
    """A job of this tag is begun: from now on nobody's turn comes before it."""
    further = sa.update(TURNS).where(TURNS.c.kind == kind, TURNS.c.tag < tag).values(tag=tag)
    known = sa.exists().where(TURNS.c.kind == kind)
    if connection.execute(further).rowcount == 0 and not connection.execute(sa.select(known)).scalar():
        connection.execute(sa.insert(TURNS).values(kind=kind, tag=tag))


def check_open(connection: sa.Connection, person: str, most: int) -> None:
    """Refuse one job more than a person may have open.

    Raises:
        TooManyJobs: ``most`` are open.
    """
    query = sa.select(sa.func.count()).where(JOBS.c.person == person, JOBS.c.status.in_(OPEN))
    count = connection.execute(query).scalar() or 0
    if count >= most:
        raise TooManyJobs(
            f"{count} jobs are open, and one person may have {most}; wait until one is done, or cancel one"
        )
