"""What people say lies in the queue's rows and in the engine's in envelopes: sealed, each bound to its job and column.

Owns which parts of a row those are, the proof of the key, and the sealing anew of what lies there. Knows no policy.
Light: loads SQLAlchemy and cryptography.

Sealed are a job's spec as a whole, its result, the sentence of its error, the key of its preview, and what its stages
returned. In clear are what rows are found and ordered by: ids, person, kind, status, turn, times, the worker; and what
is our own words alone: codes of errors, names of stages, counts of steps.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import sqlalchemy as sa

from pipeline.domain import Json
from pipeline.errors import BadInput, BadSetting, OtherKey, WorkerRunning
from pipeline.jobs.address import reading, writing
from pipeline.jobs.tables import JOBS, LIVE_MS, PROGRESS, SEALED, WORKERS, engine_steps
from pipeline.sealed import NO_KEY, OTHER_KEY, WORD, Sealer
from pipeline.vault import Vault

CHECK, WORDS = "check", "whoever reads this has the key"
AT_ONCE = 200  # rows sealed anew in one transaction
COLUMNS = ("spec", "result", "error")  # of ``JOBS``


class Envelope:
    """Seals and opens; without a key it leaves all as it is, and refuses what is sealed."""

    def __init__(self, sealer: Sealer | None = None) -> None:
        self.sealer = sealer

    def seal(self, text: str, *, person: str, job_id: str, part: str) -> str:
        """``part``: the column, or the name of the stage."""
        if self.sealer is None:
            return text
        return self.sealer.seal_word(text, whose=person, place=f"{job_id}/{part}")

    def open(self, text: str, *, person: str, job_id: str, part: str) -> str:
        """What was sealed; what is in clear, of an older version, as it is.

        Raises:
            BadInput: it was changed, or is of another job.
            OtherKey: it was sealed with another key, or there is none.
        """
        if not text.startswith(WORD):
            return text
        if self.sealer is None:
            raise OtherKey(f"the words of the job {job_id!r} are sealed, and there is no key; {NO_KEY}")
        return self.sealer.open_word(text, whose=person, place=f"{job_id}/{part}")

    def prove(self, connection: sa.Connection) -> None:
        """See that the queue is still sealed with this key.

        Raises:
            OtherKey: it was sealed anew meanwhile.
        """
        known = connection.execute(sa.select(SEALED.c.value).where(SEALED.c.name == CHECK)).scalar()
        if known is not None:
            _prove(self, known)

    def seal_step(self, done: Json, *, person: str, job_id: str, stage: str) -> Json:
        """What a stage's end is told by (see ``pipeline/worker/lanes``), as the engine keeps it."""
        if self.sealer is None:
            return done
        words = {"result": json.dumps(done["result"])} if "result" in done else {}
        words |= {"error": done["error"]} if "error" in done else {}
        sealed = {name: self.seal(text, person=person, job_id=job_id, part=stage) for name, text in words.items()}
        return done | sealed

    def open_step(self, done: Json, *, person: str, job_id: str, stage: str) -> Json:
        """The other way."""
        found = dict(done)
        if isinstance(text := found.get("result"), str):
            found["result"] = json.loads(self.open(text, person=person, job_id=job_id, part=stage))
        if isinstance(text := found.get("error"), str):
            found["error"] = self.open(text, person=person, job_id=job_id, part=stage)
        return found

    def again(self, text: str | None, *, person: str, job_id: str, part: str) -> str | None:
        """Sealed with the key in use, whatever it was; None where nothing is to be done, or it cannot be opened."""
        if text is None or self.sealer is None or self.sealer.is_current_word(text):
            return None
        try:
            bare = self.open(text, person=person, job_id=job_id, part=part)
        except (BadInput, OtherKey):  # the mark is proven: this row alone is damaged
            return None
        return self.seal(bare, person=person, job_id=job_id, part=part)


CLEAR = Envelope()  # for trials: nothing is sealed


def envelope_of(engine: sa.Engine, vault: Vault | None, *, begins: bool) -> Envelope:
    """The key's envelope, proven on what is there.

    Args:
        begins: seal what lies there in clear or with an older key; who only looks does not.

    Raises:
        BadSetting: the queue was sealed with another key, or with one and there is none.
        WorkerRunning: it is to be sealed anew, and a worker is at work on it.
    """
    if vault is None:
        if _check(engine) is not None:
            raise BadSetting(f"the words in this queue are sealed, and there is no key; {NO_KEY}")
        return CLEAR
    envelope = Envelope(vault.sealer("queue"))
    known = _check(engine)
    if known is not None:
        _prove(envelope, known)
    if begins and (known is None or vault.changing):
        _seal_all(engine, envelope)
    return envelope


def _check(engine: sa.Engine) -> str | None:
    with reading(engine) as connection:
        return connection.execute(sa.select(SEALED.c.value).where(SEALED.c.name == CHECK)).scalar()


def _prove(envelope: Envelope, known: str) -> None:
    try:
        envelope.open(known, person="", job_id="", part=CHECK)
    except OtherKey:
        raise OtherKey(f"what people said in this queue {OTHER_KEY}") from None


def _seal_all(engine: sa.Engine, envelope: Envelope) -> None:
    """The check first: whoever comes with another key meanwhile is refused. Any number of processes may do this."""
    with writing(engine, one_at_a_time="sticker sealing") as connection:
        known = connection.execute(sa.select(SEALED.c.value).where(SEALED.c.name == CHECK)).scalar()
        if known is None:
            mark = envelope.seal(WORDS, person="", job_id="", part=CHECK)
            connection.execute(sa.insert(SEALED).values(name=CHECK, value=mark))
        elif envelope.again(known, person="", job_id="", part=CHECK) is not None:
            _check_nobody_works(connection)
    if known is not None:
        _prove(envelope, known)
    for job_ids in _batches(engine):
        with writing(engine, one_at_a_time="sticker sealing") as connection:
            people = _seal_jobs(connection, envelope, job_ids)
            _seal_previews(connection, envelope, people)
            _seal_steps(connection, envelope, people)
    if known is not None:
        with writing(engine, one_at_a_time="sticker sealing") as connection:
            mark = envelope.seal(WORDS, person="", job_id="", part=CHECK)
            connection.execute(sa.update(SEALED).where(SEALED.c.name == CHECK).values(value=mark))


def _check_nobody_works(connection: sa.Connection) -> None:
    """Their key would open nothing any more. A beat of long ago, or of a clock that was put back since, is no sign."""
    now_ms = int(time.time() * 1000)
    live = sa.select(WORKERS.c.name).where(WORKERS.c.beat_ms.between(now_ms - LIVE_MS, now_ms + LIVE_MS))
    if names := sorted(connection.execute(live).scalars()):
        raise WorkerRunning(
            f"the key cannot be changed while workers are at work with the old one ({', '.join(names)}); stop all of "
            f"them, and start again. One that was killed counts for {LIVE_MS // 1000} s"
        )


def _batches(engine: sa.Engine) -> Iterator[list[str]]:
    last = ""
    while True:
        some = sa.select(JOBS.c.job_id).where(JOBS.c.job_id > last).order_by(JOBS.c.job_id).limit(AT_ONCE)
        with reading(engine) as connection:
            found = list(connection.execute(some).scalars())
        if not found:
            return
        yield found
        last = found[-1]


def _seal_jobs(connection: sa.Connection, envelope: Envelope, job_ids: list[str]) -> dict[str, str]:
    """Returns job → person."""
    people = {}
    for row in connection.execute(sa.select(JOBS).where(JOBS.c.job_id.in_(job_ids)).with_for_update()).all():
        people[row.job_id] = str(row.person)
        fresh = {
            name: envelope.again(getattr(row, name), person=row.person, job_id=row.job_id, part=name)
            for name in COLUMNS
        }
        if values := {name: text for name, text in fresh.items() if text is not None}:
            connection.execute(sa.update(JOBS).where(JOBS.c.job_id == row.job_id).values(**values))
    return people


def _seal_previews(connection: sa.Connection, envelope: Envelope, people: dict[str, str]) -> None:
    told = sa.select(PROGRESS).where(PROGRESS.c.job_id.in_(people), PROGRESS.c.preview.is_not(None))
    for row in connection.execute(told).all():
        who = {"person": people[row.job_id], "job_id": row.job_id}
        if (text := envelope.again(row.preview, part="preview", **who)) is not None:
            this = (PROGRESS.c.job_id == row.job_id) & (PROGRESS.c.number == row.number)
            connection.execute(sa.update(PROGRESS).where(this).values(preview=text))


def _seal_steps(connection: sa.Connection, envelope: Envelope, people: dict[str, str]) -> None:
    """What the engine has of their stages: JSON of ours, which its own serializer would write no differently."""
    steps = engine_steps(connection.engine)
    for row in connection.execute(sa.select(steps).where(steps.c.workflow_uuid.in_(people))).all():
        job_id, stage = str(row.workflow_uuid), str(row.function_name)
        done = _ours(row.output)
        if done is None or not _wants(envelope, done):
            continue
        who = {"person": people[job_id], "job_id": job_id, "stage": stage}
        try:
            fresh = envelope.seal_step(envelope.open_step(done, **who), **who)
        except (BadInput, OtherKey, ValueError):  # damaged, as above; ValueError: no JSON
            continue
        text = json.dumps(fresh, separators=(",", ":"), ensure_ascii=False)
        this = (steps.c.workflow_uuid == job_id) & (steps.c.function_id == row.function_id)
        connection.execute(sa.update(steps).where(this).values(output=text))


def _ours(output: str | None) -> Json | None:
    """What a stage returned, if this is what it is."""
    try:
        found = None if output is None else json.loads(output)
    except ValueError:
        found = None
    return found if isinstance(found, dict) and ("result" in found or "error" in found) else None


def _wants(envelope: Envelope, done: Json) -> bool:
    """Whether a part of it is in clear, or sealed with another key."""
    assert envelope.sealer is not None  # only who has a key seals anew
    parts = [done[name] for name in ("result", "error") if name in done]
    return not all(isinstance(part, str) and envelope.sealer.is_current_word(part) for part in parts)
