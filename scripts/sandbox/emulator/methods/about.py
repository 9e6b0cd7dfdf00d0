"""What a bot says about itself: name, descriptions and commands by language, the menu button.

Owns these methods. A language that has nothing of its own shows what is set for all. Loads no heavy library.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from scripts.sandbox.emulator.errors import bad_request
from scripts.sandbox.emulator.methods.call import Call

DEFAULT_SCOPE = {"type": "default"}


def get_me(call: Call) -> Any:
    flags = dict.fromkeys(("can_read_all_group_messages", "can_connect_to_business", "has_main_web_app"), False)
    flags |= {"has_topics_enabled": False, "allows_users_to_create_topics": False, "can_manage_bots": False}
    return call.bot.user.to_json() | {"can_join_groups": True, "supports_inline_queries": call.bot.inline} | flags


def setter(field: str) -> Callable[[Call], Any]:
    """setMyName and its like: an empty text removes what was set."""

    def set_text(call: Call) -> Any:
        call.bot.texts[field, call.get("language_code", "")] = call.get(field, "")
        return True

    return set_text


def getter(field: str) -> Callable[[Call], Any]:
    """getMyName and its like."""

    def get_text(call: Call) -> Any:
        texts = call.bot.texts
        given = texts.get((field, call.get("language_code", ""))) or texts.get((field, ""))
        return {field: given or (call.bot.user.first_name if field == "name" else "")}

    return get_text


def _commands_key(call: Call) -> tuple[str, str]:
    scope = call.get("scope", DEFAULT_SCOPE)
    if "chat_id" in scope:
        call.world.chat(call.bot, scope["chat_id"])
    return json.dumps(scope, sort_keys=True), call.get("language_code", "")


def set_my_commands(call: Call) -> Any:
    names = [command["command"] for command in call.values["commands"]]
    if len(set(names)) < len(names):
        raise bad_request("BOT_COMMAND_INVALID (emulator: a command stands twice)")
    call.bot.commands[_commands_key(call)] = list(call.values["commands"])
    return True


def get_my_commands(call: Call) -> Any:
    return call.bot.commands.get(_commands_key(call), [])


def delete_my_commands(call: Call) -> Any:
    call.bot.commands.pop(_commands_key(call), None)
    return True


def set_chat_menu_button(call: Call) -> Any:
    chat_id = call.get("chat_id", 0)
    if chat_id and call.world.chat(call.bot, chat_id).type != "private":
        raise bad_request("chat must be private")
    call.bot.menus[chat_id] = call.get("menu_button", {"type": "default"})
    return True


def get_chat_menu_button(call: Call) -> Any:
    menus = call.bot.menus
    return menus.get(call.get("chat_id", 0)) or menus.get(0) or {"type": "commands"}


METHODS = {
    "getMe": get_me,
    "setMyName": setter("name"),
    "getMyName": getter("name"),
    "setMyDescription": setter("description"),
    "getMyDescription": getter("description"),
    "setMyShortDescription": setter("short_description"),
    "getMyShortDescription": getter("short_description"),
    "setMyCommands": set_my_commands,
    "getMyCommands": get_my_commands,
    "deleteMyCommands": delete_my_commands,
    "setChatMenuButton": set_chat_menu_button,
    "getChatMenuButton": get_chat_menu_button,
}
