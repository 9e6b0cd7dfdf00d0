"""``stickers jobs``: the words of the commands that look at the queue and mend it.

Owns what a person types. Knows not how anything is done. Light when imported: the commands load the queue.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scripts.arguments import AsJson
from scripts.door import Plain
from scripts.service.arguments import Url

jobs = typer.Typer(cls=Plain, rich_markup_mode="rich", no_args_is_help=True)

JobId = Annotated[str, typer.Argument(metavar="JOB", help="Its id; see `stickers jobs list`.")]
Most = Annotated[int, typer.Option("--most", metavar="N", help="The latest so many, at most 10000.")]


@jobs.callback()
def about_jobs() -> None:
    """Look at the queue, and mend it.

    [bold]Examples[/]
      stickers jobs list --status queued,running
      stickers jobs dead
      stickers jobs requeue learn-0123456789ab
    """


@jobs.command("list")
def list_jobs(
    status: Annotated[
        str | None,
        typer.Option("--status", metavar="WORD,...", help="queued, running, done, failed, cancelled, parked."),
    ] = None,
    person: Annotated[str | None, typer.Option("--person", metavar="ID", help="Jobs of this person only.")] = None,
    kind: Annotated[str | None, typer.Option("--kind", metavar="learn|draw", help="Jobs of this kind only.")] = None,
    most: Most = 100,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show the jobs, the latest first.

    [bold]Examples[/]
      stickers jobs list
      stickers jobs list --status queued,running --kind learn
      stickers jobs list --person 1234 --json | jq .jobs
    """
    from scripts.service import desk

    desk.show_list(url, status=status, person=person, kind=kind, most=most, as_json=as_json)


@jobs.command("show")
def show_job(job: JobId, url: Url = None, as_json: AsJson = False) -> None:
    """Show one job: where it stands, what came of it, how long it has to wait.

    [bold]Examples[/]
      stickers jobs show learn-0123456789ab
      stickers jobs show learn-0123456789ab --json
    """
    from scripts.service import desk

    desk.show_one(url, job, as_json=as_json)


@jobs.command("cancel")
def cancel_job(job: JobId, url: Url = None, as_json: AsJson = False) -> None:
    """Cancel a job: a queued one at once, a running one at its next step.

    [bold]Examples[/]
      stickers jobs cancel learn-0123456789ab
      stickers jobs cancel learn-0123456789ab --json
    """
    from scripts.service import desk

    desk.cancel(url, job, as_json=as_json)


@jobs.command("fetch")
def fetch_job(
    job: JobId,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Where it goes; made if missing.")],
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Wait for a job, and bring what it made: its stickers, or the style.

    [bold]Examples[/]
      stickers jobs fetch draw-0123456789ab --out stickers/
      stickers jobs fetch learn-0123456789ab --out learned/ --json
    """
    from scripts.service import reception

    reception.fetch(url, job, out, as_json=as_json)


@jobs.command("requeue")
def requeue_jobs(
    job: Annotated[list[str], typer.Argument(metavar="JOB", help="Ids; see `stickers jobs dead`.")],
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Take up failed, parked or cancelled jobs again, from their first unfinished stage.

    [bold]Examples[/]
      stickers jobs requeue learn-0123456789ab
      stickers jobs requeue learn-0123456789ab draw-0123456789ab --json
    """
    from scripts.service import desk

    desk.requeue(url, job, as_json=as_json)


@jobs.command("dead")
def dead_jobs(most: Most = 100, url: Url = None, as_json: AsJson = False) -> None:
    """Show the dead letters: jobs that failed, and jobs that were parked because their workers died under them.

    [bold]Examples[/]
      stickers jobs dead
      stickers jobs dead --json | jq -r .jobs[].spec.job_id
    """
    from scripts.service import desk

    desk.show_dead(url, most=most, as_json=as_json)


@jobs.command("delete-person")
def delete_person(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="Their id, as `stickers jobs list` shows it.")],
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Cancel a person's jobs, and erase all that the queue and the files have of them.

    [bold]Examples[/]
      stickers jobs delete-person 1234
      stickers jobs delete-person 1234 --json
    """
    from scripts.service import desk

    desk.delete_person(url, person, as_json=as_json)
