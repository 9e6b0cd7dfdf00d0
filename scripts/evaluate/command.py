"""``stickers evaluate``: the words of the command, its table on the screen, and what it lacks in a sentence.

Owns what a person types and reads. Knows no part's inside. Light when imported: the command loads the heavy part.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.domain import Json
from pipeline.errors import BadInput
from scripts import results
from scripts.arguments import RUN, AsJson, ProfileName, Seed
from scripts.evaluate.parts import PARTS, chosen_parts, config_of
from scripts.evaluate.result import interval, shown
from scripts.progress import WAKING, working

SHORT = 16  # letters of a note that has room in the table
EXTRAS = {"torchmetrics": "evaluate"}  # module → the extra that brings it


def evaluate(
    profile: ProfileName = "embedded",
    only: Annotated[
        str | None, typer.Option("--only", metavar="PART,...", help=f"Among {', '.join(PARTS)}. (default: all)")
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(
            "--count", metavar="N", help="Pictures of each kind that a part looks at. (default: the part's own)"
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="Where evaluation.json and evaluation.html go.")
    ] = Path("build/evaluation"),
    art: Annotated[
        Path,
        typer.Option(
            "--art", metavar="DIR", help="The art packages; fetched with npm if not there.", rich_help_panel=RUN
        ),
    ] = Path("build/art"),
    work: Annotated[
        Path,
        typer.Option("--work", metavar="DIR", help="What lets a stopped evaluation go on.", rich_help_panel=RUN),
    ] = Path("build/evaluate"),
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Measure how good a profile's models are, on drawings that they were never taught.

    Prints a table, and writes it as JSON and as one HTML page with pictures. From a clone only: the art is fetched.

    [bold]Examples[/]
      stickers evaluate
      stickers evaluate --only segmentation,captions --count 50
      stickers evaluate --profile sd15 --only personalisation --json
    """
    from pipeline.settings import Settings, check_paths, load_profile
    from pipeline.store import check_output
    from scripts.commands import quiet

    check_extras()
    names, chosen = chosen_parts(only), load_profile(profile)
    for name in names:
        config_of(PARTS[name], count, seed)
    check_paths(chosen)
    check_output(out, need_mb=20)
    quiet()
    with working() as (display, stop):
        display.pause(WAKING)
        from scripts.evaluate import run

        order = run.Order(profile=chosen, parts=names, art=art, work=work, out=out, count=count, seed=seed)
        document = run.evaluate(order, Settings(), bar=display.bar, should_stop=stop)
    if as_json:
        results.print_json(document)
        return
    tell(document)
    results.say(f"  {out / run.PAGE}")
    results.say(f"  {out / run.JSON}")


def check_extras() -> None:
    """Tell in a sentence what is not installed, before anything heavy is loaded.

    Raises:
        BadInput: a package of the extras lacks.
    """
    lacking = {module: extra for module, extra in EXTRAS.items() if find_spec(module) is None}
    if lacking:
        raise BadInput(
            f"the evaluation needs {' and '.join(map(repr, lacking))}, not installed; run `make setup` in the clone, "
            f'or `pip install --editable ".[{",".join(lacking.values())}]"`'
        )


def tell(document: Json) -> None:
    """The tables, one a part; what was not measured stands below. Long notes are for the page."""
    console = Console(highlight=False)
    for part in document["parts"]:
        console.print(table_of(part))
        for row in part["rows"]:
            if row["value"] is None:
                results.say(f" {row['metric']}: {row['note']}", style="yellow")
        console.print()


def table_of(part: Json) -> Table:
    """A part's figures."""
    table = Table(title=part["title"], title_justify="left", title_style="bold", box=None, padding=(0, 1))
    for heading in ("what", "", "95 % interval", "n", ""):
        table.add_column(heading, justify="right", header_style="dim", no_wrap=True)
    table.columns[0].justify = table.columns[-1].justify = "left"
    table.columns[0].no_wrap = False
    for row in part["rows"]:
        if row["value"] is not None:
            note = row["note"] if len(row["note"]) <= SHORT else ""
            count = "" if row["n"] is None else str(row["n"])
            cells = (row["metric"], shown(row["value"], row["unit"]), interval(row), count, note)
            table.add_row(*(Text(cell) for cell in cells))
    return table
