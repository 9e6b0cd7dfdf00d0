"""``stickers jobs``: the queue as its operator sees it, told as a table or as JSON.

Owns the columns. Knows no worker. Loads the queue.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import TypeVar

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.domain import Json
from pipeline.errors import BadSetting, NoQueue, StickerError, WrongStatus
from pipeline.files import Files
from pipeline.jobs.queue import Jobs
from pipeline.jobs.views import OPEN, JobView
from pipeline.jobs.words import Kind, Progress, Status
from pipeline.options import within
from scripts import results
from scripts.progress import clock
from scripts.service.serve import opened, settings

Word = TypeVar("Word", Kind, Status)

CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]+")  # would move or turn what is shown

MOST = 10_000  # jobs in one list
USUAL = 18  # letters of an id
WIDE = 110  # letters: a terminal that has room for all columns, where ids are as usual
NARROW = ("job", "person", "kind", "status", "age", "where")
ALL = ("job", "person", "kind", "status", "where", "age", "took", "worker")
ROOM = 56  # letters that the other columns want, at least
MOST_OF_PERSON = 12  # letters, where there is little room
COLOURS = {Status.RUNNING: "cyan", Status.DONE: "green", Status.FAILED: "red", Status.PARKED: "red"}


def show_list(
    url: str | None, *, status: str | None, person: str | None, kind: str | None, most: int, as_json: bool
) -> None:
    """``stickers jobs list``."""
    wanted = [_member(Status, "status", word) for word in status.split(",")] if status is not None else []
    which = _member(Kind, "kind", kind) if kind is not None else None
    _tell_some(url, lambda jobs: jobs.list(status=wanted, person=person, kind=which, most=most), most, as_json=as_json)


def show_dead(url: str | None, *, most: int, as_json: bool) -> None:
    """``stickers jobs dead``."""
    _tell_some(url, lambda jobs: jobs.dead(most), most, as_json=as_json)


def show_one(url: str | None, job_id: str, *, as_json: bool) -> None:
    """``stickers jobs show``."""
    with opened(url, settings()) as jobs:
        _tell_one(jobs, jobs.show(job_id), as_json=as_json)


def cancel(url: str | None, job_id: str, *, as_json: bool) -> None:
    """``stickers jobs cancel``."""
    with opened(url, settings()) as jobs:
        before = jobs.show(job_id)
        if before.status not in OPEN:
            raise WrongStatus(f"the job {job_id!r} is {before.status}: there is nothing to cancel")
        view = jobs.cancel(job_id)
        if not as_json:
            at_once = before.status is Status.QUEUED
            results.say(f"{job_id} is cancelled" if at_once else f"{job_id} stops at its next step, and is cancelled")
        _tell_one(jobs, view, as_json=as_json)


def requeue(url: str | None, job_ids: Sequence[str], *, as_json: bool) -> None:
    """``stickers jobs requeue``."""
    with opened(url, settings()) as jobs:
        for job_id in job_ids:
            jobs.show(job_id)  # a wrong id is told before anything is done
        done: list[JobView] = []
        try:
            for job_id in dict.fromkeys(job_ids):
                done.append(jobs.requeue(job_id))
        except StickerError as error:
            if not done:
                raise
            so_far = ", ".join(view.job_id for view in done)
            raise type(error)(f"{error}; requeued before it: {so_far}") from error
        _tell_all(jobs, done, as_json=as_json)


def delete_person(url: str | None, person: str, *, as_json: bool) -> None:
    """``stickers jobs delete-person``."""
    chosen, erased, left = settings(), 0, 0
    with suppress(NoQueue), opened(url, chosen) as jobs:
        erased, left = jobs.delete_person(person)
    Files(chosen.files).delete_person(person)  # deleting wants no key
    if as_json:
        results.print_json({"person": person, "erased": erased, "left": left})
        return
    results.say(f"{results.counted(erased, 'job')} of {person!r} erased from the queue, and all files")
    if left:
        what = f"{results.counted(left, 'job')} more will be, once a worker has let go"
        results.say(f"{what}; run this again then: it may have written a file meanwhile", style="yellow")


def view_json(view: JobView, told: tuple[int, Progress] | None) -> Json:
    """A job for a program."""
    found = asdict(view) | {"delivered": view.delivered}
    return found | {"progress": None if told is None else asdict(told[1])}


def _tell_some(url: str | None, look: Callable[[Jobs], list[JobView]], most: int, *, as_json: bool) -> None:
    """What ``look`` finds; where there is no queue, that is told, and none is made."""
    within("most", most, 1, MOST)
    try:
        with opened(url, settings()) as jobs:
            _tell_all(jobs, look(jobs), as_json=as_json)
    except NoQueue as error:
        if as_json:
            results.print_json({"jobs": []})
        else:
            results.say(str(error))


def _tell_all(jobs: Jobs, views: Sequence[JobView], *, as_json: bool) -> None:
    latest = jobs.latest(view.job_id for view in views)
    if as_json:
        results.print_json({"jobs": [view_json(view, latest.get(view.job_id)) for view in views]})
        return
    if not views:
        results.say("no such jobs")
        return
    _print_table([(view, _row(view, latest.get(view.job_id))) for view in views])


def _row(view: JobView, told: tuple[int, Progress] | None) -> dict[str, str]:
    """What stands in each column."""
    row = {"job": view.job_id, "person": view.spec.person, "kind": view.spec.kind, "status": view.status}
    row |= {"where": _where(view, told), "age": clock(time.time() - view.submitted_s), "took": _took(view)}
    return row | {"worker": view.worker or ""}


def _print_table(rows: Sequence[tuple[JobView, dict[str, str]]]) -> None:
    """A line a job as far as it goes, its id unbroken: it is copied from there. All else folds, or is left out."""
    longest, console = max(len(view.job_id) for view, _ in rows), Console(highlight=False)
    wide = console.width >= WIDE + longest - USUAL
    if console.width < longest + ROOM:  # then the terminal wraps
        console = Console(highlight=False, width=longest + ROOM)
    table = Table(box=None, padding=(0, 2) if wide else (0, 1), header_style="dim")
    for name in ALL if wide else NARROW:
        if name in ("where", "worker"):
            table.add_column(name, overflow="fold")
        elif name == "person" and not wide:
            table.add_column(name, no_wrap=True, overflow="ellipsis", max_width=MOST_OF_PERSON)
        else:
            table.add_column(name, no_wrap=True, min_width=longest if name == "job" else None)
    for view, row in rows:
        cells = [row[str(column.header)] for column in table.columns]
        table.add_row(*(Text(_plain(cell)) for cell in cells), style=COLOURS.get(view.status))  # [brackets] stay
    console.print(table)


def _tell_one(jobs: Jobs, view: JobView, *, as_json: bool) -> None:
    told = jobs.latest([view.job_id]).get(view.job_id)
    if as_json:
        results.print_json(view_json(view, told))
        return
    facts: dict[str, str | None] = {
        "job": view.job_id,
        "person": view.spec.person,
        "kind": view.spec.kind,
        "status": view.status,
    }
    facts |= {"profile": view.spec.profile, "style": view.spec.style, "where": _where(view, told)}
    facts |= {"submitted": _moment(view.submitted_s), "begun": _moment(view.started_s), "over": _moment(view.ended_s)}
    facts |= {"took": _took(view), "worker": view.worker, "deaths": str(view.deaths) if view.deaths else None}
    facts |= {"told its owner": "yes" if view.delivered else None}
    if view.status is Status.QUEUED:
        place = jobs.position(view.job_id)
        facts |= {"ahead": str(place.ahead), "done in about": None if place.eta_s is None else clock(place.eta_s)}
    for name, value in facts.items():
        if value:
            results.say(f"{name:<16}{_plain(value)}")


def _plain(words: str) -> str:
    return CONTROLS.sub(" ", words)


def _where(view: JobView, told: tuple[int, Progress] | None) -> str:
    if view.unread or view.error:
        return view.unread or view.error or ""
    if told is None or view.status not in OPEN:
        return ""
    return f"{told[1].stage} {told[1].done}/{told[1].total}"


def _took(view: JobView) -> str:
    if view.started_s is None:
        return ""
    return clock((view.ended_s or time.time()) - view.started_s)


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def _member(words: type[Word], what: str, word: str) -> Word:
    try:
        return words(word)
    except ValueError as error:
        raise BadSetting(f"{what} = {word!r}: unknown; choose among {', '.join(words)}") from error
