"""What was asked of a person and is answered in words: a name, other words for a drawing. One question at a time.

Owns that question, from asking to its answer or its end. Knows not what is done with the answer. Light: the standard
library.
"""

from __future__ import annotations

from enum import StrEnum

from bot.effects import Button, Rows
from bot.routes import Event
from bot.talk import Talk
from pipeline.domain import Json
from pipeline.jobs.views import now_ms

LASTS_MS = 3_600_000  # whoever writes later does not mean it as an answer


class What(StrEnum):
    """What was asked for."""

    STYLE_NAME = "style"
    PACK_NAME = "pack"
    WORDS = "words"  # for a sticker that is drawn again


def ask(talk: Talk, what: What, id: str, text: str, *, more: Rows = ()) -> None:
    """Ask; ``id``: what it is about. The question before it is not asked any more."""
    close(talk)
    slot = f"question:{talk.origin}"
    talk.put_state(question={"what": what, "id": id, "slot": slot, "asked_ms": now_ms()})
    never = [Button(text=talk.words("key-never-mind"), action="question-no", id=talk.origin)]
    talk.say(text, slot=slot, buttons=[*more, never])


def pending(talk: Talk) -> Json | None:
    """The question that the next words answer."""
    asked: Json | None = talk.person.state.get("question")
    return asked if asked and now_ms() - int(asked["asked_ms"]) <= LASTS_MS else None


def close(talk: Talk) -> None:
    """It is answered, or asked no more: its buttons go."""
    asked = talk.person.state.get("question")
    if asked:
        talk.rebutton(asked["slot"])
        talk.put_state(question=None)


async def never_mind(event: Event, talk: Talk) -> None:
    """They do not want to answer."""
    assert event.pressed is not None  # its route wants a pressed button
    asked = talk.person.state.get("question")
    if not asked or asked["slot"] != f"question:{event.pressed.id}":
        talk.answer(talk.words("button-old"))
        return
    talk.put_state(question=None)
    talk.edit(asked["slot"], talk.words("question-dropped"))
