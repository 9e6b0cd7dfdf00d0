"""What the training loop needs to know of a family of base models, and how it works beside one without touching it.

Owns the protocol ``Family`` (what differs between Stable Diffusion 1.x, SDXL, flow transformers ...), *shadows* (second
modules that share or copy the weights of a resident one) and low-rank adapters. Knows no particular family and no loss.
Loads torch and peft.

A base model is handed in as its *parts*: the components of a diffusers pipeline by their names there ("unet", "vae",
"text_encoder", "tokenizer", "scheduler", and "controlnet" where there is one). The loop never changes a module that it
is given: it trains shadows, so that the base serves the next person unchanged, whatever happens on the way.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from peft import LoraConfig, inject_adapter_in_model
from peft.tuners.lora import LoraLayer
from torch import Tensor, nn

Parts = Mapping[str, Any]  # component name → module, tokenizer or scheduler
Conditioning = Mapping[str, Tensor]  # what the denoiser is told of the prompts; every tensor starts with the batch axis
Report = Callable[[int, int], None]  # (done, total), called at every step
ShouldStop = Callable[[], bool]  # asked at every step
ADAPTER = "style"  # name of the adapter while it is trained


@dataclass(frozen=True, kw_only=True)
class Posterior:
    """What the VAE says of pictures: a normal distribution for every latent value, in the denoiser's units."""

    mean: Tensor  # (B, C, h, w), float32, already shifted and scaled
    std: Tensor  # (B, C, h, w), float32, >= 0

    def sample(self, noise: Tensor) -> Tensor:
        """Latents (B, C, h, w) for standard normal ``noise`` of the same shape."""
        return self.mean + self.std * noise


class Objective(Protocol):
    """How a family corrupts latents, what its denoiser is to predict, and how much a timestep counts."""

    def timesteps(self, count: int, generator: torch.Generator) -> Tensor:
        """Random timesteps (count,), on the CPU, of the dtype that the denoiser takes."""
        ...

    def noisy(self, latents: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
        """Latents (B, C, h, w) corrupted to their ``timesteps`` (B,)."""
        ...

    def target(self, latents: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
        """What the denoiser should have answered, (B, C, h, w)."""
        ...

    def weights(self, timesteps: Tensor) -> Tensor:
        """The factor of each picture's loss, (B,), >= 0."""
        ...


class Family(Protocol):
    """All that differs between families of base models, as far as training is concerned. Stateless."""

    @property
    def name(self) -> str:
        """As in a profile's ``family``; a checkpoint of another family is not resumed."""
        ...

    @property
    def denoiser(self) -> str:
        """The part that is tuned: "unet", or "transformer"."""
        ...

    @property
    def text_encoders(self) -> tuple[str, ...]:
        """The parts that ``encode_prompts`` uses and that may be tuned as well: ("text_encoder",)."""
        ...

    @property
    def lora_targets(self) -> Mapping[str, tuple[str, ...]]:
        """Part → endings of the names of the layers that take an adapter (peft's ``target_modules``)."""
        ...

    def objective(self, parts: Parts, snr_gamma: float) -> Objective:
        """The objective that the parts' noise schedule calls for; ``snr_gamma`` 0 switches min-SNR weighting off."""
        ...

    def encode_prompts(self, parts: Parts, prompts: Sequence[str]) -> Conditioning:
        """The prompts as the denoiser takes them; differentiable with respect to the text encoders."""
        ...

    def encode_pictures(self, parts: Parts, pixels: Tensor) -> Posterior:
        """The VAE's posterior of pictures (B, 3, H, W) in [-1, 1]."""
        ...

    def predict(
        self, parts: Parts, noisy: Tensor, timesteps: Tensor, conditioning: Conditioning, structure: Tensor | None
    ) -> Tensor:
        """The denoiser's answer (B, C, h, w); ``structure`` (B, 3, H, W) in [0, 1] goes through the ControlNet."""
        ...


def shadow(module: nn.Module, *, dtype: torch.dtype | None = None, trained: bool = False) -> nn.Module:
    """A second module of the same structure, in evaluation mode.

    Args:
        dtype: of the floating-point weights; None keeps theirs.
        trained: False shares the weights' memory (unless ``dtype`` differs) and freezes them; True copies them and
            lets gradients through.

    Evaluation mode also when trained: it switches dropout off, which would draw random numbers that a resumed run
    could not repeat.
    """
    memo: dict[int, Any] = {id(buffer): buffer for buffer in module.buffers()}
    for parameter in module.parameters():
        data = parameter.detach().to(dtype) if dtype and parameter.is_floating_point() else parameter.detach()
        memo[id(parameter)] = nn.Parameter(data.clone() if trained else data, requires_grad=trained)
    return copy.deepcopy(module, memo).eval()


def add_adapter(module: nn.Module, targets: Sequence[str], *, rank: int, alpha: float, seed: int) -> None:
    """Put float32 low-rank adapters beside the layers whose names end in ``targets`` (LoRA, Hu et al. 2021).

    A starts normal with deviation 1/rank and B at zero, so that the module answers as before at the start. The random
    numbers depend on ``seed`` alone and the global generator is left as it was.

    Raises:
        ValueError: no layer of the module has such a name.
    """
    config = LoraConfig(r=rank, lora_alpha=alpha, target_modules=list(targets), init_lora_weights="gaussian")
    with torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(seed)
        inject_adapter_in_model(config, module, adapter_name=ADAPTER)
    generator = torch.Generator().manual_seed(seed)
    for layer in adapted_layers(module).values():
        first: Tensor = layer.lora_A[ADAPTER].weight
        # Drawn again on the CPU: on an accelerator peft would draw from that device's generator.
        first.data = (torch.randn(first.shape, generator=generator) / rank).to(first.device)
        layer.lora_B[ADAPTER].weight.data = layer.lora_B[ADAPTER].weight.data.float()


def adapted_layers(module: nn.Module) -> dict[str, LoraLayer]:
    """Name → layer, of the layers that carry an adapter."""
    return {name: layer for name, layer in module.named_modules() if isinstance(layer, LoraLayer)}


def adapter_tensors(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """The adapter as ``LAYER.lora_A.weight`` and ``LAYER.lora_B.weight``, the scale alpha/rank folded into B.

    So the pair means W + B·A whatever reads it: loaders take alpha = rank where a file is silent.
    """
    for name, layer in adapted_layers(module).items():
        yield f"{name}.lora_A.weight", layer.lora_A[ADAPTER].weight
        yield f"{name}.lora_B.weight", layer.lora_B[ADAPTER].weight * layer.scaling[ADAPTER]


def trained_parameters(module: nn.Module) -> dict[str, nn.Parameter]:
    """Name → parameter, of those that gradients reach."""
    return {name: parameter for name, parameter in module.named_parameters() if parameter.requires_grad}
