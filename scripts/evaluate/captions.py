"""Captions: how often what the profile says of a drawing names the thing.

Owns which drawings are asked about, and what counts as chance. The captioner is reached as a job reaches it. Loads
torch.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from pipeline.caption import CaptionConfig, CaptionInputs, caption
from pipeline.domain import Report, ShouldStop
from scripts.embedded.blip import names_the_thing
from scripts.evaluate.parts import EvaluateConfig
from scripts.evaluate.result import Figure, FigureRow, PartResult, Row
from scripts.evaluate.statistics import share_row
from scripts.evaluate.subject import Subject, as_picture, on_white

KINDS = ("names learned in other styles", "names never learned")
SHOWN = 24
SHOWN_PX = 96


def measure(subject: Subject, config: EvaluateConfig, *, report: Report, should_stop: ShouldStop) -> PartResult:
    """The share of captions that have the name's longest word.

    Raises:
        Stopped: ``should_stop`` said so.
    """
    chosen = {kind: places(subject, new, config) for kind, new in zip(KINDS, (False, True), strict=True)}
    asked = [place for found in chosen.values() for place in found]
    art = subject.held_out
    photos = [as_picture(f"{place}", Image.fromarray(art.rgba[place])) for place in asked]
    inputs = CaptionInputs(photos=photos, captioner=subject.models.caption, judge=subject.models.clip)
    said = caption(inputs, CaptionConfig(), report=report, should_stop=should_stop)
    rows: list[Row] = []
    for kind, found in chosen.items():
        names, captions = [art.names[place] for place in found], [said[f"{place}"] for place in found]
        rows += rows_of(kind, names, captions, config.seed)
    lines = [
        FigureRow(
            label=told(art.names[place], said[str(place)]),
            pictures=[on_white(Image.fromarray(art.rgba[place]), SHOWN_PX)],
        )
        for found in chosen.values()
        for place in found[: SHOWN // 2]
    ]
    note = (
        "A caption names the thing where it has the longest word of its name. Drawings of the held-out set, OpenMoji."
    )
    figure = Figure(title="What it is: “what was said”", columns=[""], rows=lines)
    return PartResult(rows=rows, figures=[figure], notes=[note])


def told(name: str, said: str) -> str:
    """The name and what was said, marked as right or wrong."""
    return f"{'✓' if names_the_thing(said, name) else '✗'} {name}: “{said}”"


def places(subject: Subject, new: bool, config: EvaluateConfig) -> list[int]:
    """Numbers of drawings whose names were never learned, or were learned in other styles."""
    art = subject.held_out
    fitting = [
        number
        for number, (name, held) in enumerate(zip(art.names, art.held_out, strict=True))
        if (name in subject.taught) is not new and bool(held) is new
    ]
    order = np.random.default_rng(config.seed).permutation(len(fitting))
    return [fitting[place] for place in order[: config.count]]


def rows_of(kind: str, names: Sequence[str], captions: Sequence[str], seed: int) -> list[Row]:
    """The share, and the share of the very same captions dealt out anew: what likely words alone would bring."""
    hits = [names_the_thing(said, name) for said, name in zip(captions, names, strict=True)]
    order = np.random.default_rng(seed).permutation(len(names))
    dealt = [names_the_thing(captions[place], name) for place, name in zip(order, names, strict=True)]
    return [
        share_row(f"the caption names the thing, {kind}", hits, seed=seed),
        share_row(f"the same captions shuffled, {kind}", dealt, seed=seed, note="chance"),
    ]
