"""Is this a job that the queue can take: its words, its keys, its options; whatever is wrong is told with its value.

Owns the alphabet of names, and what options may be made of. Knows no database and no option's meaning. Light.
"""

from __future__ import annotations

import math
import re

from pipeline.errors import BadJob
from pipeline.jobs.words import JobSpec, Kind

WORD = re.compile(r"(?!\.+$)[A-Za-z0-9._-]{1,80}")
MOST_PROFILE = 4096  # characters: it may be the path of a file
MOST_DEPTH = 8  # of lists and tables within each other
MOST_INT = 2**63  # what every reader of JSON holds exactly, or nearly


def check(spec: JobSpec) -> None:
    """Nothing, where the queue can take it.

    Raises:
        BadJob: it cannot; the message shows which value.
    """
    for what, word in (("job_id", spec.job_id), ("person", spec.person), ("style", spec.style)):
        if not isinstance(word, str) or not WORD.fullmatch(word):
            raise BadJob(f"{what} = {word!r}: 1 to 80 of letters, digits, '.', '_' and '-' make one, not dots alone")
    if not isinstance(spec.kind, Kind):
        raise BadJob(f"kind = {spec.kind!r}: it is one of {', '.join(map(str, Kind))}, as a Kind")
    if not isinstance(spec.profile, str) or not 0 < len(spec.profile) <= MOST_PROFILE:
        raise BadJob(f"profile = {_short(spec.profile)}: it is the name of one, or the path of its file")
    for what, keys in (("pack", spec.pack), ("photos", spec.photos)):
        if not isinstance(keys, tuple) or not all(isinstance(key, str) for key in keys):
            raise BadJob(f"{what} = {_short(keys)}: it is a tuple of keys, each a string")
    if not isinstance(spec.options, dict):
        raise BadJob(f"options = {_short(spec.options)}: they are a dict, name → value")
    _check_json("options", spec.options)


def _check_json(what: str, value: object, depth: int = 0) -> None:
    """JSON knows no nan and no infinity, and a table's names are strings."""
    if value is None or isinstance(value, bool | str):
        return
    if (isinstance(value, float) and math.isfinite(value)) or (isinstance(value, int) and abs(value) < MOST_INT):
        return
    if isinstance(value, list | tuple) and depth < MOST_DEPTH:
        for number, one in enumerate(value):
            _check_json(f"{what}[{number}]", one, depth + 1)
    elif isinstance(value, dict) and depth < MOST_DEPTH:
        for name, one in value.items():
            if not isinstance(name, str):
                raise BadJob(f"{what}: {_short(name)} is no name of an option: a string is one")
            _check_json(f"{what}[{name!r}]", one, depth + 1)
    else:
        raise BadJob(f"{what} = {_short(value)}: no value of JSON, which has numbers of 64 bits, words, lists, tables")


def _short(value: object) -> str:
    """As Python shows it, at most a line of it."""
    try:
        text = repr(value)
    except ValueError:  # a number of more digits than Python writes
        text = f"a number of {int.bit_length(value)} bits" if isinstance(value, int) else type(value).__name__
    return text if len(text) <= 80 else f"{text[:79]}…"
