"""A style on disk, and on the model: weights, their card, and how they are put on and taken off again.

Owns the folder's layout and the rule which model a style fits. Knows nothing of how it was learned. Heavy: loads torch.

    STYLE/style.json                        the card, written last: where it is, the style is complete
    STYLE/README.md                         the card for people
    STYLE/pytorch_lora_weights.safetensors  an adapter (also of a full fine-tune exported as one), or
    STYLE/unet/diffusion_pytorch_model.safetensors, STYLE/text_encoder/model.safetensors   whole weights
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from pipeline.domain import Json, Method
from pipeline.errors import BadInput, StyleMismatch
from pipeline.store import write_bytes, write_json
from training.lowrank import product

CARD = "style.json"
ADAPTER = "pytorch_lora_weights.safetensors"
UNET_WEIGHTS = "diffusion_pytorch_model.safetensors"  # diffusers' name
TEXT_ENCODER_WEIGHTS = "model.safetensors"  # transformers' name


@dataclass(frozen=True, kw_only=True)
class Export:
    """How far an adapter is from the full fine-tune that it stands for; see ``training.lowrank.LowRank``."""

    rank: int
    distance: float
    worst_layer: str
    worst_distance: float
    uncovered: float


@dataclass(frozen=True, kw_only=True)
class StyleCard:
    """What is to be known of a style besides its weights."""

    profile: str  # the profile whose base model it was learned on, and the only one that it fits
    base_fingerprint: str  # of that base model's files
    method: Method
    token: str  # the rare word that means the style
    template: str  # of prompts, with {caption} and {token}
    pack: str
    picture_count: int
    steps: int
    seed: int
    seconds: float
    first_loss: float  # mean of the first tenth of the steps
    last_loss: float  # mean of the last tenth
    versions: Mapping[str, str] = field(default_factory=dict)  # of the libraries
    export: Export | None = None  # where a full fine-tune is kept as an adapter


def mean_ends(losses: tuple[float, ...]) -> tuple[float, float]:
    """The mean loss of the first and of the last tenth of the steps, for the card; losses of one step are too noisy."""
    tenth = max(1, len(losses) // 10)
    return sum(losses[:tenth]) / tenth, sum(losses[-tenth:]) / tenth


def save_style(folder: Path, tensors: Mapping[str, Tensor], card: StyleCard, base: Mapping[str, nn.Module]) -> None:
    """Write a style; one that was there before is replaced, and is no style while this goes on.

    Args:
        folder: made if it is not there.
        tensors: "PART.LAYER.lora_A.weight" (an adapter) or "PART.NAME" (whole weights), as they are learned.
        card: its ``export`` tells an exported adapter from whole weights.
        base: part → module, for the configuration files beside whole weights.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CARD).unlink(missing_ok=True)
    for old in weight_files(folder):
        old.unlink()
    if is_adapter(tensors):
        write_bytes(folder / ADAPTER, as_safetensors(tensors))
    else:
        for part in sorted({name.split(".")[0] for name in tensors}):
            save_part(folder / part, own(tensors, part), base[part])
    write_bytes(folder / "README.md", readme(card).encode())
    write_json(folder / CARD, asdict(card))


def save_part(folder: Path, tensors: Mapping[str, Tensor], module: Any) -> None:
    """Whole weights with the module's configuration: ``from_pretrained(folder)`` reads them."""
    folder.mkdir(parents=True, exist_ok=True)
    config = module.config
    text = config.to_json_string() if hasattr(config, "to_json_string") else module.to_json_string()
    write_bytes(folder / "config.json", text.encode())
    write_bytes(weights_path(folder), as_safetensors(tensors))


def weight_files(folder: Path) -> list[Path]:
    """The files with weights that are there: the adapter's, or the parts'."""
    paths = [folder / ADAPTER, *(weights_path(part) for part in sorted(folder.iterdir()) if part.is_dir())]
    return [path for path in paths if path.is_file()]


def weights_path(folder: Path) -> Path:
    """Where whole weights lie in a part's folder."""
    return folder / (TEXT_ENCODER_WEIGHTS if folder.name.startswith("text_encoder") else UNET_WEIGHTS)


def as_safetensors(tensors: Mapping[str, Tensor]) -> bytes:
    """The file's bytes."""
    return save({name: value.contiguous() for name, value in tensors.items()}, metadata={"format": "pt"})


def is_adapter(tensors: Mapping[str, Tensor]) -> bool:
    """Whether these are low-rank factors, not whole weights."""
    return all(".lora_A." in name or ".lora_B." in name for name in tensors)


def own(tensors: Mapping[str, Tensor], part: str) -> dict[str, Tensor]:
    """The tensors of one part, by their names within it."""
    return {name.removeprefix(f"{part}."): value for name, value in tensors.items() if name.startswith(f"{part}.")}


def readme(card: StyleCard) -> str:
    """The card for people, in Markdown."""
    lines = [
        f"# The style of “{card.pack}”",
        "",
        f"Learned by {'DreamBooth' if card.method is Method.DREAMBOOTH else 'DreamBooth with LoRA'} from "
        f"{card.picture_count} pictures in {card.steps} steps ({card.seconds:.0f} s); "
        f"the loss went from {card.first_loss:.4f} to {card.last_loss:.4f}.",
        "",
        f"It fits the profile `{card.profile}` and no other. The word `{card.token}` calls it: `{card.template}`.",
    ]
    if card.export:
        lines += [
            "",
            f"Every weight was tuned; this is a rank-{card.export.rank} adapter made of it. "
            f"{card.export.distance:.1%} of the change is lost (relative Frobenius norm), "
            f"{card.export.worst_distance:.1%} in the worst layer, `{card.export.worst_layer}`.",
        ]
    lines += ["", "The pack's pictures are their makers' work: keep the style to yourself unless they agree.", ""]
    return "\n".join(lines)


def read_card(folder: Path) -> StyleCard:
    """The card of the style in ``folder``.

    Raises:
        BadInput: there is no style, it is incomplete, or its card cannot be read.
    """
    path = folder / CARD
    if not path.is_file():
        raise BadInput(f"{str(folder)!r} is no style: it has no {CARD}; give the folder that `stickers train` wrote")
    try:
        raw: Json = json.loads(path.read_text(encoding="utf-8"))
        known = {name: raw[name] for name in (entry.name for entry in fields(StyleCard)) if name in raw}
        known["method"] = Method(raw["method"])
        known["export"] = Export(**raw["export"]) if raw.get("export") else None
        return StyleCard(**known)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"{str(path)!r} is no style's card: {error}; learn the style again") from error


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
    card = read_card(folder)
    if card.profile != profile:
        raise StyleMismatch(
            f"the style {str(folder)!r} was learned with profile {card.profile!r} and cannot be used with "
            f"{profile!r}; use --profile {card.profile}, or learn it again with {profile!r}"
        )
    if base_fingerprint not in (None, card.base_fingerprint):
        raise StyleMismatch(
            f"the style {str(folder)!r} was learned on another version of the base model of profile {profile!r}; "
            "learn it again"
        )
    styled = styled_weights(base, read_tensors(folder), scale)
    swaps = [(*locate(base, name), value) for name, value in styled.items()]
    originals = [module._parameters[name] for module, name, _ in swaps]
    try:
        for module, name, value in swaps:
            module._parameters[name] = nn.Parameter(value, requires_grad=False)
        yield card
    finally:
        for (module, name, _), original in zip(swaps, originals, strict=True):
            module._parameters[name] = original


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
