"""A style's folder: which files it has, its card, and whether it can be used, told without loading a tensor.

Owns the folder's layout and the rule which profile a style fits. Knows nothing of weights but their files. Light.

    STYLE/style.json                        the card, written last: where it is, the style is complete
    STYLE/README.md                         the card for people
    STYLE/pytorch_lora_weights.safetensors  an adapter (also of a full fine-tune exported as one), or
    STYLE/unet/diffusion_pytorch_model.safetensors, STYLE/text_encoder/model.safetensors   whole weights
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from pipeline.domain import Json, Method
from pipeline.errors import BadInput, StyleMismatch
from pipeline.line import Line
from pipeline.model_files import safetensors_fault
from pipeline.store import STYLE_CARD

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
    line: Line | None = None  # that the pack's artist draws around things; None where there is none
    export: Export | None = None  # where a full fine-tune is kept as an adapter


def mean_ends(losses: tuple[float, ...]) -> tuple[float, float]:
    """The mean loss of the first and of the last tenth of the steps, for the card; losses of one step are too noisy."""
    tenth = max(1, len(losses) // 10)
    return sum(losses[:tenth]) / tenth, sum(losses[-tenth:]) / tenth


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
    if card.line:
        red, green, blue = card.line.colour
        width = f"{card.line.width:.1%} of the picture's width"
        lines += ["", f"Its artist draws lines around things in rgb({red}, {green}, {blue}), {width}."]
    if card.export:
        lines += [
            "",
            f"Every weight was tuned; this is a rank-{card.export.rank} adapter made of it. {lost(card.export)}",
        ]
    lines += ["", "The pack's pictures are their makers' work: keep the style to yourself unless they agree.", ""]
    return "\n".join(lines)


def lost(export: Export) -> str:
    """What the adapter lacks, and where: in weights that no adapter covers, and in the layers that it covers."""
    covered = max(0.0, export.distance**2 - export.uncovered**2) ** 0.5  # squares add up, norms do not
    told = f"{export.distance:.1%} of the change is lost (relative Frobenius norm)"
    if export.uncovered:
        told += (
            f": {export.uncovered:.1%} in weights that no adapter covers (biases, norms), {covered:.1%} in the layers "
            "that it covers (the two add up as squares)"
        )
    if export.worst_layer:
        told += f". Of these layers `{export.worst_layer}` lost the largest share of its own change, "
        told += f"{export.worst_distance:.1%}"
    return f"{told}."


def read_card(folder: Path) -> StyleCard:
    """The card of the style in ``folder``.

    Raises:
        BadInput: there is no style, it is incomplete, or its card cannot be read.
    """
    path = folder / STYLE_CARD
    if not path.is_file():
        raise BadInput(
            f"{str(folder)!r} is no style: it has no {STYLE_CARD}; give the folder that `stickers train` wrote"
        )
    try:
        raw: Json = json.loads(path.read_text(encoding="utf-8"))
        known = {name: raw[name] for name in (entry.name for entry in fields(StyleCard)) if name in raw}
        known["method"] = Method(raw["method"])
        known["line"] = Line.of(raw["line"]) if raw.get("line") else None
        known["export"] = Export(**raw["export"]) if raw.get("export") else None
        return StyleCard(**known)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"{str(path)!r} is no style's card: {error}; learn the style again") from error


def fitting_card(style: Path, profile: str) -> StyleCard:
    """The card of a style, told to be another profile's before any model is loaded.

    Raises:
        BadInput: there is no style.
        StyleMismatch: it was learned with another profile.
    """
    card = read_card(style)
    if card.profile != profile:
        raise StyleMismatch(
            f"the style {str(style)!r} was learned with profile {card.profile!r} and fits no other; "
            f"use --profile {card.profile} (a profile of your own by the path of its TOML file), or learn it again "
            f"with {profile!r}"
        )
    return card


def weight_files(folder: Path) -> list[Path]:
    """The files with weights that are there: the adapter's, or the parts'."""
    paths = [folder / ADAPTER, *(weights_path(part) for part in sorted(folder.iterdir()) if part.is_dir())]
    return [path for path in paths if path.is_file()]


def weights_path(folder: Path) -> Path:
    """Where whole weights lie in a part's folder."""
    return folder / (TEXT_ENCODER_WEIGHTS if folder.name.startswith("text_encoder") else UNET_WEIGHTS)


def check_weights(folder: Path) -> None:
    """Refuse a style whose weights cannot be what their headers say: told in a moment, before any model is loaded.

    Raises:
        BadInput: there are none, or a file is damaged.
    """
    paths = weight_files(folder)
    if not paths:
        raise BadInput(f"the style {str(folder)!r} has no weights; learn it again")
    for path in paths:
        try:
            fault = safetensors_fault(path)
        except OSError as error:
            raise BadInput(f"cannot read {str(path)!r}: {error.strerror}; check its permissions") from error
        if fault:
            raise BadInput(f"the style's file {str(path)!r} is damaged ({fault}); learn the style again")
