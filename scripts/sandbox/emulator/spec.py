"""The Bot API as a table: which methods and types there are, and what their fields may hold.

Owns the reading of ``bot_api.json`` (made by ``make_table.py``). Knows nothing of requests; loads nothing but the
standard library, and the table on first use.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_name("bot_api.json")


@dataclass(frozen=True, kw_only=True)
class Field:
    """A parameter of a method, or a field of a type: the names of the types that it may hold."""

    kinds: tuple[str, ...]
    required: bool


@dataclass(frozen=True, kw_only=True)
class Type:
    """A type by its fields, with the fixed values that tell it from its siblings; or a union, by its members."""

    name: str
    fields: Mapping[str, Field]
    fixed: Mapping[str, str]
    subtypes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Spec:
    """The whole API. ``methods``: name → its parameters; ``names``: name in lower case → name."""

    version: str
    methods: Mapping[str, Mapping[str, Field]]
    names: Mapping[str, str]
    types: Mapping[str, Type]


def _field(text: str) -> Field:
    return Field(kinds=tuple(text.removesuffix("!").split("|")), required=text.endswith("!"))


def _fields(table: dict[str, str]) -> dict[str, Field]:
    return {name: _field(text) for name, text in table.items()}


def _type(name: str, table: dict[str, Any]) -> Type:
    return Type(
        name=name,
        fields=_fields(table.get("fields", {})),
        fixed=table.get("fixed", {}),
        subtypes=tuple(table.get("subtypes", ())),
    )


@functools.cache
def bot_api() -> Spec:
    """The table, read once."""
    table = json.loads(TABLE.read_text(encoding="utf-8"))
    return Spec(
        version=table["version"],
        methods={name: _fields(fields) for name, fields in table["methods"].items()},
        names={name.lower(): name for name in table["methods"]},
        types={name: _type(name, one) for name, one in table["types"].items()},
    )
