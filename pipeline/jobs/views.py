"""A job as it is seen from outside, and the way between its row and its words.

Owns that translation. Knows no policy. Light: loads SQLAlchemy.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from pipeline.domain import Json
from pipeline.errors import BadInput, OtherKey
from pipeline.jobs.envelope import Envelope
from pipeline.jobs.words import JobSpec, Kind, Progress, Status

OPEN = (Status.QUEUED, Status.RUNNING)
OVER = (Status.DONE, Status.FAILED, Status.CANCELLED, Status.PARKED)
DEAD = (Status.FAILED, Status.PARKED)  # the dead letters
OUTBOX = (Status.DONE, *DEAD)  # what its owner is to be told of
UNREAD = (BadInput, OtherKey)  # the queue's key is proven: of one row alone, that is damage, too
NONSENSE = (ValueError, TypeError, KeyError, AttributeError, RecursionError)  # of JSON that is not what we wrote


def now_ms() -> int:
    """Unix time."""
    return int(time.time() * 1000)


@dataclass(frozen=True, kw_only=True)
class JobView:
    """A job as it stood when it was asked for."""

    spec: JobSpec
    status: Status
    submitted_s: float  # Unix time, as the two below
    started_s: float | None  # when a worker first began it
    ended_s: float | None
    worker: str | None  # who has it, or had it last
    deaths: int  # workers that died under it since its last finished stage
    result: Json | None  # of its last stage, once it is done
    error_code: str | None  # where it failed: leads to a sentence of the chat
    error: str | None  # the sentence itself
    delivered: bool  # whether its owner was told what came of it
    unread: str | None = None  # why its row cannot be read; then there is only what that says in clear

    @property
    def job_id(self) -> str:
        """The spec's."""
        return self.spec.job_id


def spec_text(spec: JobSpec) -> str:
    """As it is kept; the order of the options' keys is, too."""
    return json.dumps(asdict(spec))


def spec_of(row: Any, envelope: Envelope) -> JobSpec:
    """The other way, from a row of ``JOBS``, or its person, id and spec.

    Raises:
        BadInput: it is damaged, or of another job.
        OtherKey: it was sealed with another key.
    """
    try:
        return spec_from(envelope.open(row.spec, person=row.person, job_id=row.job_id, part="spec"))
    except NONSENSE as error:
        raise BadInput(f"the words of the job {row.job_id!r} are damaged ({type(error).__name__})") from error


def spec_from(text: str) -> JobSpec:
    """What ``spec_text`` made."""
    raw: dict[str, Any] = json.loads(text)
    raw |= {"kind": Kind(raw["kind"]), "pack": tuple(raw["pack"]), "photos": tuple(raw["photos"])}
    return JobSpec(**raw)


def view_of(row: sa.Row[Any], envelope: Envelope) -> JobView:
    """A row of ``JOBS``; raises as ``spec_of``."""
    if row.status not in {*Status}:
        rule = "this version does not know that: the queue was begun by another one"
        raise BadInput(f"the job {row.job_id!r} is {row.status!r}; {rule}")
    spec = spec_of(row, envelope)
    try:
        return _view_of(row, spec, envelope)
    except NONSENSE as error:
        raise BadInput(f"the row of the job {row.job_id!r} is damaged ({type(error).__name__}: {error})") from error


def seen_of(row: sa.Row[Any], envelope: Envelope) -> JobView:
    """As ``view_of``; a damaged row costs the others nothing: of it, there is what it says in clear, and why."""
    try:
        return view_of(row, envelope)
    except UNREAD as error:
        status = Status(row.status) if row.status in {*Status} else Status.PARKED  # nobody works on an unknown one
        kind = Kind(row.kind) if row.kind in {*Kind} else Kind.DRAW
        return JobView(
            spec=JobSpec(job_id=row.job_id, person=row.person, kind=kind, profile="", style=""),
            status=status,
            submitted_s=_seconds(row.submitted_ms) or 0.0,
            started_s=_seconds(row.started_ms),
            ended_s=_seconds(row.ended_ms),
            worker=row.worker,
            deaths=row.deaths if isinstance(row.deaths, int) else 0,
            result=None,
            error_code=row.error_code,
            error=None,
            delivered=row.delivered_ms is not None,
            unread=f"cannot be read: {error}",
        )


def _seconds(ms: object) -> float | None:
    return ms / 1000 if isinstance(ms, int) else None


def _view_of(row: sa.Row[Any], spec: JobSpec, envelope: Envelope) -> JobView:

    def opened(part: str) -> str | None:
        text = getattr(row, part)
        return None if text is None else envelope.open(text, person=row.person, job_id=row.job_id, part=part)

    result = opened("result")
    return JobView(
        spec=spec,
        status=Status(row.status),
        submitted_s=row.submitted_ms / 1000,
        started_s=None if row.started_ms is None else row.started_ms / 1000,
        ended_s=None if row.ended_ms is None else row.ended_ms / 1000,
        worker=row.worker,
        deaths=row.deaths,
        result=None if result is None else json.loads(result),
        error_code=row.error_code,
        error=opened("error"),
        delivered=row.delivered_ms is not None,
    )


def progress_of(row: sa.Row[Any], envelope: Envelope) -> Progress:
    """A row of ``PROGRESS``, with its job's person; a damaged preview is none."""
    preview = row.preview
    if preview is not None:
        try:
            preview = envelope.open(preview, person=row.person, job_id=row.job_id, part="preview")
        except UNREAD:
            preview = None
    return Progress(stage=row.stage, done=row.done, total=row.total, preview=preview)
