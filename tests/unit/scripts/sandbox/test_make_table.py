"""The table is made of names, types and fixed values only, and the one that is shipped reads back whole."""

import json

from scripts.sandbox.emulator.make_table import TABLE, main, table_of, written
from scripts.sandbox.emulator.spec import bot_api

FULL = {
    "version": "Bot API 1.0",
    "methods": {
        "sendIt": {
            "fields": [
                {"name": "to", "types": ["Integer", "String"], "required": True, "description": "whom"},
                {"name": "what", "types": ["Thing"], "required": False, "description": "what"},
            ]
        }
    },
    "types": {
        "Thing": {"subtypes": ["ThingA"]},
        "ThingA": {
            "fields": [
                {"name": "type", "types": ["String"], "required": True, "description": "Type, must be a_1"},
                {"name": "size", "types": ["Integer"], "required": False, "description": "must be 5"},
            ]
        },
    },
}


def test_types_requirements_and_fixed_values_are_kept_and_prose_is_not():
    table = table_of(FULL)
    assert table["methods"] == {"sendIt": {"to": "Integer|String!", "what": "Thing"}}
    assert table["types"] == {
        "Thing": {"subtypes": ["ThingA"]},
        "ThingA": {"fields": {"type": "String!", "size": "Integer"}, "fixed": {"type": "a_1"}},
    }
    assert json.loads(written(table)) == table
    assert "whom" not in written(table)


def test_the_command_writes_the_table(tmp_path, monkeypatch):
    monkeypatch.setattr("scripts.sandbox.emulator.make_table.TABLE", tmp_path / "table.json")
    (tmp_path / "api.json").write_text(json.dumps(FULL))
    main(str(tmp_path / "api.json"))
    assert json.loads((tmp_path / "table.json").read_text())["version"] == "Bot API 1.0"


def test_the_shipped_table_has_the_whole_api_and_its_credit():
    spec = bot_api()
    assert (spec.version, len(spec.methods), len(spec.types)) == ("Bot API 10.1", 180, 359)
    assert "PaulSonOfLars" in TABLE.read_text()
    kinds = {kind for one in spec.types.values() for field in one.fields.values() for kind in field.kinds}
    kinds |= {kind for fields in spec.methods.values() for field in fields.values() for kind in field.kinds}
    scalars = {"String", "Integer", "Float", "Boolean", "InputFile"}
    assert {kind.replace("Array of ", "") for kind in kinds} <= scalars | set(spec.types)


def test_members_of_unions_have_their_fixed_value():
    spec = bot_api()
    bare = {
        member
        for union in ("InputMedia", "MenuButton", "BotCommandScope", "InlineQueryResult", "ChatMember")
        for member in spec.types[union].subtypes
        if not spec.types[member].fixed
    }
    assert bare == set()
