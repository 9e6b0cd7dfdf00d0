"""The form of the one table of what the bot answers to: who looks first, and what each wants.

Owns routes and the event they are given. Knows no answer. Loads python-telegram-bot.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from telegram import Bot, Update

from bot.buttons import Pressed, Verdict
from bot.desk import Desk
from bot.settings import BotSettings
from bot.talk import Talk
from pipeline.files import Files
from pipeline.jobs.queue import Jobs


@dataclass(frozen=True, kw_only=True)
class Services:
    """What a handler may read from. It writes through its talk alone, but for files, which bear the update's number."""

    bot: Bot  # for reading: get_file, get_sticker_set; whatever is visible goes through the talk
    username: str  # the bot's own
    desk: Desk  # for reading, too
    jobs: Jobs
    files: Files
    settings: BotSettings
    keep_days: float  # how long jobs and their files are kept


@dataclass(frozen=True, kw_only=True)
class Event:
    """An update, and what everybody wants to know of it."""

    update: Update
    services: Services
    chat: int
    pressed: Pressed | None = None
    command: str | None = None  # "start" of "/start@our_bot abc"
    argument: str = ""  # "abc"

    @property
    def first_name(self) -> str:
        """As the person calls themselves; theirs to choose, so never to be trusted."""
        user = self.update.effective_user
        return user.first_name if user else ""

    @property
    def private(self) -> bool:
        """Whether nobody else reads along."""
        return self.chat > 0


Answer = Callable[[Event, Talk], Awaitable[None]]
Wants = Callable[[Event], bool]


@dataclass(frozen=True, kw_only=True)
class Route:
    """An entry of the table."""

    wants: Wants
    answer: Answer
    why: str  # what it is for, in a few words
    updates: tuple[str, ...] = field(default=("message",))  # kinds that Telegram is asked for because of it


def route_of(routes: Sequence[Route], event: Event) -> Route | None:
    """The first that wants it."""
    return next((route for route in routes if route.wants(event)), None)


def kinds(routes: Sequence[Route]) -> list[str]:
    """What Telegram is asked for; ``my_chat_member`` says who has gone."""
    return sorted({"my_chat_member", *(kind for route in routes for kind in route.updates)})


# ── what a route may want ─────────────────────────────────────────────────────────────────────────────────────────────


def command(name: str) -> Wants:
    """``/name``, to us."""
    return lambda event: event.command == name


def alone(name: str) -> Wants:
    """``/name``, to us, where nobody reads along."""
    return lambda event: event.command == name and event.private


def pressed(action: str) -> Wants:
    """A button of ours with this action, pressed by whom it was made for, in time."""
    return lambda event: (
        event.pressed is not None and (event.pressed.verdict, event.pressed.action) == (Verdict.FINE, action)
    )


def spoiled(verdict: Verdict) -> Wants:
    """A pressed button that is worth nothing, for this reason."""
    return lambda event: event.pressed is not None and event.pressed.verdict is verdict


def any_button(event: Event) -> bool:
    """A pressed button."""
    return event.pressed is not None


def private_message(event: Event) -> bool:
    """A message to us alone."""
    return event.update.message is not None and event.private


# ── reading an update ─────────────────────────────────────────────────────────────────────────────────────────────────


def command_of(text: str, username: str) -> tuple[str | None, str]:
    """``/start@our_bot abc`` → ``start``, ``abc``; one for another bot is none."""
    word, *rest = text.split(None, 1) or [""]
    argument = rest[0] if rest else ""
    name, _, whom = word.partition("@")
    if (
        not name.startswith("/")
        or not name[1:].replace("_", "").isalnum()
        or (whom and whom.lower() != username.lower())
    ):
        return None, ""
    return name[1:].lower(), argument.strip()
