"""Class pictures: what the untuned model draws of the kind in general, for prior preservation; once per profile.

Owns where they are kept, when they are complete, and how they are drawn. Knows no pack and no style. Heavy: torch.
"""

from __future__ import annotations

from itertools import count as count_from
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from pipeline import store
from pipeline.domain import Json, Report, ShouldStop, no_report, part_of
from pipeline.errors import Stopped
from pipeline.generate import seed_of, structure_arguments
from pipeline.locks import locked
from pipeline.models import Models
from pipeline.settings import Profile

OF_PHOTOS = {"size_px", "strength", "structure_scale", "flatten", "tones", "badge", "line_strength"}  # not to noise
KEPT = "class-pictures"  # the folder's name
CLASS_SEED = 0  # the class pictures are the same for everybody


def class_count(profile: Profile) -> int:
    """How many class pictures the training needs."""
    return profile.train.class_images if profile.train.prior_loss_weight else 0


def class_config(models: Models) -> Json:
    """All that the class pictures depend on."""
    profile = models.profile
    return {
        "base": models.fingerprint("base"),
        "prompt": profile.prompt.class_prompt,
        "generate": profile.generate.model_dump(mode="json", exclude=OF_PHOTOS),
        "size_px": profile.size_px,
        "count": class_count(profile),
    }


def class_steps(models: Models, cache: Path) -> int:
    """How many denoising steps ``class_pictures`` has to make; 0 where all are there."""
    if not class_count(models.profile) or store.is_complete(*class_folder(models, cache)):
        return 0
    return len(_batches_to_draw(models, cache)) * models.profile.generate.steps


def class_folder(models: Models, cache: Path) -> tuple[Path, str]:
    """Where the profile's class pictures are kept, and the fingerprint that they are complete with.

    They may come with the profile's models, beside them; others are drawn once, and kept in the cache.
    """
    fingerprint = store.fingerprint(class_config(models))
    shipped = models.profile.folder / models.profile.name / KEPT / fingerprint[:16]
    return (shipped if store.is_complete(shipped, fingerprint) else cache / KEPT / fingerprint[:16]), fingerprint


def _class_paths(models: Models, cache: Path) -> list[Path]:
    folder, _ = class_folder(models, cache)
    return [folder / f"{number:04d}.png" for number in range(class_count(models.profile))]


def _batches_to_draw(models: Models, cache: Path) -> list[tuple[int, list[Path]]]:
    """The batches of which a picture is not there yet, each with the number of its first picture."""
    paths, size = _class_paths(models, cache), models.profile.generate.batch_size
    batches = [(start, paths[start : start + size]) for start in range(0, len(paths), size)]
    return [(start, batch) for start, batch in batches if not all(map(_is_whole, batch))]


def _is_whole(path: Path) -> bool:
    """Whether a picture is there and can be read to its end; what damaged it is not known, so it is drawn again."""
    try:
        with Image.open(path) as image:
            image.load()
    except OSError:
        return False
    return True


def class_pictures(
    models: Models, cache: Path, *, report: Report = no_report, should_stop: ShouldStop
) -> list[Image.Image]:
    """What the untuned model draws when it is told the class alone; drawn once per profile and kept in the cache.

    Two jobs that need the same ones at the same time take turns: the second waits, and finds them drawn.
    """
    if not class_count(models.profile):
        return []
    folder, fingerprint = class_folder(models, cache)
    if not store.is_complete(folder, fingerprint):
        with locked(folder, wait=should_stop):
            _draw_class_pictures(models, cache, report, should_stop)
    return [Image.open(path).convert("RGB") for path in _class_paths(models, cache)]


def _draw_class_pictures(models: Models, cache: Path, report: Report, should_stop: ShouldStop) -> None:
    """Draw those that are not there yet."""
    folder, fingerprint = class_folder(models, cache)
    if store.is_complete(folder, fingerprint):  # while we waited for our turn
        return
    store.begin(folder)
    batches, steps = _batches_to_draw(models, cache), models.profile.generate.steps
    total = len(batches) * steps
    for index, (start, batch) in enumerate(batches):
        told = part_of(report, index * steps, total)
        images = _drawn(models, start, len(batch), told, should_stop)
        for path, image in zip(batch, images, strict=True):
            store.write_image(path, image)
    store.complete(folder, class_config(models))


@torch.no_grad()  # not inference_mode: what is loaded meanwhile could never be trained
def _drawn(models: Models, start: int, count: int, report: Report, should_stop: ShouldStop) -> list[Image.Image]:
    """Class pictures from nothing but noise: img2img at full strength, the ControlNet switched off."""
    profile = models.profile
    white = Image.new("RGB", (profile.size_px, profile.size_px), "white")
    settings = profile.generate
    pipeline = models.img2img_pipeline(settings.scheduler)
    done = count_from(1)

    def step_end(pipeline: Any, _index: int, _timestep: object, _tensors: Json) -> Json:
        if should_stop():
            raise Stopped()
        # some schedulers take more steps than they are asked for
        report(next(done) * settings.steps // pipeline.num_timesteps, settings.steps)
        return {}

    structure = structure_arguments(models, [white] * count, size_px=profile.size_px, scale=0.0)
    images: list[Image.Image] = pipeline(
        prompt=[profile.prompt.class_prompt] * count,
        image=[white] * count,
        strength=1.0,
        num_inference_steps=settings.steps,
        guidance_scale=settings.guidance,
        generator=[torch.Generator().manual_seed(seed_of(CLASS_SEED, "class", start + i)) for i in range(count)],
        callback_on_step_end=step_end,
        **structure,
    ).images
    return images
