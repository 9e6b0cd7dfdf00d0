"""Cutting out: masks of drawings of the held-out set, on every kind of ground, against their true alpha.

Owns the comparison: the profile's SegFormer alone, the whole cut-out, and a U-Net trained on the same data. The
recipe takes none of these photographs for a ground. Loads torch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from pipeline import store
from pipeline.domain import Json, Report, ShouldStop
from pipeline.errors import Stopped
from scripts.embedded import baseline
from scripts.embedded import pictures as P
from scripts.embedded.photographs import HELD_OUT_PHOTOGRAPHS, photographs
from scripts.evaluate.boundaries import boundary_error_px, iou
from scripts.evaluate.parts import EvaluateConfig
from scripts.evaluate.result import SHARE, Figure, FigureRow, PartResult, Row, skipped
from scripts.evaluate.statistics import mean_row
from scripts.evaluate.subject import Subject
from segmentation import learn
from segmentation.cutout import CutoutConfig, CutoutInputs, probability, soft_masks

Masks = list[NDArray[np.bool_]]
Cutter = Callable[[Sequence[Image.Image]], Masks]

THRESHOLD = 0.5
BATCH = 8
SHOWN = 3  # pictures of each ground on the page
ALL = "all grounds"


def facts(subject: Subject) -> Json:
    """The baseline's weights, which may come later."""
    return {"baseline": store.file_sha256(subject.baseline) if subject.baseline.is_file() else None}


def measure(subject: Subject, config: EvaluateConfig, *, report: Report, should_stop: ShouldStop) -> PartResult:
    """IoU and boundary error of each cutter by kind of ground.

    Raises:
        Stopped: ``should_stop`` said so.
    """
    rgba = drawings(subject, config.count)
    true = list(rgba[:, 3].numpy() > THRESHOLD)
    cutters = cutters_of(subject)
    kinds = {kind: on_grounds(rgba, kind, config.seed) for kind in learn.Ground}
    found: dict[str, dict[str, Masks]] = {name: {} for name in cutters}
    for done, (name, kind) in enumerate((name, kind) for name in cutters for kind in kinds):
        if should_stop():
            raise Stopped()
        found[name][kind] = cutters[name](kinds[kind])
        report(done + 1, len(cutters) * len(kinds))
    rows = [row for name, masks in found.items() for row in rows_of(name, masks, true, config.seed)]
    if not subject.baseline.is_file():
        rows.append(skipped("U-Net, IoU", f"no {str(subject.baseline)!r}; `{baseline.COMMAND}` makes it"))
    figure = Figure(
        title="As it was, and as each cuts it out",
        columns=["picture", *cutters, "truth"],
        rows=[
            FigureRow(
                label=kind,
                pictures=[picture, *(cut(picture, found[name][kind][i]) for name in cutters), cut(picture, true[i])],
            )
            for kind, pictures in kinds.items()
            for i, picture in list(enumerate(pictures))[:SHOWN]
        ],
    )
    note = f"{len(true)} OpenMoji drawings on each ground. Boundary error: mean distance of the outlines, at 128 px."
    return PartResult(rows=rows, figures=[figure], notes=[note])


def drawings(subject: Subject, count: int) -> Tensor:
    """Drawings from all over the held-out set. Returns (count, 4, H, W) in [0, 1]."""
    places = np.linspace(0, len(subject.held_out.rgba) - 1, min(count, len(subject.held_out.rgba))).astype(int)
    return torch.from_numpy(subject.held_out.rgba[places]).permute(0, 3, 1, 2).float() / 255


def on_grounds(rgba: Tensor, kind: learn.Ground, seed: int) -> list[Image.Image]:
    """The drawings on grounds of one kind, RGB."""
    photos = photographs(HELD_OUT_PHOTOGRAPHS)
    generator = torch.Generator().manual_seed(seed)
    composite = P.over(rgba, learn.grounds(kind, len(rgba), rgba.shape[-1], generator, photos))
    arrays = (composite.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).numpy()
    return [Image.fromarray(array) for array in arrays]


def cutters_of(subject: Subject) -> dict[str, Cutter]:
    """What is compared. The U-Net is left out where its weights are not there."""
    model, processor = subject.models.segmentation.model, subject.models.segmentation.processor
    device = subject.models.device.torch_device
    settings = subject.models.profile.cutout

    def network(pictures: Sequence[Image.Image]) -> Masks:
        return [p > THRESHOLD for p in probability(pictures, model, processor, device, BATCH)]

    def whole(pictures: Sequence[Image.Image]) -> Masks:
        inputs = CutoutInputs(pictures=[("", one) for one in pictures], model=model, processor=processor, device=device)
        masks = soft_masks(list(pictures), inputs, CutoutConfig(threshold=settings.threshold))
        return [mask > THRESHOLD for mask in masks]

    cutters: dict[str, Cutter] = {"SegFormer": network, "SegFormer and clean-up": whole}
    if subject.baseline.is_file():
        cutters["U-Net"] = unet(subject)
    return cutters


def unet(subject: Subject) -> Cutter:
    """The baseline as a cutter."""
    device = subject.models.device.torch_device
    net = baseline.load(subject.baseline, device)

    @torch.no_grad()
    def find(pictures: Sequence[Image.Image]) -> Masks:
        pixels = torch.stack([torch.from_numpy(np.array(one)).permute(2, 0, 1) for one in pictures]).float() / 255
        logits = [net(part.to(device) * 2 - 1).cpu() for part in pixels.split(BATCH)]
        return [one[1].numpy() > one[0].numpy() for part in logits for one in part]

    return find


def rows_of(name: str, masks: dict[str, Masks], true: Masks, seed: int) -> list[Row]:
    """IoU, then boundary error, of all grounds together and of each."""
    rows = []
    for metric, unit, of in (("IoU", SHARE, iou), ("boundary error", "px", boundary_error_px)):
        by_kind = {kind: [of(a, b) for a, b in zip(found, true, strict=True)] for kind, found in masks.items()}
        together = np.mean(list(by_kind.values()), axis=0)  # a drawing is one draw, on whatever grounds it lay
        for kind, values in {ALL: together, **by_kind}.items():
            rows.append(mean_row(f"{name}, {metric}, {kind}", values, seed=seed, unit=unit))
    return rows


def cut(picture: Image.Image, mask: NDArray[np.bool_]) -> Image.Image:
    """The picture with nothing but what the mask holds."""
    rgba = picture.convert("RGBA")
    rgba.putalpha(Image.fromarray((mask * 255).astype(np.uint8)))
    return rgba
