"""The commands as Telegram's menu shows them: everybody's in every language, and more of them to admins.

Owns which menus there are, and the note of who has one. Knows no answer. Loads python-telegram-bot.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from functools import partial
from typing import Any, Protocol

from telegram import Bot, BotCommand, BotCommandScopeChat
from telegram.error import BadRequest, Forbidden, TelegramError

from bot import operator
from bot.desk import Desk
from bot.tables import note, take_note, writing
from bot.texts import DEFAULT, LANGUAGES, Words

MENUS = "operator.menus"  # a note: the chats that show an admin's commands
NO_CHAT = (BadRequest, Forbidden)  # they have not written to us yet, or not for long, and another try changes nothing


class Patiently(Protocol):
    """As the service calls Telegram: until it answers."""

    def __call__(
        self, call: Callable[[], Coroutine[Any, Any, Any]], *, not_for: tuple[type[TelegramError], ...] = ()
    ) -> Awaitable[bool]: ...


class Menus:
    """All of them."""

    def __init__(self, bot: Bot, desk: Desk, commands: Sequence[str], patiently: Patiently) -> None:
        self.bot, self.desk, self.commands, self.patiently = bot, desk, commands, patiently

    async def show(self) -> None:
        """Everybody's."""
        for menu, code in self._menus(self.commands):
            await self.patiently(partial(self.bot.set_my_commands, menu, language_code=code))

    async def show_to(self, admins: Collection[int]) -> set[int]:
        """Theirs, in their own chats; whoever is none any more sees everybody's again. Returns who has no chat yet."""
        for chat in await asyncio.to_thread(self._noted) - {*admins}:
            await self._in(chat, admin=False)
        await asyncio.to_thread(self._noted, admins)
        return {chat for chat in admins if not await self._in(chat, admin=True)}

    async def _in(self, chat: int, *, admin: bool) -> bool:
        """False where there is no such chat, or not yet."""
        scope = BotCommandScopeChat(chat)
        try:
            for menu, code in self._menus((*self.commands, *operator.COMMANDS)):
                put = partial(self.bot.set_my_commands, menu, scope=scope, language_code=code)
                take = partial(self.bot.delete_my_commands, scope=scope, language_code=code)
                await self.patiently(put if admin else take, not_for=NO_CHAT)
        except NO_CHAT:
            return False
        return True

    def _menus(self, names: Sequence[str]) -> list[tuple[list[BotCommand], str | None]]:
        """In each language, with its code; None is for whoever speaks none of ours."""
        return [
            ([BotCommand(name, Words(one)(f"command-{name}")) for name in names], None if one == DEFAULT else one)
            for one in LANGUAGES
        ]

    def _noted(self, chats: Collection[int] | None = None) -> set[int]:
        """Who has an admin's menu, as it was noted; ``chats``: note these from now on."""
        with writing(self.desk.engine) as connection:
            known = note(connection, MENUS) or ""
            if chats is not None:
                take_note(connection, MENUS, " ".join(map(str, chats)))
        return {int(chat) for chat in known.split()}
