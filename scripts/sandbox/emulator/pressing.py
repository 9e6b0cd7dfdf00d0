"""Presses on buttons and inline queries, as a client sends them.

Owns which message and which button is meant, and how a press reaches the bot. Loads no heavy library.
"""

from __future__ import annotations

from dataclasses import dataclass

from scripts.sandbox.emulator.errors import WrongUse
from scripts.sandbox.emulator.people import Bot, Chat, Json, Message, User
from scripts.sandbox.emulator.view import Button, seen, view_of
from scripts.sandbox.emulator.world import Query, World


@dataclass(frozen=True, kw_only=True)
class Pressed:
    """A press on a button, and what the bot has answered to it so far."""

    query: Query

    @property
    def answered(self) -> bool:
        return self.query.answer is not None

    @property
    def text(self) -> str:
        """The words above the chat; empty if there were none."""
        return str((self.query.answer or {}).get("text", ""))


def press(world: World, who: User, chat: Chat, button: str | Button, on: int | None, data: str | None) -> Pressed:
    """Press a button of one message, or of the newest that has it; ``data`` alone is a forged press."""
    message = _pressed(world, who, chat, button, on)
    if data is None:
        data = _data_of(world, who, button, message)
    bot = next((one for one in chat.bots if one.id == message.sender.id), chat.bots[0])
    query = world.open_query("callback", bot, data, who, chat)
    bot.updates.push("callback_query", _to_json(world, query, message, data))
    return Pressed(query=query)


def _pressed(world: World, who: User, chat: Chat, button: str | Button, on: int | None) -> Message:
    """The message that is pressed; a deleted one if it is named, as an old screen may still show it."""
    if on is not None:
        return chat.messages[on]
    text = button.text if isinstance(button, Button) else button
    for message in reversed(chat.messages.values()):
        if not message.deleted and message.sender.is_bot and (not text or seen(message, 0, world.files).button(text)):
            return message
    raise WrongUse(f"no button {text!r} in the chat:\n{view_of(chat, who.id, world.files, 0)}")


def _data_of(world: World, who: User, button: str | Button, message: Message) -> str:
    found = seen(message, who.id, world.files).button(button) if isinstance(button, str) else button
    if found is None or not found.data:
        raise WrongUse(f"the button {button!r} sends nothing to the bot; give data= for a forged press")
    return found.data


def _to_json(world: World, query: Query, message: Message, data: str) -> Json:
    """The CallbackQuery object; of a message that is gone only its place is told."""
    assert query.chat is not None
    shown = world.shown(message, query.chat, query.bot)
    if message.deleted:
        shown = {"chat": query.chat.to_json(), "message_id": message.id, "date": 0}
    instance = str(query.chat.id)
    return {"id": query.id, "from": query.who.to_json(), "message": shown, "chat_instance": instance, "data": data}


def ask_inline(world: World, who: User, bot: Bot, text: str, offset: str) -> Query:
    """Type ``@bot text``."""
    if not bot.inline:
        raise WrongUse("the bot is not inline: emulator.bot.inline = True first, as BotFather's /setinline")
    query = world.open_query("inline", bot, text, who)
    asked = {"id": query.id, "from": who.to_json(), "query": text, "offset": offset, "chat_type": "sender"}
    bot.updates.push("inline_query", asked)
    return query
