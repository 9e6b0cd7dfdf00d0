"""What a bot says about itself, by language and scope."""

import pytest

COMMANDS = [{"command": "start", "description": "Begin"}]


@pytest.mark.parametrize(
    ("what", "field"), [("Name", "name"), ("Description", "description"), ("ShortDescription", "short_description")]
)
def test_texts_are_kept_by_language_and_fall_back_to_the_one_for_all(api, what, field):
    before = api.result(f"getMy{what}")[field]
    api.result(f"setMy{what}", **{field: "Hello"})
    api.result(f"setMy{what}", **{field: "Привет", "language_code": "ru"})
    told = [api.result(f"getMy{what}", language_code=code)[field] for code in ("", "ru", "de")]
    assert told == ["Hello", "Привет", "Hello"]
    api.result(f"setMy{what}", **{field: ""})
    assert api.result(f"getMy{what}")[field] == before


def test_commands_are_kept_by_scope_and_language(api, anna):
    mine = {"scope": {"type": "chat", "chat_id": anna.id}}
    api.result("setMyCommands", commands=COMMANDS)
    api.result("setMyCommands", commands=[], **mine)
    assert api.result("getMyCommands") == COMMANDS
    assert api.result("getMyCommands", **mine) == []
    assert api.result("getMyCommands", language_code="ru") == []
    api.result("deleteMyCommands")
    assert api.result("getMyCommands") == []
    assert "BOT_COMMAND_INVALID" in api.refusal("setMyCommands", commands=COMMANDS * 2)
    assert "chat not found" in api.refusal("setMyCommands", commands=COMMANDS, scope={"type": "chat", "chat_id": 5})


def test_the_menu_button_is_for_all_or_for_one_chat(api, anna):
    api.result("setChatMenuButton", menu_button={"type": "default"}, chat_id=anna.id)
    assert api.result("getChatMenuButton", chat_id=anna.id) == {"type": "default"}
    assert api.result("getChatMenuButton") == {"type": "commands"}


def test_the_bot_is_inline_when_botfather_says_so(emulator, api):
    assert api.result("getMe")["supports_inline_queries"] is False
    emulator.bot.inline = True
    assert api.result("getMe")["supports_inline_queries"] is True
