"""What a part of the evaluation found: rows of figures and pictures to look at, in memory and as JSON.

Owns the form of a result. Knows no part and no model. Light: the standard library and Pillow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from PIL import Image

from pipeline import store
from pipeline.domain import Json

SHARE = "%"  # unit of a value in [0, 1]
RESULT = "result.json"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One figure. Without a value it was not measured, and ``note`` says why."""

    metric: str
    value: float | None
    low: float | None = None  # of the 95 % interval
    high: float | None = None
    unit: str = ""
    n: int | None = None  # pictures behind it
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class FigureRow:
    """Pictures beside each other, with words."""

    label: str
    pictures: Sequence[Image.Image]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A table of pictures."""

    title: str
    columns: Sequence[str]  # a word over each picture
    rows: Sequence[FigureRow]


@dataclass(frozen=True, kw_only=True)
class PartResult:
    """What one part found."""

    rows: Sequence[Row]
    figures: Sequence[Figure] = ()
    notes: Sequence[str] = ()


def skipped(metric: str, why: str) -> Row:
    """A figure that was not measured."""
    return Row(metric=metric, value=None, note=f"skipped: {why}")


def save(result: PartResult, folder: Path) -> None:
    """Write ``result.json`` and the pictures that it names into ``folder``.

    Raises:
        BadOutput: it cannot be written.
    """
    store.write_json(folder / RESULT, as_json(result, folder))


def as_json(result: PartResult, folder: Path) -> Json:
    """The result with file names in place of the pictures, which are written to ``folder``."""
    figures = []
    for number, figure in enumerate(result.figures):
        rows = []
        for line, row in enumerate(figure.rows):
            names = [f"{number}-{line:03d}-{place}.webp" for place in range(len(row.pictures))]
            for name, picture in zip(names, row.pictures, strict=True):
                store.write_image(folder / name, picture)
            rows.append({"label": row.label, "pictures": names})
        figures.append({"title": figure.title, "columns": list(figure.columns), "rows": rows})
    return {"rows": [asdict(row) for row in result.rows], "figures": figures, "notes": list(result.notes)}


def shown(value: float | None, unit: str) -> str:
    """``0.123`` of unit "%" → ``12.3 %``; three figures that count otherwise; a dash for None."""
    if value is None:
        return "–"
    if unit == SHARE:
        return f"{100 * value:.1f} %"
    number = f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
    return f"{number} {unit}".rstrip()


def interval(row: Json) -> str:
    """``12.1 … 14.0``, or nothing."""
    if row["low"] is None or row["high"] is None:
        return ""
    return f"{shown(row['low'], row['unit'])} … {shown(row['high'], row['unit'])}"
