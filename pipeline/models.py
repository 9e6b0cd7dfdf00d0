"""The one door to models: a profile in, loaded modules out; each is loaded once, when first asked for, and stays.

Owns loading. Knows no stage, no hub protocol and no profile by name: embedded models and those of a hub take the same
way. Only safetensors are read; no pickle, no code from a repository. Heavy: loads torch, diffusers and transformers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import diffusers
import transformers
from diffusers import DiffusionPipeline
from diffusers.utils import is_xformers_available
from safetensors import SafetensorError
from torch import nn
from transformers import (
    AutoTokenizer,
    BlipForConditionalGeneration,
    BlipImageProcessorPil,
    BlipProcessor,
    CLIPImageProcessorPil,
    CLIPModel,
    SegformerForSemanticSegmentation,
    SegformerImageProcessorPil,
)

from pipeline.errors import ModelBroken
from pipeline.families import Family, family
from pipeline.gpu import Device, empty_caches
from pipeline.hub import local_folder, model_fingerprint
from pipeline.schedulers import make_scheduler
from pipeline.settings import Profile
from pipeline.towers import blip_class, clip_class
from training.modules import Parts


@dataclass(frozen=True, kw_only=True)
class Base:
    """A base model: its family and its parts by their names in diffusers (unet, vae, text_encoder, tokenizer ...)."""

    family: Family
    parts: Parts  # "scheduler" among them: the noise schedule of the training, as a DDPM scheduler
    scheduler_config: Mapping[str, Any]  # scheduler/scheduler_config.json: what ``make_scheduler`` starts from

    @property
    def unet(self) -> Any:
        """The part that denoises."""
        return self.parts[self.family.denoiser]

    @property
    def vae(self) -> Any:
        """Pictures ↔ latents."""
        return self.parts["vae"]

    @property
    def text_encoder(self) -> Any:
        """Tokens → hidden states."""
        return self.parts["text_encoder"]

    @property
    def tokenizer(self) -> Any:
        """Words → tokens."""
        return self.parts["tokenizer"]


@dataclass(frozen=True, kw_only=True)
class Captioner:
    """BLIP and what prepares its pictures and reads its tokens."""

    model: BlipForConditionalGeneration
    processor: BlipProcessor


@dataclass(frozen=True, kw_only=True)
class Segmenter:
    """SegFormer and what prepares its pictures."""

    model: SegformerForSemanticSegmentation
    processor: SegformerImageProcessorPil


@dataclass(frozen=True, kw_only=True)
class Clip:
    """CLIP, what prepares its pictures and what cuts its words."""

    model: CLIPModel
    processor: CLIPImageProcessorPil
    tokenizer: Any


class Models:
    """The models of one profile on one device.

    Every property raises ModelMissing if files are not there, and ModelBroken if they cannot be used.
    """

    def __init__(self, profile: Profile, device: Device) -> None:
        self.profile, self.device = profile, device
        for library in (diffusers.utils.logging, transformers.utils.logging):
            library.disable_progress_bar()  # loading is not the place to draw on a terminal
        # It reports what it did not need of a folder, such as the eyes of a CLIP whose words alone are wanted; what is
        # lacking, ``_load`` tells itself.
        transformers.utils.logging.set_verbosity_error()

    @cached_property
    def base(self) -> Base:
        """The base model, frozen and in evaluation mode."""
        folder = local_folder(self.profile, "base")
        variant = self.profile.models.base.variant
        kind = family(self.profile.family)
        parts = {name: self._load(component, folder / name, variant) for name, component in kind.components.items()}
        if self.device.name == "cuda" and is_xformers_available():
            parts[kind.denoiser].enable_xformers_memory_efficient_attention()  # else torch's own SDPA, the default
        config_path = folder / "scheduler" / "scheduler_config.json"
        with _loading(config_path):
            config = json.loads(config_path.read_text(encoding="utf-8"))
            parts["scheduler"] = make_scheduler("ddpm", config)
        return Base(family=kind, parts=parts, scheduler_config=config)

    @cached_property
    def controlnet(self) -> Any | None:
        """The ControlNet that reads the photo's structure, or None where the profile has none."""
        source = self.profile.models.controlnet
        if source is None:
            return None
        kind = family(self.profile.family)
        return self._load(kind.controlnet, local_folder(self.profile, "controlnet"), source.variant)

    @cached_property
    def caption(self) -> Captioner:
        """The model that says what is in a photo."""
        folder = local_folder(self.profile, "caption")
        with _loading(folder):
            kind = blip_class(folder)
        model = self._load(kind, folder, self.profile.models.caption.variant)
        with _loading(folder):
            # Put together by hand: ``BlipProcessor.from_pretrained`` takes torchvision where it is installed, whose
            # resizing differs from Pillow's, and the same photo would get other captions on another machine.
            processor = BlipProcessor(
                image_processor=BlipImageProcessorPil.from_pretrained(folder, local_files_only=True),
                tokenizer=AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False),
            )
        return Captioner(model=model, processor=processor)

    @cached_property
    def segmentation(self) -> Segmenter:
        """The model that tells the thing from the ground."""
        folder = local_folder(self.profile, "segmentation")
        model = self._load(SegformerForSemanticSegmentation, folder, self.profile.models.segmentation.variant)
        with _loading(folder):
            processor = SegformerImageProcessorPil.from_pretrained(folder, local_files_only=True)
        return Segmenter(model=model, processor=processor)

    @cached_property
    def clip(self) -> Clip | None:
        """The model that knows which words go with a picture, or None where the profile has none."""
        source = self.profile.models.clip
        if source is None:
            return None
        folder = local_folder(self.profile, "clip")
        with _loading(folder):
            kind = clip_class(folder)
        model = self._load(kind, folder, source.variant)
        with _loading(folder):
            return Clip(
                model=model,
                processor=CLIPImageProcessorPil.from_pretrained(folder, local_files_only=True),
                tokenizer=AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False),
            )

    @property
    def parts(self) -> Parts:
        """The base's parts, with the ControlNet where the profile has one: what training and img2img work with."""
        return {**self.base.parts, **({} if self.controlnet is None else {"controlnet": self.controlnet})}

    def img2img_pipeline(self, scheduler_name: str | None = None) -> DiffusionPipeline:
        """A fresh img2img pipeline over the resident modules (nothing is copied), without progress bars.

        Args:
            scheduler_name: entry of the table in ``pipeline.schedulers``; the profile's where None.

        Raises:
            BadSetting: no such scheduler.
        """
        name = scheduler_name or self.profile.generate.scheduler
        scheduler = make_scheduler(name, self.base.scheduler_config)
        pipeline = self.base.family.img2img(self.parts, scheduler)
        pipeline.set_progress_bar_config(disable=True)
        return pipeline

    def fingerprint(self, role: str) -> str:
        """SHA-256 over the weights of ``role`` (base | controlnet | caption | segmentation | clip)."""
        return model_fingerprint(self.profile, role)

    def release(self, *roles: str) -> None:
        """Forget the modules of ``roles`` (of all where none is named), and give the memory back; what is asked for
        next is loaded anew."""
        for name in roles or ("base", "controlnet", "caption", "segmentation", "clip"):
            self.__dict__.pop(name, None)  # where cached_property keeps it
        empty_caches()

    def _load(self, component: type, folder: Path, variant: str | None) -> Any:
        """A module on the device, frozen, in evaluation mode; or a tokenizer."""
        with _loading(folder):
            if not issubclass(component, nn.Module):
                return component.from_pretrained(folder, local_files_only=True)  # type: ignore[attr-defined]
            module, report = component.from_pretrained(  # type: ignore[attr-defined]
                folder,
                variant=variant,
                dtype=self.device.dtype,
                use_safetensors=True,
                local_files_only=True,
                output_loading_info=True,
            )
        if lacking := sorted(report["missing_keys"]):
            # Loaders fill gaps with random numbers and go on; the pictures would be noise without a word.
            raise ModelBroken(
                f"{folder}: the weights lack {lacking[0]!r} and {len(lacking) - 1} more; fetch them again"
            )
        return module.requires_grad_(False).eval().to(self.device.torch_device)


@contextmanager
def _loading(path: Path) -> Iterator[None]:
    """Turn what the libraries raise on unusable files into one sentence."""
    try:
        yield
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RuntimeError, SafetensorError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelBroken(f"{path}: cannot be loaded ({reason}); delete the folder and fetch it again") from error
