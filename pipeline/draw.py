"""The generate stage of a job: all drafts of all photos, batch by batch, each kept as soon as it is there.

Owns the drafts' files, the batches and what is already drawn. Knows no scheduler; one batch is ``pipeline.generate``.
Heavy: loads torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from PIL import Image

from pipeline import store
from pipeline.domain import Draft, Json, Picture, Report, ShouldStop
from pipeline.generate import GenerateConfig, GenerateInputs, draft_name, generate, prompt_of, seed_of
from pipeline.learn import base_modules
from pipeline.models import Models
from pipeline.options import Options
from pipeline.style import StyleCard, applied, read_card, weight_files


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """What is to be drawn, and where to."""

    photos: Sequence[Picture]
    captions: dict[str, str]  # photo's name → caption
    style: Path
    folder: Path
    options: Options


def draw_drafts(job: Drawing, models: Models, *, report: Report, should_stop: ShouldStop) -> list[Draft]:
    """All drafts, in the order of the photos, the variants of one photo together; drawn where they are not there yet.

    Raises:
        StyleMismatch: the style belongs to another profile.
        Stopped: ``should_stop`` said so; finished batches stay.
    """
    card = read_card(job.style)
    config = generate_config(job.options, card)
    wanted = [(photo, variant) for photo in job.photos for variant in range(job.options.count)]
    facts = drawing_facts(job, config, models)
    steps = max(1, int(config.steps * config.strength))
    if not store.is_complete(job.folder, store.fingerprint(facts)):
        _draw_missing(job, config, models, wanted, store.fingerprint(facts), report, should_stop)
        store.complete(job.folder, facts)
    report(len(wanted) * steps, len(wanted) * steps)
    return [_read(job, config, photo, variant) for photo, variant in wanted]


def _draw_missing(
    job: Drawing,
    config: GenerateConfig,
    models: Models,
    wanted: Sequence[tuple[Picture, int]],
    fingerprint: str,
    report: Report,
    should_stop: ShouldStop,
) -> None:
    """Draw what is not there. Batches are always the same ones, whatever was interrupted: so are the drafts."""
    _begin(job.folder, fingerprint)
    size = job.options.profile.generate.batch_size
    steps = max(1, int(config.steps * config.strength))
    folder, profile = job.style, job.options.profile.name
    with applied(base_modules(models), folder, profile, base_fingerprint=models.fingerprint("base")):
        for start in range(0, len(wanted), size):
            batch = wanted[start : start + size]
            paths = [job.folder / f"{draft_name(photo.name, variant)}.png" for photo, variant in batch]
            if all(path.is_file() for path in paths):
                continue

            def tell(
                done: int, total: int, preview: Image.Image | None = None, start: int = start, n: int = len(batch)
            ) -> None:
                report(min(start * steps + done * n, len(wanted) * steps), len(wanted) * steps, preview)

            inputs = GenerateInputs(
                photos=[photo for photo, _ in batch],
                variants=[variant for _, variant in batch],
                captions=job.captions,
                models=models,
            )
            for path, draft in zip(paths, generate(inputs, config, report=tell, should_stop=should_stop), strict=True):
                store.write_image(path, draft.image)


def _begin(folder: Path, fingerprint: str) -> None:
    """Keep an interrupted run's drafts only if they were made from the same inputs and settings."""
    store.begin(folder)
    mark = folder / ".drawing.json"
    if mark.is_file() and store.read_json(mark) == fingerprint:
        return
    for draft in folder.glob("*.png"):
        draft.unlink()
    store.write_json(mark, fingerprint)


def _read(job: Drawing, config: GenerateConfig, photo: Picture, variant: int) -> Draft:
    name = draft_name(photo.name, variant)
    caption = job.captions[photo.name]
    return Draft(
        name=name,
        photo=photo.name,
        image=Image.open(job.folder / f"{name}.png").convert("RGB"),
        caption=caption,
        prompt=prompt_of(config.template, caption, config.token),
        seed=seed_of(config.seed, photo.name, variant),
    )


def generate_config(options: Options, card: StyleCard) -> GenerateConfig:
    """The profile's settings with the person's options and the style's token over them."""
    profile = options.profile
    return GenerateConfig(
        scheduler=profile.generate.scheduler,
        steps=options.steps,
        strength=options.strength,
        guidance=options.guidance,
        structure_scale=profile.generate.structure_scale,
        template=options.template,
        token=card.token,
        negative=profile.prompt.negative,
        seed=options.seed,
        size_px=profile.size_px,
    )


def drawing_facts(job: Drawing, config: GenerateConfig, models: Models) -> Json:
    """All that the drafts depend on."""
    return {
        "base": models.fingerprint("base"),
        "controlnet": models.fingerprint("controlnet") if models.profile.models.controlnet else None,
        "style": [store.file_sha256(path) for path in weight_files(job.style)],
        "photos": [[photo.name, photo.sha256, job.captions[photo.name]] for photo in job.photos],
        "count": job.options.count,
        "batch_size": job.options.profile.generate.batch_size,
        "generate": asdict(config),
    }
