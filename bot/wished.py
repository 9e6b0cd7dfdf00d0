"""Words that no picture came with: what they name is drawn, from a drawing that we have of it.

Owns what is answered to them. Knows not how a job is done. Loads python-telegram-bot, through ``teach``.
"""

from __future__ import annotations

import asyncio

from bot.drawing import begin_drawing, drawing_of, source_of, styles_of
from bot.held import hold, learning
from bot.keyboards import begin_keys
from bot.routes import Event
from bot.talk import Talk
from bot.teach import busy
from pipeline.motifs import Motif, motif_of

MOST_READ = 400  # characters; what names a thing stands in front


async def draw(event: Event, talk: Talk, words: str) -> None:
    """Draw what is named, in the style in use, or in the one that is being learned."""
    styles = await styles_of(event, talk)
    behind = None if styles else await asyncio.to_thread(learning, event.services.desk, talk.person.id)
    motif = await named(words)
    if not (styles or behind):
        talk.say(talk.words("words-first"), buttons=begin_keys(talk.words))
    elif motif is None:
        talk.say(talk.words("words-unknown"))
    elif await busy(event, talk):
        talk.say(talk.words("too-many-jobs"))
    else:
        drawing = drawing_of(talk, source_of(motif), words)
        drawing["emoji"] = drawing["emoji"] or [motif.emoji]
        drawing["options"].setdefault("words", motif.name)  # emoji alone have none
        if behind is not None:
            hold(talk, behind, drawing)
        else:
            begin_drawing(talk, drawing, styles[0])


async def named(words: str) -> Motif | None:
    """What the words name, if anything is."""
    return await asyncio.to_thread(motif_of, words[:MOST_READ])
