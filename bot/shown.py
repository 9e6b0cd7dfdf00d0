"""Finished stickers as their person wants them: as a sticker, as a file, or both, with the buttons below.

Owns that, and that the buttons go on telling the truth. Knows no job. Light: loads SQLAlchemy.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import sqlalchemy as sa

from bot import people, things
from bot.drawing import sticker_of
from bot.effects import ALBUM
from bot.keyboards import sticker_keys
from bot.preferences import Output, output_of
from bot.rates import Priority
from bot.routes import Event, Services
from bot.talk import Talk
from bot.things import Has, Thing
from pipeline.vault import Vault

FILE_NAME = "sticker.png"
NEWEST = 12  # stickers among which the last few are looked for: of variants most were never shown
LATEST = 3  # stickers whose buttons follow the pack in use; Telegram lets about one message a second through


async def pack_in_use(services: Services, person: int) -> Thing | None:
    """Where new stickers go."""
    packs = await asyncio.to_thread(things.things, services.desk, person, Has.PACK)
    return packs[0] if packs else None


def refresh(talk: Talk, *ids: str, latest: bool = False) -> None:
    """With the talk, said last: the buttons below these stickers tell what is there then.

    Args:
        latest: so do those below the person's last few; for when another pack is in use, or its title is another.
    """

    def write(connection: sa.Connection, vault: Vault) -> None:
        person = people.load(connection, vault, talk.person.id)
        packs = things.of_kind(connection, vault, person.id, Has.PACK)
        newest = NEWEST if latest else 0
        stickers = things.some(connection, vault, person.id, Has.STICKER, ids, newest=newest)
        recent = [one.id for one in stickers if one.value.get("shown", True)][:LATEST] if latest else []
        file = output_of(person) is Output.STICKER
        for one in stickers:
            if one.id in (*ids, *recent) and one.id != person.state.get("emoji"):  # its buttons are emoji now
                keys = sticker_keys(talk.words, one.id, one.value, packs[0] if packs else None, file=file)
                talk.rebutton(f"sticker:{one.id}", keys, priority=Priority.ANSWER)

    talk.also.append(write)


def show(talk: Talk, stickers: Sequence[Thing], pack: Thing | None, *, caption: str = "") -> None:
    """All of them, in order. Files come after the stickers, several as an album.

    Args:
        pack: the one that they would be added to.
        caption: of a single one's file.
    """
    output = output_of(talk.person)
    for number, one in enumerate(stickers, start=1):
        keys = sticker_keys(talk.words, one.id, one.value, pack, file=output is Output.STICKER)
        slot = f"sticker:{one.id}"
        if output is Output.FILE:
            name = _name(number, len(stickers))
            talk.document(one.value["png"], name=name, caption=caption, buttons=keys, slot=slot)
        else:
            talk.sticker(one.value["webp"], emoji=one.value["emoji"][0], buttons=keys, slot=slot)
    if output is Output.BOTH and len(stickers) in ALBUM:
        talk.album([(one.value["png"], _name(n, len(stickers))) for n, one in enumerate(stickers, start=1)], loud=False)
    elif output is Output.BOTH:
        for number, one in enumerate(stickers, start=1):
            talk.document(one.value["png"], name=_name(number, len(stickers)), caption=caption, loud=False)


def _name(number: int, count: int) -> str:
    return FILE_NAME if count == 1 else f"sticker-{number}.png"


async def file(event: Event, talk: Talk) -> None:
    """A press: the sticker as a file, for whoever gets stickers alone."""
    sticker = await sticker_of(event, talk)
    if sticker is not None:
        talk.document(sticker.value["png"], name=FILE_NAME)
