"""Everything the emulator's server knows, behind one lock.

Owns the state, and the few questions that every method asks of it: which chat, may the bot write there, which file.
Knows nothing of HTTP; loads no heavy library.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from scripts.sandbox.emulator.clock import Clock
from scripts.sandbox.emulator.errors import WrongUse, bad_request, forbidden
from scripts.sandbox.emulator.faults import Faults
from scripts.sandbox.emulator.files import Files
from scripts.sandbox.emulator.people import Bot, Chat, Json, Message, User, to_json, valid_token
from scripts.sandbox.emulator.rates import Limits, Rates
from scripts.sandbox.emulator.record import Record
from scripts.sandbox.emulator.sets import StickerSets
from scripts.sandbox.emulator.updates import Updates

FIRST_USER, FIRST_BOT, FIRST_GROUP = 200_000_001, 7_000_000_001, -400_000_001


@dataclass(frozen=True, kw_only=True)
class Violation:
    """A rule that the bot broke: ``rule`` in a word, ``text`` for a person."""

    rule: str
    text: str


@dataclass(kw_only=True)
class Query:
    """A press on a button or an inline query that waits for its answer."""

    id: str
    bot: Bot
    ticks: float
    what: str
    who: User
    chat: Chat | None = None
    answer: Json | None = None
    answered: float | None = None  # in ticks


@dataclass(kw_only=True)
class World:
    """The state. ``changed`` is its lock and tells waiters of every change."""

    clock: Clock = field(default_factory=Clock)
    limits: Limits = field(default_factory=Limits)
    callback_expires_s: float = 60.0
    changed: threading.Condition = field(default_factory=threading.Condition)  # its lock may be taken again
    faults: Faults = field(default_factory=Faults)
    record: Record = field(default_factory=Record)
    users: dict[int, User] = field(default_factory=dict)
    bots: dict[str, Bot] = field(default_factory=dict)  # by token
    chats: dict[tuple[int, int], Chat] = field(default_factory=dict)  # (bot or 0, chat); private chats by bot
    queries: dict[str, Query] = field(default_factory=dict)
    photos: dict[str, Json] = field(default_factory=dict)  # unique id of any size → the photo in all sizes
    broken: list[Violation] = field(default_factory=list)
    listeners: list[Callable[[], None]] = field(default_factory=list)
    watchers: list[Callable[[Chat, Message], None]] = field(default_factory=list)  # told under the lock; to be quick

    def __post_init__(self) -> None:
        self.files = Files(self.clock)
        self.sets = StickerSets(self.files)
        self.rates = Rates(self.clock, self.limits)

    def tell(self) -> None:
        """Wake whoever waits for a change: people in tests, long polls, webhooks."""
        with self.changed:
            self.changed.notify_all()
        for listener in self.listeners:
            listener()

    def violate(self, rule: str, text: str) -> None:
        self.broken.append(Violation(rule=rule, text=text))

    # ── who ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def add_bot(self, username: str, first_name: str, token: str = "") -> Bot:
        """A bot with a token of its own, which is never the same twice."""
        if token and not valid_token(token):
            raise WrongUse("the token given for the bot is none: <id>:<at least 24 of A-Z, a-z, 0-9, _ and ->")
        token = token or f"{FIRST_BOT + len(self.bots)}:AA{secrets.token_urlsafe(24)}"
        identity = int(token.split(":")[0])
        user = User(id=identity, first_name=first_name, is_bot=True, username=username)
        bot = Bot(user=user, token=token, updates=Updates(clock=self.clock, seed=identity))
        self.bots[token] = bot
        self.users[identity] = user
        return bot

    def add_user(self, **names: Any) -> User:
        user = User(id=FIRST_USER + len(self.users), **names)
        self.users[user.id] = user
        return user

    def private_chat(self, bot: Bot, user: User) -> Chat:
        """The chat of a person with a bot; made when the person opens it first."""
        fresh = Chat(id=user.id, type="private", person=user, bots=[bot], members={user.id: user, bot.id: bot.user})
        return self.chats.setdefault((bot.id, user.id), fresh)

    def add_group(self, title: str, kind: str = "group") -> Chat:
        number = sum(chat.type != "private" for chat in self.chats.values())
        identity = FIRST_GROUP - number if kind == "group" else -1_000_000_000_000 + FIRST_GROUP - number
        chat = self.chats[0, identity] = Chat(id=identity, type=kind, title=title)
        return chat

    # ── what a method asks ───────────────────────────────────────────────────────────────────────────────────────────

    def chat(self, bot: Bot, chat_id: int | str) -> Chat:
        """The chat that a bot names. Raises Refused: unknown, moved."""
        try:
            identity = int(chat_id)
        except ValueError:
            raise bad_request("chat not found") from None
        chat = self.chats.get((bot.id, identity)) or self.chats.get((0, identity))
        if chat is None:
            if identity in self.users and not self.users[identity].is_bot:
                raise forbidden("bot can't initiate conversation with a user")
            raise bad_request("chat not found")
        return chat

    def writable(self, bot: Bot, chat_id: int | str) -> Chat:
        """The chat, if the bot may write there now. Raises Refused: blocked, kicked, moved."""
        chat = self.chat(bot, chat_id)
        if chat.moved_to is not None:
            moved = {"migrate_to_chat_id": chat.moved_to}
            raise bad_request("group chat was upgraded to a supergroup chat", moved)
        if chat.type != "private" and bot not in chat.bots:
            raise forbidden(f"bot was kicked from the {chat.type} chat")
        if chat.blocked or chat.deactivated:
            if chat.block_is_known:
                self.violate("blocked", f"the bot wrote to chat {chat.id} though it had been told that it may not")
            chat.block_is_known = True
            raise forbidden("user is deactivated" if chat.deactivated else "bot was blocked by the user")
        return chat

    def post(self, chat: Chat, sender: User, content: Json, **rest: Any) -> Message:
        """Put a message into a chat."""
        message = Message(
            id=chat.next_id(), sender=sender, date=self.clock.now(), ticks=self.clock.ticks(), content=content, **rest
        )
        chat.messages[message.id] = message
        if sender.is_bot:
            chat.action = None
            self.noticed(chat, message)
        return message

    def noticed(self, chat: Chat, message: Message) -> None:
        """A bot has sent or changed a message; whoever watches is told of it alone, not of every change there is."""
        chat.bot_acted = self.clock.ticks()
        for watch in self.watchers:
            watch(chat, message)

    def shown(self, message: Message, chat: Chat, bot: Bot) -> Json:
        """The Message object for a bot."""
        return to_json(message, chat, bot, self.files)

    def open_query(self, kind: str, bot: Bot, what: str, who: User, chat: Chat | None = None) -> Query:
        identity = str(secrets.randbits(60))
        query = Query(id=identity, bot=bot, ticks=self.clock.ticks(), what=f"{kind} {what}", who=who, chat=chat)
        self.queries[identity] = query
        return query
