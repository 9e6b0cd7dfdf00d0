"""The generate stage: img2img from a photo, its caption and the style that is on the models → drafts.

Owns the prompt, the seeds and one batch. Knows no file, and no family of models: a profile with a ControlNet passes
it the structure map. The style is put on the modules by the caller. Heavy: loads torch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image

from pipeline.domain import Draft, Picture, Report, ShouldStop
from pipeline.errors import Stopped
from pipeline.framing import badged, flattened, has_busy_ground, has_ground, on_ground, posed, squared
from pipeline.line import Line, lifted, with_line
from pipeline.models import Models
from pipeline.patches import exposed, in_patches, is_photographic, on_its_mean
from pipeline.schedulers import remember_original
from pipeline.structure import structure_map


@dataclass(frozen=True, kw_only=True)
class GenerateInputs:
    """One batch of photos and the words for them."""

    photos: Sequence[Picture]
    captions: Mapping[str, str]  # photo's name → caption
    variants: Sequence[int]  # of each photo, from 0: another variant has another seed and another pose
    names: Sequence[str]  # of the drafts
    models: Models


@dataclass(frozen=True, kw_only=True)
class GenerateConfig:
    """How a draft is drawn."""

    scheduler: str
    steps: int
    strength: float
    guidance: float
    structure_scale: float
    template: str
    token: str
    negative: str
    seed: int
    size_px: int
    flatten: float = 0.0  # of photos that fill their frame: see ``framing.flattened``
    tones: int = 0  # that a photograph is brought to: see ``patches.in_patches``; 0 = all of its own
    badge: bool = False  # of photos with a busy ground: see ``framing.badged``
    line: Line | None = None  # that is drawn around things, as the pack's artist does
    preview_every: int = 0  # steps between previews of x̂₀; 0 = none, for each costs a decoding


def seed_of(seed: int, name: str, variant: int) -> int:
    """The seed of one draft: it depends on the photo and the variant, and on no other photo of the job."""
    digest = hashlib.sha256(f"{seed}/{name}/{variant}".encode()).digest()
    return int.from_bytes(digest[:4], "big")


def prompt_of(template: str, caption: str, token: str) -> str:
    """The template with the caption and the style's token in it."""
    return template.format(caption=caption, token=token)


@torch.no_grad()  # not inference_mode: what is loaded meanwhile could never be trained
def generate(inputs: GenerateInputs, config: GenerateConfig, *, report: Report, should_stop: ShouldStop) -> list[Draft]:
    """Draw one draft for each photo, all in one batch.

    Raises:
        Stopped: ``should_stop`` said so at one of the steps.
        BadSetting: there is no such scheduler.
    """
    pipeline = inputs.models.img2img_pipeline(config.scheduler)
    seeds = [seed_of(config.seed, p.name, v) for p, v in zip(inputs.photos, inputs.variants, strict=True)]
    prompts = [prompt_of(config.template, inputs.captions[p.name], config.token) for p in inputs.photos]
    squares = [starting_picture(p, config, variant) for p, variant in zip(inputs.photos, inputs.variants, strict=True)]
    step_end = _StepEnd(pipeline, config, report, should_stop)
    result = pipeline(
        prompt=prompts,
        negative_prompt=[config.negative] * len(prompts) if config.negative else None,
        image=squares,
        strength=config.strength,
        num_inference_steps=config.steps,
        guidance_scale=config.guidance,
        generator=[torch.Generator().manual_seed(seed) for seed in seeds],
        callback_on_step_end=step_end,
        **structure_arguments(inputs.models, squares, size_px=config.size_px, scale=config.structure_scale),
    )
    return [
        Draft(
            name=name,
            photo=photo.name,
            image=image,
            caption=inputs.captions[photo.name],
            prompt=prompt,
            seed=seed,
        )
        for name, photo, image, prompt, seed in zip(
            inputs.names, inputs.photos, result.images, prompts, seeds, strict=True
        )
    ]


def starting_picture(photo: Picture, config: GenerateConfig, variant: int = 0) -> Image.Image:
    """What img2img starts from: the photo as an RGB square; a drawing on its ground, a photograph flattened and,
    where the profile says so, in few colours and as a badge on a plain ground; what has a silhouette gets the pack's
    line, and the variant's pose."""
    drawing = lifted(photo.image) if has_ground(photo.image) else photo.image.convert("RGBA")
    if drawing is not None:
        in_few = config.tones > 0 and is_photographic(drawing)
        if in_few or variant or config.line is not None or not has_ground(photo.image):
            return on_ground(_drawn(posed(drawing, variant), config, in_few), config.size_px)
    whole = on_ground(photo.image, config.size_px)
    square = smooth = flattened(whole, config.flatten)
    busy = has_busy_ground(photo.image)
    if config.tones and busy:
        square, smooth = in_patches(whole, config.tones), flattened(exposed(whole), config.flatten)
    if config.badge and busy:
        # Lines run where the smooth picture has edges: between two patches of a sky there is nothing to draw.
        badge, edges = (posed(badged(one), variant) for one in (square, smooth))
        return on_ground(_lined(badge, config, edges), config.size_px)
    return square


def _drawn(picture: Image.Image, config: GenerateConfig, in_few: bool) -> Image.Image:
    """What has a silhouette: a drawing as it is, a photograph's subject in few colours; both with the pack's line."""
    if not in_few:
        return _lined(picture, config)
    fitting = _fitting(picture, config)
    whole, alpha = on_its_mean(fitting), fitting.getchannel("A")
    colours, edges = in_patches(whole, config.tones), flattened(exposed(whole), config.flatten)
    colours.putalpha(alpha)
    edges.putalpha(alpha)
    return _lined(colours, config, edges)


def _lined(picture: Image.Image, config: GenerateConfig, inside: Image.Image | None = None) -> Image.Image:
    """With the pack's line, if it has one; ``inside`` as ``with_line`` has it."""
    if config.line is None:
        return picture
    return with_line(_fitting(picture, config), config.line, None if inside is None else _fitting(inside, config))


def _fitting(picture: Image.Image, config: GenerateConfig) -> Image.Image:
    return squared(picture).resize((config.size_px, config.size_px), Image.Resampling.LANCZOS)


def structure_arguments(
    models: Models, squares: Sequence[Image.Image], *, size_px: int, scale: float
) -> dict[str, Any]:
    """What a pipeline with a ControlNet takes besides; nothing for one without."""
    if models.controlnet is None:
        return {}
    maps = [structure_map(square, size_px) for square in squares]
    return {"control_image": maps, "controlnet_conditioning_scale": scale}


class _StepEnd:
    """What happens after every step of the pipeline: progress, a preview now and then, and the question to stop."""

    def __init__(self, pipeline: Any, config: GenerateConfig, report: Report, should_stop: ShouldStop) -> None:
        self.config, self.report, self.should_stop = config, report, should_stop
        self.original = remember_original(pipeline.scheduler) if config.preview_every else None
        self.done = 0

    def __call__(self, pipeline: Any, index: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        if self.should_stop():
            raise Stopped()
        self.done += 1
        self.report(self.done, pipeline.num_timesteps, self._preview(pipeline))
        return {}

    def _preview(self, pipeline: Any) -> Image.Image | None:
        if self.original is None or self.done % self.config.preview_every:
            return None
        latents = self.original()
        if latents is None:
            return None
        decoded = pipeline.vae.decode(latents[:1] / pipeline.vae.config.scaling_factor).sample
        picture: Image.Image = pipeline.image_processor.postprocess(decoded.float(), output_type="pil")[0]
        return picture
