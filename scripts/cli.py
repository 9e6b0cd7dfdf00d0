"""``stickers``: what a person types. Commands, options and their help; nothing heavy is loaded before they are parsed.

Owns the words of the command line. Knows not how anything is done: each command imports what does it. Light: typer.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scripts.arguments import (
    LEARNING,
    RUN,
    AsJson,
    Count,
    Described,
    Guidance,
    MethodName,
    Out,
    Outline,
    Pack,
    Photos,
    ProfileName,
    Prompt,
    Seed,
    Steps,
    Strength,
    TrainSteps,
    Words,
)
from scripts.door import Door, Plain, program_version
from scripts.evaluate.command import evaluate
from scripts.service import command as service

if TYPE_CHECKING:
    from pipeline.options import Options

JOB, ALONE, HERE = "The whole job", "Its stages alone", "This machine"  # panels of commands

app = typer.Typer(
    cls=Door,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def stickers(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    """Stickers in the style of your own pack.

    Give it a sticker pack and some pictures. It learns the style of the pack,
    draws the pictures in it, and cuts them out as transparent stickers.

    [bold]Examples[/]
      stickers make my-pack/ cat.jpg dog.jpg --out results/
      stickers make pack.zip *.png --out results/ --count 3 --outline 8
      stickers doctor

    [bold]With a GPU[/]
      stickers models pull sd15    fetches Stable Diffusion 1.5, once
      stickers make my-pack/ cat.jpg --out results/ --profile sd15

    Stopped with Ctrl-C, or by a power cut? Run the same command again:
    it goes on where it was.
    """
    if version:
        typer.echo(f"stickers {program_version()}")
    elif context.invoked_subcommand is None:
        context.get_help()  # typer prints it


@app.command(rich_help_panel=JOB)
def make(
    pack: Pack,
    out: Out,
    photos: Photos = None,
    words: Words = None,
    prompt: Prompt = None,
    strength: Strength = None,
    guidance: Guidance = None,
    steps: Steps = None,
    count: Count = 1,
    outline: Outline = None,
    method: MethodName = None,
    train_steps: TrainSteps = None,
    profile: ProfileName = "embedded",
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Make stickers of PHOTOs, or of things that you name, in the style of PACK.

    DIR gets the stickers, a contact sheet, a report and the learned style.

    [bold]Examples[/]
      stickers make my-pack/ cat.jpg --out results/
      stickers make my-pack/ --words "a cat in a hat" --words rocket --out results/
      stickers make pack.zip *.jpg --out results/ --count 4 --seed 7
      stickers make my-pack/ cat.jpg --out results/ --prompt "{caption}, party hat" --profile sd15
      stickers make my-pack/ cat.jpg --out results/ --profile sd15 --steps 30
      stickers make my-pack/ cat.jpg --out results/ --json | jq .stickers
    """
    from scripts import commands

    options = _options(
        profile,
        method=method,
        train_steps=train_steps,
        steps=steps,
        strength=strength,
        guidance=guidance,
        prompt=prompt,
        count=count,
        seed=seed,
        outline=outline,
    )
    commands.make(pack, photos or [], words or [], out, options, as_json=as_json)


@app.command(rich_help_panel=ALONE)
def train(
    pack: Pack,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="STYLE", help="The folder of the learned style.")],
    method: MethodName = None,
    train_steps: TrainSteps = None,
    export_rank: Annotated[
        int | None,
        typer.Option(
            "--export-rank",
            metavar="N",
            help="Keep a full fine-tune (dreambooth) as an adapter of this rank: some MB, a little less exact.",
            rich_help_panel=LEARNING,
        ),
    ] = None,
    profile: ProfileName = "embedded",
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Learn the style of PACK, once, for many drawings.

    [bold]Examples[/]
      stickers train my-pack/ --out my-style/
      stickers train pack.zip --out my-style/ --train-steps 300
      stickers train pack.zip --out my-style/ --method dreambooth --export-rank 32
    """
    from scripts import commands

    options = _options(profile, method=method, train_steps=train_steps, seed=seed, export_rank=export_rank)
    commands.train(pack, out, options, as_json=as_json)


@app.command(rich_help_panel=ALONE)
def caption(photos: Described, profile: ProfileName = "embedded", as_json: AsJson = False) -> None:
    """Say in words what is in PHOTOs.

    [bold]Examples[/]
      stickers caption cat.jpg dog.jpg
      stickers caption *.jpg --profile sd15 --json
    """
    from scripts import commands

    commands.caption(photos, _options(profile), as_json=as_json)


@app.command(rich_help_panel=ALONE)
def generate(
    style: Annotated[Path, typer.Option("--style", metavar="STYLE", help="What `train` made, or DIR/style of `make`.")],
    out: Out,
    photos: Photos = None,
    words: Words = None,
    prompt: Prompt = None,
    strength: Strength = None,
    guidance: Guidance = None,
    steps: Steps = None,
    count: Count = 1,
    profile: Annotated[
        str | None,
        typer.Option(
            "--profile", metavar="NAME", help="Which models. (default: those of the style)", rich_help_panel=RUN
        ),
    ] = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Draw PHOTOs, or things that you name, in a learned style; the drafts still have their ground.

    [bold]Examples[/]
      stickers generate --style my-style/ cat.jpg --out drafts/
      stickers generate --style my-style/ *.jpg --out drafts/ --strength 0.6 --count 3
    """
    from scripts import commands

    options = _options(
        profile or commands.profile_of_style(style),
        steps=steps,
        strength=strength,
        guidance=guidance,
        prompt=prompt,
        count=count,
        seed=seed,
    )
    commands.generate(style, photos or [], words or [], out, options, as_json=as_json)


@app.command(rich_help_panel=ALONE)
def cutout(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE", help="Any pictures; drafts for example.")],
    out: Out,
    mask: Annotated[bool, typer.Option("--mask", help="Also write NAME_mask.png, as large as the picture.")] = False,
    outline: Outline = None,
    profile: ProfileName = "embedded",
    as_json: AsJson = False,
) -> None:
    """Cut IMAGEs out: 512 px, transparent, small enough for Telegram.

    [bold]Examples[/]
      stickers cutout drafts/*.png --out stickers/
      stickers cutout drawing.png --out stickers/ --outline 8 --mask
    """
    from scripts import commands

    commands.cutout(images, out, _options(profile, outline=outline), mask=mask, as_json=as_json)


models = typer.Typer(cls=Plain, rich_markup_mode="rich")
app.add_typer(models, name="models", rich_help_panel=HERE)


@models.callback(invoke_without_command=True)
def list_models(context: typer.Context, as_json: AsJson = False) -> None:
    """Show the profiles: what each needs, its size and licence, where it is, ready or not.

    [bold]Examples[/]
      stickers models
      stickers models --json
      stickers models pull sd15
    """
    from scripts import commands

    if context.invoked_subcommand is None:
        commands.list_models(as_json=as_json)


@models.command()
def pull(
    profile: Annotated[str, typer.Argument(metavar="PROFILE", help="See `stickers models`.")],
    as_json: AsJson = False,
) -> None:
    """Fetch what PROFILE lacks. Stopped half-way, it goes on when run again.

    [bold]Examples[/]
      stickers models pull sd15
      HF_HOME=/big/disk stickers models pull sd15
    """
    from scripts import commands

    commands.pull(profile, as_json=as_json)


@app.command(rich_help_panel=HERE)
def doctor(as_json: AsJson = False) -> None:
    """Look whether this machine is ready, and say what to do where it is not.

    Exit code 0 where the default profile can run, else 1.

    [bold]Examples[/]
      stickers doctor
      stickers doctor --json
    """
    from scripts import commands

    raise typer.Exit(commands.doctor(as_json=as_json))


app.command(rich_help_panel=HERE)(evaluate)
service.attach(app)


def _options(profile: str, **given: Any) -> Options:
    """What was asked for, completed from the profile; wrong values are told before anything heavy is loaded."""
    from pipeline.options import options_of
    from pipeline.settings import load_profile

    return options_of(load_profile(profile), **given)


def main() -> None:
    """The entry point ``stickers``."""
    app(prog_name="stickers")


if __name__ == "__main__":
    main()
