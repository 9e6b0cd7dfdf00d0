"""A profile of tiny random-weight models on disk, with a pack and photos to go with it: a whole job in some seconds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from PIL import Image, ImageDraw

from pipeline.domain import Report, Stage, no_report
from tests.tiny import tiny_parts
from tests.tiny_models import write_blip_repo, write_segformer
from tests.tiny_towers import write_clip

SIZE_PX = 32
TRAIN_STEPS, CHECKPOINT_EVERY, CLASS_IMAGES, BATCH = 5, 2, 3, 2
PROFILE = f"""
title = "Tiny models with random weights, for tests"
family = "sd"
licence = "CC0"
size_px = {SIZE_PX}
models.base.path = "models"
models.controlnet.path = "models/controlnet"
models.caption.path = "models/caption"
models.segmentation.path = "models/segmentation"
models.clip.path = "models/clip"

[generate]
steps = 2
strength = 1.0
guidance = 2.0
batch_size = {BATCH}

[train]
steps = {TRAIN_STEPS}
batch_size = 2
rank = 2
alpha = 2.0
lora_learning_rate = 1e-2
dreambooth_learning_rate = 2e-3
class_images = {CLASS_IMAGES}
checkpoint_every = {CHECKPOINT_EVERY}
"""
COLOURS = ("red", "green", "blue", "orange", "purple", "teal")


def write_profile(folder: Path, name: str = "tiny") -> Path:
    """Write the models and ``NAME.toml`` beside them; returns the profile's path."""
    models = folder / "models"
    if not models.is_dir():
        for part_name, part in tiny_parts(controlnet=True).items():
            if isinstance(part, torch.nn.Module):
                part.half().save_pretrained(models / part_name)
            else:
                part.save_pretrained(models / part_name)
        write_blip_repo(models / "caption")
        write_segformer(models / "segmentation")
        write_clip(models / "clip", residual=True)
    path = folder / f"{name}.toml"
    path.write_text(PROFILE, encoding="utf-8")
    return path


def write_pack(folder: Path, count: int = 3) -> Path:
    """``count`` transparent stickers of different shapes and colours."""
    folder.mkdir(parents=True)
    for number, colour in enumerate(COLOURS[:count]):
        sticker = Image.new("RGBA", (48, 48))
        draw = ImageDraw.Draw(sticker)
        shape = (draw.ellipse, draw.rectangle)[number % 2]
        shape((4 + 3 * number, 6, 44, 40 - 4 * number), fill=colour, outline="black", width=3)
        sticker.save(folder / f"{number}-{colour}.png")
    return folder


def write_photos(folder: Path, count: int = 3) -> list[Path]:
    """``count`` different opaque photos, one after the other in the alphabet."""
    folder.mkdir(parents=True)
    paths = []
    for number, colour in enumerate(COLOURS[:count]):
        photo = Image.new("RGB", (60, 40 + 4 * number), "white")
        ImageDraw.Draw(photo).polygon([(8, 36), (30, 4 + number), (52 - 6 * number, 36)], fill=colour)
        paths.append(folder / f"photo{number}.png")
        photo.save(paths[-1])
    return paths


def watch_nothing(stage: Stage) -> Report:
    """A ``Watch`` that tells nobody."""
    return no_report


def stopping_after(asks: int) -> Callable[[], bool]:
    """A ``ShouldStop`` that says yes from the ``asks + 1``-th time on."""
    left = iter(range(asks))
    return lambda: next(left, None) is None
