"""The generate stage of a job: all drafts of all photos, batch by batch, each kept as soon as it is there.

Owns the drafts' files, the batches and what is already drawn. Knows no scheduler; one batch is ``pipeline.generate``.
Heavy: loads torch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from PIL import Image

from pipeline import record, store
from pipeline.card import StyleCard, fitting_card, weight_files
from pipeline.domain import Draft, Json, Picture, Report, ShouldStop
from pipeline.generate import GenerateConfig, GenerateInputs, generate, prompt_of, seed_of
from pipeline.intake import unique_name
from pipeline.learn import base_modules
from pipeline.models import Models
from pipeline.options import Options, strength_of
from pipeline.record import Made
from pipeline.style import StyledWeights, checked_card, read_styled, worn

DRAWN = ".drawing.json"  # in the drafts' folder: which are drawn, and from what


@dataclass(frozen=True, kw_only=True)
class Shared:
    """How a drawing gets on with others on the same models; nothing of it changes what is drawn, but by rounding."""

    turn: Callable[[], AbstractContextManager[object]] = nullcontext  # the device, for one batch
    styled: StyledWeights = read_styled  # the style's, ready to be worn
    batch_size: int | None = None  # another than the profile's, where memory is short
    preview_every: int = 0  # steps


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """What is to be drawn, and where to."""

    photos: Sequence[Picture]
    captions: dict[str, str]  # photo's name → caption
    style: Path
    folder: Path
    options: Options
    shared: Shared = field(default_factory=Shared)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A draft that is to be."""

    name: str  # unique within the job
    photo: Picture
    variant: int

    @property
    def file(self) -> str:
        """Its file's name."""
        return f"{self.name}.png"


def draw_drafts(job: Drawing, models: Models, *, report: Report, should_stop: ShouldStop) -> list[Draft]:
    """All drafts, in the order of the photos, the variants of one photo together; drawn where they are not there yet.

    Raises:
        StyleMismatch: the style belongs to another profile.
        Stopped: ``should_stop`` said so; finished batches stay.
    """
    config = generate_config(job.options, fitting_card(job.style, job.options.profile.name))
    wanted = wanted_drafts(job.photos, job.options.count, first=job.options.variant)
    facts = drawing_facts(job, config, models)
    store.sweep(job.folder)
    drawn = record.read_of(job.folder / DRAWN, facts)
    if any(draft.name not in drawn for draft in wanted):
        _draw_missing(job, config, models, wanted, drawn, facts, report, should_stop)
    total = len(wanted) * steps_of(config)
    report(total, total)
    return [_read(job, config, draft) for draft in wanted]


def wanted_drafts(photos: Sequence[Picture], count: int, *, first: int = 0) -> list[Wanted]:
    """``count`` drafts of each photo. The first bears the photo's name; the second is NAME-2, and so on.

    A number that would meet another photo's name is passed over.

    Args:
        first: the variant to begin with. Each is what it is without those before it.
    """
    taken = {photo.name.casefold() for photo in photos}
    wanted = []
    for photo in photos:
        for variant in range(first, first + count):
            name = unique_name(f"{photo.name}-{variant + 1}", taken) if variant else photo.name
            taken.add(name.casefold())
            wanted.append(Wanted(name=name, photo=photo, variant=variant))
    return wanted


def steps_of(config: GenerateConfig) -> int:
    """The steps that img2img takes of the schedule's, as diffusers counts them."""
    return max(1, int(config.steps * config.strength))


def _draw_missing(
    job: Drawing,
    config: GenerateConfig,
    models: Models,
    wanted: Sequence[Wanted],
    drawn: dict[str, Made],
    facts: Json,
    report: Report,
    should_stop: ShouldStop,
) -> None:
    """Draw what is not there. Batches are always the same ones, whatever was interrupted: so are the drafts."""
    shared, steps = job.shared, steps_of(config)
    size = shared.batch_size or job.options.profile.generate.batch_size
    checked_card(job.style, job.options.profile.name, models.fingerprint("base"))
    with shared.turn():
        styled = shared.styled(job.style, base_modules(models))
    for start in range(0, len(wanted), size):
        batch = wanted[start : start + size]
        if all(draft.name in drawn for draft in batch):
            continue

        def tell(
            done: int, total: int, preview: Image.Image | None = None, start: int = start, n: int = len(batch)
        ) -> None:  # some schedulers take more steps than they are asked for
            report(start * steps + done * n * steps // total, len(wanted) * steps, preview)

        inputs = GenerateInputs(
            photos=[draft.photo for draft in batch],
            variants=[draft.variant for draft in batch],
            names=[draft.name for draft in batch],
            captions=job.captions,
            models=models,
        )
        how = replace(config, preview_every=shared.preview_every)
        with shared.turn(), worn(base_modules(models), styled):
            drafts = generate(inputs, how, report=tell, should_stop=should_stop)
        for place, draft in zip(batch, drafts, strict=True):
            store.write_image(job.folder / place.file, draft.image)
            drawn[place.name] = Made(files=[place.file])
        record.write(job.folder / DRAWN, facts, drawn)


def _read(job: Drawing, config: GenerateConfig, draft: Wanted) -> Draft:
    caption = job.captions[draft.photo.name]
    return Draft(
        name=draft.name,
        photo=draft.photo.name,
        image=Image.open(job.folder / draft.file).convert("RGB"),
        caption=caption,
        prompt=prompt_of(config.template, caption, config.token),
        seed=seed_of(config.seed, draft.photo.name, draft.variant),
    )


def generate_config(options: Options, card: StyleCard) -> GenerateConfig:
    """The profile's settings with the person's options and the style's token over them."""
    profile = options.profile
    line = card.line if profile.generate.line_strength is not None else None
    return GenerateConfig(
        scheduler=profile.generate.scheduler,
        steps=options.steps,
        strength=strength_of(options, lined=line is not None),
        guidance=options.guidance,
        structure_scale=profile.generate.structure_scale,
        flatten=profile.generate.flatten,
        tones=profile.generate.tones,
        badge=profile.generate.badge,
        line=line,
        template=options.template,
        token=card.token,
        negative=profile.prompt.negative,
        seed=options.seed,
        size_px=profile.drawing_px,
    )


def drawing_facts(job: Drawing, config: GenerateConfig, models: Models) -> Json:
    """All that the drafts depend on."""
    return {
        "base": models.fingerprint("base"),
        "controlnet": models.fingerprint("controlnet") if models.profile.models.controlnet else None,
        "style": [store.file_sha256(path) for path in weight_files(job.style)],
        "photos": [[photo.name, photo.sha256, job.captions[photo.name]] for photo in job.photos],
        "count": job.options.count,
        "variant": job.options.variant,
        "batch_size": job.options.profile.generate.batch_size,
        "generate": asdict(config),
    }
