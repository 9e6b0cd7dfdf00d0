"""``stickers run``, ``worker``, ``load`` and ``plan``: the words of the commands that serve many people.

Owns what a person types. Knows not how anything is done. Light when imported: the commands load the queue.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scripts.arguments import RUN, AsJson, ProfileName, Seed, TrainSteps
from scripts.sandbox.command import attach as attach_sandbox
from scripts.service.arguments import (
    FINE,
    DrawSeconds,
    Folder,
    Gpu,
    Grace,
    LearnSeconds,
    Lease,
    LogForm,
    MetricsPort,
    People,
    Poll,
    StagesName,
    Url,
    WorkerName,
)
from scripts.service.bot import attach as attach_bot
from scripts.service.jobs import jobs
from scripts.service.submit import submit

MANY = "For many people"  # panel of commands


def worker(
    url: Url = None,
    name: WorkerName = None,
    gpu: Gpu = None,
    stages: StagesName = "models",
    folder: Folder = None,
    metrics_port: MetricsPort = None,
    poll: Poll = 0.2,
    lease: Lease = 16.0,
    grace: Grace = 60.0,
    with_parent: Annotated[
        bool,
        typer.Option("--with-parent", help="Leave in order once whoever started it is gone.", rich_help_panel=FINE),
    ] = False,
    log: LogForm = None,
) -> None:
    """Do the queue's jobs, on one GPU or on the processor.

    Any number of workers may share a queue. SIGTERM and Ctrl-C let the
    stages save at their next step and put the jobs back; a second one
    leaves at once. A killed worker's jobs go on where they were.

    [bold]Examples[/]
      stickers worker
      stickers worker --gpu 0 --metrics-port 9400
      STICKERS_QUEUE_URL=postgresql://me@db/stickers stickers worker --gpu 1
    """
    from scripts.service import serve

    tuning = serve.Tuning(poll_s=poll, lease_s=lease, grace_s=grace, with_parent=with_parent, log=log)
    serve.worker(url, name=name, gpu=gpu, stages=stages, folder=folder, metrics_port=metrics_port, tuning=tuning)


def run(
    gpus: Annotated[
        str | None,
        typer.Option("--gpus", metavar="N,...", help="A worker for each of these. (default: one worker)"),
    ] = None,
    url: Url = None,
    stages: StagesName = "models",
    folder: Folder = None,
    metrics_port: MetricsPort = None,
    grace: Grace = 60.0,
    log: LogForm = None,
) -> None:
    """Start workers, and the bot where there is one; start again whichever dies.

    SIGTERM and Ctrl-C stop all of them in order; a second one at once.
    With several workers, the metrics ports count up from the given one.

    [bold]Examples[/]
      stickers run
      stickers run --gpus 0,1 --metrics-port 9400
    """
    from scripts.service import serve, supervise

    wanted = serve.WorkerWords(url=url, stages=stages, folder=folder, metrics_port=metrics_port, grace_s=grace, log=log)
    numbers = supervise.gpu_numbers(gpus)
    words = [serve.words(wanted, gpu=gpu, number=number) for number, gpu in enumerate(numbers)]
    raise typer.Exit(supervise.run(words, url=url, grace_s=grace))


def load(
    people: People = 20,
    draws: Annotated[int, typer.Option("--draws", metavar="N", help="Drawings, of all together.")] = 100,
    learns: Annotated[int, typer.Option("--learns", metavar="N", help="Learnings, of all together.")] = 2,
    draw_seconds: DrawSeconds = 0.3,
    learn_seconds: LearnSeconds = 10.0,
    within: Annotated[
        float, typer.Option("--within", metavar="S", help="All come within so many seconds; 0 for all at once.")
    ] = 30.0,
    workers: Annotated[int, typer.Option("--workers", metavar="N", help="Worker processes.", rich_help_panel=RUN)] = 1,
    poll: Poll = 0.2,
    url: Annotated[
        str | None,
        typer.Option(
            "--url", metavar="URL", help="The queue's database. (default: a file, gone afterwards)", rich_help_panel=RUN
        ),
    ] = None,
    against_fcfs: Annotated[
        bool,
        typer.Option("--against-fcfs", help="Serve the same people once more, first come first served; compare."),
    ] = False,
    stages: Annotated[
        str,
        typer.Option("--stages", metavar="timed|models", help="Stages that only take their time, or the real ones."),
    ] = "timed",
    pack: Annotated[
        Path | None,
        typer.Option("--pack", metavar="DIR", help="What real learnings learn. (default: the demo's pack)"),
    ] = None,
    train_steps: TrainSteps = None,
    profile: ProfileName = "embedded",
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Let simulated people use the real queue and real workers; their stages only take time, or are the real ones.

    With --stages models they learn and draw in earnest: each learning learns
    the pack, each drawing is one of the demo's photos, in a style that was
    learned beforehand (not counted) or by whoever draws.

    Exit code 1 where a job was lost or done twice.

    [bold]Examples[/]
      stickers load
      stickers load --people 11 --draws 70 --within 0
      stickers load --learns 1 --learn-seconds 240 --within 180 --against-fcfs
      stickers load --stages models --learns 3 --train-steps 10 --draws 12
      stickers load --url postgresql://me@db/trial --workers 4 --json
    """
    from scripts.service import load as loading
    from scripts.service.figures import Crowd

    crowd = Crowd(
        people=people, draws=draws, learns=learns, draw_s=draw_seconds, learn_s=learn_seconds, within_s=within
    )
    setup = loading.Setup(url=url, workers=workers, poll_s=poll)
    work = loading.work_of(stages, pack=pack, train_steps=train_steps, profile=profile)
    raise typer.Exit(loading.load(crowd, setup, work, against_fcfs=against_fcfs, seed=seed, as_json=as_json))


def plan(
    people: People = 100_000,
    gpus: Annotated[str, typer.Option("--gpus", metavar="N,...", help="Fleets to try, by their GPUs.")] = "1,2,4,8",
    draws_per_hour: Annotated[
        float, typer.Option("--draws-per-hour", metavar="N", help="Drawings, of all together.")
    ] = 10_000.0,
    learns_per_hour: Annotated[
        float, typer.Option("--learns-per-hour", metavar="N", help="Learnings, of all together.")
    ] = 50.0,
    draw_seconds: DrawSeconds = 0.3,
    learn_seconds: LearnSeconds = 60.0,
    hours: Annotated[float, typer.Option("--hours", metavar="H", help="How long they come.")] = 1.0,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Simulate the queue's policy, for any number of GPUs and people: how long would they wait?

    [bold]Examples[/]
      stickers plan --draws-per-hour 600 --learns-per-hour 10 --gpus 1
      stickers plan --people 1000000 --draws-per-hour 80000 --learns-per-hour 1000 --gpus 24,26,30
    """
    from scripts.service import plan as planning

    rates = planning.Rates(
        people=people,
        draws_per_hour=draws_per_hour,
        learns_per_hour=learns_per_hour,
        hours=hours,
        draw_s=draw_seconds,
        learn_s=learn_seconds,
    )
    planning.plan(rates, gpus, seed=seed, as_json=as_json)


def attach(app: typer.Typer) -> None:
    """Add the commands to ``stickers``."""
    app.command(rich_help_panel=MANY)(run)
    app.command(rich_help_panel=MANY)(worker)
    attach_bot(app, MANY)
    attach_sandbox(app, MANY)
    app.command(rich_help_panel=MANY)(load)
    app.command(rich_help_panel=MANY)(plan)
    app.add_typer(submit, name="submit", rich_help_panel=MANY)
    app.add_typer(jobs, name="jobs", rich_help_panel=MANY)
