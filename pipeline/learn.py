"""The train stage: a pack in, a style's folder out.

Owns what DreamBooth is given (the pack's captions, the class pictures that all packs of a profile share) and what is
kept of it. Knows neither queue nor photos; the loop itself is ``training.dreambooth``. Heavy: loads torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from pathlib import Path

import torch
from PIL import Image

from pipeline import store
from pipeline.caption import CaptionConfig, CaptionInputs, caption
from pipeline.domain import Json, Pack, Report, ShouldStop, no_report
from pipeline.errors import BadSetting, Stopped, TrainingFailed
from pipeline.framing import squared
from pipeline.generate import prompt_of, seed_of, structure_arguments
from pipeline.models import Models
from pipeline.options import Options
from pipeline.settings import Profile
from pipeline.structure import structure_map
from pipeline.style import Export, StyleCard, mean_ends, save_style
from training.checkpoint import remove as remove_checkpoint
from training.data import Example
from training.dreambooth import DreamBoothConfig, DreamBoothInputs, LearnedStyle, dreambooth
from training.errors import LossNotFinite, TrainingStopped
from training.lowrank import export_low_rank

LIBRARIES = ("torch", "diffusers", "transformers", "peft", "accelerate", "stickersmith")
CLASS_SEED = 0  # the class pictures are the same for everybody
FINDER = CaptionConfig(beams=1)  # a pack's captions need no search


def style_config(pack: Pack, options: Options, models: Models) -> Json:
    """All that a style depends on; two runs with equal values learn the same style.

    A person's own prompt is not among it: a pack is learned in the profile's words, whatever is drawn with it later.
    """
    return {
        "profile": options.profile.name,
        "base": models.fingerprint("base"),
        "controlnet": models.fingerprint("controlnet") if models.profile.models.controlnet else None,
        "caption": models.fingerprint("caption"),
        "pictures": [picture.sha256 for picture in pack.pictures],
        "captions": asdict(FINDER),
        "prompt": options.profile.prompt.model_dump(mode="json", exclude={"negative"}),
        "class_pictures": class_config(models) if class_count(models.profile) else None,
        "train": options.profile.train.model_dump(mode="json", exclude={"checkpoint_every"})
        | {"method": options.method, "steps": options.train_steps},
        "export_rank": options.export_rank,
        "seed": options.seed,
        "size_px": options.profile.size_px,
    }


def learn_style(
    pack: Pack, options: Options, folder: Path, work: Path, cache: Path, models: Models, *, report: Report,
    should_stop: ShouldStop,
) -> LearnedStyle | None:  # fmt: skip
    """Learn the pack's style into ``folder``; nothing is done where it is there already.

    Args:
        work: where the checkpoint is kept meanwhile.
        cache: where the class pictures of all profiles are.

    Returns: what was learned, or None where the folder was complete.

    Raises:
        Stopped: ``should_stop`` said so; the checkpoint stays.
        TrainingFailed: the loss was no number any more.
    """
    config = style_config(pack, options, models)
    if store.is_complete(folder, store.fingerprint(config)):
        return None
    inputs = dreambooth_inputs(pack, options, work, cache, models, should_stop)
    with translated():
        learned = dreambooth(inputs, dreambooth_config(options, models), report=report, should_stop=should_stop)
        tensors, export = exported(learned, options, models, should_stop)
    card = style_card(pack, options, models, learned, export)
    store.begin(folder)  # from here on it is no longer the style that may have been there
    save_style(folder, tensors, card, base_modules(models))
    store.write_json(folder / "losses.json", list(learned.losses))
    store.complete(folder, config)
    remove_checkpoint(work)
    return learned


def dreambooth_inputs(
    pack: Pack, options: Options, work: Path, cache: Path, models: Models, should_stop: ShouldStop
) -> DreamBoothInputs:
    """Pictures with their prompts, class pictures, and the models."""
    profile = options.profile
    captions = caption(
        CaptionInputs(photos=pack.pictures, captioner=models.caption), FINDER, report=no_report, should_stop=should_stop
    )
    token = profile.prompt.token
    return DreamBoothInputs(
        parts=models.parts,
        family=models.base.family,
        pack=[
            Example(image=squared(p.image), prompt=prompt_of(profile.prompt.template, captions[p.name], token))
            for p in pack.pictures
        ],
        class_pictures=class_pictures(models, cache, should_stop),
        class_prompt=profile.prompt.class_prompt,
        structure=partial(structure_map, size_px=profile.size_px) if models.controlnet is not None else None,
        size_px=profile.size_px,
        checkpoint_dir=work,
        base_id=models.fingerprint("base"),
    )


def dreambooth_config(options: Options, models: Models) -> DreamBoothConfig:
    """The profile's training table with the person's options over it."""
    train = options.profile.train
    return DreamBoothConfig(
        method=options.method,
        steps=options.train_steps,
        seed=options.seed,
        precision=models.device.mixed_precision,
        batch_size=train.batch_size,
        learning_rate=train.learning_rate,
        text_encoder_learning_rate=train.text_encoder_learning_rate,
        rank=train.rank,
        alpha=train.alpha,
        prior_loss_weight=train.prior_loss_weight,
        snr_gamma=train.snr_gamma,
        max_grad_norm=train.max_grad_norm,
        checkpoint_every=train.checkpoint_every,
    )


def exported(
    learned: LearnedStyle, options: Options, models: Models, should_stop: ShouldStop
) -> tuple[dict[str, torch.Tensor], Export | None]:
    """The tensors to keep: as learned, or as an adapter of ``export_rank`` with its distance from them."""
    if options.export_rank is None:
        return learned.tensors, None
    low = export_low_rank(
        base_modules(models),
        learned.tensors,
        options.export_rank,
        report=lambda done, total: None,
        should_stop=should_stop,
    )
    return low.tensors, Export(
        rank=low.rank,
        distance=low.distance,
        worst_layer=low.worst_layer,
        worst_distance=low.worst_distance,
        uncovered=low.uncovered,
    )


def base_modules(models: Models) -> dict[str, torch.nn.Module]:
    """The parts that a style can change."""
    kind = models.base.family
    return {name: models.base.parts[name] for name in (kind.denoiser, *kind.text_encoders)}


def style_card(pack: Pack, options: Options, models: Models, learned: LearnedStyle, export: Export | None) -> StyleCard:
    """What is to be known of the style."""
    first, last = mean_ends(learned.losses)
    return StyleCard(
        profile=options.profile.name,
        base_fingerprint=models.fingerprint("base"),
        method=options.method,
        token=options.profile.prompt.token,
        template=options.profile.prompt.template,
        pack=pack.name,
        picture_count=len(pack.pictures),
        steps=learned.steps,
        seed=options.seed,
        seconds=learned.seconds,
        first_loss=first,
        last_loss=last,
        versions={library: version(library) for library in LIBRARIES},
        export=export,
    )


def class_count(profile: Profile) -> int:
    """How many class pictures the training needs."""
    return profile.train.class_images if profile.train.prior_loss_weight else 0


def class_config(models: Models) -> Json:
    """All that the class pictures depend on."""
    profile = models.profile
    return {
        "base": models.fingerprint("base"),
        "prompt": profile.prompt.class_prompt,
        "generate": profile.generate.model_dump(mode="json", exclude={"strength", "structure_scale", "flatten"}),
        "size_px": profile.size_px,
        "count": class_count(profile),
    }


def class_pictures(models: Models, cache: Path, should_stop: ShouldStop) -> list[Image.Image]:
    """What the untuned model draws when it is told the class alone; drawn once per profile and kept in the cache."""
    profile, config = models.profile, class_config(models)
    count = class_count(profile)
    if not count:
        return []
    folder = cache / "class-pictures" / store.fingerprint(config)[:16]
    names = [folder / f"{number:04d}.png" for number in range(count)]
    if not store.is_complete(folder, store.fingerprint(config)):
        store.begin(folder)
        for start in range(0, count, profile.generate.batch_size):
            part = names[start : start + profile.generate.batch_size]
            if not all(path.is_file() for path in part):
                for path, image in zip(part, _drawn(models, start, len(part), should_stop), strict=True):
                    store.write_image(path, image)
        store.complete(folder, config)
    return [Image.open(path).convert("RGB") for path in names]


@torch.no_grad()  # not inference_mode: what is loaded meanwhile could never be trained
def _drawn(models: Models, start: int, count: int, should_stop: ShouldStop) -> list[Image.Image]:
    """Class pictures from nothing but noise: img2img at full strength, the ControlNet switched off."""
    profile = models.profile
    white = Image.new("RGB", (profile.size_px, profile.size_px), "white")
    settings = profile.generate
    pipeline = models.img2img_pipeline(settings.scheduler)

    def step_end(_pipeline: object, _index: int, _timestep: object, _tensors: Json) -> Json:
        if should_stop():
            raise Stopped()
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


@contextmanager
def translated() -> Iterator[None]:
    """Training's own exceptions as errors that a person may meet."""
    try:
        yield
    except TrainingStopped as error:
        raise Stopped(str(error)) from error
    except LossNotFinite as error:
        raise TrainingFailed(str(error)) from error
    except ValueError as error:
        raise BadSetting(str(error)) from error
