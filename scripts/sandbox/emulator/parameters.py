"""A request's parameters, checked against the Bot API's table and turned from what HTTP carries into values.

Owns: unknown and missing names, wrong types, at any depth. A parameter that is not in the API is refused, though
Telegram would ignore it: it is a misspelt name. Knows no limits (``limits.py``) and no state; loads the table.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from scripts.sandbox.emulator import limits
from scripts.sandbox.emulator.errors import Malformed
from scripts.sandbox.emulator.spec import Field, Type, bot_api

ARRAY = "Array of "
TRUE, FALSE = ("true", "1", "yes"), ("false", "0", "no")
ATTACHED = "attach://"


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file that came in a multipart request."""

    name: str
    content: bytes
    mime: str = "application/octet-stream"


def checked(method: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a call of ``method``; uploads that a value names by attach:// are left out of them.

    ``given``: text where HTTP carried text, values where it carried JSON, Upload where it carried a file.
    Raises Malformed.
    """
    fields = bot_api().methods[method]
    attached = {name for name, value in given.items() if name not in fields and isinstance(value, Upload)}
    named = {name: value for name, value in given.items() if name not in attached}
    values = _record(named, fields, method, loose=True)
    unused = attached - set(_attachments(values))
    if unused:
        raise Malformed(f"{method}: no parameter names the uploaded file {min(unused)!r} (attach://{min(unused)})")
    missing = set(_attachments(values)) - {name for name, value in given.items() if isinstance(value, Upload)}
    if missing:
        raise Malformed(f"{method}: no file {min(missing)!r} was uploaded for attach://{min(missing)}")
    return values


def check_object(kind: str, value: Any) -> None:
    """Hold an object to the Bot API, as strictly as a request's; what the emulator sends, as well. Raises Malformed."""
    _of_kind(value, kind, kind, loose=False)


def _attachments(value: Any) -> list[str]:
    """Names of the uploads that a value refers to, at any depth."""
    if isinstance(value, str):
        return [value.removeprefix(ATTACHED)] if value.startswith(ATTACHED) else []
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [name for one in inner for name in _attachments(one)]


def _record(given: Mapping[str, Any], fields: Mapping[str, Field], owner: str, *, loose: bool) -> dict[str, Any]:
    """The fields of a method or an object, each checked. ``loose``: values may be text, as HTTP forms carry them."""
    unknown = [name for name in given if name not in fields]
    if unknown:
        raise Malformed(f"{owner} has no parameter {unknown[0]!r}; it has {', '.join(fields) or 'none'}")
    absent = [name for name, field in fields.items() if field.required and given.get(name) is None]
    if absent:
        raise Malformed(f"{owner}: the parameter {absent[0]!r} is required")
    values = {}
    for name, value in given.items():
        if value is None:
            continue
        values[name] = _value(value, fields[name].kinds, f"{owner}.{name}", loose=loose)
        limits.keep(owner, name, values[name])
    return values


def _value(value: Any, kinds: tuple[str, ...], where: str, *, loose: bool) -> Any:
    """The value as one of the kinds that are allowed."""
    if len(kinds) > 1 and all(kind.startswith(ARRAY) for kind in kinds):
        members = tuple(kind.removeprefix(ARRAY) for kind in kinds)
        return [_value(one, members, f"{where}[]", loose=False) for one in _parsed(value, list, where, loose=loose)]
    failures = []
    for kind in _likely_first(value, kinds, loose=loose):
        try:
            return _of_kind(value, kind, where, loose=loose)
        except Malformed as failure:
            failures.append(failure)
    raise failures[0]


def _likely_first(value: Any, kinds: tuple[str, ...], *, loose: bool) -> list[str]:
    """The kinds, those whose fixed values or required fields the value has first: their failure is the telling one."""
    shown = value
    if loose and isinstance(value, str) and value[:1] == "{":
        shown = _parsed(value, dict, "", loose=True)
    if not isinstance(shown, dict):
        return list(kinds)
    types = bot_api().types

    def strangeness(kind: str) -> int:
        one = types.get(kind)
        if one is None:
            return 1000
        wrong = sum(10 for name, fixed in one.fixed.items() if shown.get(name) != fixed)
        return wrong + sum(field.required and name not in shown for name, field in one.fields.items())

    return sorted(kinds, key=strangeness)


def _parsed(value: Any, wanted: type, where: str, *, loose: bool) -> Any:
    """A list or an object, read from JSON text where HTTP carried text."""
    if loose and isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise Malformed(f"{where}: {value[:80]!r} is not JSON") from None
    if not isinstance(value, wanted):
        raise Malformed(f"{where}: {_shown(value)} is not {'an array' if wanted is list else 'an object'}")
    return value


def _of_kind(value: Any, kind: str, where: str, *, loose: bool) -> Any:
    """The value as one kind: a scalar, an array, a union, an object."""
    if kind.startswith(ARRAY):
        rest = (kind.removeprefix(ARRAY),)
        return [_value(one, rest, f"{where}[]", loose=False) for one in _parsed(value, list, where, loose=loose)]
    if kind in SCALARS:
        return SCALARS[kind](value, where, loose)
    known = bot_api().types[kind]
    if known.subtypes:
        return _value(value, known.subtypes, where, loose=loose)
    return _object(_parsed(value, dict, where, loose=loose), known)


def _object(given: dict[str, Any], known: Type) -> dict[str, Any]:
    for name, fixed in known.fixed.items():
        if given.get(name) != fixed:
            raise Malformed(f"{known.name}.{name} is {given.get(name)!r}, not {fixed!r}")
    return _record(given, known.fields, known.name, loose=False)


def _integer(value: Any, where: str, loose: bool) -> int:
    if loose and isinstance(value, str) and re.fullmatch(r"-?\d{1,19}", value):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise Malformed(f"{where}: {_shown(value)} is not an integer")


def _float(value: Any, where: str, loose: bool) -> float:
    if loose and isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?([eE]-?\d+)?", value):
        return float(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise Malformed(f"{where}: {_shown(value)} is not a number")


def _boolean(value: Any, where: str, loose: bool) -> bool:
    if isinstance(value, bool):
        return value
    if loose and isinstance(value, str) and value.lower() in TRUE + FALSE:
        return value.lower() in TRUE
    raise Malformed(f"{where}: {_shown(value)} is not a Boolean")


def _string(value: Any, where: str, loose: bool) -> str:
    if not isinstance(value, str):
        raise Malformed(f"{where}: {_shown(value)} is not a string")
    return value


def _input_file(value: Any, where: str, loose: bool) -> Any:
    if isinstance(value, Upload) or (isinstance(value, str) and value.startswith(ATTACHED)):
        return value
    raise Malformed(f"{where}: {_shown(value)} is no uploaded file")


def _shown(value: Any) -> str:
    return f"the file {value.name!r}" if isinstance(value, Upload) else repr(value)[:80]


SCALARS: Mapping[str, Callable[[Any, str, bool], Any]] = {
    "Integer": _integer,
    "Float": _float,
    "Boolean": _boolean,
    "String": _string,
    "InputFile": _input_file,
}
