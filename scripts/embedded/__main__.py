"""``python -m scripts.embedded [MODEL...]``: train the embedded models and write them to ``configs/embedded``.

Without arguments all of them, in order. Interrupt it at any time and run it again: it goes on from its last checkpoint.
"""

from __future__ import annotations

import importlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import torch
import typer

from pipeline.settings import CONFIGS, DEFAULT_PROFILE
from scripts.embedded import pictures as P
from scripts.embedded.art import HELD_OUT_SET, gallery
from scripts.embedded.card import figures_on, write_card
from scripts.embedded.class_pictures import ship
from scripts.embedded.loop import begin_from, world

ORDER = ("vae", "segformer", "eyes", "clip", "sight", "blip", "unet")


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
    samples: Annotated[int | None, typer.Option(help="Pictures to see in all, instead of the recipe's number.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="The highest one, instead of the recipe's.")] = None,
    seed: Annotated[
        int | None, typer.Option(help="Of the pictures; give another one with --from-weights, to learn from others.")
    ] = None,
    from_weights: Annotated[
        bool, typer.Option("--from-weights", help="Where there is no checkpoint, start from the weights in --out.")
    ] = False,
) -> None:
    """Train the embedded models.

    Examples:

        python -m scripts.embedded                       everything, from the art to the weights

        python -m scripts.embedded vae --minutes 10      a stretch of ten minutes of one model

        python -m scripts.embedded segformer --from-weights --seed 1 --samples 50000 --learning-rate 4e-4   go on

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
        asked = {"samples": samples, "learning_rate": learning_rate, "seed": seed}
        changed = {key: value for key, value in asked.items() if value is not None}
        vars(module)["SCHEDULE"] = replace(module.SCHEDULE, **changed)
        if from_weights:
            begin_from(module.SAVED, out, name, work, vars(module).get("READ_BY"))
        figures = module.train(taught, held_out, work, out, minutes)
        if world()[0] == 0:
            if name == "unet" and out.resolve() == CONFIGS / DEFAULT_PROFILE:
                ship()
            write_card(out, figures_on(out / "README.md") | _note(work / "figures.json", name, figures))


def _note(path: Path, name: str, figures: dict[str, float]) -> dict[str, dict[str, float]]:
    known: dict[str, dict[str, float]] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    known[name] = figures
    path.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")
    return known


if __name__ == "__main__":
    typer.run(main)
