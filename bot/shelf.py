"""``/styles``: what a person has, to look at and to tidy.

Owns that list, and switching, renaming, deleting a style, with what is under way of it. Knows no queue. Light: the
standard library.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from bot import questions, things
from bot.collecting import MOST_TITLE
from bot.desk import Desk
from bot.drawing import styles_of
from bot.effects import Button
from bot.errands import UNDER_WAY, Errand, Kind, State, errands, move
from bot.keyboards import Keys, begin_keys, short
from bot.routes import Event
from bot.shortening import shortened
from bot.talk import Talk
from bot.texts import harmless
from bot.things import Has, Thing
from pipeline.files import style_key

MOST_LISTED = 20


def _slot(talk: Talk) -> str:
    return f"styles:{talk.person.id}:{talk.chat}"


async def styles(event: Event, talk: Talk) -> None:
    """``/styles``."""
    found = await styles_of(event, talk)
    if not found:
        talk.say(talk.words("styles-none"), buttons=begin_keys(talk.words))
        return
    talk.say(_text(talk, found), buttons=_list(talk, found), slot=_slot(talk))


def _text(talk: Talk, found: list[Thing]) -> str:
    return talk.words("styles", count=len(found), style=str(found[0].value["title"]))


def _list(talk: Talk, found: list[Thing]) -> Keys:
    rows = []
    for number, one in enumerate(found[:MOST_LISTED]):
        mark = "✓ " if number == 0 else ""
        rows.append([Button(text=f"{mark}{short(str(one.value['title']))}", action="style", id=one.id)])
    return rows


async def style(event: Event, talk: Talk) -> None:
    """One of them was pressed: it is in use from now on, and may be renamed or deleted."""
    one = await _pressed(event, talk)
    if one is None:
        return
    things.use(talk, Has.STYLE, one)
    talk.answer(talk.words("style-used", title=str(one.value["title"])))
    _show(talk, one)


def _show(talk: Talk, one: Thing) -> None:
    keys = [
        [Button(text=talk.words("key-learn-more"), action="style-more", id=one.id)],
        [Button(text=talk.words("key-rename"), action="style-name", id=one.id)],
        [Button(text=talk.words("key-delete"), action="style-drop", id=one.id)],
        [Button(text=talk.words("key-back"), action="styles", id="")],
    ]
    text = talk.words("style", title=str(one.value["title"]), pictures=int(one.value["pictures"]))
    talk.edit(_slot(talk), text, buttons=keys)


async def back(event: Event, talk: Talk) -> None:
    """The list again."""
    found = await styles_of(event, talk)
    talk.edit(_slot(talk), _text(talk, found) if found else talk.words("styles-none"), buttons=_list(talk, found))


async def rename_ask(event: Event, talk: Talk) -> None:
    """What shall it be called?"""
    one = await _pressed(event, talk)
    if one is not None:
        talk.answer()
        text = talk.words("style-name", title=str(one.value["title"]))
        questions.ask(talk, questions.What.STYLE_NAME, one.id, text)


async def rename(event: Event, talk: Talk, id: str) -> None:
    """The name came."""
    assert event.update.message is not None  # its route wants words
    one = await asyncio.to_thread(things.style_of, event.services.desk, talk.person.id, id)
    title = shortened(harmless(event.update.message.text or ""), MOST_TITLE)
    if one is None:
        talk.say(talk.words("style-none"))
        return
    if not title:
        questions.ask(talk, questions.What.STYLE_NAME, id, talk.words("style-name", title=str(one.value["title"])))
        return
    things.change(talk, Has.STYLE, one.id, lambda value: value | {"title": title})
    _show(talk, replace(one, value=one.value | {"title": title}))  # the page that it was asked from
    talk.say(talk.words("style-named", title=title))


async def drop_ask(event: Event, talk: Talk) -> None:
    """Are they sure?"""
    one = await _pressed(event, talk)
    if one is None:
        return
    keys = [
        [Button(text=talk.words("key-delete"), action="style-drop-yes", id=one.id)],
        [Button(text=talk.words("key-back"), action="style", id=one.id)],
    ]
    talk.edit(_slot(talk), talk.words("style-drop", title=str(one.value["title"])), buttons=keys)


async def drop(event: Event, talk: Talk) -> None:
    """They are: its weights go, too, and what is under way of it is called off: nothing may bring it back."""
    one = await _pressed(event, talk)
    if one is None:
        return
    await asyncio.to_thread(event.services.files.delete, style_key(talk.person.name, one.id))
    things.drop(talk, Has.STYLE, one.id)
    under_way = await asyncio.to_thread(errands, event.services.desk, states=UNDER_WAY, person=talk.person.id)
    for each in under_way:
        _call_off(talk, each, one)
    collect = talk.person.state.get("collect")
    if collect and collect.get("replaces") == one.id:
        talk.put_state(collect=None)
        talk.edit(f"status:{collect['id']}", talk.words("dropped-learn", title=str(one.value["title"])))
    talk.edit(_slot(talk), talk.words("style-dropped", title=str(one.value["title"])))


def _call_off(talk: Talk, errand: Errand, style: Thing) -> None:
    """With the talk, where it is of that style. The watch calls it off in the queue, whoever dies."""
    ids, title = (style.id, *style.value.get("was", [])), str(style.value["title"])
    if errand.kind is Kind.DRAW and errand.payload.get("style") in ids:
        text = talk.words("dropped-draw", title=title)
    elif errand.kind is Kind.LEARN and errand.payload.get("replaces") in ids:
        text = talk.words("dropped-learn", title=title)
    else:
        return
    move(talk, errand.key, UNDER_WAY, State.STOPPING, then=lambda: talk.edit(f"status:{errand.key}", text))


def is_of_deleted(desk: Desk, errand: Errand) -> bool:
    """Whether the style that it draws in, or adds to, was deleted: done again, it would bring that back."""
    style = errand.payload.get("style" if errand.kind is Kind.DRAW else "replaces")
    return bool(style) and things.style_of(desk, errand.person, str(style)) is None


def learned_since(desk: Desk, errand: Errand) -> str | None:
    """The title of the style that it adds to, where that has learned more since: done again, it would undo that."""
    old = str(errand.payload.get("replaces") or "") if errand.kind is Kind.LEARN else ""
    now = things.style_of(desk, errand.person, old) if old else None
    return str(now.value["title"]) if now is not None and now.id != old else None


async def _pressed(event: Event, talk: Talk) -> Thing | None:
    """The style that the button is about; a page from before it learned more is still its own."""
    assert event.pressed is not None  # its route wants a pressed button
    one = await asyncio.to_thread(things.style_of, event.services.desk, talk.person.id, event.pressed.id)
    if one is None:
        talk.answer(talk.words("button-old"), alert=True)
    return one
