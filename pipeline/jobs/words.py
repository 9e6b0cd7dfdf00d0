"""The queue's words, as values: what is asked for, where it stands, what came of it.

Owns the vocabulary that the bot, the queue and the worker share. Knows no database, no file and no model. Light: the
standard library.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from pipeline.domain import Json, ShouldStop


class Kind(StrEnum):
    """What a job makes."""

    LEARN = "learn"  # a pack → a style; minutes, gives way to drawing at every step
    DRAW = "draw"  # photos + a style → stickers; seconds


class Status(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"  # accepted, not begun
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"  # its owner is told why; can be requeued
    CANCELLED = "cancelled"  # by its owner or the operator
    PARKED = "parked"  # its worker died under it too often; a dead letter until somebody requeues it


@dataclass(frozen=True, kw_only=True)
class JobSpec:
    """What is asked for. Everything large is in ``Files``; here are keys only, so that any machine can do the work."""

    job_id: str  # who submits twice under one id submits once; letters, digits, ".", "_", "-", at most 80
    person: str  # opaque; the same alphabet
    kind: Kind
    profile: str
    style: str  # the style's id: LEARN writes it, DRAW reads it
    pack: tuple[str, ...] = ()  # LEARN: keys of the pack's pictures
    photos: tuple[str, ...] = ()  # DRAW: keys of the photos
    options: Json = field(default_factory=dict)  # as a person chose them: "count", "strength", "words", "seed" …


@dataclass(frozen=True, kw_only=True)
class Gone:
    """A job of which nothing is to stay: what its row says in clear, for its words may be damaged, or sealed."""

    job_id: str
    person: str
    kind: str  # a ``Kind``, unless that is damaged, too


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a running job stands."""

    stage: str
    done: int
    total: int
    preview: str | None = None  # key of a picture of where it stands


@dataclass(frozen=True, kw_only=True)
class Position:
    """Where a queued job stands."""

    ahead: int  # jobs of its kind that will be begun before it, or are under way and keep it waiting
    eta_s: float | None  # seconds until it is done, as far as the past tells; None where nothing is known yet


Tell = Callable[[Progress], None]


class Stages(Protocol):
    """How the work of a job is done: what the worker calls, stage by stage, each a durable step.

    A stage that was finished is never run again. One that was interrupted is run again from its beginning: it must
    leave nothing half-made, and may go on from what it saved itself.
    """

    def names(self, spec: JobSpec) -> tuple[str, ...]:
        """The job's stages, in order; the same for equal specs."""
        ...

    def run(self, name: str, spec: JobSpec, *, tell: Tell, should_stop: ShouldStop) -> Json:
        """Do one stage. Returns small JSON, which is kept; artefacts go to ``Files``.

        ``should_stop`` is asked at every step; ``tell`` may be called as often.

        Raises:
            Stopped: ``should_stop`` said so.
            OtherKey: all that lies in ``Files`` is sealed with another key: this worker can do nothing at all.
            StickerError: it failed; its text is for the job's owner.
        """
        ...

    def forget(self, job: Gone) -> None:
        """Delete what an old job left: what it was given, what it made; a style that was learned stays.

        May be called again for the same job, and for one that never ran here.
        """
        ...
