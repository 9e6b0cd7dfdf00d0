"""The train stage: a pack in, a style's folder out.

Owns what DreamBooth is given (the pack's captions; the class pictures are ``class_pictures``' affair) and what is kept
of it. Knows neither queue nor photos; the loop itself is ``training.dreambooth``. Heavy: loads torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path

import torch

from pipeline import store
from pipeline.caption import CaptionConfig, CaptionInputs, caption
from pipeline.card import Export, StyleCard, mean_ends
from pipeline.class_pictures import class_config, class_count, class_pictures, class_steps
from pipeline.domain import Json, Pack, Report, ShouldStop, Stage, Watch, part_of
from pipeline.errors import BadSetting, Stopped, TrainingFailed
from pipeline.framing import squared
from pipeline.generate import prompt_of
from pipeline.line import line_of
from pipeline.models import Models
from pipeline.options import Options
from pipeline.structure import structure_map
from pipeline.style import save_style
from training.checkpoint import remove as remove_checkpoint
from training.data import Example
from training.dreambooth import DreamBoothConfig, DreamBoothInputs, LearnedStyle, dreambooth, encodings
from training.economy import LAVISH, Economy
from training.errors import LossNotFinite, TrainingStopped
from training.lowrank import export_low_rank, largest_rank

LIBRARIES = ("torch", "diffusers", "transformers", "peft", "accelerate", "stickersmith")
FINDER = CaptionConfig(beams=1)  # a pack's captions need no search
NOT_OF_A_STYLE = {"checkpoint_every", "lora_learning_rate", "dreambooth_learning_rate"}  # but the rate that is used


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
        "train": options.profile.train.model_dump(mode="json", exclude=NOT_OF_A_STYLE)
        | {
            "method": options.method,
            "steps": options.train_steps,
            "learning_rate": options.profile.train.learning_rate(options.method),
        },
        "export_rank": options.export_rank,
        "seed": options.seed,
        "size_px": options.profile.size_px,
    }


def training_id(pack: Pack, options: Options, models: Models) -> str:
    """Tells trainings apart, whichever form their style is kept in: an interrupted one goes on where this is equal."""
    return store.fingerprint(style_config(pack, options, models) | {"export_rank": None})


def check_export(options: Options, models: Models) -> None:
    """Refuse, before anything is learned, an adapter that saves nothing.

    Raises:
        BadSetting: it would have as many numbers as the weights that it stands for, or more.
    """
    if options.export_rank is None:
        return
    kind, trains_text = models.base.family, options.profile.train.text_encoder_learning_rate > 0
    tuned = (kind.denoiser, *(kind.text_encoders if trains_text else ()))
    most = largest_rank(models.base.parts[name] for name in tuned)
    if options.export_rank > most:
        raise BadSetting(
            f"export-rank = {options.export_rank!r}: so large an adapter is no smaller than the weights themselves; "
            + (f"choose {most} or less (32 is usual), or leave it out" if most else "leave it out")
        )


def learn_style(
    pack: Pack, options: Options, folder: Path, work: Path, cache: Path, models: Models, *, watch: Watch,
    should_stop: ShouldStop, captions: Mapping[str, str] | None = None, economy: Economy = LAVISH,
) -> LearnedStyle | None:  # fmt: skip
    """Learn the pack's style into ``folder``; nothing is done where it is there already.

    Args:
        work: where the checkpoint is kept meanwhile.
        cache: where the class pictures of all profiles are.
        watch: asked for a report of PREPARE, then for one of TRAIN; for neither where the folder is complete.
        captions: of the pack's pictures, by name, where they are known; None has them found.
        economy: of memory.

    Returns: what was learned, or None where the folder was complete.

    Raises:
        Stopped: ``should_stop`` said so; the checkpoint stays.
        TrainingFailed: the loss was no number any more.
        BadSetting: an adapter of ``export_rank`` would be no smaller than the weights.
    """
    config = style_config(pack, options, models)
    if store.is_complete(folder, store.fingerprint(config)):
        return None
    check_export(options, models)
    ready, how = watch(Stage.PREPARE), replace(dreambooth_config(options, models), economy=economy)
    before = (len(pack.pictures) if captions is None else 0) + class_steps(models, cache)
    total = before + encodings(len(pack.pictures), class_count(models.profile), how)
    inputs = dreambooth_inputs(
        pack, options, work, cache, models,
        report=part_of(ready, 0, total), should_stop=should_stop, captions=captions,
    )  # fmt: skip
    with translated(), store.writing(work):
        encoded = part_of(ready, before, total)
        learned = dreambooth(inputs, how, report=watch(Stage.TRAIN), should_stop=should_stop, encoded=encoded)
        tensors, export = exported(learned, options, models, should_stop)
    card = style_card(pack, options, models, learned, export)
    store.begin(folder)  # from here on it is no longer the style that may have been there
    save_style(folder, tensors, card, base_modules(models))
    store.write_json(folder / "losses.json", list(learned.losses))
    store.complete(folder, config)
    remove_checkpoint(work)
    return learned


def dreambooth_inputs(
    pack: Pack, options: Options, work: Path, cache: Path, models: Models, *, report: Report, should_stop: ShouldStop,
    captions: Mapping[str, str] | None = None,
) -> DreamBoothInputs:  # fmt: skip
    """Pictures with their prompts, class pictures, and the models.

    Args:
        report: counts the pack's captions and the denoising steps of the class pictures that are to be drawn.
        captions: as for ``learn_style``.
    """
    profile, captioned = options.profile, len(pack.pictures) if captions is None else 0
    total = captioned + class_steps(models, cache)
    report(0, total)
    if captions is None:
        captions = pack_captions(pack, models, report=part_of(report, 0, total), should_stop=should_stop)
    class_images = class_pictures(models, cache, report=part_of(report, captioned, total), should_stop=should_stop)
    token = profile.prompt.token
    return DreamBoothInputs(
        parts=models.parts,
        family=models.base.family,
        pack=[
            Example(image=squared(p.image), prompt=prompt_of(profile.prompt.template, captions[p.name], token))
            for p in pack.pictures
        ],
        class_pictures=class_images,
        class_prompt=profile.prompt.class_prompt,
        structure=partial(structure_map, size_px=profile.size_px) if models.controlnet is not None else None,
        size_px=profile.size_px,
        checkpoint_dir=work,
        base_id=models.fingerprint("base"),
    )


def pack_captions(
    pack: Pack, models: Models, *, report: Report, should_stop: ShouldStop, batch_size: int = FINDER.batch_size
) -> dict[str, str]:
    """What is in each of the pack's pictures, by name."""
    looked_at = CaptionInputs(photos=pack.pictures, captioner=models.caption)
    return caption(looked_at, replace(FINDER, batch_size=batch_size), report=report, should_stop=should_stop)


def dreambooth_config(options: Options, models: Models) -> DreamBoothConfig:
    """The profile's training table with the person's options over it."""
    train = options.profile.train
    return DreamBoothConfig(
        method=options.method,
        steps=options.train_steps,
        seed=options.seed,
        precision=models.device.mixed_precision,
        batch_size=train.batch_size,
        learning_rate=train.learning_rate(options.method),
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
        line=line_of(picture.image for picture in pack.pictures),
        export=export,
    )


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
