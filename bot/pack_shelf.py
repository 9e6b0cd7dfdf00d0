"""``/packs``: a pack as a whole: looked at, used, given another name, its last sticker taken out, deleted.

Owns that list, its presses, and the errands that follow from them. Knows not how a set is written. Loads
python-telegram-bot, through ``sets``.

A pack's owner may change or delete it in Telegram itself at any time. So it is looked up before it is shown, and one
that is gone is told of and taken off the list.
"""

from __future__ import annotations

import asyncio
import logging

from telegram import StickerSet

from bot import questions, things
from bot.doing import Kit
from bot.effects import Button
from bot.errands import Errand, Kind, State, advance, begin, errands
from bot.keyboards import Keys, mark_of, short
from bot.packs import forget_added, link_of
from bot.rates import Priority
from bot.routes import Event
from bot.sets import MOST_TITLE, SetRefused, deleted, found_set, retitled, taken_out
from bot.shortening import shortened
from bot.shown import refresh
from bot.talk import Talk
from bot.texts import harmless
from bot.things import Has, Thing

LOG = logging.getLogger("stickers.bot.packs")
MOST_LISTED = 20


def _slot(talk: Talk) -> str:
    return f"packs:{talk.person.id}:{talk.chat}"


# ── presses ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def packs(event: Event, talk: Talk) -> None:
    """``/packs``."""
    found = await _mine(event, talk)
    text = talk.words("packs", count=len(found)) if found else talk.words("packs-none")
    talk.say(text, buttons=_list(talk, found), slot=_slot(talk))


async def back(event: Event, talk: Talk) -> None:
    """The list again."""
    found = await _mine(event, talk)
    text = talk.words("packs", count=len(found)) if found else talk.words("packs-none")
    talk.edit(_slot(talk), text, buttons=_list(talk, found))


async def _mine(event: Event, talk: Talk) -> list[Thing]:
    return await asyncio.to_thread(things.things, event.services.desk, talk.person.id, Has.PACK)


def _list(talk: Talk, found: list[Thing]) -> Keys:
    return [
        [Button(text=f"{'✓ ' if not number else ''}{short(_title(one))}", action="pack", id=mark_of(one.id))]
        for number, one in enumerate(found[:MOST_LISTED])
    ]


def _title(pack: Thing) -> str:
    return str(pack.value["title"])


async def _pressed(event: Event, talk: Talk) -> Thing | None:
    """The pack that a button is about; its mark is first in the button's id."""
    assert event.pressed is not None  # its route wants a pressed button
    mark, _, _ = event.pressed.id.partition(".")
    one = next((one for one in await _mine(event, talk) if mark_of(one.id) == mark), None)
    if one is None:
        talk.answer(talk.words("button-old"), alert=True)
    return one


async def _looked_up(event: Event, talk: Talk) -> tuple[Thing, StickerSet] | None:
    """With the set as it is on Telegram now; its person is told where it is gone."""
    one = await _pressed(event, talk)
    if one is None:
        return None
    found = await found_set(event.services.bot, one.id)
    if found is None:
        things.drop(talk, Has.PACK, one.id)
        talk.edit(_slot(talk), talk.words("pack-elsewhere", title=_title(one)), buttons=_back(talk))
        refresh(talk, latest=True)
        return None
    return one, found


def _back(talk: Talk) -> Keys:
    return [[Button(text=talk.words("key-back"), action="packs", id="")]]


async def pack(event: Event, talk: Talk) -> None:
    """One of them: what is in it, and what may be done."""
    there = await _looked_up(event, talk)
    if there is not None:
        await _show(event, talk, *there)


async def _show(event: Event, talk: Talk, one: Thing, found: StickerSet) -> None:
    mark = mark_of(one.id)
    latest = (await _mine(event, talk))[0].id == one.id
    rows = [[Button(text=talk.words("key-open-pack"), url=link_of(one.id))]]
    rows += [] if latest else [[Button(text=talk.words("key-use-pack"), action="pack-use", id=mark)]]
    rows += [[Button(text=talk.words("key-rename"), action="pack-name", id=mark)]]
    if found.stickers:  # bound to the one that it would take out: pressed twice, it must not take two
        last_one = f"{mark}.{mark_of(found.stickers[-1].file_unique_id)}"
        rows += [[Button(text=talk.words("key-remove-last"), action="pack-last", id=last_one)]]
    rows += [[Button(text=talk.words("key-delete-pack"), action="pack-drop", id=mark)], *_back(talk)]
    text = talk.words("pack", title=found.title, count=len(found.stickers), link=link_of(one.id))
    talk.edit(_slot(talk), text, buttons=rows)


async def use(event: Event, talk: Talk) -> None:
    """New stickers go there from now on."""
    one = await _pressed(event, talk)
    if one is not None:
        things.use(talk, Has.PACK, one)
        refresh(talk, latest=True)
        talk.edit(_slot(talk), talk.words("pack-used", title=_title(one)), buttons=_back(talk))


async def rename_ask(event: Event, talk: Talk) -> None:
    """What shall it be called?"""
    there = await _looked_up(event, talk)
    if there is not None:
        text = talk.words("pack-name", title=_title(there[0]))
        questions.ask(talk, questions.What.PACK_NAME, there[0].id, text)


async def rename(event: Event, talk: Talk, name: str) -> None:
    """The name came."""
    assert event.update.message is not None  # its route wants words
    title = shortened(harmless(event.update.message.text or ""), MOST_TITLE)
    if not title:
        one = await asyncio.to_thread(things.thing, event.services.desk, talk.person.id, Has.PACK, name)
        if one is None:
            talk.say(talk.words("pack-changed"))
        else:
            questions.ask(talk, questions.What.PACK_NAME, name, talk.words("pack-name", title=_title(one)))
        return
    begin(talk, talk.next_job_id(), Kind.TITLE, {"pack": name, "title": title})


async def last(event: Event, talk: Talk) -> None:
    """Its last sticker goes: the one that was last when the button was made, and no other."""
    assert event.pressed is not None  # its route wants a pressed button
    _, _, mark = event.pressed.id.partition(".")
    if any(mark_of(one.payload["uid"]) == mark for one in await _under_way(event, talk, Kind.LAST)):
        talk.answer(talk.words("undoing"))  # pressed twice
        return
    there = await _looked_up(event, talk)
    if there is None:
        return
    uids = [one.file_unique_id for one in there[1].stickers]
    uid = next((uid for uid in uids if mark_of(uid) == mark), None)
    if mark and uid is None:
        talk.answer(talk.words("pack-last-already"))
    elif uid is None or uid != uids[-1]:
        talk.answer(talk.words("pack-changed"), alert=True)
        await _show(event, talk, *there)
    else:
        talk.answer(talk.words("undoing"))
        payload = {"pack": there[0].id, "title": _title(there[0]), "uid": uid}
        begin(talk, talk.next_job_id(), Kind.LAST, payload)


async def _under_way(event: Event, talk: Talk, kind: Kind) -> list[Errand]:
    found = await asyncio.to_thread(errands, event.services.desk, states=[State.OPEN], person=talk.person.id)
    return [one for one in found if one.kind is kind]


async def drop_ask(event: Event, talk: Talk) -> None:
    """Are they sure?"""
    there = await _looked_up(event, talk)
    if there is None:
        return
    mark = mark_of(there[0].id)
    rows = [
        [Button(text=talk.words("key-delete"), action="pack-drop-yes", id=mark)],
        [Button(text=talk.words("key-back"), action="pack", id=mark)],
    ]
    text = talk.words("pack-drop", title=_title(there[0]), count=len(there[1].stickers))
    talk.edit(_slot(talk), text, buttons=rows)


async def drop(event: Event, talk: Talk) -> None:
    """They are."""
    one = await _pressed(event, talk)
    if one is None:
        return
    if all(each.payload["pack"] != one.id for each in await _under_way(event, talk, Kind.DROP)):  # else pressed twice
        begin(talk, talk.next_job_id(), Kind.DROP, {"pack": one.id, "title": _title(one)})


# ── errands ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def _begun(errand: Errand, kit: Kit) -> tuple[Talk, Thing | None]:
    talk = await kit.talk(errand, "pack", priority=Priority.RESULT)
    advance(talk, errand, State.OVER, {})
    return talk, await asyncio.to_thread(things.thing, kit.desk, errand.person, Has.PACK, errand.payload["pack"])


async def do_title(errand: Errand, kit: Kit) -> None:
    """``payload``: ``pack``, ``title``."""
    talk, one = await _begun(errand, kit)
    name, title = str(errand.payload["pack"]), str(errand.payload["title"])
    try:
        there = await retitled(kit.services.bot, name, title)
    except SetRefused as error:
        _refused(talk, errand, error)
    else:
        if there and one is not None:
            things.change(talk, Has.PACK, name, lambda value: value | {"title": title})
            refresh(talk, latest=True)
            talk.say(talk.words("pack-named", title=title))
        else:
            _gone(talk, name, _title(one) if one else title)
    await kit.settle(talk)


async def do_last(errand: Errand, kit: Kit) -> None:
    """``payload``: ``pack``, its ``title``, ``uid`` of the sticker."""
    talk, one = await _begun(errand, kit)
    name, uid = str(errand.payload["pack"]), str(errand.payload["uid"])
    title = _title(one) if one else str(errand.payload["title"])
    try:
        there = await taken_out(kit.services.bot, name, uid)
    except SetRefused as error:
        _refused(talk, errand, error)
    else:
        await asyncio.to_thread(forget_added, talk, kit.desk, name, uid)
        if not there:
            things.drop(talk, Has.PACK, name)
            refresh(talk, latest=True)
        said = talk.words("pack-last-out", title=title) if there else talk.words("undone-gone", title=title)
        talk.edit(_slot(talk), said, buttons=_back(talk))
    await kit.settle(talk)


async def do_drop(errand: Errand, kit: Kit) -> None:
    """``payload``: ``pack``, its ``title``."""
    talk, one = await _begun(errand, kit)
    name, title = str(errand.payload["pack"]), str(errand.payload["title"])
    try:
        await deleted(kit.services.bot, name)
    except SetRefused as error:
        _refused(talk, errand, error)
    else:
        things.drop(talk, Has.PACK, name)
        refresh(talk, latest=True)
        talk.edit(_slot(talk), talk.words("pack-dropped", title=_title(one) if one else title), buttons=_back(talk))
    await kit.settle(talk)


def _gone(talk: Talk, name: str, title: str) -> None:
    things.drop(talk, Has.PACK, name)
    refresh(talk, latest=True)
    talk.say(talk.words("pack-elsewhere", title=title))


def _refused(talk: Talk, errand: Errand, error: SetRefused) -> None:
    LOG.warning("Telegram refused a sticker set", extra={"errand": errand.key, "why": type(error).__name__})
    talk.say(talk.words("pack-not-changed"))
