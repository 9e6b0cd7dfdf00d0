"""Learning the pack's style and drawing the things in it, by the product's own stages; each kept on disk.

Owns the ways that are compared. Knows no measure. Loads torch.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from PIL import Image

from pipeline import store
from pipeline.caption import CaptionConfig, CaptionInputs, caption
from pipeline.card import fitting_card, weight_files
from pipeline.domain import Method, Report, ShouldStop, no_report
from pipeline.draw import generate_config
from pipeline.errors import Stopped
from pipeline.generate import GenerateInputs, generate, starting_picture
from pipeline.learn import base_modules, learn_style, style_config
from pipeline.options import Options, options_of
from pipeline.style import applied
from scripts.evaluate.features import as_images, as_tensor
from scripts.evaluate.plan import Plan
from scripts.evaluate.subject import Subject, made_by

OVERTRAINED_RATE, OVERTRAINED_STEPS = 4.0, 2  # times the profile's: what spoils a style on purpose


@dataclass(frozen=True, kw_only=True)
class Work:
    """What every drawing needs."""

    subject: Subject
    plan: Plan
    seed: int
    report: Report
    should_stop: ShouldStop


def options_for(subject: Subject, method: Method, seed: int, *, rate: float = 1.0, steps: int = 1) -> Options:
    """The profile's options with another method, its learning rate and steps times so much."""
    profile = subject.models.profile
    own_rate = profile.train.learning_rate(method)
    train = profile.train.model_copy(update={f"{method}_learning_rate": own_rate * rate})
    changed = profile.model_copy(update={"train": train})
    return options_of(changed, method=method, seed=seed, train_steps=profile.train.steps * steps)


def learned(work: Work, options: Options) -> Path:
    """The folder of the pack's style, learned with these options; found there where it was learned before."""
    subject = work.subject
    name = store.fingerprint({"style": style_config(work.plan.pack, options, subject.models), **made_by()})[:16]
    folder, checkpoint = subject.work / "styles" / name, subject.work / "styles" / f".{name}"
    learn_style(
        work.plan.pack,
        options,
        folder,
        checkpoint,
        subject.settings.cache_dir,
        subject.models,
        watch=lambda stage: work.report,
        should_stop=work.should_stop,
    )
    return folder


def drawn(work: Work, options: Options, style: Path, *, apply: bool = True) -> list[Image.Image]:
    """Every thing's source drawing, drawn anew.

    Args:
        style: whose word stands in the prompt.
        apply: put the style on the models, too; without it, this is img2img and nothing learned.
    """
    subject, models = work.subject, work.subject.models
    config = generate_config(options, fitting_card(style, options.profile.name))
    photos = [thing.photo for thing in work.plan.things]
    captions = captions_of(work)
    facts = {
        "models": [models.fingerprint(role) for role in ("base", *(["controlnet"] if models.controlnet else []))],
        "style": [store.file_sha256(path) for path in weight_files(style)] if apply else None,
        "photos": [[photo.name, photo.sha256, captions[photo.name]] for photo in photos],
        "config": asdict(config),
        **made_by(),
    }
    folder = subject.work / "drafts" / store.fingerprint(facts)[:16]
    paths = [folder / f"{photo.name}.png" for photo in photos]
    on = applied(base_modules(models), style, options.profile.name) if apply else nullcontext()
    size = options.profile.generate.batch_size
    with on:
        for start in range(0, len(photos), size):
            work.report(start, len(photos))
            batch, files = photos[start : start + size], paths[start : start + size]
            if all(path.is_file() for path in files):
                continue
            if work.should_stop():
                raise Stopped()
            names = [photo.name for photo in batch]
            inputs = GenerateInputs(
                photos=batch, captions=captions, variants=[0] * len(batch), names=names, models=models
            )
            for path, draft in zip(
                files, generate(inputs, config, report=no_report, should_stop=work.should_stop), strict=True
            ):
                store.write_image(path, draft.image)
    return [Image.open(path).convert("RGB") for path in paths]


def captions_of(work: Work) -> dict[str, str]:
    """What the profile says of each source drawing."""
    photos = [thing.photo for thing in work.plan.things]
    inputs = CaptionInputs(photos=photos, captioner=work.subject.models.caption, judge=work.subject.models.clip)
    return caption(inputs, CaptionConfig(), report=no_report, should_stop=work.should_stop)


@torch.no_grad()
def through_vae(subject: Subject, pictures: list[Image.Image], batch_size: int = 8) -> list[Image.Image]:
    """Pictures as the profile's VAE gives them back: what no drawing of the profile can be better than."""
    vae = subject.models.base.vae
    found: list[Image.Image] = []
    for part in as_tensor(pictures).split(batch_size):
        latents = vae.encode((part * 2 - 1).to(vae.device, vae.dtype)).latent_dist.mode()
        found += as_images((vae.decode(latents).sample + 1) / 2)
    return found


def untouched(work: Work) -> list[Image.Image]:
    """The source's drawing as it is."""
    return [thing.untouched for thing in work.plan.things]


def line_alone(work: Work) -> list[Image.Image]:
    """What img2img starts from: the source's drawing with the pack's line, if the profile gives it one; no model."""
    options = options_for(work.subject, Method.LORA, work.seed)
    style = learned(work, options)
    config = generate_config(options, fitting_card(style, options.profile.name))
    return [starting_picture(thing.photo, config) for thing in work.plan.things]


def img2img(work: Work) -> list[Image.Image]:
    """The base model alone, told the same words, from the same start."""
    options = options_for(work.subject, Method.LORA, work.seed)
    return drawn(work, options, learned(work, options), apply=False)


def lora(work: Work) -> list[Image.Image]:
    """DreamBooth as an adapter."""
    options = options_for(work.subject, Method.LORA, work.seed)
    return drawn(work, options, learned(work, options))


def dreambooth(work: Work) -> list[Image.Image]:
    """DreamBooth on every weight of the UNet."""
    options = options_for(work.subject, Method.DREAMBOOTH, work.seed)
    return drawn(work, options, learned(work, options))


def overtrained(work: Work) -> list[Image.Image]:
    """The profile's method at a rate and for so long that it spoils the model."""
    method = Method(work.subject.models.profile.train.method)
    options = options_for(work.subject, method, work.seed, rate=OVERTRAINED_RATE, steps=OVERTRAINED_STEPS)
    return drawn(work, options, learned(work, options))


ARMS: dict[str, Callable[[Work], list[Image.Image]]] = {
    "untouched": untouched,
    "line alone": line_alone,
    "img2img alone": img2img,
    "LoRA": lora,
    "DreamBooth": dreambooth,
}
