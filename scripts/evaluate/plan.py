"""What is restyled, and with what: things that exist in a source set and in the held-out set, and a pack without them.

Owns the choice of the things and the framing of their drawings. Knows no model. Light but for the art.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from pipeline.domain import Pack, Picture
from pipeline.errors import BadInput
from pipeline.framing import ground_for, on_ground, squared, trimmed
from scripts.evaluate.subject import HELD_OUT, Subject, as_picture, shuffled

SOURCES = ("noto", "twemoji", "fluent")  # in turn
PACK_SIZE = 24
LEAST = 2  # things and pack pictures, below which nothing can be told


@dataclass(frozen=True, kw_only=True)
class Thing:
    """Something that two sets have drawn, framed alike and on the same ground."""

    code: str
    source: str
    name: str
    new: bool  # its name was held out of the training
    photo: Picture  # the source's drawing, as a person would send it
    untouched: Image.Image  # the same, as img2img starts from it
    moved: Image.Image  # the same, stretched to where the truth stands: what place alone brings, at the same style
    truth: Image.Image  # the held-out set's drawing


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The things, and the drawings that are learned from or compared with."""

    things: Sequence[Thing]
    pack: Pack
    references: dict[str, list[Image.Image]]  # set → the pack's things in it, framed as the things are
    others: list[Image.Image]  # further drawings of the held-out set: neither things nor pack


def plan_of(subject: Subject, count: int, seed: int, others: int = 200) -> Plan:
    """Choose. Things whose names are held out come first: the recipe teaches them in no style.

    Raises:
        BadInput: the sets have too few things in common.
    """
    everywhere = set.intersection(*(set(subject.place(style)) for style in (*SOURCES, HELD_OUT)))
    chosen = choose(subject, min(count, len(everywhere) // 2), seed)
    codes = {code for code, _ in chosen}
    left = shuffled([code for code in everywhere if code not in codes], seed + 1)
    pack_codes = left[: min(PACK_SIZE, len(left) // 2)]
    if len(chosen) < LEAST or len(pack_codes) < LEAST:
        raise BadInput(
            f"only {len(everywhere)} things are in all of {', '.join(SOURCES)} and {HELD_OUT}; fetch the art"
        )
    rest = shuffled([code for code in subject.place(HELD_OUT) if code not in codes | {*pack_codes}], seed + 2)
    size = subject.models.profile.drawing_px
    return Plan(
        things=[thing_of(subject, code, source, size) for code, source in chosen],
        pack=Pack(
            name="OpenMoji",
            pictures=tuple(as_picture(code, subject.drawing(HELD_OUT, code)) for code in pack_codes),
        ),
        references={
            style: [on_ground(subject.drawing(style, code), size) for code in pack_codes]
            for style in (*SOURCES, HELD_OUT)
        },
        others=[on_ground(subject.drawing(HELD_OUT, code), size) for code in rest[:others]],
    )


def choose(subject: Subject, count: int, seed: int) -> list[tuple[str, str]]:
    """Code and source of each thing, no code twice, the sources in turn."""
    queues = {}
    for number, source in enumerate(SOURCES):
        shared = shuffled([code for code in subject.place(source) if code in subject.place(HELD_OUT)], seed + number)
        new = {code for code in shared if subject.is_new(source, code) and subject.is_new(HELD_OUT, code)}
        queues[source] = sorted(shared, key=lambda code, new=new: code not in new)  # type: ignore[misc]
    taken: list[tuple[str, str]] = []
    codes: set[str] = set()
    for number in range(count):
        source = SOURCES[number % len(SOURCES)]
        code = next((code for code in queues[source] if code not in codes), None)
        if code is not None:
            taken.append((code, source))
            codes.add(code)
    return taken


def thing_of(subject: Subject, code: str, source: str, size_px: int) -> Thing:
    """Both drawings, on the ground that the pipeline chooses for the source's."""
    drawing = subject.drawing(source, code)
    ground = ground_for(squared(drawing).resize((size_px, size_px), Image.Resampling.LANCZOS))
    return Thing(
        code=code,
        source=source,
        name=subject.name(HELD_OUT, code),
        new=subject.is_new(source, code) and subject.is_new(HELD_OUT, code),
        photo=as_picture(f"{source}-{code}", drawing),
        untouched=on_ground(drawing, size_px, ground),
        moved=on_ground(stretched(drawing, trimmed(subject.drawing(HELD_OUT, code)).size), size_px, ground),
        truth=on_ground(subject.drawing(HELD_OUT, code), size_px, ground),
    )


def stretched(drawing: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The drawing, trimmed, in another width and height."""
    return trimmed(drawing).resize(size, Image.Resampling.LANCZOS)
