"""What Telegram's answer to a call means: whether it arrived, and what is to be done next.

Owns that reading. Knows no row and sends nothing. Loads python-telegram-bot (and httpx below it).

python-telegram-bot tells errors apart by HTTP status, and wraps what the connection said. Two of its classes hide what
matters: ``TimedOut`` is also what a connection says that was never made, and ``NetworkError`` is both a server's 502
and a broken wire. The cause below tells.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

import httpx
from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, RetryAfter, TelegramError, TimedOut

os.environ.setdefault("PTB_TIMEDELTA", "1")  # the library's own switch; without it each RetryAfter is a warning

_NEVER_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
_SAME = ("message is not modified",)
_LATE = ("query is too old", "query id is invalid")
_GONE = (
    "message to edit not found",
    "message can't be edited",
    "message to delete not found",
    "message can't be deleted",
    "message_id_invalid",
)
_NOBODY = (
    "chat not found",
    "user is deactivated",
    "bot was blocked",
    "bot was kicked",
    "not enough rights",
    "have no rights",
    "chat_write_forbidden",
    "peer_id_invalid",
)


class Outcome(Enum):
    """What became of a call."""

    DONE = "done"  # or it was so already
    NOT_SENT = "not sent"  # it never left: send it again
    TOO_FAST = "too fast"  # keep still for a while
    TIMEOUT = "timeout"  # it may have arrived
    TROUBLE = "trouble"  # the server or the wire failed; it may have arrived
    GONE = "gone"  # the message that it is about is not there
    NOBODY = "nobody"  # blocked, deactivated, kicked out
    MOVED = "moved"  # the chat has another id
    REFUSED = "refused"  # it is wrong, and stays so
    REVOKED = "revoked"  # the token does not count any more


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """An outcome, and what goes with it."""

    outcome: Outcome
    words: str = ""
    seconds: float = 0.0  # of TOO_FAST
    chat: int = 0  # of MOVED


def seconds_of(error: RetryAfter) -> float:
    """How long to keep still."""
    pause = error.retry_after
    return pause.total_seconds() if isinstance(pause, timedelta) else float(pause)


def verdict_of(error: TelegramError) -> Verdict:
    """What an error means."""
    words = f"{type(error).__name__}: {error.message}"[:300]
    if isinstance(error, RetryAfter):
        return Verdict(outcome=Outcome.TOO_FAST, words=words, seconds=seconds_of(error))
    if isinstance(error, ChatMigrated):
        return Verdict(outcome=Outcome.MOVED, words=words, chat=error.new_chat_id)
    if isinstance(error, Forbidden):
        return Verdict(outcome=Outcome.NOBODY, words=words)
    if isinstance(error, InvalidToken):
        return Verdict(outcome=Outcome.REVOKED, words=words)
    if isinstance(error, BadRequest):
        return Verdict(outcome=_of_words(error.message.lower()), words=words)
    if isinstance(error.__cause__, _NEVER_LEFT):
        return Verdict(outcome=Outcome.NOT_SENT, words=words)
    return Verdict(outcome=Outcome.TIMEOUT if isinstance(error, TimedOut) else Outcome.TROUBLE, words=words)


def _of_words(said: str) -> Outcome:
    for outcome, phrases in ((Outcome.DONE, _SAME + _LATE), (Outcome.GONE, _GONE), (Outcome.NOBODY, _NOBODY)):
        if any(phrase in said for phrase in phrases):
            return outcome
    return Outcome.REFUSED
