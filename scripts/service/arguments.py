"""The options that the commands for many people share: their names and their words of help.

Owns how they are typed. Light: typer.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scripts.arguments import RUN

FINE = "Fine tuning"  # panel of options

Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        metavar="URL",
        help="The queue's database: sqlite:////a/file or postgresql://… "
        "(default: STICKERS_QUEUE_URL, else a file in the data folder)",
        rich_help_panel=RUN,
    ),
]
StagesName = Annotated[
    str,
    typer.Option(
        "--stages",
        metavar="models|timed",
        help="The real stages, or ones that only take their time, as the jobs' options say.",
        rich_help_panel=RUN,
    ),
]
Folder = Annotated[
    Path | None,
    typer.Option(
        "--folder", metavar="DIR", help="Where timed stages note what they did. (default: in the data folder)"
    ),
]
MetricsPort = Annotated[
    int | None,
    typer.Option(
        "--metrics-port", metavar="PORT", help="Serve Prometheus figures there, on the loopback.", rich_help_panel=RUN
    ),
]
Gpu = Annotated[
    int | None,
    typer.Option("--gpu", metavar="N", help="Use this GPU alone; start one worker for each.", rich_help_panel=RUN),
]
WorkerName = Annotated[
    str | None,
    typer.Option("--name", metavar="NAME", help="Who it is. (default: host and GPU)", rich_help_panel=RUN),
]
Poll = Annotated[
    float, typer.Option("--poll", metavar="S", help="Between two looks at the queue.", rich_help_panel=FINE)
]
Lease = Annotated[
    float,
    typer.Option(
        "--lease",
        metavar="S",
        help="Without a sign of life for so long, a worker counts as dead; 2 or more.",
        rich_help_panel=FINE,
    ),
]
Grace = Annotated[
    float,
    typer.Option("--grace", metavar="S", help="What a stage has to stop in, when asked.", rich_help_panel=FINE),
]
LogForm = Annotated[
    str | None,
    typer.Option(
        "--log",
        metavar="json|plain",
        help="How its lines look. (default: plain on a terminal, else json)",
        rich_help_panel=FINE,
    ),
]
People = Annotated[int, typer.Option("--people", metavar="N", help="How many people there are.")]
DrawSeconds = Annotated[float, typer.Option("--draw-seconds", metavar="S", help="The mean work of a drawing.")]
LearnSeconds = Annotated[float, typer.Option("--learn-seconds", metavar="S", help="The mean work of a learning.")]
