"""The families of base models by name: which components one has, and which pipeline draws with them.

Owns all that differs by family on the pipeline's side; the training side (how prompts become conditioning, the loss's
target and weighting, the layers that take an adapter) is the ``training`` family that each entry extends, so that an
entry serves both. Knows no profile and no folder. Heavy: loads diffusers, transformers and peft.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

from diffusers import (
    AutoencoderKL,
    ControlNetModel,
    DiffusionPipeline,
    SchedulerMixin,
    StableDiffusionControlNetImg2ImgPipeline,
    StableDiffusionImg2ImgPipeline,
    UNet2DConditionModel,
)
from transformers import CLIPTextModel, CLIPTokenizer

import training.modules
from pipeline.errors import BadSetting
from training.modules import Parts
from training.stable_diffusion import StableDiffusion


class Family(training.modules.Family, Protocol):
    """What training needs to know of a family, and what loading and drawing need besides."""

    @property
    def components(self) -> Mapping[str, type]:
        """Part → class whose ``from_pretrained`` reads the subfolder of that name; the scheduler is not among them."""
        ...

    @property
    def controlnet(self) -> type:
        """The class of a ControlNet for this family."""
        ...

    def img2img(self, parts: Parts, scheduler: SchedulerMixin) -> DiffusionPipeline:
        """An img2img pipeline over these very modules, with their ControlNet where ``parts`` has one."""
        ...


def _sd_components() -> dict[str, type]:
    return {
        "unet": UNet2DConditionModel,
        "vae": AutoencoderKL,
        "text_encoder": CLIPTextModel,
        "tokenizer": CLIPTokenizer,
    }


@dataclass(frozen=True, kw_only=True)
class StableDiffusionFamily(StableDiffusion):
    """Stable Diffusion 1.x and 2.x: a UNet that predicts noise or v, one CLIP text encoder."""

    components: Mapping[str, type] = field(default_factory=_sd_components)
    controlnet: type = ControlNetModel

    def img2img(self, parts: Parts, scheduler: SchedulerMixin) -> DiffusionPipeline:
        """``StableDiffusionImg2ImgPipeline``, or the one with a ControlNet; nothing is copied."""
        modules: dict[str, Any] = {name: parts[name] for name in self.components}
        # No safety checker: none is among the models of a profile, and on drawings it mostly errs.
        absent = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
        if parts.get("controlnet") is None:
            return StableDiffusionImg2ImgPipeline(**modules, **absent, scheduler=scheduler)
        controlnet = parts["controlnet"]
        return StableDiffusionControlNetImg2ImgPipeline(**modules, **absent, scheduler=scheduler, controlnet=controlnet)


# The names are those of ``model_files.BASES``, which says (without loading torch) what files each one has.
FAMILIES: Mapping[str, Family] = MappingProxyType({"sd": StableDiffusionFamily()})


def family(name: str) -> Family:
    """The family ``name``.

    Raises:
        BadSetting: there is no such family.
    """
    if name not in FAMILIES:
        raise BadSetting(f"family = {name!r}: unknown; there are {', '.join(FAMILIES)}")
    return FAMILIES[name]
