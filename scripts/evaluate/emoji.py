"""Emoji: how often the first proposal, or one of the first five, is the very emoji that a drawing is of.

Owns which drawings are asked about. Proposals are reached as a job reaches them. Loads torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PIL import Image

from pipeline import store
from pipeline.clip_space import SMALLER, TEMPLATES
from pipeline.domain import Json, Report, ShouldStop
from pipeline.emoji import EmojiConfig, EmojiInputs, Proposal, embedded_names, propose
from pipeline.emoji_names import bare, candidates
from scripts.embedded.art import HELD_OUT_SET, TRAINING_SETS
from scripts.embedded.names import emoji_of, is_emoji
from scripts.evaluate.captions import KINDS, places
from scripts.evaluate.parts import EvaluateConfig
from scripts.evaluate.result import Figure, FigureRow, PartResult, Row, skipped
from scripts.evaluate.statistics import share_row
from scripts.evaluate.subject import Subject, as_picture, on_white

RANKS = (1, 5)
SHOWN = 12  # right ones, and wrong ones
SHOWN_PX = 96
TOLD = 3  # proposals beside a drawing
Proposals = Mapping[int, Sequence[Proposal]]  # number of the drawing → what was proposed


def facts(subject: Subject) -> Json:
    """What may be proposed, and how a name is put."""
    return {"candidates": store.fingerprint(list(candidates().items())), "templates": TEMPLATES, "smaller": SMALLER}


def measure(subject: Subject, config: EvaluateConfig, *, report: Report, should_stop: ShouldStop) -> PartResult:
    """Top-1 and top-5, over all emoji that there are.

    Raises:
        Stopped: ``should_stop`` said so.
    """
    clip = subject.models.clip
    if clip is None:
        return PartResult(rows=[skipped("the right emoji", f"the profile {subject.models.profile.name!r} has no CLIP")])
    chosen = {kind: asked(subject, new, config) for kind, new in zip(KINDS, (False, True), strict=True)}
    art = subject.held_out
    numbers = [place for found in chosen.values() for place in found]
    inputs = EmojiInputs(
        pictures=[as_picture(f"{place}", Image.fromarray(art.rgba[place])) for place in numbers],
        clip=clip,
        names=embedded_names(subject.models, subject.settings.cache_dir),
    )
    said = propose(inputs, EmojiConfig(count=max(RANKS)), report=report, should_stop=should_stop)
    proposed = {place: said[f"{place}"] for place in numbers}
    rows = [row for kind, found in chosen.items() for row in rows_of(kind, subject, found, proposed, config.seed)]
    note = (
        f"Drawings of the held-out set, {HELD_OUT_SET.author}; every one of {len(candidates())} emoji may be proposed. "
        "Skin tones are no emoji of their own here."
    )
    return PartResult(rows=rows, figures=figures_of(subject, chosen, proposed), notes=[note])


def asked(subject: Subject, new: bool, config: EvaluateConfig) -> list[int]:
    """Numbers of drawings of one kind whose emoji can be proposed at all."""
    signs = {bare(sign) for sign in candidates()}
    every = EvaluateConfig(count=len(subject.held_out.names), seed=config.seed)
    codes = subject.held_out.codes
    fitting = [place for place in places(subject, new, every) if is_emoji(codes[place])]
    return [place for place in fitting if sign_of(subject, place) in signs][: config.count]


def sign_of(subject: Subject, place: int) -> str:
    """The emoji that a drawing is of, without variation selectors."""
    return bare(emoji_of(subject.held_out.codes[place]))


def rank(subject: Subject, place: int, proposals: Sequence[Proposal]) -> int | None:
    """At which place, from 1, the drawing's own emoji was proposed."""
    right = sign_of(subject, place)
    return next((i + 1 for i, one in enumerate(proposals) if bare(one.emoji) == right), None)


def rows_of(kind: str, subject: Subject, found: Sequence[int], proposed: Proposals, seed: int) -> list[Row]:
    """A row for each rank."""
    ranks = [rank(subject, place, proposed[place]) for place in found]
    return [
        share_row(
            f"the right emoji is {'the first' if most == 1 else f'among the first {most}'}, {kind}",
            [one is not None and one <= most for one in ranks],
            seed=seed,
            note=f"chance {100 * most / len(candidates()):.2g} %",
        )
        for most in RANKS
    ]


def figures_of(subject: Subject, chosen: Mapping[str, Sequence[int]], proposed: Proposals) -> list[Figure]:
    """Right ones and wrong ones of both kinds, each beside drawings of what was proposed."""
    numbers = [place for pair in zip(*chosen.values(), strict=False) for place in pair]
    numbers += [place for found in chosen.values() for place in found if place not in numbers]
    right = [place for place in numbers if rank(subject, place, proposed[place]) == 1]
    wrong = [place for place in numbers if place not in right]
    return [
        Figure(
            title=title,
            columns=["asked", *(f"proposal {number + 1}" for number in range(TOLD))],
            rows=[shown(subject, place, proposed[place][:TOLD]) for place in part[:SHOWN]],
        )
        for title, part in (("The first proposal is right", right), ("It is not", wrong))
        if part
    ]


def shown(subject: Subject, place: int, proposals: Sequence[Proposal]) -> FigureRow:
    """A drawing and what was proposed for it, drawn by the first set that has it."""
    art = subject.held_out
    said = ", ".join(f"{one.name} {one.probability:.0%}" for one in proposals)  # without signs: they ask for a font
    pictures = [Image.fromarray(art.rgba[place]), *(drawing_of(subject, one.emoji) for one in proposals)]
    return FigureRow(
        label=f"{art.names[place]}: {said}",
        pictures=[on_white(picture, SHOWN_PX) for picture in pictures],
    )


def drawing_of(subject: Subject, sign: str) -> Image.Image:
    """Some artist's drawing of an emoji; nothing where none has one."""
    for style in (art.style for art in TRAINING_SETS):
        for code in subject.place(style):
            if bare(emoji_of(code)) == bare(sign):
                return subject.drawing(style, code)
    return Image.new("RGBA", (SHOWN_PX, SHOWN_PX))
