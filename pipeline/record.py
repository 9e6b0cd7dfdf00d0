"""Which files a stage has made in a folder, and from what: a resumed stage makes the others only.

Owns the record's form. The folder may hold a person's own files, too: nothing is swept, counted or deleted that does
not stand in the record. Knows no stage. Light: loads the standard library.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline import store
from pipeline.domain import Json
from pipeline.errors import BadInput


@dataclass(frozen=True, kw_only=True)
class Made:
    """What was made of one picture."""

    files: Sequence[str]  # their names in the folder, the sticker or draft first
    note: str | None = None  # what a person should know of it


def read(path: Path) -> dict[str, Made]:
    """The record as it was last written, by the names of pictures; empty where there is none.

    A row counts only while its files are there, as large as they were written.
    """
    rows = _raw(path).get("made")
    if not isinstance(rows, dict):
        return {}
    return {
        name: Made(files=list(row["sizes"]), note=row["note"])
        for name, row in rows.items()
        if all(_size(path.parent / file) == size for file, size in row["sizes"].items())
    }


def read_of(path: Path, facts: Json) -> dict[str, Made]:
    """As ``read``, if it was all made from these very facts; else empty."""
    return read(path) if _raw(path).get("fingerprint") == store.fingerprint(facts) else {}


def older_pictures(path: Path) -> int:
    """How many stickers or drafts lie in the record's folder that the last run did not make."""
    made = {file for one in read(path).values() for file in one.files}
    return sum(
        1
        for other in path.parent.iterdir()
        if other.suffix in (".png", ".webp") and other.name not in made and not other.name.startswith(".")
    )


def write(path: Path, facts: Json, made: Mapping[str, Made]) -> None:
    """Write the record; the files are there already.

    Raises:
        BadOutput: it cannot be written.
    """
    rows = {
        name: {"sizes": {file: _size(path.parent / file) for file in one.files}, "note": one.note}
        for name, one in made.items()
    }
    store.write_json(path, {"fingerprint": store.fingerprint(facts), "config": facts, "made": rows})


def _raw(path: Path) -> Json:
    try:
        raw = store.read_json(path)
    except BadInput:  # none yet, or not ours
        return {}
    return raw if isinstance(raw, dict) else {}


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None
