"""The operator's commands: how it goes, who is answered no more, and whether jobs may be begun.

Owns those answers. Knows not how any of it is enforced (``gate``). Loads python-telegram-bot through ``routes``.

They are for the admins that ``STICKERS_ADMINS`` names, in their own chat with the bot; to everybody else they are
commands that there are not. Each says what it did, and does it in the transaction in which that is written down.
"""

from __future__ import annotations

import asyncio

import sqlalchemy as sa

from bot import bans, limits, outbox
from bot.figures import Figures, OfKind, Spread, figures
from bot.gate import banish, maintenance_text, open_jobs
from bot.routes import Event, Wants
from bot.talk import Talk
from bot.texts import Words
from pipeline.jobs.address import reading
from pipeline.jobs.views import now_ms
from pipeline.jobs.words import Kind, Status
from pipeline.vault import Vault

COMMANDS = ("stats", "ban", "unban", "maintenance")  # as the menu of admins shows them, behind everybody's
MOST_ID = 2**52  # Telegram's ids have at most 52 bits
MOST_DAYS = 3650


def own(name: str) -> Wants:
    """``/name``, from an admin, where nobody reads along."""
    return lambda event: event.command == name and event.private and is_admin(event)


def is_admin(event: Event) -> bool:
    """Whether it comes from one."""
    user = event.update.effective_user
    return user is not None and user.id in event.services.settings.admins


# ── how it goes ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def stats(event: Event, talk: Talk) -> None:
    """``/stats``."""
    found = await asyncio.to_thread(figures, event.services.jobs)
    notice = await asyncio.to_thread(_closed, event)
    parts = [_about_people(talk.words, found)]
    parts += [_about_jobs(talk.words, kind, one) for kind, one in found.jobs.items()]
    parts.append(_about_waiting(talk.words, found))
    parts += [] if notice is None else [talk.words("maintenance-is-on")]
    talk.say("\n\n".join(parts))


def _closed(event: Event) -> str | None:
    with reading(event.services.desk.engine) as connection:
        return limits.closed(connection)


def _about_people(words: Words, found: Figures) -> str:
    people = {"all": found.people, "today": found.today, "week": found.week, "banned": found.banned}
    made = {"styles": found.styles, "stickers": found.stickers, "packs": found.packs}
    return "\n".join([words("stats-people", **people), words("stats-made", **made)])


def _about_jobs(words: Words, kind: Kind, one: OfKind) -> str:
    counts = {status.value: one.by_status.get(status, 0) for status in Status}
    head = words("stats-learn") if kind is Kind.LEARN else words("stats-draw")
    lines = [head, words("stats-jobs", **counts)]
    if one.wait_s is not None and one.run_s is not None:
        lines.append(words("stats-times", wait=_spread(words, one.wait_s), run=_spread(words, one.run_s)))
    return "\n".join(lines)


def _about_waiting(words: Words, found: Figures) -> str:
    lines = [words("stats-workers", workers=found.workers, oldest=_seconds(words, found.oldest_job_s))]
    lines.append(words("stats-inbox", waiting=found.unanswered, parked=found.parked))
    told = {"pending": found.pending, "unknown": found.unknown}
    lines.append(words("stats-outbox", **told, oldest=_seconds(words, found.oldest_message_s)))
    return "\n".join(lines)


def _spread(words: Words, found: Spread) -> str:
    return " / ".join(_seconds(words, one) for one in found)


def _seconds(words: Words, value: float | None) -> str:
    """As much of it as anybody reads."""
    if value is None:
        return "–"
    if value < 120:
        return words("stats-seconds", seconds=f"{value:.1f}" if value < 10 else f"{value:.0f}")
    return words("stats-minutes", minutes=round(value / 60))


# ── who is answered no more ───────────────────────────────────────────────────────────────────────────────────────────


async def ban(event: Event, talk: Talk) -> None:
    """``/ban ID [days]``: their jobs are called off, and they are told once."""
    found = _whom(event.argument)
    if found is None:
        talk.say(talk.words("ban-how", most=MOST_DAYS))
        return
    person, days = found
    if person in event.services.settings.admins:
        talk.say(talk.words("ban-admin"))
        return
    theirs = await _talk_to(event, talk, person)
    under_way = await asyncio.to_thread(open_jobs, event.services.desk, person)
    until_ms = None if days is None else now_ms() + days * bans.DAY_MS
    told = theirs.person.known and not theirs.person.banned
    banish(talk, theirs, under_way, until_ms=until_ms, why=bans.Why.OPERATOR)
    if told:
        _send_too(talk, theirs)
    talk.say(talk.words("ban-done", person=str(person), days=days or 0, jobs=len(under_way)))
    if not theirs.person.known:
        talk.say(talk.words("ban-unknown"))


async def unban(event: Event, talk: Talk) -> None:
    """``/unban ID``."""
    found = _whom(event.argument)
    if found is None or found[1] is not None:
        talk.say(talk.words("unban-how"))
        return
    person = found[0]
    theirs = await _talk_to(event, talk, person)
    if not theirs.person.banned:
        talk.also.append(lambda connection, _: bans.lift(connection, person))  # strikes that were none
        talk.say(talk.words("unban-none", person=str(person)))
        return
    talk.also.append(lambda connection, _: bans.lift(connection, person))
    theirs.say(theirs.words("unbanned"))
    if theirs.person.known:
        _send_too(talk, theirs)
    talk.say(talk.words("unban-done", person=str(person)))


def _whom(argument: str) -> tuple[int, int | None] | None:
    """An id, and days; None where it is neither."""
    words = argument.split()
    if not 1 <= len(words) <= 2 or not all(word.isascii() and word.isdecimal() for word in words):
        return None
    if max(map(len, words)) > len(str(MOST_ID)):
        return None
    numbers = [int(word) for word in words]
    days = numbers[1] if len(numbers) > 1 else None
    good = 0 < numbers[0] <= MOST_ID and (days is None or 0 < days <= MOST_DAYS)
    return (numbers[0], days) if good else None


async def _talk_to(event: Event, talk: Talk, person: int) -> Talk:
    """What is said to somebody else because of this."""
    desk = event.services.desk
    whom = await asyncio.to_thread(desk.person, person)
    return desk.talk(origin=f"{talk.origin}.to", person=whom, chat=person)


def _send_too(talk: Talk, theirs: Talk) -> None:
    """With the talk."""
    effects, origin, person = theirs.effects, theirs.origin, theirs.person.id

    def write(connection: sa.Connection, vault: Vault) -> None:
        outbox.post(connection, vault, effects, origin=origin, person=person)

    talk.also.append(write)


# ── whether jobs may be begun ─────────────────────────────────────────────────────────────────────────────────────────


async def maintenance(event: Event, talk: Talk) -> None:
    """``/maintenance on [words]`` and ``off``."""
    switch, *more = event.argument.split(None, 1) or [""]
    rest = more[0] if more else ""
    words = " ".join(rest.split())[: limits.MOST_WORDS]
    if switch.lower() == "on":
        talk.also.append(lambda connection, _: limits.close(connection, words))
        talk.say("\n\n".join([talk.words("maintenance-on"), maintenance_text(talk.words, words)]))
    elif switch.lower() == "off" and not rest:
        was = await asyncio.to_thread(_closed, event) is not None
        talk.also.append(lambda connection, _: limits.reopen(connection))
        talk.say(talk.words("maintenance-off") if was else talk.words("maintenance-was-off"))
    else:
        on = await asyncio.to_thread(_closed, event) is not None
        state = talk.words("maintenance-is-on") if on else talk.words("maintenance-is-off")
        talk.say("\n".join([state, talk.words("maintenance-how")]))
