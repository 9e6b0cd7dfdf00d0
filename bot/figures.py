"""How the bot and its queue are doing, in numbers, for its operator.

Owns the questions. Knows no sentence. Light: loads SQLAlchemy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from bot.inbox import State as In
from bot.outbox import State as Out
from bot.tables import BANS, CHATS, INBOX, OUTBOX, PEOPLE, SEEN, THINGS
from bot.things import Has
from pipeline.jobs.address import reading
from pipeline.jobs.queue import Jobs
from pipeline.jobs.tables import JOBS
from pipeline.jobs.views import now_ms
from pipeline.jobs.words import Kind, Status

DAY_MS = 86_400_000
PAST_DAYS = 7
MOST_PAST = 1000  # jobs of a kind, the latest, of which the seconds are told

Spread = tuple[float, float]  # the 50th and the 95th percentile, in seconds


@dataclass(frozen=True, kw_only=True)
class OfKind:
    """The jobs of a kind that the queue still knows."""

    by_status: dict[Status, int]
    wait_s: Spread | None  # from submitted to begun; None where nothing is known
    run_s: Spread | None  # from begun to done


@dataclass(frozen=True, kw_only=True)
class Figures:
    """All of it."""

    people: int
    today: int  # who was answered in the last 24 hours
    week: int
    banned: int
    styles: int  # that are there now, as the two below
    stickers: int
    packs: int
    jobs: dict[Kind, OfKind]
    workers: int  # that were heard of lately
    oldest_job_s: float | None  # the longest wait of a queued job
    unanswered: int  # updates
    parked: int
    pending: int  # messages to chats where something may be sent
    unknown: int  # of which nobody knows whether they arrived
    oldest_message_s: float | None  # the longest wait of a pending one


def figures(jobs: Jobs) -> Figures:
    """As it stands now; ``jobs``: the queue, whose database has the bot's tables, too."""
    now, workers = now_ms(), jobs.workers()
    with reading(jobs.engine) as connection:

        def count(table: sa.Table, *which: sa.ColumnElement[bool]) -> int:
            return connection.execute(sa.select(sa.func.count()).select_from(table).where(*which)).scalar() or 0

        def oldest_s(column: sa.Column[int], *which: sa.ColumnElement[bool]) -> float | None:
            first = connection.execute(sa.select(sa.func.min(column)).where(*which)).scalar()
            return None if first is None else max(0.0, (now - first) / 1000)

        blocked = sa.exists().where(CHATS.c.chat == OUTBOX.c.chat, CHATS.c.blocked_ms.is_not(None))
        pending = (OUTBOX.c.state.in_((Out.PENDING, Out.SENDING)), ~blocked)
        return Figures(
            people=count(PEOPLE),
            today=count(SEEN, SEEN.c.seen_ms > now - DAY_MS),
            week=count(SEEN, SEEN.c.seen_ms > now - PAST_DAYS * DAY_MS),
            banned=count(BANS, BANS.c.until_ms.is_(None) | (BANS.c.until_ms > now)),
            styles=count(THINGS, THINGS.c.kind == Has.STYLE),
            stickers=count(THINGS, THINGS.c.kind == Has.STICKER),
            packs=count(THINGS, THINGS.c.kind == Has.PACK),
            jobs={kind: _of_kind(connection, kind) for kind in Kind},
            workers=workers,
            oldest_job_s=oldest_s(JOBS.c.submitted_ms, JOBS.c.status == Status.QUEUED),
            unanswered=count(INBOX, INBOX.c.state.in_((In.NEW, In.TAKEN))),
            parked=count(INBOX, INBOX.c.state == In.PARKED),
            pending=count(OUTBOX, *pending),
            unknown=count(OUTBOX, OUTBOX.c.state == Out.UNKNOWN),
            oldest_message_s=oldest_s(OUTBOX.c.made_ms, *pending),
        )


def _of_kind(connection: sa.Connection, kind: Kind) -> OfKind:
    counts = sa.select(JOBS.c.status, sa.func.count()).where(JOBS.c.kind == kind).group_by(JOBS.c.status)
    done = sa.select(JOBS.c.submitted_ms, JOBS.c.started_ms, JOBS.c.ended_ms)
    done = done.where(JOBS.c.kind == kind, JOBS.c.status == Status.DONE, JOBS.c.started_ms.is_not(None))
    done = done.where(JOBS.c.ended_ms > now_ms() - PAST_DAYS * DAY_MS).order_by(JOBS.c.ended_ms.desc())
    rows = connection.execute(done.limit(MOST_PAST)).all()
    return OfKind(
        by_status={Status(row[0]): row[1] for row in connection.execute(counts)},
        wait_s=spread([(row.started_ms - row.submitted_ms) / 1000 for row in rows]),
        run_s=spread([(row.ended_ms - row.started_ms) / 1000 for row in rows]),
    )


def spread(values: Sequence[float]) -> Spread | None:
    """The 50th and the 95th percentile, by nearest rank; None of nothing."""
    if not values:
        return None
    ordered = sorted(max(0.0, value) for value in values)
    half, most = (ordered[math.ceil(share * len(ordered)) - 1] for share in (0.5, 0.95))
    return half, most
