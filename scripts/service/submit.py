"""``stickers submit``: the words of the commands that hand jobs in.

Owns what a person types. Knows not how anything is done. Light when imported: the commands load the queue.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scripts.arguments import (
    AsJson,
    Count,
    Guidance,
    MethodName,
    Outline,
    Pack,
    Prompt,
    Seed,
    Sent,
    Steps,
    Strength,
    TrainSteps,
)
from scripts.door import Plain
from scripts.service.arguments import Url

submit = typer.Typer(cls=Plain, rich_markup_mode="rich", no_args_is_help=True)

StyleName = Annotated[str, typer.Option("--style", metavar="NAME", help="What the style is called; each person's own.")]
Person = Annotated[str, typer.Option("--person", metavar="ID", help="Whose job it is: whose turn it takes.")]
Wait = Annotated[bool, typer.Option("--wait", help="Stay until it is done. Ctrl-C leaves it to go on.")]
Home = Annotated[
    Path | None, typer.Option("--out", "-o", metavar="DIR", help="Bring what it made there; waits for it.")
]
Models = Annotated[
    str | None,
    typer.Option("--profile", metavar="NAME", help="Which models. (default: embedded, or those of the style)"),
]


@submit.callback()
def about_submit() -> None:
    """Hand a job in; a worker does it.

    [bold]Examples[/]
      stickers submit learn my-pack/ --style mine --wait
      stickers submit draw --style mine cat.jpg --out stickers/
    """


@submit.command("learn")
def submit_learn(
    pack: Pack,
    style: StyleName,
    person: Person = "me",
    wait: Wait = False,
    out: Home = None,
    method: MethodName = None,
    train_steps: TrainSteps = None,
    profile: Models = None,
    seed: Seed = 0,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Have the style of PACK learned.

    With --out, DIR/style is what `stickers generate --style` takes.

    [bold]Examples[/]
      stickers submit learn my-pack/ --style mine
      stickers submit learn pack.zip --style mine --person ann --wait
    """
    from pipeline.jobs.words import Kind
    from scripts.service import hand_in, reception

    options: dict[str, object] = {"method": method, "train_steps": train_steps, "seed": seed}
    wish = hand_in.Wish(kind=Kind.LEARN, person=person, style=style, profile=profile, options=options, pack=pack)
    reception.submit(wish, url, wait=wait, out=out, as_json=as_json)


@submit.command("draw")
def submit_draw(
    photos: Sent,
    style: StyleName,
    person: Person = "me",
    wait: Wait = False,
    out: Home = None,
    prompt: Prompt = None,
    strength: Strength = None,
    guidance: Guidance = None,
    steps: Steps = None,
    count: Count = 1,
    outline: Outline = None,
    profile: Models = None,
    seed: Seed = 0,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Have PHOTOs drawn in a style and cut out; --out gets the stickers.

    [bold]Examples[/]
      stickers submit draw --style mine cat.jpg dog.jpg --out stickers/
      stickers submit draw --style mine *.jpg --person ann --count 3
      stickers jobs fetch draw-0123456789ab --out stickers/
    """
    from pipeline.jobs.words import Kind
    from scripts.service import hand_in, reception

    options: dict[str, object] = {"words": prompt, "strength": strength, "guidance": guidance, "steps": steps}
    options |= {"count": count, "outline": outline, "seed": seed}
    wish = hand_in.Wish(kind=Kind.DRAW, person=person, style=style, profile=profile, options=options, photos=photos)
    reception.submit(wish, url, wait=wait, out=out, as_json=as_json)
