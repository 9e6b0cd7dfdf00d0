"""``python -m scripts.embedded [MODEL...]``: train the embedded models and write them to ``configs/embedded``.

Without arguments all of them, in order. Interrupt it at any time and run it again: it goes on from its last checkpoint.
"""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import torch
import typer

from pipeline.errors import BadInput
from pipeline.settings import CONFIGS, DEFAULT_PROFILE
from scripts.embedded import pictures as P
from scripts.embedded.art import HELD_OUT_SET, gallery
from scripts.embedded.card import figures_on, write_card
from scripts.embedded.class_pictures import ship
from scripts.embedded.loop import Unfinished, begin_from, console, finished, together, world

ORDER = ("vae", "segformer", "eyes", "clip", "sight", "blip", "unet")
BASE = ("vae", "clip", "sight", "unet")  # what draws: class pictures are drawn anew with each


def main(
    models: Annotated[
        list[str] | None, typer.Argument(help=f"Any of {', '.join(ORDER)}; all when none is named.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Where the weights go.")] = Path("configs/embedded"),
    work: Annotated[Path, typer.Option(help="Rendered art, checkpoints and logs.")] = Path("build/embedded"),
    art: Annotated[Path, typer.Option(help="Art packages; fetched with npm when they are not there.")] = Path(
        "build/art"
    ),
    minutes: Annotated[
        float | None, typer.Option(help="Stop after so long, at the model that is learning then; run again to go on.")
    ] = None,
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
        try:
            if from_weights:
                before = figures_on(out / "README.md").get(name, {}).get("samples", 0.0)
                begin_from(module.SAVED, out, name, work, vars(module).get("READ_BY"), before=before)
            wrote(name, out, module.train(taught, held_out, work, out, minutes))
            if not (module.ready(work) if name == "eyes" else finished(name, module.SCHEDULE, work)):
                raise Unfinished(name)  # the models after it would learn from half of it
        except Unfinished as error:
            console.print(f"{error} is not finished; the same command again goes on from there")
            break
        except BadInput as error:
            raise typer.BadParameter(str(error)) from None


def wrote(name: str, out: Path, figures: dict[str, float]) -> None:
    """After a model's stretch: what belongs to its weights, from the first of the processes."""
    if world()[0] == 0:
        if name in BASE and out.resolve() == CONFIGS / DEFAULT_PROFILE:
            ship()
        write_card(out, figures_on(out / "README.md") | {name: figures})
    together()


if __name__ == "__main__":
    typer.run(main)
