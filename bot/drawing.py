"""Drawing: a photo with its words becomes a job; the buttons below a sticker draw it again, otherwise.

Owns what is asked of the pipeline for that. Knows not how a photo is fetched. Light: ``emoji``.
"""

from __future__ import annotations

import asyncio
import zlib

import emoji as emoji_names

from bot import albums, questions, things
from bot.effects import Button
from bot.errands import UNDER_WAY, Errand, Kind, State, begin, errands
from bot.keyboards import begin_keys, cancel_keys
from bot.preferences import OUTLINE_PX, outline_of
from bot.routes import Event
from bot.shortening import cut_to
from bot.talk import Talk
from bot.things import Has, Thing
from pipeline.domain import Json
from pipeline.motifs import Motif, motif_of
from pipeline.options import MAX_COUNT, MAX_SEED, options_of, strength_of
from pipeline.settings import load_profile

STEP = 0.12  # of strength, at a press
WEAKEST, STRONGEST = 0.08, 0.95
MOST_WORDS = 200  # characters
MOST_EMOJI = 3  # of a sticker; Telegram takes 20, nobody looks for more


async def styles_of(event: Event, talk: Talk) -> list[Thing]:
    """The person's styles, the current one first."""
    return await asyncio.to_thread(things.things, event.services.desk, talk.person.id, Has.STYLE)


def drawing_of(talk: Talk, source: Json, caption: str) -> Json:
    """What is to be drawn, in whatever style."""
    words, chosen = split(caption)
    options: Json = {"seed": seed_of(talk.origin)} | ({"words": words} if words else {})
    outlined = outline_of(talk.person)
    options |= {} if outlined is None else {"outline": OUTLINE_PX if outlined else 0}
    return {"sources": [source], "options": options, "emoji": chosen}


def draw(event: Event, talk: Talk, drawing: Json, style: Thing) -> None:
    """A photo came."""
    begin_drawing(talk, drawing, style, together=albums.first(event, talk, talk.next_job_id()))


def draw_too(talk: Talk, drawing: Json, found: Errand, style: Thing | None) -> None:
    """Another one of an album: it joins those before it."""
    count = len(found.payload["sources"]) + 1
    name = talk.words("photo-name", number=count)
    albums.join(talk, found, drawing["sources"][0] | {"name": name})
    if found.state is State.HELD or style is None:
        text = talk.words("status-held", title=str(found.payload.get("title", "")), count=count)
    else:
        text = talk.words("status-draw-begun", style=str(style.value["title"]), count=count)
    talk.edit(f"status:{found.key}", text, buttons=cancel_keys(talk.words, found.key))


def begin_drawing(talk: Talk, drawing: Json, style: Thing, *, together: bool = False, key: str | None = None) -> None:
    """With the talk: its errand, and its status message.

    Args:
        together: others of an album may follow.
        key: of the errand, where its status message is there already, and is to read so.
    """
    there, key = key is not None, key or talk.next_job_id()
    talk.put_state(emoji=None)  # emoji that come now are no longer for the sticker before
    collect = talk.person.state.get("collect")
    if collect:  # nor does the next photo belong to it without a question
        talk.put_state(collect=collect | {"at_ms": 0})
    payload = drawing | {"style": style.id, "profile": style.value["profile"]}
    begin(talk, key, Kind.DRAW, payload, in_s=albums.WAIT_S if together else 0.0)
    text = talk.words("status-draw-begun", style=str(style.value["title"]), count=len(drawing["sources"]))
    if there:
        talk.edit(f"status:{key}", text, buttons=cancel_keys(talk.words, key))
    else:
        talk.say(text, slot=f"status:{key}", buttons=cancel_keys(talk.words, key), loud=False)


def source_of(motif: Motif) -> Json:
    """A motif as what is drawn from."""
    return {"motif": motif.emoji, "name": motif.name, "size": None}


def split(caption: str) -> tuple[str, list[str]]:
    """Words for the drawing, and the emoji among them, which the sticker gets. Braces mean something to the prompt."""
    chosen = [found["emoji"] for found in emoji_names.emoji_list(caption)]
    words = emoji_names.replace_emoji(caption, "").replace("{", "(").replace("}", ")")
    plain = "".join(char if char.isprintable() else " " for char in words)
    return cut_to(" ".join(plain.split()), MOST_WORDS), [*dict.fromkeys(chosen)][:MOST_EMOJI]


def seed_of(origin: str) -> int:
    """The same for the same update, another for the next."""
    return zlib.crc32(origin.encode()) & MAX_SEED


# ── buttons below a sticker ───────────────────────────────────────────────────────────────────────────────────────────


async def sticker_of(event: Event, talk: Talk, id: str | None = None) -> Thing | None:
    """The sticker that a button is about; its person is told where it is gone. ``id``: where the button has more."""
    assert event.pressed is not None  # their routes want a pressed button
    id = event.pressed.id if id is None else id
    found = await asyncio.to_thread(things.thing, event.services.desk, talk.person.id, Has.STICKER, id)
    if found is None:
        talk.answer(talk.words("button-old"), alert=True)
    return found


async def again(event: Event, talk: Talk, sticker: Thing, options: Json, **more: object) -> None:
    """The sticker's photo once more, with other options; None takes one away. ``more`` goes into the errand.

    A button that is pressed again before what it began is done begins nothing.
    """
    desk, person = event.services.desk, talk.person.id
    by = f"{event.pressed.action}:{sticker.id}" if event.pressed else None
    under_way = await asyncio.to_thread(errands, desk, states=UNDER_WAY, person=person) if by else []
    if any(one.payload.get("by") == by for one in under_way):
        talk.answer(talk.words("drawing-already"))
        return
    style = await asyncio.to_thread(things.style_of, desk, person, sticker.value["style"])
    talk.answer()
    if style is None:
        talk.say(talk.words("style-gone"), buttons=begin_keys(talk.words))
        return
    wanted = {name: value for name, value in (sticker.value["options"] | options).items() if value is not None}
    drawing = {"sources": [sticker.value["source"]], "options": wanted, "emoji": sticker.value["emoji"]}
    begin_drawing(talk, drawing | ({"by": by} if by else {}) | more, style)


async def another(event: Event, talk: Talk) -> None:
    """The same photo, drawn otherwise: with the next variant's pose, for another seed alone is hardly seen."""
    sticker = await sticker_of(event, talk)
    if sticker is not None:
        variant = int(sticker.value["options"].get("variant") or 0) + 1
        await again(event, talk, sticker, {"seed": seed_of(talk.origin), "variant": variant % MAX_COUNT})


async def stronger(event: Event, talk: Talk) -> None:
    """More of the style, less of the photo."""
    await _changed(event, talk, STEP)


async def weaker(event: Event, talk: Talk) -> None:
    """Less of the style, more of the photo."""
    await _changed(event, talk, -STEP)


async def _changed(event: Event, talk: Talk, step: float) -> None:
    sticker = await sticker_of(event, talk)
    if sticker is None:
        return
    now = await _strength(event, talk, sticker)
    wanted = round(min(STRONGEST, max(WEAKEST, now + step)), 2)
    if wanted == round(now, 2):
        talk.answer(talk.words("strongest") if step > 0 else talk.words("weakest"), alert=True)
        return
    await again(event, talk, sticker, {"strength": wanted})


async def _strength(event: Event, talk: Talk, sticker: Thing) -> float:
    """What it was drawn with: what was asked for, else the profile's own."""
    asked = sticker.value["options"].get("strength")
    if asked is not None:
        return float(asked)
    style = await asyncio.to_thread(
        things.thing, event.services.desk, talk.person.id, Has.STYLE, sticker.value["style"]
    )
    lined = bool(style and style.value.get("lined"))
    return strength_of(options_of(load_profile(sticker.value["profile"])), lined=lined)


async def outline(event: Event, talk: Talk) -> None:
    """The same drawing with a white outline around it, or without."""
    sticker = await sticker_of(event, talk)
    if sticker is not None:
        await again(event, talk, sticker, {"outline": 0 if sticker.value["outline"] else OUTLINE_PX})


# ── other words ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def words_ask(event: Event, talk: Talk) -> None:
    """Which words shall it be drawn by?"""
    sticker = await sticker_of(event, talk)
    if sticker is None:
        return
    talk.answer()
    now, source = str(sticker.value["options"].get("words") or ""), sticker.value["source"]
    if "motif" in source:  # it began from words: without them there is nothing to draw
        text = talk.words("words-ask-whole", words=now or str(source["name"]))
        questions.ask(talk, questions.What.WORDS, sticker.id, text)
        return
    text = talk.words("words-ask", words=now) if now else talk.words("words-ask-first")
    more = [[Button(text=talk.words("key-wordless"), action="words-none", id=sticker.id)]] if now else []
    questions.ask(talk, questions.What.WORDS, sticker.id, text, more=more)


async def wordless(event: Event, talk: Talk) -> None:
    """By the photo alone."""
    sticker = await sticker_of(event, talk)
    if sticker is not None:
        questions.close(talk)
        await again(event, talk, sticker, {"words": None})


async def reworded(event: Event, talk: Talk, id: str) -> None:
    """The words came, with or without emoji."""
    assert event.update.message is not None  # its route wants words
    sticker = await asyncio.to_thread(things.thing, event.services.desk, talk.person.id, Has.STICKER, id)
    if sticker is None:
        talk.say(talk.words("sticker-gone"))
        return
    words, chosen = split(event.update.message.text or "")
    if "motif" not in sticker.value["source"]:
        await again(event, talk, sticker, {"words": words or None}, emoji=chosen or sticker.value["emoji"])
        return
    motif = await asyncio.to_thread(motif_of, (event.update.message.text or "")[:MOST_WORDS])
    if motif is None:
        talk.say(talk.words("words-unknown"))
        return
    changed = {"sources": [source_of(motif)], "emoji": chosen or [motif.emoji]}
    await again(event, talk, sticker, {"words": words or motif.name}, **changed)
