"""The answers that every bot owes: start, help, privacy, deletion, and a friendly word for the rest.

Owns those. Knows no pack and no job's story. Loads python-telegram-bot through ``routes``.
"""

from __future__ import annotations

import asyncio
import math

from bot.effects import Button
from bot.errands import JOBS, UNDER_WAY, errands
from bot.gate import say_closed
from bot.keyboards import begin_keys
from bot.people import queue_name
from bot.rates import Priority
from bot.routes import Event
from bot.talk import Talk

DELETE, PRIVACY = "delete", "privacy"  # slots, completed by the update that made them


async def start(event: Event, talk: Talk) -> None:
    """A greeting, and where to begin."""
    talk.say(talk.words("start", name=event.first_name), buttons=begin_keys(talk.words))
    await say_closed(event, talk)


async def help_(event: Event, talk: Talk) -> None:
    """What there is."""
    talk.say(talk.words("help"))
    await say_closed(event, talk)


async def hint(event: Event, talk: Talk) -> None:
    """What to do instead of what nobody understood."""
    talk.say(talk.words("hint"))


async def privacy(event: Event, talk: Talk) -> None:
    """What is kept, what for, for how long."""
    agreed = any(one.revoked_ms is None for one in talk.person.consents)
    revoke = Button(text=talk.words("key-revoke"), action="revoke", id=talk.origin)
    keys = [[revoke]] if agreed and event.private else []  # what it calls off is told of where it was begun
    text = talk.words("privacy", days=math.ceil(event.services.keep_days))
    talk.say(text, buttons=keys, slot=f"{PRIVACY}:{talk.origin}")


# ── deletion ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def delete_ask(event: Event, talk: Talk) -> None:
    """Are they sure?"""
    before = talk.person.state.get("deleting")
    if before:
        talk.rebutton(f"{DELETE}:{before}")
    talk.put_state(deleting=talk.origin)
    rows = [
        [Button(text=talk.words("delete-yes"), action="delete-yes", id=talk.origin)],
        [Button(text=talk.words("delete-no"), action="delete-no", id=talk.origin)],
    ]
    talk.say(talk.words("delete-ask"), buttons=rows, slot=f"{DELETE}:{talk.origin}")


async def delete_no(event: Event, talk: Talk) -> None:
    """They are not."""
    question = _deleting(event, talk)
    if question is not None:
        talk.put_state(deleting=None)
        talk.edit(question, talk.words("delete-kept"))


def _deleting(event: Event, talk: Talk) -> str | None:
    """The question that was pressed, where it still stands; an old one must not delete what came after it."""
    assert event.pressed is not None  # its routes want a pressed button
    if talk.person.state.get("deleting") != event.pressed.id:
        talk.answer(talk.words("button-old"), alert=True)
        return None
    return f"{DELETE}:{event.pressed.id}"


async def delete_yes(event: Event, talk: Talk) -> None:
    """They are: jobs first, so that none writes a file after the files are gone; then files; then what the bot knows.

    A crash in between leaves the rest to the handler's repetition. A job that is just being stopped is followed up
    (``tidy``).
    """
    question = _deleting(event, talk)
    if question is None:
        return
    name = queue_name(talk.person.id)
    erased, left = await asyncio.to_thread(event.services.jobs.delete_person, name)
    await asyncio.to_thread(event.services.files.delete_person, name)
    for one in await asyncio.to_thread(errands, event.services.desk, states=UNDER_WAY, person=talk.person.id):
        if one.kind in JOBS:  # whose message would stand there for ever as if something came of it
            talk.edit(f"status:{one.key}", talk.words("cancelled-notice"), priority=Priority.RESULT)
    done = talk.words("delete-done", jobs=erased)
    if left:
        done += "\n" + talk.words("delete-soon", left=left)
    talk.edit(question, done, priority=Priority.RESULT)
    talk.forget_person()


# ── buttons that are worth nothing ────────────────────────────────────────────────────────────────────────────────────


async def foreign(event: Event, talk: Talk) -> None:
    """Somebody else's."""
    talk.answer(talk.words("button-foreign"), alert=True)


async def old(event: Event, talk: Talk) -> None:
    """Out of date."""
    talk.answer(talk.words("button-old"), alert=True)


async def forged(event: Event, talk: Talk) -> None:
    """Not ours."""
    talk.answer(talk.words("button-forged"))


async def repeat(event: Event, talk: Talk) -> None:
    """The mark of a repeated sticker: there is nothing to do, so it says what it is."""
    talk.answer(talk.words("repeat-why"), alert=True)
