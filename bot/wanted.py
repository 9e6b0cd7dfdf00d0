"""Photos to be drawn that came before any style: kept, and drawn in the first one that is learned.

Owns them: they stand in the person's state under ``wanted``, until a learning begins behind which they wait. Knows not
how anything is learned or drawn. Light: loads SQLAlchemy, through ``errands``.
"""

from __future__ import annotations

import asyncio

from bot.drawing import begin_drawing, drawing_of, styles_of
from bot.effects import ALBUM, Button
from bot.errands import Kind, State, begin
from bot.held import check, learning
from bot.keyboards import cancel_keys
from bot.routes import Event
from bot.talk import Talk
from pipeline.domain import Json

MOST = ALBUM.stop - 1  # of them; as many as an album has


def wanted(talk: Talk) -> Json | None:
    """What is kept."""
    found: Json | None = talk.person.state.get("wanted")
    return found


def keep(talk: Talk, id: str, sources: list[Json], caption: str) -> None:
    """They are to be drawn, with those that are kept already. ``id``: of the message that says so from now on."""
    before = wanted(talk) or {"id": id, "sources": [], "caption": ""}
    if before["id"] != id:
        talk.rebutton(f"status:{before['id']}")  # its "Never mind" was about fewer
    known = {one["uid"] for one in before["sources"]}
    every = [*before["sources"], *(one for one in sources if one["uid"] not in known)]
    kept: Json = {"id": id, "sources": every[:MOST], "caption": before["caption"] or caption}
    kept |= {"over": len(every) - MOST} if len(every) > MOST else {}
    talk.put_state(wanted=kept)
    text = talk.words("wanted", count=len(kept["sources"])) + _over(talk, kept)
    how = Button(text=talk.words("key-how"), action="how")
    never = Button(text=talk.words("key-never-mind"), action="wanted-no", id=id)
    talk.edit(f"status:{id}", text, buttons=[[how], [never]])


async def collected(event: Event, talk: Talk) -> None:
    """A press: what was taken for pictures to learn from is to be drawn."""
    assert event.pressed is not None  # its route wants a pressed button
    collect: Json | None = talk.person.state.get("collect")
    if not collect or collect["id"] != event.pressed.id or not collect["sources"]:
        talk.answer(talk.words("button-old"), alert=True)
        return
    talk.put_state(collect=None)
    await draw(event, talk, collect["id"], collect["sources"], collect.get("caption", ""))


async def draw(event: Event, talk: Talk, id: str, sources: list[Json], caption: str) -> None:
    """In the style in use; else in the next one that is learned. ``id``: of what is made of them."""
    keep(talk, id, sources, caption)
    styles = await styles_of(event, talk)
    behind = None if styles else await asyncio.to_thread(learning, event.services.desk, talk.person.id)
    if styles:
        begin_drawing(talk, _taken(talk, wanted(talk) or {}), styles[0], key=id)
    elif behind is not None:
        hold(talk, behind.key, str(behind.payload["title"]))
        check(talk, behind.key)


async def forget(event: Event, talk: Talk) -> None:
    """A press: not to be drawn after all."""
    assert event.pressed is not None  # its route wants a pressed button
    kept = wanted(talk)
    if not kept or kept["id"] != event.pressed.id:
        talk.answer(talk.words("button-old"), alert=True)
        return
    talk.put_state(wanted=None)
    talk.edit(f"status:{kept['id']}", talk.words("wanted-dropped", count=len(kept["sources"])))


def hold(talk: Talk, behind: str, title: str) -> None:
    """With the talk: they are drawn once that learning is done."""
    kept = wanted(talk)
    if kept is None:
        return
    begin(talk, kept["id"], Kind.DRAW, _taken(talk, kept) | {"behind": behind, "title": title}, state=State.HELD)
    text = talk.words("status-held", title=title, count=len(kept["sources"])) + _over(talk, kept)
    talk.edit(f"status:{kept['id']}", text, buttons=cancel_keys(talk.words, kept["id"]))


def _over(talk: Talk, kept: Json) -> str:
    """That some were left out, where some were."""
    over = int(kept.get("over", 0))
    return "\n\n" + talk.words("wanted-most", most=MOST, over=over) if over else ""


def _taken(talk: Talk, kept: Json) -> Json:
    """They are kept no more: what is drawn instead."""
    sources = kept["sources"]
    if len(sources) > 1:
        sources = [one | {"name": talk.words("photo-name", number=n)} for n, one in enumerate(sources, start=1)]
    talk.put_state(wanted=None)
    return drawing_of(talk, sources[0], kept["caption"]) | {"sources": sources}
