"""The arguments and options that several commands share: their names, their words of help, their panels.

Owns how they are typed. Knows neither ranges nor most defaults: ``pipeline/options`` does. Light: typer.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

LOOK, LEARNING, RUN = "How it looks", "How the style is learned", "Where and how it runs"  # panels of options
DEFAULT = "(default: the profile's, see `stickers models`)"

Pack = Annotated[Path, typer.Argument(metavar="PACK", help="The sticker pack: a folder or a zip of 3 to 120 pictures.")]
Photos = Annotated[
    list[Path] | None,
    typer.Argument(metavar="PHOTO", help="The pictures to turn into stickers.", show_default=False),
]
Sent = Annotated[list[Path], typer.Argument(metavar="PHOTO", help="The pictures to turn into stickers.")]
Words = Annotated[
    list[str] | None,
    typer.Option("--words", "-w", metavar="TEXT", help="A thing to draw without a photo; as often as you like."),
]
Described = Annotated[list[Path], typer.Argument(metavar="PHOTO", help="The pictures to describe.")]
Out = Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Where the results go; made if missing.")]
ProfileName = Annotated[
    str,
    typer.Option("--profile", metavar="NAME", help="Which models; see `stickers models`.", rich_help_panel=RUN),
]
Seed = Annotated[
    int, typer.Option("--seed", metavar="N", help="Same seed, same machine: the same result.", rich_help_panel=RUN)
]
AsJson = Annotated[
    bool,
    typer.Option("--json", help="Print the result as JSON on stdout, and nothing else there.", rich_help_panel=RUN),
]
MethodName = Annotated[
    str | None,
    typer.Option(
        "--method",
        metavar="lora|dreambooth",
        help=f"A small adapter, or every weight of the model. {DEFAULT}",
        rich_help_panel=LEARNING,
    ),
]
TrainSteps = Annotated[
    int | None,
    typer.Option(
        "--train-steps",
        metavar="N",
        help=f"More steps, closer to the pack. {DEFAULT}",
        rich_help_panel=LEARNING,
    ),
]
Steps = Annotated[
    int | None,
    typer.Option("--steps", metavar="N", help=f"Denoising steps of a drawing. {DEFAULT}", rich_help_panel=LOOK),
]
Strength = Annotated[
    float | None,
    typer.Option(
        "--strength",
        metavar="0.01..1",
        help=f"0.01 keeps the photo, 1 draws anew. {DEFAULT}",
        rich_help_panel=LOOK,
    ),
]
Guidance = Annotated[
    float | None,
    typer.Option(
        "--guidance",
        metavar="0..50",
        help=f"How strictly the prompt is followed. {DEFAULT}",
        rich_help_panel=LOOK,
    ),
]
Prompt = Annotated[
    str | None,
    typer.Option(
        "--prompt",
        metavar="TEXT",
        help="Words for the drawing, with {caption} for what is in the photo. The word that calls the style is added "
        "by itself; {token} puts it in another place. (default: {caption})",
        rich_help_panel=LOOK,
    ),
]
Count = Annotated[int, typer.Option("--count", metavar="N", help="Variants of each photo.", rich_help_panel=LOOK)]
Outline = Annotated[
    int | None,
    typer.Option(
        "--outline",
        metavar="PX",
        help=f"White outline around the sticker, 0 for none. {DEFAULT}",
        rich_help_panel=LOOK,
    ),
]
