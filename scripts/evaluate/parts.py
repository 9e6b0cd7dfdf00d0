"""The parts of the evaluation, as one table; and what each of them is told.

Owns their names and their order. Loads none of them: ``Part.load`` does, when it is asked for. Light.

A part's module has ``measure(subject, config, *, report, should_stop) -> PartResult``, and may have ``facts(subject)``:
what its result depends on beside the profile's models and the art.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from types import ModuleType

from pipeline.errors import BadSetting
from pipeline.options import check_seed


@dataclass(frozen=True, kw_only=True)
class EvaluateConfig:
    """How much is measured, and with which dice."""

    count: int  # pictures, of each kind that a part tells apart
    seed: int


@dataclass(frozen=True, kw_only=True)
class Part:
    """An entry of the table."""

    title: str  # for a person
    module: str
    count: int  # where none is asked for

    def load(self) -> ModuleType:
        """Its module; heavy."""
        return importlib.import_module(f"scripts.evaluate.{self.module}")


PARTS = {
    "segmentation": Part(title="Cutting out", module="segmentation", count=128),
    "captions": Part(title="Captions", module="captions", count=200),
    "emoji": Part(title="Emoji", module="emoji", count=400),
    "personalisation": Part(title="Learning a style, against the truth", module="personalisation", count=60),
    "structure": Part(title="Does the structure map give the style away?", module="neutrality", count=300),
    "metrics": Part(title="Which metric can be believed? The study of 2023, again", module="metrics", count=60),
}


def chosen_parts(only: str | None) -> list[str]:
    """The names of the parts in ``only`` ("captions,metrics"), in the table's order; all where None.

    Raises:
        BadSetting: a name is unknown, or there is none.
    """
    if only is None:
        return list(PARTS)
    asked = [name.strip() for name in only.split(",") if name.strip()]
    unknown = [name for name in asked if name not in PARTS]
    if unknown or not asked:
        raise BadSetting(f"only = {(unknown or [only])[0]!r}: choose among {', '.join(PARTS)}, with commas between")
    return [name for name in PARTS if name in asked]


def config_of(part: Part, count: int | None, seed: int) -> EvaluateConfig:
    """What a part is told.

    Raises:
        BadSetting: the count is too small for an interval, or the seed is none.
    """
    if count is not None and count < 2:
        raise BadSetting(f"count = {count!r}: an interval needs at least 2 pictures")
    return EvaluateConfig(count=part.count if count is None else count, seed=check_seed(seed))
