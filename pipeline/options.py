"""What a person may ask for, checked and completed from the profile's defaults.

Owns the ranges of the options and their sentences. Knows no model and no stage. Light.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from pipeline.domain import Method
from pipeline.errors import BadSetting
from pipeline.settings import Profile
from pipeline.template import slots

MAX_COUNT = 32  # variants of one photo
MAX_SEED = 2**32 - 1
Number = TypeVar("Number", int, float)


@dataclass(frozen=True, kw_only=True)
class Options:
    """One request's settings, all resolved."""

    profile: Profile
    method: Method
    train_steps: int
    steps: int  # of the scheduler; img2img runs strength * steps of them
    strength: float | None  # None: the profile's, which depends on whether the pack has lines
    guidance: float
    template: str  # of the prompt, with {caption} and {token}
    count: int  # variants of each photo
    variant: int  # the first of them: 2 draws the third again, without the two before it
    seed: int
    outline_px: int
    export_rank: int | None  # keep a full fine-tune as an adapter of this rank


def options_of(
    profile: Profile,
    *,
    method: str | None = None,
    train_steps: int | None = None,
    steps: int | None = None,
    strength: float | None = None,
    guidance: float | None = None,
    prompt: str | None = None,
    count: int = 1,
    variant: int = 0,
    seed: int = 0,
    outline: int | None = None,
    export_rank: int | None = None,
) -> Options:
    """The options, None standing for the profile's default.

    Args:
        prompt: words for the drawing, which take the caption's place in the profile's template (behind the caption
            where they have no {caption}), so that the word that calls the style stays; with {token}: a whole template.

    Raises:
        BadSetting: a value is unknown or out of its range.
    """
    options = Options(
        profile=profile,
        method=_method(profile.train.method if method is None else method),
        train_steps=within("train-steps", profile.train.steps if train_steps is None else train_steps, 1, 100_000),
        steps=within("steps", profile.generate.steps if steps is None else steps, 1, 1000),
        strength=None if strength is None else within("strength", strength, 0.01, 1),
        guidance=within("guidance", profile.generate.guidance if guidance is None else guidance, 0, 50),
        template=_template(prompt, profile.prompt.template),
        count=within("count", count, 1, MAX_COUNT),
        variant=within("variant", variant, 0, MAX_COUNT),
        seed=check_seed(seed),
        outline_px=within("outline", profile.cutout.outline_px if outline is None else outline, 0, 64),
        export_rank=None if export_rank is None else within("export-rank", export_rank, 1, 512),
    )
    weakest = min(strength_of(options, lined=lined) for lined in (False, True))
    if int(options.steps * weakest) < 1:
        raise BadSetting(
            f"steps = {options.steps!r} at strength {weakest!r} leave no step to run; "
            "steps * strength must be at least 1"
        )
    if options.export_rank is not None and options.method is not Method.DREAMBOOTH:
        raise BadSetting("export-rank is for --method dreambooth: a LoRA is an adapter already; leave it out")
    return options


def strength_of(options: Options, *, lined: bool) -> float:
    """What img2img is to change, 0 to 1: what was asked for, or the profile's value.

    Args:
        lined: the picture got the pack's lines before, so that less is left to change.
    """
    own = options.profile.generate
    if options.strength is not None:
        return options.strength
    return own.line_strength if lined and own.line_strength is not None else own.strength


def _method(name: str) -> Method:
    try:
        return Method(name)
    except ValueError as error:
        raise BadSetting(f"unknown method {name!r}; choose one of {', '.join(Method)}") from error


def _template(prompt: str | None, template: str) -> str:
    if prompt is None or not prompt.strip():
        return template
    try:
        names = slots(prompt)
    except ValueError as error:
        raise BadSetting(f"prompt {error}") from error
    words = prompt if "caption" in names else f"{{caption}}, {prompt}"
    return words if "token" in names else template.replace("{caption}", words)


def check_seed(seed: int) -> int:
    """The seed, the same rule for every command; raises BadSetting."""
    return within("seed", seed, 0, MAX_SEED)


def within(option: str, value: Number, low: float, high: float) -> Number:
    """The value of an option.

    Raises:
        BadSetting: it is not in [low, high], or no number (nan) at all.
    """
    if not low <= value <= high:
        raise BadSetting(f"{option} = {value!r}: must be between {low} and {high}")
    return value
