"""The stage that turns pictures into cut-out sticker files.

Owns the order: SegFormer → edge refined by colour → ground settled by colour → clean mask → rim tightened → spill →
trim → fit → outline → encode. Does not know where pictures come from, nor the queue. Heavy: loads torch and
transformers; the model is handed in, loaded.

A picture that already has a transparent ground brings its own mask, and the network is not asked: where more than 1 %
of the pixels are at least half transparent, the picture's alpha is the mask, unchanged, specks and see-through parts
included. The artist knew better.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional
from transformers import SegformerForSemanticSegmentation, SegformerImageProcessorPil

from segmentation.canvas import SIDE_PX, VISIBLE, fit, trim
from segmentation.encode import LIMIT_BYTES, encode
from segmentation.key import settled
from segmentation.mask import clean_mask
from segmentation.matte import tightened
from segmentation.outline import add_outline, margin_px
from segmentation.refine import refine_edge
from segmentation.spill import remove_spill

Array = NDArray[np.floating[Any]]

STICKER_CLASS = 1  # class 0 is the ground
OWN_ALPHA_SHARE = 0.01  # of pixels that are at least half transparent: from there on a picture's alpha is its mask
WORK_PX = 1024  # longer side of the copy that is cut out; twice the sticker, and it bounds time and memory


class CutoutStopped(Exception):
    """Cutting out was asked to stop before every picture was done."""


class Report(Protocol):
    """Called after every picture: ``done`` of ``total``, and the sticker."""

    def __call__(self, done: int, total: int, preview: Image.Image | None = None) -> None: ...


@dataclass(frozen=True, kw_only=True)
class CutoutInputs:
    """What is cut out, and by which network."""

    pictures: Sequence[tuple[str, Image.Image]]  # name and picture; RGB, or RGBA whose alpha may be its mask
    model: SegformerForSemanticSegmentation  # two classes: 0 ground, 1 sticker; already on ``device``
    processor: SegformerImageProcessorPil
    device: torch.device | str


@dataclass(frozen=True, kw_only=True)
class CutoutConfig:
    """How it is cut out and written."""

    threshold: float = 0.5  # of the mask, in (0, 1)
    outline_px: int = 0  # at the sticker's size
    outline_colour: str = "#ffffff"
    side_px: int = SIDE_PX
    limit_bytes: int = LIMIT_BYTES
    batch_size: int = 4  # pictures the network sees at once


@dataclass(frozen=True, kw_only=True)
class Cutout:
    """A finished sticker file and the mask it was cut along."""

    name: str
    data: bytes
    suffix: str  # ".png" or ".webp"
    width_px: int
    height_px: int
    mask: NDArray[np.uint8]  # (H, W) 0..255, at the picture's own size; all zero where ``empty``
    empty: bool  # nothing was found: the file shows the whole picture


def cut_out(
    inputs: CutoutInputs, config: CutoutConfig, *, report: Report, should_stop: Callable[[], bool]
) -> list[Cutout]:
    """Cut every picture out; the order and the names are kept.

    Raises:
        CutoutStopped: ``should_stop`` turned true; it is asked before every picture and every batch.
        ValueError: a setting is out of range, or a sticker fits no format within ``limit_bytes``.
    """
    check_config(config)
    cutouts: list[Cutout] = []
    for start in range(0, len(inputs.pictures), config.batch_size):
        batch = inputs.pictures[start : start + config.batch_size]
        stop_if(should_stop)
        works = [work_copy(image) for _, image in batch]
        masks = soft_masks(works, inputs, config)
        for (name, image), work, alpha in zip(batch, works, masks, strict=True):
            stop_if(should_stop)
            cutout, preview = finished(name, image.size, work, alpha, config)
            cutouts.append(cutout)
            report(len(cutouts), len(inputs.pictures), preview)
    return cutouts


def probability(
    images: Sequence[Image.Image],
    model: SegformerForSemanticSegmentation,
    processor: SegformerImageProcessorPil,
    device: torch.device | str,
    batch_size: int,
) -> list[Array]:
    """How likely each pixel belongs to the sticker.

    The processor scales each picture to the network's square; the answer, at a part of that, is scaled to the
    picture as logits (bilinear, as in the training loss), then softmax. Sets the model to evaluation.

    Returns:
        For each picture (H, W) float32 in [0, 1] at its own size.

    Raises:
        ValueError: the model does not tell exactly two classes, or ``batch_size`` below 1.
    """
    if model.config.num_labels != 2:
        raise ValueError(f"the model has {model.config.num_labels!r} classes; cutting out needs 2: ground and sticker")
    if batch_size < 1:
        raise ValueError(f"batch_size {batch_size!r} must be at least 1")
    model.eval()
    starts = range(0, len(images), batch_size)
    return [p for i in starts for p in batch_probability(images[i : i + batch_size], model, processor, device)]


def batch_probability(
    images: Sequence[Image.Image],
    model: SegformerForSemanticSegmentation,
    processor: SegformerImageProcessorPil,
    device: torch.device | str,
) -> Iterator[Array]:
    pixels = processor(images=[image.convert("RGB") for image in images], return_tensors="pt")["pixel_values"]
    with torch.inference_mode():
        logits = model(pixel_values=pixels.to(device, model.dtype)).logits.float()  # (B, 2, h/4, w/4), or h/2, w/2
        for image, answer in zip(images, logits, strict=True):
            size = (image.height, image.width)
            full = functional.interpolate(answer[None], size=size, mode="bilinear", align_corners=False)
            yield full.softmax(dim=1)[0, STICKER_CLASS].cpu().numpy()  # (H, W)


def brings_its_mask(rgba: Image.Image) -> bool:
    """Whether the picture's alpha is to be the mask: the rule at the head of this module."""
    return bool(np.mean(np.asarray(rgba.getchannel("A")) < 128) > OWN_ALPHA_SHARE)


def work_copy(image: Image.Image) -> Image.Image:
    """RGBA where the alpha is the mask, else RGB (a little transparency is laid on white); at most WORK_PX long."""
    work = image.convert("RGBA" if image.has_transparency_data else "RGB")
    if work.mode == "RGBA" and not brings_its_mask(work):
        work = Image.alpha_composite(Image.new("RGBA", work.size, "white"), work).convert("RGB")
    scale = WORK_PX / max(work.size)
    if scale >= 1:
        return work
    return work.resize((max(1, round(work.width * scale)), max(1, round(work.height * scale))), Image.Resampling.BOX)


def soft_masks(works: Sequence[Image.Image], inputs: CutoutInputs, config: CutoutConfig) -> list[Array]:
    """A mask for each working copy: its own alpha where it has one, or what the network finds; (H, W) in [0, 1]."""
    asked = [work for work in works if work.mode == "RGB"]
    found = iter(probability(asked, inputs.model, inputs.processor, inputs.device, config.batch_size))
    side = max(inputs.processor.size["height"], inputs.processor.size["width"])
    return [
        found_mask(next(found), work, side, config.threshold)
        if work.mode == "RGB"
        else np.asarray(work.getchannel("A"), dtype=np.float32) / 255
        for work in works
    ]


def found_mask(p: Array, work: Image.Image, network_px: int, threshold: float) -> Array:
    """The network's map with its edge drawn to the picture's, corrected by the ground's colour, cleaned, and cut
    back to what the rim's colours show."""
    # What one answer of a common SegFormer covers, in pixels of the picture; the embedded one answers twice as finely.
    cell_px = 4 * max(work.size) / network_px
    rgb = as_float(work)
    refined = refine_edge(p, rgb, radius_px=max(1, round(cell_px)))
    return tightened(clean_mask(settled(refined, rgb), threshold=threshold), rgb)


def finished(
    name: str, own_size: tuple[int, int], work: Image.Image, alpha: Array, config: CutoutConfig
) -> tuple[Cutout, Image.Image]:
    """From picture and mask to the file; the picture is returned as well, for a preview."""
    empty = not (alpha > VISIBLE).any()
    if empty:
        rgba = np.concatenate([as_float(work), np.ones((*alpha.shape, 1), dtype=np.float32)], axis=-1)
    else:
        rgb = as_float(work)
        clean = rgb if work.mode == "RGBA" else remove_spill(rgb, alpha)  # a picture with alpha has no ground to spill
        rgba = trim(np.concatenate([clean, alpha[..., None]], axis=-1))
    outline_px = 0 if empty else config.outline_px
    fitted = fit(rgba, config.side_px - 2 * margin_px(outline_px))
    sticker = as_image(add_outline(fitted, outline_px, config.outline_colour))
    encoded = encode(sticker, limit_bytes=config.limit_bytes)
    mask = Image.fromarray(np.rint(alpha * (0 if empty else 255)).astype(np.uint8))
    if mask.size != own_size:
        mask = mask.resize(own_size, Image.Resampling.BILINEAR)
    cutout = Cutout(
        name=name,
        data=encoded.data,
        suffix=encoded.suffix,
        width_px=sticker.width,
        height_px=sticker.height,
        mask=np.asarray(mask),
        empty=empty,
    )
    return cutout, sticker


def as_float(image: Image.Image) -> Array:
    """Colours as (H, W, 3) in [0, 1]."""
    return np.asarray(image.convert("RGB"), dtype=np.float32) / 255


def as_image(rgba: Array) -> Image.Image:
    """(H, W, 4) in [0, 1] as an RGBA picture."""
    return Image.fromarray(np.rint(rgba * 255).astype(np.uint8))


def stop_if(should_stop: Callable[[], bool]) -> None:
    if should_stop():
        raise CutoutStopped("cutting out was stopped")


def check_config(config: CutoutConfig) -> None:
    """Refuse settings that leave no room or cannot be meant."""
    if config.batch_size < 1:
        raise ValueError(f"batch_size {config.batch_size!r} must be at least 1")
    if config.side_px - 2 * margin_px(config.outline_px) < 1:
        raise ValueError(f"outline_px {config.outline_px!r} leaves no room in {config.side_px!r} px; make it thinner")
