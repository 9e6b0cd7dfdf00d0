"""``/settings``: the language, what a drawing comes as, an outline or none.

Owns the choices and how they are shown. Knows no job: who draws asks ``outline_of``, who delivers ``output_of``. Light:
the standard library.
"""

from __future__ import annotations

from enum import StrEnum

from bot.effects import Button
from bot.keyboards import Keys
from bot.people import Person
from bot.routes import Event
from bot.talk import Talk
from bot.texts import LANGUAGES

OUTLINE_PX = 8
NAMES = {"en": "English", "ru": "Русский"}  # of languages, in themselves
AS_TELEGRAM = "auto"
ON, OFF = "on", "off"


class Output(StrEnum):
    """What a drawing comes as."""

    BOTH = "both"
    STICKER = "sticker"
    FILE = "file"


def output_of(person: Person) -> Output:
    """As they chose; both if they never did."""
    chosen = person.settings.get("output")
    return Output(chosen) if chosen in tuple(Output) else Output.BOTH


def outline_of(person: Person) -> bool | None:
    """Whether drawings get an outline; None where they never chose, and the profile's own counts."""
    chosen = person.settings.get("outline")
    return chosen if isinstance(chosen, bool) else None


async def settings(event: Event, talk: Talk) -> None:
    """``/settings``."""
    talk.say(talk.words("settings"), buttons=_rows(talk), slot=_slot(talk))


async def language(event: Event, talk: Talk) -> None:
    """A press: a language from now on; the settings stay open, and speak it."""
    assert event.pressed is not None  # its route wants a pressed button
    chosen = event.pressed.id if event.pressed.id in LANGUAGES else None
    talk.choose_language(chosen)
    done = talk.words("language-auto") if chosen is None else talk.words("language-chosen")
    talk.answer(done)
    talk.edit(_slot(talk), f"{done}\n\n{talk.words('settings')}", buttons=_rows(talk))


async def output(event: Event, talk: Talk) -> None:
    """A press: it comes as this from now on."""
    assert event.pressed is not None  # its route wants a pressed button
    if event.pressed.id in tuple(Output):
        talk.put_settings(output=event.pressed.id)
    talk.answer(talk.words("settings-kept"))
    talk.rebutton(_slot(talk), _rows(talk))


async def outline(event: Event, talk: Talk) -> None:
    """A press: an outline from now on, or none; the button says which, so that pressing it twice changes nothing."""
    assert event.pressed is not None  # its route wants a pressed button
    talk.put_settings(outline=event.pressed.id == ON if event.pressed.id else not outline_of(talk.person))
    talk.answer(talk.words("settings-kept"))
    talk.rebutton(_slot(talk), _rows(talk))


def _slot(talk: Talk) -> str:
    return f"settings:{talk.person.id}:{talk.chat}"


def _languages(talk: Talk) -> Keys:
    names = [*((one, NAMES[one]) for one in LANGUAGES), (AS_TELEGRAM, talk.words("settings-auto"))]
    chosen = talk.person.language or AS_TELEGRAM
    keys = [Button(text=f"{'✓ ' if one == chosen else ''}{name}", action="language", id=one) for one, name in names]
    return [keys[:-1], keys[-1:]]


def _rows(talk: Talk) -> Keys:
    """What is chosen has a mark."""
    chosen, outlined = output_of(talk.person), outline_of(talk.person)
    names = {
        Output.BOTH: talk.words("key-both"),
        Output.STICKER: talk.words("key-sticker-only"),
        Output.FILE: talk.words("key-file-only"),
    }
    rows = [
        [Button(text=f"{'✓ ' if one is chosen else ''}{name}", action="output", id=one)] for one, name in names.items()
    ]
    text = talk.words("key-outlined") if outlined else talk.words("key-not-outlined")
    return [*_languages(talk), *rows, [Button(text=text, action="outlined", id=OFF if outlined else ON)]]
