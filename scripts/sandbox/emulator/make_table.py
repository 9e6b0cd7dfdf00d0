"""Makes ``bot_api.json``, the table that requests are checked against, from the full machine-readable Bot API.

``python -m scripts.sandbox.emulator.make_table API_JSON`` reads ``api.json`` of PaulSonOfLars/telegram-bot-api-spec
(MIT) and keeps names, types, what is required, and the fixed values by which members of a union are told apart. No
prose is kept. Knows nothing of the emulator; loads nothing but the standard library.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_name("bot_api.json")
# "must be article", 'always "user"': the value of a discriminating field stands only in the full file's prose.
FIXED = re.compile(r"""(?:, must be |always )["“]?([a-z0-9_]+)["”]?\.?(?: .*)?$""")
DISCRIMINATORS = ("type", "source", "status")


def field_of(field: dict[str, Any]) -> str:
    """``Integer|String!``: the types that are allowed, and ! where the field is required."""
    return "|".join(field["types"]) + ("!" if field["required"] else "")


def fixed_value(field: dict[str, Any]) -> str | None:
    """The one value that a discriminating field has in its type, if it has one."""
    found = FIXED.search(field["description"]) if field["name"] in DISCRIMINATORS else None
    return found[1] if found and found[1] != "one" else None


def type_of(full: dict[str, Any]) -> dict[str, Any]:
    """A type as its members, or as its fields with their fixed values."""
    if full.get("subtypes"):
        return {"subtypes": full["subtypes"]}
    fields = full.get("fields", [])
    fixed = {field["name"]: value for field in fields if (value := fixed_value(field))}
    return {"fields": {field["name"]: field_of(field) for field in fields}} | ({"fixed": fixed} if fixed else {})


def table_of(full: dict[str, Any]) -> dict[str, Any]:
    """The whole table."""
    return {
        "version": full["version"],
        "source": "made by make_table.py from api.json of https://github.com/PaulSonOfLars/telegram-bot-api-spec",
        "licence": "MIT, PaulSonOfLars and contributors",
        "methods": {
            name: {field["name"]: field_of(field) for field in method.get("fields", [])}
            for name, method in sorted(full["methods"].items())
        },
        "types": {name: type_of(one) for name, one in sorted(full["types"].items())},
    }


def written(table: dict[str, Any]) -> str:
    """The table as JSON, one method or type a line, so that a new version shows as a short difference."""
    lines = [f'"{key}": {json.dumps(table[key])}' for key in ("version", "source", "licence")]
    for part in ("methods", "types"):
        rows = ",\n".join(
            f"{json.dumps(name)}: {json.dumps(one, separators=(',', ':'))}" for name, one in table[part].items()
        )
        lines.append(f'"{part}": {{\n{rows}\n}}')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main(source: str) -> None:
    TABLE.write_text(written(table_of(json.loads(Path(source).read_text(encoding="utf-8")))), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
