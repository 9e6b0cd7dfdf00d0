"""Pictures that come one by one, for a new style or for one that is to learn more, counted in one message.

Owns that collection, which stands in the person's state under ``collect``, and the question what a photo is for that
comes while an older collection is open. Knows not how a style is learned. Loads python-telegram-bot, by ``intake``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bot import things, wanted
from bot.drawing import begin_drawing, drawing_of, styles_of
from bot.effects import Button
from bot.errands import UNDER_WAY, errands
from bot.intake import MOST_PICTURES
from bot.keyboards import begin_keys, collect_keys
from bot.listed import UNNAMED
from bot.routes import Event
from bot.shortening import cut
from bot.talk import Talk
from pipeline.domain import Json
from pipeline.files import job_key
from pipeline.intake import MIN_PICTURES
from pipeline.jobs.views import now_ms

MOST_TITLE = 64  # UTF-16 units; Telegram's, of a set
FRESH_MS = 600_000  # after the last picture: one that comes later may be meant to be drawn
MOVES_MS = (
    3_000  # after the picture before: the count is said anew, below what came meanwhile; those of an album come faster
)
PHOTO = "photo"  # what is called so came as one, on the ground that Telegram gives it
MOST_ASKED = 10  # pictures that one such question is about; an album's


def collection(talk: Talk) -> Json | None:
    """What is being collected."""
    found: Json | None = talk.person.state.get("collect")
    return found


def fresh(talk: Talk) -> bool:
    """Whether the next picture belongs to it without a word."""
    found = collection(talk)
    return bool(found and not found.get("aside") and now_ms() - int(found.get("at_ms", 0)) <= FRESH_MS)


def enough(collect: Json) -> bool:
    """Whether it can be learned."""
    count = len(collect["sources"])
    return count >= 1 and count + len(collect.get("old", [])) >= MIN_PICTURES


def numbered(sources: Sequence[Json]) -> list[Json]:
    """For when they are learned: what has no name of its own is known by its number among them."""
    return [
        one | {"name": f"{one['name']} {number}"} if one["name"] in UNNAMED else one
        for number, one in enumerate(sources, start=1)
    ]


def begin(talk: Talk, id: str, sources: Sequence[Json] = (), *, few: bool, **more: object) -> None:
    """Anew; what was collected before is forgotten.

    Args:
        few: a sticker counts as one picture, even where it is of a pack.
    """
    before = collection(talk)
    if before:
        talk.rebutton(f"status:{before['id']}")
    facts: Json = {"id": id, "sources": [], "few": few, "title": "", "at_ms": now_ms()}
    talk.put_state(collect=facts | more)
    add(talk, sources)


def add(talk: Talk, sources: Sequence[Json], caption: str = "", *, unasked: bool = False) -> None:
    """More of them; those that are there already count once. The message that counts them is edited, or sent anew below
    them, where they came one by one: above ten photos nobody would see it.

    Args:
        unasked: nobody said that they are to be learned from; there is only no style to draw them in.
    """
    if collection(talk) is None:
        begin(talk, talk.next_job_id(), few=False, unasked=unasked)
    collect = collection(talk) or {}
    kept, title = list(collect["sources"]), collect["title"]
    if not title and any(char.isalnum() for char in caption):  # emoji alone name no style
        title = cut(" ".join(caption.split()), MOST_TITLE)
    known, old = {one["uid"] for one in kept}, len(collect.get("old", []))
    for source in sources:
        if source["uid"] not in known and len(kept) + old < MOST_PICTURES:
            kept.append(source)
            known.add(source["uid"])
    settled = bool(collect["sources"]) and now_ms() - int(collect["at_ms"]) > MOVES_MS
    told = {"title": title, "caption": collect.get("caption") or caption}
    talk.put_state(collect=collect | told | {"sources": kept, "at_ms": now_ms(), "aside": False})
    _show(talk, below=settled)


def _show(talk: Talk, *, below: bool) -> None:
    """``below``: what was sent since."""
    collect = collection(talk) or {}
    count, old = len(collect["sources"]), len(collect.get("old", []))
    if old:
        text = _more(talk, collect["title"], count, old)
    elif not count:
        anew, begun = talk.words("collect-anew", least=MIN_PICTURES), talk.words("collect-begin", least=MIN_PICTURES)
        text = anew if collect.get("forgot") else begun
    elif count < MIN_PICTURES:
        text = talk.words("collect-few", count=count, more=MIN_PICTURES - count)
    elif count >= MOST_PICTURES:
        text = talk.words("collect-full", count=count)
    else:
        text = talk.words("collect", count=count)
    if any(one["name"] == PHOTO for one in collect["sources"]):
        text += " " + talk.words("collect-as-files")
    drawable = count if collect.get("unasked") and count <= wanted.MOST else 0
    if drawable and not enough(collect):
        text += "\n\n" + talk.words("collect-or-draw", count=count)
    learnable = count + old if enough(collect) else 0
    keys = collect_keys(talk.words, collect["id"], learnable, kept=count, drawable=drawable, more=bool(old))
    slot = f"status:{collect['id']}"
    if below:
        talk.delete(slot)
        talk.say(text, slot=slot, buttons=keys, loud=False)
    else:
        talk.edit(slot, text, buttons=keys)


def _more(talk: Talk, title: str, count: int, old: int) -> str:
    if not count:
        return talk.words("more-begin", title=title, old=old)
    if count + old >= MOST_PICTURES:
        return talk.words("more-full", title=title, count=count, old=old)
    return talk.words("more", title=title, count=count, old=old)


async def new(event: Event, talk: Talk) -> None:
    """``/new``: from now on pictures are to be learned from, whatever styles there are."""
    before = collection(talk)
    begin(talk, talk.next_job_id(), few=True, forgot=bool(before and before["sources"]))


async def anew(event: Event, talk: Talk) -> None:
    """A press: those pictures are forgotten, and others are waited for."""
    assert event.pressed is not None  # its route wants a pressed button
    collect = collection(talk)
    if not collect or collect["id"] != event.pressed.id:
        talk.answer(talk.words("button-old"), alert=True)
        return
    emptied = {"sources": [], "title": "", "caption": "", "at_ms": now_ms(), "aside": False}
    talk.put_state(collect=collect | emptied)
    keys = collect_keys(talk.words, collect["id"], 0)
    talk.edit(f"status:{collect['id']}", talk.words("collect-anew", least=MIN_PICTURES), buttons=keys)


def give_way(talk: Talk) -> None:
    """A whole pack is learned instead: what is empty is closed; a photo or two of somebody without a style were not
    meant to be learned from, and are drawn."""
    collect = collection(talk)
    if not collect or collect.get("old") or enough(collect) or (collect["sources"] and not collect.get("unasked")):
        return
    talk.put_state(collect=None)
    if collect["sources"]:
        wanted.keep(talk, collect["id"], collect["sources"], collect.get("caption", ""))
    else:
        talk.rebutton(f"status:{collect['id']}")


async def more(event: Event, talk: Talk) -> None:
    """A style is to learn more, if the pictures that it was learned from are still there."""
    assert event.pressed is not None  # its route wants a pressed button
    services = event.services
    style = await asyncio.to_thread(things.style_of, services.desk, talk.person.id, event.pressed.id)
    if style is None:
        talk.answer(talk.words("button-old"), alert=True)
        return
    talk.answer()
    id, title = style.id, str(style.value["title"])
    old = await asyncio.to_thread(services.files.list, job_key(talk.person.name, id, "given"))
    under_way = await asyncio.to_thread(errands, services.desk, states=UNDER_WAY, person=talk.person.id)
    if any(one.payload.get("replaces") == id for one in under_way):  # else the pictures of that one would be lost
        talk.say(talk.words("more-busy", title=title))
    elif not old:
        talk.say(talk.words("more-gone", title=title), buttons=begin_keys(talk.words))
    elif len(old) >= MOST_PICTURES:
        talk.say(talk.words("more-most", title=title, count=len(old)))
    else:
        begin(talk, talk.next_job_id(), few=True, title=title, replaces=id, old=old)


# ── an older collection, and a photo that may be meant to be drawn ────────────────────────────────────────────────────


async def ask(event: Event, talk: Talk, source: Json, caption: str) -> None:
    """What is it for? Others that come before they answer are asked about together."""
    choice = talk.person.state.get("choice") or {"id": talk.next_job_id(), "items": []}
    items = [*choice["items"], {"source": source, "caption": caption}][-MOST_ASKED:]
    talk.put_state(choice=choice | {"items": items})
    kept = len((collection(talk) or {}).get("sources", []))
    keys = [
        [Button(text=talk.words("key-draw", count=len(items)), action="choice-draw", id=choice["id"])],
        [Button(text=talk.words("key-collect", count=len(items)), action="choice-add", id=choice["id"])],
    ]
    talk.edit(f"choice:{choice['id']}", talk.words("choice", count=len(items), kept=kept), buttons=keys)


async def choice_draw(event: Event, talk: Talk) -> None:
    """To be drawn, and so are those that follow; the collection stays, for whoever comes back to it."""
    items, styles, collect = _chosen(event, talk), await styles_of(event, talk), collection(talk)
    if not items:
        talk.answer(talk.words("button-old"), alert=True)
        return
    if collect:
        talk.put_state(collect=collect | {"aside": True})
    caption = next((one["caption"] for one in items if one["caption"]), "")
    if not styles:  # deleted since
        await wanted.draw(
            event, talk, str(event.pressed and event.pressed.id), [one["source"] for one in items], caption
        )
        return
    named = [
        one["source"] | ({"name": talk.words("photo-name", number=number)} if len(items) > 1 else {})
        for number, one in enumerate(items, start=1)
    ]
    begin_drawing(talk, drawing_of(talk, named[0], caption) | {"sources": named}, styles[0])


async def choice_add(event: Event, talk: Talk) -> None:
    """To be learned from."""
    items = _chosen(event, talk)
    if not items:
        talk.answer(talk.words("button-old"), alert=True)
        return
    add(talk, [one["source"] for one in items])


def _chosen(event: Event, talk: Talk) -> list[Json]:
    """What the pressed button asked about; the question goes."""
    assert event.pressed is not None  # its route wants a pressed button
    choice = talk.person.state.get("choice")
    if not choice or choice["id"] != event.pressed.id:
        return []
    talk.put_state(choice=None)
    talk.delete(f"choice:{choice['id']}")
    return list(choice["items"])
