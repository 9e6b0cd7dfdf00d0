"""Who and where: users, bots, chats, and the messages in them, as the server keeps them.

Owns these words and how a bot is shown them. Knows no rule of what may be sent; loads nothing but the standard library.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from scripts.sandbox.emulator.files import Files
from scripts.sandbox.emulator.updates import Updates

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class User:
    """A person or a bot, as everybody sees it."""

    id: int
    first_name: str
    is_bot: bool = False
    last_name: str = ""
    username: str = ""
    language_code: str = ""
    is_premium: bool = False

    def to_json(self) -> Json:
        """The User object; what is empty is left out."""
        shown: Json = {"id": self.id, "is_bot": self.is_bot, "first_name": self.first_name}
        rest = {"last_name": self.last_name, "username": self.username, "language_code": self.language_code}
        return (
            shown
            | {key: value for key, value in rest.items() if value}
            | ({"is_premium": True} if self.is_premium else {})
        )


@dataclass(kw_only=True)
class Bot:
    """A bot: its token, what it has set about itself, and the updates that wait for it."""

    user: User
    token: str = field(repr=False)
    updates: Updates
    inline: bool = False  # as BotFather's /setinline
    texts: dict[tuple[str, str], str] = field(default_factory=dict)  # (name | description | ..., language) → text
    commands: dict[tuple[str, str], list[Json]] = field(default_factory=dict)  # (scope as JSON, language) → commands
    menus: dict[int, Json] = field(default_factory=dict)  # chat or 0 → menu button

    @property
    def id(self) -> int:
        return self.user.id


@dataclass(kw_only=True)
class Message:
    """A message. ``content`` holds its text or media as in the Message object, without file_ids."""

    id: int
    sender: User
    date: float  # seconds since 1970, as dates show it
    ticks: float
    content: Json
    markup: Json | None = None  # inline keyboard
    reply_to: int | None = None
    extra: Json = field(default_factory=dict)  # media_group_id, forward_origin, via_bot, ...
    edited: float | None = None
    deleted: bool = False
    silent: bool = False
    past: list[tuple[Json, Json | None]] = field(default_factory=list)  # contents and keyboards before each edit


@dataclass(kw_only=True)
class Chat:
    """A private chat of one person with one bot, or a group. ``status``: how each member stands to it."""

    id: int
    type: str  # private | group | supergroup
    title: str = ""
    person: User | None = None  # of a private chat
    bots: list[Bot] = field(default_factory=list)
    members: dict[int, User] = field(default_factory=dict)
    status: dict[int, str] = field(default_factory=dict)
    messages: dict[int, Message] = field(default_factory=dict)
    keyboard: Json | None = None  # the reply keyboard below the input field
    action: tuple[str, float] | None = None  # "typing ...", and when in ticks
    blocked: bool = False
    block_is_known: bool = False  # has the bot been told, by an update or an error?
    deactivated: bool = False
    moved_to: int | None = None
    bot_acted: float = -1.0  # in ticks: when a bot last sent or changed a message here
    last_id: int = 0

    def next_id(self) -> int:
        self.last_id += 1
        return self.last_id

    def to_json(self) -> Json:
        """The Chat object."""
        shown: Json = {"id": self.id, "type": self.type}
        if self.person is None:
            return shown | {"title": self.title}
        names = ("first_name", "last_name", "username")
        return shown | {key: value for key, value in self.person.to_json().items() if key in names}

    def live(self, message_id: int | None) -> Message | None:
        """The message, unless it was deleted or never was."""
        message = self.messages.get(message_id or 0)
        return None if message is None or message.deleted else message


def to_json(message: Message, chat: Chat, bot: Bot, files: Files, *, replies: bool = True) -> Json:
    """The Message object as a bot gets it, with that bot's own file_ids."""
    shown: Json = {"message_id": message.id, "from": message.sender.to_json(), "chat": chat.to_json()}
    shown |= {"date": int(message.date)} | message.extra | files.shown(message.content, bot.id)
    if message.edited is not None:
        shown["edit_date"] = int(message.edited)
    if message.markup is not None:
        shown["reply_markup"] = message.markup
    answered = chat.live(message.reply_to)
    if answered is not None and replies:
        shown["reply_to_message"] = to_json(answered, chat, bot, files, replies=False)
    return shown


def valid_token(token: str) -> bool:
    """``<id>:<at least 24 characters of base64url>``, as the real server takes it."""
    return re.fullmatch(r"\d+:[A-Za-z0-9_-]{24,}", token) is not None
