"""The gate before the table of answers: who is answered, and what may be begun, for everybody alike.

Owns the order of those questions and what is said where the answer is no. Knows no handler. Loads python-telegram-bot,
through ``routes``.

Two kinds of questions. Before a handler runs: is this too much at once, is its person banned, are these words refused?
And in the transaction that writes down what it gathered, where it begins a job (``errands.begin``): is there
maintenance, is the day's number reached, has the pack a title that is refused? Where that says no, nothing of the talk
is written: the question that was asked stands, its buttons count, and its person is told when to press again.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any

import sqlalchemy as sa
from telegram import Update

from bot import bans, limits
from bot.desk import Desk
from bot.effects import AGAIN_HARMLESS
from bot.errands import JOBS as KINDS
from bot.errands import UNDER_WAY, Errand, Kind, State, errand, errands
from bot.flood import Flood
from bot.inbox import Taken
from bot.limits import Closed, NotBegun, Spent
from bot.routes import Event
from bot.settings import BotSettings
from bot.tables import ERRANDS, SEEN, put, writing
from bot.talk import Talk
from bot.texts import Words
from bot.wording import wording_of
from pipeline.domain import Json
from pipeline.jobs.address import reading
from pipeline.jobs.views import now_ms
from pipeline.vault import Vault

ALWAYS = ("privacy", "mydata", "deletedata")  # commands that Telegram's terms ask for, of whomever
ALWAYS_PRESSED = ("delete-yes", "delete-no", "revoke")  # and what follows from them
TAKES_UP = ("retry",)  # buttons by which a job goes to the queue again
LINKED = re.compile(r"(?:https?://|tg://|t\.me/)\S+")
WORDED = ("title", "words", "prompt", "caption", "name")  # of an errand, by which a person or a pack says something


class BadWords(NotBegun):
    """What is to be begun bears words that are refused; they may be a pack's, so nobody is blamed."""


class Gate:
    """See above."""

    def __init__(self, desk: Desk, settings: BotSettings) -> None:
        """
        Raises:
            BadSetting: the operator's list of words cannot be read.
        """
        self.desk, self.admins, self.flood = desk, frozenset(settings.admins), Flood()
        self.wording = wording_of(settings.refused_words)
        self.most = {Kind.LEARN: settings.daily_learns, Kind.DRAW: settings.daily_draws}

    def sweep(self) -> None:
        """Forget what counts no more."""
        with writing(self.desk.engine) as connection:
            bans.sweep(connection)
            limits.sweep(connection)

    # ── before anything is read ───────────────────────────────────────────────────────────────────────────────────

    def lets_in(self, taken: Taken) -> bool:
        """Whether the update is looked into at all."""
        message = taken.raw.get("message")
        album = message.get("media_group_id") if isinstance(message, dict) else None
        return taken.person in self.admins or self.flood.lets_in(taken.person, album)

    def leaves_out(self, talk: Talk) -> None:
        """It was too much at once, and its person is told so: by a pressed button, or with a message now and then."""
        if talk.person.banned:
            return
        if talk.pressed:
            talk.answer(talk.words("too-fast"))
        else:
            talk.say(talk.words("too-fast"))

    def settled(self, talk: Talk) -> None:
        """So much was said to it."""
        if talk.person.id not in self.admins and any(one.action not in AGAIN_HARMLESS for one in talk.effects):
            self.flood.said(talk.person.id)

    # ── before its handler ────────────────────────────────────────────────────────────────────────────────────────

    async def opens(self, event: Event, talk: Talk) -> bool:
        """Whether a handler answers it; where not, the talk has what is to be said instead, which may be nothing."""
        if talk.person.banned:
            return _is_always(event)
        said = LINKED.sub(
            " ", text_of(event.update)
        )  # a pack's name is not theirs, and is looked at where it is learned
        # In groups nothing is drawn; in a thread, for a long text takes some milliseconds.
        reason = await asyncio.to_thread(self.wording.refused, said) if event.private and said.strip() else None
        if reason is not None:
            await self._refuse_words(talk, reason)
            return False
        if event.pressed is not None and event.pressed.action in TAKES_UP:
            try:
                await asyncio.to_thread(self._check_again, talk.person.id, event.pressed.id)
            except NotBegun as error:
                self.refuse(event, talk, error)
                return False
        if talk.person.id not in self.admins:
            talk.admits = self._admits(talk.person.id)
        talk.also.append(lambda connection, _: _seen(connection, talk))
        return True

    def _admits(self, person: int) -> Any:
        def check(connection: sa.Connection, key: str, kind: str, payload: Json) -> None:
            if Kind(kind) not in KINDS:
                return
            limits.check_open(connection)
            if any(self.wording.refused(words) for words in worded(payload)):
                raise BadWords("words that are refused")
            limits.spend(connection, person, Kind(kind), key, self.most)

        return check

    def _check_again(self, person: int, key: str) -> None:
        """
        Raises:
            NotBegun: the job may not be taken up again now.
        """
        if person in self.admins:
            return
        one = errand(self.desk, key, person)
        with reading(self.desk.engine) as connection:
            limits.check_open(connection)
            if one is not None and one.kind in KINDS:
                limits.check_left(connection, person, one.kind, self.most)

    # ── words ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _refuse_words(self, talk: Talk, reason: str) -> None:
        """A strike, and with the third one a ban for a day; an operator's own trials count for nothing."""
        person, key = talk.person.id, talk.origin
        if person in self.admins:
            talk.say(talk.words("refused-words"))
            return
        before = await asyncio.to_thread(self._strikes, person)
        talk.also.append(lambda connection, _: bans.strike(connection, key, person, reason))
        left = bans.MOST_STRIKES - before - 1
        if left > 0:
            talk.say("\n".join([talk.words("refused-words"), talk.words("strikes-left", left=left)]))
            return
        talk.say(talk.words("refused-words"))
        under_way = await asyncio.to_thread(open_jobs, self.desk, person)
        banish(talk, talk, under_way, until_ms=now_ms() + bans.DAY_MS, why=bans.Why.WORDS)

    def _strikes(self, person: int) -> int:
        with reading(self.desk.engine) as connection:
            return bans.strikes(connection, person)

    # ── what is said where a job may not be begun ─────────────────────────────────────────────────────────────────

    def refuse(self, event: Event, talk: Talk, error: NotBegun) -> None:
        """Kindly, with what was kept, and when it goes on; to an album of ten pictures once, not ten times."""
        talk.answer()
        album = event.update.message and event.update.message.media_group_id
        if album:
            talk.edit(f"refused:{talk.person.id}:{album}", _refusal(talk.words, error))
        else:
            talk.say(_refusal(talk.words, error))


# ── what others say and do, too ───────────────────────────────────────────────────────────────────────────────────────


def maintenance_text(words: Words, operators: str) -> str:
    """What goes on; the operator's words, where there are any, in the middle."""
    parts = [words("closed"), words("closed-words", words=operators) if operators else "", words("closed-kept")]
    return "\n\n".join(part for part in parts if part)


async def say_closed(event: Event, talk: Talk) -> None:
    """While there is maintenance, whoever comes is told before they have sent anything."""
    operators = await asyncio.to_thread(_closed, event.services.desk)
    if operators is not None:
        talk.say(maintenance_text(talk.words, operators), loud=False)


def _closed(desk: Desk) -> str | None:
    with reading(desk.engine) as connection:
        return limits.closed(connection)


def open_jobs(desk: Desk, person: int) -> list[Errand]:
    """Learnings and drawings that are under way."""
    return [one for one in errands(desk, states=UNDER_WAY, person=person) if one.kind in KINDS]


def banish(talk: Talk, theirs: Talk, under_way: list[Errand], *, until_ms: int | None, why: bans.Why) -> None:
    """With the talk: a person is banned and their jobs are called off. ``theirs``: the talk that tells them so."""
    person = theirs.person.id
    days = 0 if until_ms is None else max(1, round((until_ms - now_ms()) / bans.DAY_MS))
    theirs.say("\n".join([theirs.words("banned", days=days), theirs.words("banned-still")]))
    for one in under_way:
        theirs.edit(f"status:{one.key}", theirs.words("cancelled-by-operator"))

    def write(connection: sa.Connection, _: Vault) -> None:
        bans.ban(connection, person, until_ms=until_ms, why=why)
        mine = (ERRANDS.c.person == person) & ERRANDS.c.kind.in_(KINDS) & ERRANDS.c.state.in_(UNDER_WAY)
        # The watch calls them off in the queue, and goes on doing so after whatever crash.
        connection.execute(sa.update(ERRANDS).where(mine).values(state=State.STOPPING, due_ms=now_ms()))

    talk.also.append(write)


def text_of(update: Update) -> str:
    """What its person wrote, a command's name left out."""
    message = update.message or update.edited_message
    text = (message and (message.text or message.caption)) or ""
    return text.partition(" ")[2] if text.startswith("/") else text


def worded(payload: Json) -> list[str]:
    """The words in an errand; files have names that nobody draws."""
    found = []
    for name, value in payload.items():
        if name in WORDED and isinstance(value, str):
            found.append(value)
        elif isinstance(value, dict):
            found += worded(value)
    return found


def _is_always(event: Event) -> bool:
    pressed = event.pressed is not None and event.pressed.action in ALWAYS_PRESSED
    return event.command in ALWAYS or pressed


def _seen(connection: sa.Connection, talk: Talk) -> None:
    if not talk.forgets:
        put(connection, SEEN, instead=True, person=talk.person.id, seen_ms=now_ms())


def _refusal(words: Words, error: NotBegun) -> str:
    if isinstance(error, Closed):
        return maintenance_text(words, error.words)
    if isinstance(error, Spent):
        when = _when(words, error.wait_s)
        if error.kind is Kind.LEARN:
            return words("spent-learn", most=error.most, when=when)
        return words("spent-draw", most=error.most, when=when)
    return words("refused-title")


def _when(words: Words, wait_s: float) -> str:
    minutes = limits.minutes_of(wait_s)
    if minutes < 60:
        return words("in-minutes", minutes=minutes)
    return words("in-hours", hours=-(-minutes // 60))
