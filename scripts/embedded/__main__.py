"""``python -m scripts.embedded [MODEL...]``: train the embedded models and write them to ``configs/embedded``.

Without arguments all of them, in order. Interrupt it at any time and run it again: it goes on from its last checkpoint.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Annotated

import torch
import typer

from scripts.embedded import pictures as P
from scripts.embedded.art import HELD_OUT_SET, gallery
from scripts.embedded.card import write_card
from scripts.embedded.loop import world

ORDER = ("vae", "segformer", "eyes", "blip", "unet")


def main(
    models: Annotated[
        list[str] | None, typer.Argument(help=f"Any of {', '.join(ORDER)}; all when none is named.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Where the weights go.")] = Path("configs/embedded"),
    work: Annotated[Path, typer.Option(help="Rendered art, checkpoints and logs.")] = Path("build/embedded"),
    art: Annotated[Path, typer.Option(help="Art packages; fetched with npm when they are not there.")] = Path(
        "build/art"
    ),
    minutes: Annotated[float | None, typer.Option(help="Stop each model after so long; run again to go on.")] = None,
) -> None:
    """Train the embedded models.

    Examples:

        python -m scripts.embedded                       everything, from the art to the weights

        python -m scripts.embedded vae --minutes 10      a stretch of ten minutes of one model

        OMP_NUM_THREADS=1 torchrun --nproc-per-node 2 -m scripts.embedded unet      two processes share the work
    """
    unknown = set(models or ()) - set(ORDER)
    if unknown:
        raise typer.BadParameter(f"{sorted(unknown)} not among {', '.join(ORDER)}")
    work.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)  # every process starts from the same weights
    taught = P.training_art(art, work / "art")
    held_out = gallery(HELD_OUT_SET, art, work / "art")
    for name in models or ORDER:
        module = importlib.import_module(f"scripts.embedded.{name}")
        figures = module.train(taught, held_out, work, out, minutes)
        if world()[0] == 0:
            write_card(out, _note(work / "figures.json", name, figures))


def _note(path: Path, name: str, figures: dict[str, float]) -> dict[str, dict[str, float]]:
    known: dict[str, dict[str, float]] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    known[name] = figures
    path.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")
    return known


if __name__ == "__main__":
    typer.run(main)
