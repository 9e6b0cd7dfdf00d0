"""A style's weights on disk, and on the model: how they are written, put on and taken off again.

Owns the writing of a style and the rule which model its weights fit. Knows nothing of how it was learned; the folder's
layout and its card are ``pipeline.card``. Heavy: loads torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from pipeline.card import ADAPTER, StyleCard, fitting_card, readme, weight_files, weights_path
from pipeline.errors import BadInput, StyleMismatch
from pipeline.store import STYLE_CARD, write_bytes, write_json
from training.lowrank import product

# ``read_styled``, or what keeps some in memory
StyledWeights = Callable[[Path, Mapping[str, nn.Module]], Mapping[str, Tensor]]


def save_style(folder: Path, tensors: Mapping[str, Tensor], card: StyleCard, base: Mapping[str, nn.Module]) -> None:
    """Write a style; one that was there before is replaced, and is no style while this goes on.

    Args:
        folder: made if it is not there.
        tensors: "PART.LAYER.lora_A.weight" (an adapter) or "PART.NAME" (whole weights, kept in half precision).
        card: its ``export`` tells an exported adapter from whole weights.
        base: part → module, for the configuration files beside whole weights.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / STYLE_CARD).unlink(missing_ok=True)
    for old in weight_files(folder):
        old.unlink()
    if is_adapter(tensors):
        write_bytes(folder / ADAPTER, as_safetensors(tensors))
    else:
        for part in sorted({name.split(".")[0] for name in tensors}):
            save_part(folder / part, own(tensors, part), base[part])
    write_bytes(folder / "README.md", readme(card).encode())
    write_json(folder / STYLE_CARD, asdict(card))


def save_part(folder: Path, tensors: Mapping[str, Tensor], module: Any) -> None:
    """Whole weights with the module's configuration: ``from_pretrained(folder)`` reads them."""
    folder.mkdir(parents=True, exist_ok=True)
    config = module.config
    text = config.to_json_string() if hasattr(config, "to_json_string") else module.to_json_string()
    write_bytes(folder / "config.json", text.encode())
    write_bytes(weights_path(folder), as_safetensors({name: halved(value) for name, value in tensors.items()}))


def halved(value: Tensor) -> Tensor:
    """In half precision, as published weights are: half the space, each rounded to 11 bits.

    A weight beyond its range (65,504) keeps the precision that it has.
    """
    half = value.half()
    return half if bool(torch.isfinite(half).all()) else value


def as_safetensors(tensors: Mapping[str, Tensor]) -> bytes:
    """The file's bytes."""
    return save({name: value.contiguous() for name, value in tensors.items()}, metadata={"format": "pt"})


def is_adapter(tensors: Mapping[str, Tensor]) -> bool:
    """Whether these are low-rank factors, not whole weights."""
    return all(".lora_A." in name or ".lora_B." in name for name in tensors)


def own(tensors: Mapping[str, Tensor], part: str) -> dict[str, Tensor]:
    """The tensors of one part, by their names within it."""
    return {name.removeprefix(f"{part}."): value for name, value in tensors.items() if name.startswith(f"{part}.")}


def read_tensors(folder: Path) -> dict[str, Tensor]:
    """The weights of the style in ``folder``, "PART.NAME", on the CPU.

    Raises:
        BadInput: there are none, or a file is damaged.
    """
    tensors: dict[str, Tensor] = {}
    for path in weight_files(folder):
        prefix = "" if path.name == ADAPTER else f"{path.parent.name}."
        tensors |= {f"{prefix}{name}": value for name, value in read_safetensors(path).items()}
    if not tensors:
        raise BadInput(f"the style {str(folder)!r} has no weights; learn it again")
    return tensors


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """A file's tensors; ``BadInput`` where it is damaged."""
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise BadInput(f"the style's file {str(path)!r} is damaged ({error}); learn the style again") from error


@contextmanager
def applied(
    base: Mapping[str, nn.Module],
    folder: Path,
    profile: str,
    *,
    base_fingerprint: str | None = None,
    scale: float = 1.0,
) -> Iterator[StyleCard]:
    """Put a style on the loaded modules, in place, while the block runs; afterwards they are as before, bit by bit.

    The adapter is added into the weights, W + scale·B·A, so that it costs nothing at every step; the modules' own
    parameters are set aside meanwhile and put back, also after an exception. Only weights that change are held twice.

    Args:
        base: part → module ("unet", "text_encoder"); other parts may be there.
        folder: of the style.
        profile: the name of the profile that the modules belong to.
        base_fingerprint: of the modules' files; None leaves it unchecked.
        scale: how much of the style; 0 = none, 1 = as learned.

    Raises:
        BadInput: the folder is no style.
        StyleMismatch: the style was learned with another profile or base model, or its weights do not fit.
    """
    card = checked_card(folder, profile, base_fingerprint)
    with worn(base, styled_weights(base, read_tensors(folder), scale)):
        yield card


def checked_card(folder: Path, profile: str, base_fingerprint: str | None) -> StyleCard:
    """The card of a style that fits this base; raises as ``applied`` does."""
    card = fitting_card(folder, profile)
    if base_fingerprint not in (None, card.base_fingerprint):
        raise StyleMismatch(
            f"the style {str(folder)!r} was learned on another version of the base model of profile {profile!r}; "
            "learn it again"
        )
    return card


@contextmanager
def worn(base: Mapping[str, nn.Module], styled: Mapping[str, Tensor]) -> Iterator[None]:
    """Put ``styled_weights`` in the places of the modules' own while the block runs: nothing is copied."""
    swaps = [(*locate(base, name), value) for name, value in styled.items()]
    originals = [module._parameters[name] for module, name, _ in swaps]
    try:
        for module, name, value in swaps:
            module._parameters[name] = nn.Parameter(value, requires_grad=False)
        yield
    finally:
        for (module, name, _), original in zip(swaps, originals, strict=True):
            module._parameters[name] = original


def read_styled(folder: Path, base: Mapping[str, nn.Module]) -> dict[str, Tensor]:
    """``styled_weights`` of the style in ``folder``, as learned; raises as ``read_tensors`` does."""
    return styled_weights(base, read_tensors(folder), 1.0)


@torch.no_grad()
def styled_weights(base: Mapping[str, nn.Module], tensors: Mapping[str, Tensor], scale: float) -> dict[str, Tensor]:
    """ "PART.NAME" → the weight with the style on, in the base's type and on its device."""
    styled = {}
    for name, value in tensors.items():
        if name.endswith(".lora_B.weight"):
            continue  # taken together with its A
        target = name.replace(".lora_A.weight", ".weight")
        weight = parameter(base, target)
        if target == name:
            whole = fitting(name, value, weight)
            styled[target] = torch.lerp(weight.float(), whole, scale).to(weight.dtype)  # exactly `whole` at scale 1
        else:
            change = fitting(name, product(value, tensors[name.replace(".lora_A.", ".lora_B.")]), weight)
            styled[target] = (weight.float() + scale * change).to(weight.dtype)
    return styled


def fitting(name: str, value: Tensor, weight: Tensor) -> Tensor:
    """``value``, float32 on the weight's device; ``StyleMismatch`` where the shapes differ."""
    if value.shape != weight.shape:
        raise StyleMismatch(
            f"the style's {name!r} has shape {tuple(value.shape)}, the model's {tuple(weight.shape)}; "
            "learn the style again"
        )
    return value.to(weight.device).float()


def locate(base: Mapping[str, nn.Module], name: str) -> tuple[nn.Module, str]:
    """The submodule that holds the parameter "PART.NAME", and the parameter's own name there."""
    part, _, path = name.partition(".")
    *owner, leaf = path.split(".")
    try:
        module = base[part].get_submodule(".".join(owner))
        module.get_parameter(leaf)
    except (KeyError, AttributeError) as error:
        raise StyleMismatch(f"the style changes {name!r}, which this model lacks; learn the style again") from error
    return module, leaf


def parameter(base: Mapping[str, nn.Module], name: str) -> Tensor:
    """The parameter "PART.NAME"."""
    module, leaf = locate(base, name)
    return module.get_parameter(leaf)
