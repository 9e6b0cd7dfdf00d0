"""The emoji of a sticker: proposed by the model, chosen by a press, or written by hand.

Owns that choice. Knows no sticker set. Light: the standard library and ``emoji``.
"""

from __future__ import annotations

import asyncio

import emoji as emoji_names

from bot import things
from bot.drawing import MOST_EMOJI, sticker_of
from bot.errands import Kind, begin
from bot.keyboards import emoji_keys
from bot.routes import Event
from bot.shown import refresh
from bot.talk import Talk
from bot.things import Has, Thing
from pipeline.domain import Json


def is_emoji(event: Event) -> bool:
    """A message of emoji alone."""
    message = event.update.message
    text = "".join((message.text or "").split()) if message else ""
    return event.private and bool(text) and emoji_names.purely_emoji(text)


async def choose(event: Event, talk: Talk) -> None:
    """The sticker's buttons become the proposals."""
    sticker = await sticker_of(event, talk)
    if sticker is None:
        return
    talk.put_state(emoji=sticker.id)
    talk.answer(talk.words("emoji-how", most=MOST_EMOJI), alert=False)
    talk.rebutton(f"sticker:{sticker.id}", emoji_keys(talk.words, sticker.id, sticker.value["proposed"]))


async def back(event: Event, talk: Talk) -> None:
    """As it was."""
    sticker = await sticker_of(event, talk)
    if sticker is not None:
        _chosen_for(talk, sticker)
        refresh(talk, sticker.id)


async def pressed_one(event: Event, talk: Talk) -> None:
    """One of the proposals; the button's id is the sticker's, and its number."""
    assert event.pressed is not None  # its route wants a pressed button
    id, _, number = event.pressed.id.rpartition(".")
    sticker = await asyncio.to_thread(things.thing, event.services.desk, talk.person.id, Has.STICKER, id)
    if sticker is None or not number.isdecimal() or int(number) >= len(sticker.value["proposed"]):
        talk.answer(talk.words("button-old"), alert=True)
        return
    _set(talk, sticker, [sticker.value["proposed"][int(number)]])


async def written(event: Event, talk: Talk) -> None:
    """Emoji came as a message: for the sticker whose emoji are being chosen, else for none."""
    assert event.update.message is not None
    id = talk.person.state.get("emoji")
    sticker = id and await asyncio.to_thread(things.thing, event.services.desk, talk.person.id, Has.STICKER, id)
    if not sticker:
        talk.say(talk.words("emoji-for-what"))
        return
    found = [one["emoji"] for one in emoji_names.emoji_list(event.update.message.text or "")]
    chosen = [*dict.fromkeys(found)][:MOST_EMOJI]
    _set(talk, sticker, chosen)
    talk.say(talk.words("emoji-set", emoji="".join(chosen)), loud=False)


def _chosen_for(talk: Talk, sticker: Thing) -> None:
    """Those that are written from now on are not for this one; they may still be for another."""
    if talk.person.state.get("emoji") == sticker.id:
        talk.put_state(emoji=None)


def _set(talk: Talk, sticker: Thing, chosen: list[str]) -> None:
    def chose(value: Json) -> Json:
        if value["packs"]:
            begin(talk, talk.next_job_id(), Kind.EMOJI, {"sticker": sticker.id})
        # At the end: a button's number must mean the same emoji at a second press.
        return value | {"emoji": chosen, "proposed": [*dict.fromkeys([*value["proposed"], *chosen])]}

    _chosen_for(talk, sticker)
    things.change(talk, Has.STICKER, sticker.id, chose)
    talk.answer(talk.words("emoji-set", emoji="".join(chosen)))
    refresh(talk, sticker.id)
