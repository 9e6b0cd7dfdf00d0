"""Teaching a style: a pack is shown by a sticker, a link, a zip or pictures; its person agrees, and it is learned.

Owns that conversation up to the errand. Knows not how anything is fetched. Loads python-telegram-bot, for its errors.

What is asked stands in the person's state: ``ask`` for a set or a zip, ``collect`` for pictures (``collecting``).
Each has the id of the job that it may become, and so one message goes from the question to the end: ``status:ID``.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import PurePosixPath

from telegram import Document, Message, StickerSet
from telegram.error import BadRequest

from bot import albums, collecting, wanted
from bot.collecting import MOST_TITLE
from bot.drawing import draw, draw_too, drawing_of, styles_of
from bot.errands import JOBS, UNDER_WAY, Kind, begin, errand, errands
from bot.handing_in import source_of
from bot.held import hold, learning
from bot.intake import MOST_BYTES, MOST_PICTURES, is_other
from bot.keyboards import begin_keys, cancel_keys, consent_keys, learn_keys
from bot.routes import Event
from bot.shortening import shortened
from bot.talk import Talk
from bot.texts import harmless
from pipeline.domain import Json
from pipeline.intake import MIN_PICTURES

PURPOSE, VERSION = "training", "2026-11"  # of the text that is agreed to
LINK = re.compile(r"(?:(?:t|telegram)\.(?:me|dog)/addstickers/|tg://addstickers\?set=)([A-Za-z][A-Za-z0-9_]{0,63})")
NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)+")  # of a set, alone: no word of a sentence looks so
ZIPS = ("application/zip", "application/x-zip-compressed")


# ── what a message is ─────────────────────────────────────────────────────────────────────────────────────────────────


def set_name(text: str) -> str | None:
    """The name of a sticker set, from a link or by itself."""
    found = LINK.search(text)
    if found:
        return found.group(1)
    return text.strip() if NAME.fullmatch(text.strip()) and len(text.strip()) <= 64 else None


def is_sticker(event: Event) -> bool:
    """A sticker."""
    return event.private and bool(event.update.message and event.update.message.sticker)


def is_link(event: Event) -> bool:
    """A set by its name."""
    message = event.update.message
    return event.private and bool(message and message.text and set_name(message.text))


def is_zip(event: Event) -> bool:
    """An archive."""
    document = event.update.message.document if event.update.message else None
    named = bool(document and (document.file_name or "").lower().endswith(".zip"))
    return event.private and (named or bool(document and document.mime_type in ZIPS))


def is_picture(event: Event) -> bool:
    """A photo, or any other file: whether it is a picture, the decoder tells."""
    message = event.update.message
    return event.private and bool(message and (message.photo or message.document))


# ── a set, a zip ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def sticker(event: Event, talk: Talk) -> None:
    """A sticker came: of a pack, or loose."""
    assert event.update.message is not None
    one = event.update.message.sticker
    assert one is not None  # its route wants one
    collect = collecting.collection(talk) if collecting.fresh(talk) else None
    if one.set_name is None or (collect and collect["few"]):
        await _picture(event, talk, source_of(one, "sticker") | {"uid": one.file_unique_id}, one.emoji or "")
        return
    await _ask_set(event, talk, one.set_name, source_of(one, "sticker") | {"uid": one.file_unique_id})


async def link(event: Event, talk: Talk) -> None:
    """A set's name came."""
    assert event.update.message is not None
    name = set_name(event.update.message.text or "")
    assert name is not None  # its route wants one
    await _ask_set(event, talk, name, None)


async def _ask_set(event: Event, talk: Talk, name: str, single: Json | None) -> None:
    try:
        found: StickerSet = await event.services.bot.get_sticker_set(name)
    except BadRequest:
        talk.say(talk.words("set-unknown", name=name), buttons=begin_keys(talk.words))
        return
    count = len(found.stickers)
    if collecting.fresh(talk) and (collecting.collection(talk) or {}).get("replaces"):
        collecting.add(talk, [source_of(one, "sticker") | {"uid": one.file_unique_id} for one in found.stickers])
        return
    if count < MIN_PICTURES:
        talk.say(talk.words("set-small", title=found.title, count=count, least=MIN_PICTURES))
        return
    title = _titled(talk, found.title)
    text = talk.words("ask-set", title=title, count=count)
    if count > MOST_PICTURES:
        text += "\n" + talk.words("ask-most", most=MOST_PICTURES)
    _ask(talk, {"what": "set", "name": name, "title": title, "single": single}, text, single=single is not None)


async def archive(event: Event, talk: Talk) -> None:
    """A zip came."""
    assert event.update.message is not None
    document = event.update.message.document
    assert document is not None  # its route wants one
    name = document.file_name or "zip"
    if (document.file_size or 0) > MOST_BYTES:
        talk.say(talk.words("file-large", name=name, most=MOST_BYTES >> 20))
        return
    title = _titled(talk, PurePosixPath(name).stem)
    source = {"file": document.file_id, "size": document.file_size, "name": name}
    _ask(talk, {"what": "zip", "title": title, "sources": [source]}, talk.words("ask-zip", name=name), single=False)


def _ask(talk: Talk, ask: Json, text: str, *, single: bool) -> None:
    """May this be learned? Only the newest question counts."""
    before = talk.person.state.get("ask")
    if before:
        talk.rebutton(f"status:{before['id']}")
    id = talk.next_job_id()
    talk.put_state(ask=ask | {"id": id})
    talk.say(text, slot=f"status:{id}", buttons=learn_keys(talk.words, id, single=single))


# ── pictures, one by one ──────────────────────────────────────────────────────────────────────────────────────────────


async def picture(event: Event, talk: Talk) -> None:
    """A photo or a file came: to be learned from, or to be drawn."""
    message = event.update.message
    assert message is not None  # its route wants one
    document = message.document
    other = not message.photo and document is not None and is_other(document.file_name or "", document.mime_type)
    await _picture(event, talk, _source(message), message.caption or "", other=other)


async def _picture(event: Event, talk: Talk, source: Json, caption: str, *, other: bool = False) -> None:
    """``other``: it is none by its own word; who waits for a style is to hear so now, not once that is there."""
    styles = await styles_of(event, talk)
    behind = None if styles else await asyncio.to_thread(learning, event.services.desk, talk.person.id)
    drawing = drawing_of(talk, source, caption)
    if collecting.fresh(talk) or not (styles or behind):  # asked about, even where others are kept to be drawn
        collecting.add(talk, [source], caption, unasked=True)
    elif styles and (collect := collecting.collection(talk)) and not collect.get("aside"):
        await collecting.ask(event, talk, source, caption)
    elif (source["size"] or 0) > MOST_BYTES:
        talk.say(talk.words("file-large", name=source["name"], most=MOST_BYTES >> 20))
    elif other and behind is not None:
        talk.say(talk.words("draw-unreadable"))
    elif (found := await albums.before(event, talk, drawing)) is not None:
        draw_too(talk, drawing, found, styles[0] if styles else None)
    elif await busy(event, talk):
        talk.say(talk.words("too-many-jobs"))
    elif behind is not None:
        albums.first(event, talk, talk.next_job_id())
        hold(talk, behind, drawing)
    else:
        draw(event, talk, drawing, styles[0])


async def busy(event: Event, talk: Talk) -> bool:
    """Whether they have as much under way as the queue takes of one person, which it may not have heard of yet."""
    under_way = await asyncio.to_thread(errands, event.services.desk, states=UNDER_WAY, person=talk.person.id)
    return sum(one.kind in JOBS for one in under_way) >= event.services.jobs.limits.open_jobs


def _source(message: Message) -> Json:
    if message.photo:
        largest = message.photo[-1]
        name = collecting.PHOTO
        return {"file": largest.file_id, "uid": largest.file_unique_id, "size": largest.file_size, "name": name}
    document: Document | None = message.document
    assert document is not None  # a photo or a document, says the route
    name = document.file_name or "file"
    return {"file": document.file_id, "uid": document.file_unique_id, "size": document.file_size, "name": name}


async def few(event: Event, talk: Talk) -> None:
    """Only this sticker: there must be more of them."""
    ask = _asked(event, talk)
    if ask is None or ask.get("single") is None:
        talk.answer(talk.words("button-old"))
        return
    talk.put_state(ask=None)
    collecting.begin(talk, ask["id"], [ask["single"]], few=True)


# ── yes and no ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _asked(event: Event, talk: Talk) -> Json | None:
    """What the pressed button asked about; None where something else is asked now."""
    assert event.pressed is not None  # its route wants a pressed button
    for key in ("ask", "collect"):
        asked: Json | None = talk.person.state.get(key)
        if asked and asked["id"] == event.pressed.id:
            return asked | {"key": key}
    return None


async def learn(event: Event, talk: Talk) -> None:
    """Learn it; whoever has not agreed to that yet is asked first."""
    ask = _asked(event, talk)
    if ask is None or (ask["key"] == "collect" and not collecting.enough(ask)):
        await _too_late(event, talk)
    elif talk.person.consents_to(PURPOSE, VERSION):
        _begin(event, talk, ask)
    else:
        talk.edit(f"status:{ask['id']}", talk.words("consent"), buttons=consent_keys(talk.words, ask["id"]))


async def agree(event: Event, talk: Talk) -> None:
    """They agree, to this very text, and it is noted."""
    ask = _asked(event, talk)
    if ask is None:
        await _too_late(event, talk)
        return
    if not talk.person.consents_to(PURPOSE, VERSION):
        talk.consent(PURPOSE, VERSION)
    _begin(event, talk, ask)


async def ask_no(event: Event, talk: Talk) -> None:
    """Not now, or all over again: nothing of it is kept."""
    ask = _asked(event, talk)
    if ask is None:
        await _too_late(event, talk)
        return
    talk.put_state(**{ask["key"]: None})
    if ask.get("replaces"):
        text = talk.words("more-dropped", title=ask["title"])
    elif ask["key"] == "ask":
        text = talk.words("ask-dropped")
    else:
        text = talk.words("collect-dropped") if ask["sources"] else talk.words("collect-left")
    talk.edit(f"status:{ask['id']}", text)


async def _too_late(event: Event, talk: Talk) -> None:
    """A second press on what is under way says nothing; any other is out of date."""
    assert event.pressed is not None  # its route wants a pressed button
    known = await asyncio.to_thread(errand, event.services.desk, event.pressed.id, talk.person.id)
    if known is None:
        talk.answer(talk.words("button-old"), alert=True)


def _titled(talk: Talk, title: str) -> str:
    """As buttons and lists can show it; one that shows nothing is none."""
    return shortened(harmless(title), MOST_TITLE) or talk.words("title-own")


def _begin(event: Event, talk: Talk, ask: Json) -> None:
    collected = ask["key"] == "collect"
    title = _titled(talk, str(ask["title"]))
    payload: Json = {
        "what": ask.get("what", "pictures"),
        "title": title,
        "profile": event.services.settings.bot_profile,
    }
    payload |= {name: ask[name] for name in ("name", "sources", "replaces") if name in ask}
    if collected:
        old = [{"key": key} for key in ask.get("old", [])]
        payload["sources"] = [*old, *collecting.numbered(ask["sources"])]
    begin(talk, ask["id"], Kind.LEARN, payload)
    talk.put_state(**{"collect" if collected else "ask": None})
    if not collected:
        collecting.give_way(talk)
    wanted.hold(talk, ask["id"], title)
    text = talk.words("status-fetching-begun", title=title)
    talk.edit(f"status:{ask['id']}", text, buttons=cancel_keys(talk.words, ask["id"]))
