"""Packs: a sticker goes into the person's sticker set, or out of it again, and they are told with a link.

Owns the presses, and the errands that follow from them. Knows not how a set is written. Loads python-telegram-bot,
through ``sets``.
"""

from __future__ import annotations

import asyncio
import logging

from bot import things
from bot.desk import Desk
from bot.doing import Kit
from bot.drawing import sticker_of
from bot.effects import Button
from bot.errands import Errand, Kind, State, advance, begin, errands, note
from bot.keyboards import added_keys, mark_of
from bot.rates import Priority
from bot.routes import Event
from bot.sets import MOST_TITLE, InSet, SetFull, SetRefused, Writer, found_set, renamed_emoji, set_name, taken_out
from bot.shortening import shortened
from bot.shown import refresh
from bot.talk import Talk
from bot.things import Has, Thing
from pipeline.domain import Json
from pipeline.errors import BadInput
from pipeline.jobs.views import now_ms

LOG = logging.getLogger("stickers.bot.packs")


def link_of(name: str) -> str:
    """Where everybody can add the set."""
    return f"https://t.me/addstickers/{name}"


# ── presses ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def add(event: Event, talk: Talk) -> None:
    """To the pack that the button names; where that is gone, what there is now is to be chosen from."""
    assert event.pressed is not None  # its route wants a pressed button
    id, mark = _parted(event.pressed.id)
    packs = await asyncio.to_thread(things.things, event.services.desk, talk.person.id, Has.PACK)
    pack = next((one for one in packs if mark in ("", mark_of(one.id))), None)
    if pack is None:
        _choose_again(talk, id, talk.words("add-gone"))
    else:
        await _add(event, talk, id, pack.id)


def _parted(id: str) -> tuple[str, str]:
    """The sticker's id and the pack's mark, which older buttons have not: those mean the pack in use."""
    job, number, *mark = id.split(".")
    return f"{job}.{number}", mark[0] if mark else ""


async def add_first(event: Event, talk: Talk) -> None:
    """To a new pack, said by a button of when there was none; where there is one now, they choose again."""
    assert event.pressed is not None  # its route wants a pressed button
    desk, id, person = event.services.desk, event.pressed.id, talk.person.id
    packs = await asyncio.to_thread(things.things, desk, person, Has.PACK)
    sticker = await asyncio.to_thread(things.thing, desk, person, Has.STICKER, id)
    began = sticker.value.get("began") if sticker else None
    there = await _there(event, talk, packs)
    making = [one for one in await _adding(event, talk) if one.payload["pack"] is None]
    if there and there.id != began:
        _choose_again(talk, id, talk.words("add-there", title=str(there.value["title"])))
    elif making and all(one.payload["sticker"] != id for one in making):
        talk.answer(talk.words("add-making"), alert=True)  # its end shows what can be chosen
    else:
        await _add(event, talk, id, None)


async def _there(event: Event, talk: Talk, packs: list[Thing]) -> Thing | None:
    """The pack in use; what its owner deleted in Telegram is no pack any more."""
    for one in packs:
        if await found_set(event.services.bot, one.id) is not None:
            return one
        things.drop(talk, Has.PACK, one.id)
    return None


def _choose_again(talk: Talk, id: str, why: str) -> None:
    """Nothing is begun; the buttons are put right, these and those nearby."""
    talk.answer(why, alert=True)
    refresh(talk, id, latest=True)


async def add_new(event: Event, talk: Talk) -> None:
    """To a new pack."""
    assert event.pressed is not None  # its route wants a pressed button
    await _add(event, talk, event.pressed.id, None)


async def _add(event: Event, talk: Talk, id: str, pack: str | None) -> None:
    sticker = await sticker_of(event, talk, id)
    if sticker is None:
        return
    begun = sticker.value.get("began") if pack is None else None
    one = begun and await asyncio.to_thread(things.thing, event.services.desk, talk.person.id, Has.PACK, begun)
    if one and await found_set(event.services.bot, one.id) is not None:
        talk.answer(talk.words("pack-begun", title=str(one.value["title"])), alert=True)
        return
    talk.answer(talk.words("adding"))
    if any((one.payload["sticker"], one.payload["pack"]) == (sticker.id, pack) for one in await _adding(event, talk)):
        return  # pressed twice
    begin(talk, talk.next_job_id(), Kind.ADD, {"sticker": sticker.id, "pack": pack, "facts": {}})


async def _adding(event: Event, talk: Talk) -> list[Errand]:
    """What is being added to whatever pack."""
    return await _open(event, talk, Kind.ADD)


async def _open(event: Event, talk: Talk, kind: Kind) -> list[Errand]:
    under_way = await asyncio.to_thread(errands, event.services.desk, states=[State.OPEN], person=talk.person.id)
    return [one for one in under_way if one.kind is kind]


async def undo(event: Event, talk: Talk) -> None:
    """Take it out again."""
    assert event.pressed is not None  # its route wants a pressed button
    added = await asyncio.to_thread(things.thing, event.services.desk, talk.person.id, Has.ADDED, event.pressed.id)
    if added is None:
        talk.answer(talk.words("button-old"), alert=True)
        return
    talk.answer(talk.words("undoing"))
    if all(one.payload["added"] != added.id for one in await _open(event, talk, Kind.UNDO)):  # else pressed twice
        begin(talk, talk.next_job_id(), Kind.UNDO, {"added": added.id})


# ── errands ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def do_add(errand: Errand, kit: Kit) -> None:
    """``payload``: ``sticker``, ``pack`` (None for a new one), ``facts`` of earlier tries."""
    desk, bot, payload = kit.desk, kit.services.bot, errand.payload
    sticker = await asyncio.to_thread(things.thing, desk, errand.person, Has.STICKER, payload["sticker"])
    style = sticker and await asyncio.to_thread(
        things.thing, desk, errand.person, Has.STYLE, str(sticker.value["style"])
    )
    pack = payload["pack"] and await asyncio.to_thread(things.thing, desk, errand.person, Has.PACK, payload["pack"])
    talk = await kit.talk(errand, "added", priority=Priority.RESULT)
    advance(talk, errand, State.OVER, {})
    try:
        if sticker is None:
            raise BadInput("the sticker is not remembered any more")
        data = await asyncio.to_thread(kit.services.files.read, sticker.value["webp"])

        async def keep(facts: Json) -> None:
            await asyncio.to_thread(note, desk, errand, payload | {"facts": facts})

        writer = Writer(bot, errand.person, data, sticker.value["emoji"], payload["facts"], keep)
        title = str(pack.value["title"]) if pack else _title(talk, style)
        place = await _placed(writer, errand, kit, pack, title, sticker)
    except SetFull:
        talk.say(talk.words("pack-full", title=str(pack.value["title"]) if pack else ""), buttons=_new(talk, payload))
    except SetRefused as error:
        LOG.warning("Telegram refused a sticker set", extra={"errand": errand.key, "why": type(error).__name__})
        talk.say(talk.words("pack-refused"), buttons=_new(talk, payload))
    except BadInput:
        talk.say(talk.words("sorry-file-gone"))
    else:
        _say_added(talk, errand, sticker, place, title, written=writer.facts.get("emoji", writer.emoji))
    await kit.settle(talk)


async def _placed(writer: Writer, errand: Errand, kit: Kit, pack: Thing | None, title: str, sticker: Thing) -> InSet:
    """In its pack, or in a new one."""

    def names(number: int) -> str:
        return set_name(title, f"{errand.person}:{errand.key}", kit.services.username, number)

    if pack is None or pack.id in writer.facts.get("taken", []):
        return await writer.make(title, first=names(1), names=names)
    known = sticker.value["packs"].get(pack.id, {})
    try:
        return await writer.add(pack.id, title, known.get("uid"))
    except SetRefused:
        if pack.id not in writer.facts.get("taken", []):
            raise
        return await writer.make(title, first=names(1), names=names)  # it was deleted, and its name is not free


def _title(talk: Talk, style: Thing | None) -> str:
    base = str(style.value["title"]) if style else talk.words("title-own")
    return shortened(talk.words("pack-title", style=base), MOST_TITLE)


def _new(talk: Talk, payload: Json) -> list[list[Button]]:
    return [[Button(text=talk.words("key-new-pack"), action="add-new", id=payload["sticker"])]]


def _say_added(talk: Talk, errand: Errand, sticker: Thing, place: InSet, title: str, *, written: list[str]) -> None:
    """With the link, and remembered. ``written``: the emoji that it has in the set."""
    link = link_of(place.name)
    if place.already:
        look = [[Button(text=talk.words("key-open-pack"), url=link)]]
        talk.say(talk.words("pack-already", title=title), buttons=look)
        return
    lost = errand.payload["pack"] is not None and place.fresh
    if lost and place.name != errand.payload["pack"]:
        things.drop(talk, Has.PACK, errand.payload["pack"])
    if place.fresh:
        things.keep(talk, Has.PACK, place.name, {"title": title, "count": place.count, "used_ms": now_ms()})
    else:
        things.change(talk, Has.PACK, place.name, lambda value: value | {"count": place.count})

    def added(value: Json) -> Json:
        if value["emoji"] != written:  # chosen meanwhile, when there was no set to write it to
            begin(talk, f"{errand.key}.emoji", Kind.EMOJI, {"sticker": sticker.id})
        began = {"began": place.name} if place.fresh else {}
        return value | {"packs": value["packs"] | {place.name: {"uid": place.uid}}} | began

    things.change(talk, Has.STICKER, sticker.id, added)
    things.keep(talk, Has.ADDED, errand.key, {"sticker": sticker.id, "pack": place.name, "uid": place.uid})
    if lost:
        said = talk.words("pack-anew", title=title, link=link)
    elif place.fresh:
        said = talk.words("pack-made", title=title, link=link)
    else:
        said = talk.words("pack-added", title=title, count=place.count, link=link)
    talk.say(said, buttons=added_keys(talk.words, errand.key, link), slot=f"added:{errand.key}")
    refresh(talk, sticker.id, latest=place.fresh)


async def do_undo(errand: Errand, kit: Kit) -> None:
    """``payload``: ``added``."""
    desk, bot = kit.desk, kit.services.bot
    added = await asyncio.to_thread(things.thing, desk, errand.person, Has.ADDED, errand.payload["added"])
    talk = await kit.talk(errand, "undone", priority=Priority.RESULT)
    advance(talk, errand, State.OVER, {})
    if added is not None:
        name, id = str(added.value["pack"]), str(added.value["sticker"])
        try:
            there = await taken_out(bot, name, str(added.value["uid"]))
        except SetRefused as error:
            LOG.warning("Telegram refused a sticker set", extra={"errand": errand.key, "why": type(error).__name__})
            talk.say(talk.words("pack-not-changed"))
        else:
            await _say_undone(talk, kit, added, name, id, there=there)
    await kit.settle(talk)


async def _say_undone(talk: Talk, kit: Kit, added: Thing, name: str, id: str, *, there: bool) -> None:
    pack = await asyncio.to_thread(things.thing, kit.desk, talk.person.id, Has.PACK, name)
    title = str(pack.value["title"]) if pack else name
    things.drop(talk, Has.ADDED, added.id)
    if not there:
        things.drop(talk, Has.PACK, name)
    things.change(talk, Has.STICKER, id, lambda value: _without(value, name))
    refresh(talk, id, latest=not there)
    said = talk.words("undone", title=title) if there else talk.words("undone-gone", title=title)
    talk.edit(f"added:{added.id}", said)


def forget_added(talk: Talk, desk: Desk, name: str, uid: str) -> None:
    """With the talk: a sticker of ours was taken out of a pack otherwise; there is nothing left to undo."""
    person = talk.person.id
    for one in things.things(desk, person, Has.ADDED):
        if (one.value["pack"], one.value["uid"]) == (name, uid):
            things.drop(talk, Has.ADDED, one.id)
            talk.rebutton(f"added:{one.id}")
    for one in things.things(desk, person, Has.STICKER):
        if one.value["packs"].get(name, {}).get("uid") == uid:
            things.change(talk, Has.STICKER, one.id, lambda value: _without(value, name))


def _without(sticker: Json, pack: str) -> Json:
    """The sticker as one that is not in that pack."""
    return sticker | {"packs": {name: facts for name, facts in sticker["packs"].items() if name != pack}}


async def do_emoji(errand: Errand, kit: Kit) -> None:
    """``payload``: ``sticker``. It gets those emoji that it has now, in every pack that it is in."""
    id = errand.payload["sticker"]
    sticker = await asyncio.to_thread(things.thing, kit.desk, errand.person, Has.STICKER, id)
    value: Json = sticker.value if sticker else {"packs": {}}
    for name, facts in value["packs"].items():
        await renamed_emoji(kit.services.bot, name, facts["uid"], value["emoji"])
    talk = await kit.talk(errand, "emoji")
    advance(talk, errand, State.OVER, {})
    await kit.settle(talk)
