"""“More like this”: four drawings of one photo on a contact sheet; a press on a number brings that one as a sticker.

Owns the press, the sheet's buttons and what a pick brings. Knows not how anything is drawn. Light: Pillow.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from io import BytesIO

from PIL import Image

from bot import things
from bot.drawing import again, seed_of, sticker_of
from bot.effects import Button
from bot.errands import Errand
from bot.keyboards import Keys
from bot.routes import Event, Services
from bot.sheet import contact_sheet
from bot.shown import pack_in_use, show
from bot.talk import Talk
from bot.things import Has, Thing
from pipeline.files import job_key

COUNT = 4


async def variants(event: Event, talk: Talk) -> None:
    """Four more of the same photo, with the same words, in the same style."""
    sticker = await sticker_of(event, talk)
    if sticker is not None:
        await again(event, talk, sticker, {"seed": seed_of(talk.origin), "count": COUNT, "variant": None}, sheet=True)


async def offer(talk: Talk, row: Errand, made: Sequence[Thing], services: Services) -> None:
    """They are drawn: which one?"""
    key = job_key(f"tg{row.person}", row.key, "sent", "sheet.png")

    def draw() -> None:
        pictures = [Image.open(BytesIO(services.files.read(one.value["png"]))) for one in made]
        services.files.put(key, contact_sheet(pictures))

    if not await asyncio.to_thread(services.files.exists, key):
        await asyncio.to_thread(draw)
    keys = _keys(talk, row.key, [one.id for one in made], set())
    talk.photo(key, talk.words("variants", count=len(made)), buttons=keys, slot=f"sheet:{row.key}")


def _keys(talk: Talk, job: str, ids: Sequence[str], picked: set[str]) -> Keys:
    """The numbers, marked where they were picked; and four others."""
    row = [
        Button(text=f"✓ {number}" if id in picked else str(number), action="pick", id=id)
        for number, id in enumerate(ids, start=1)
    ]
    return [row, [Button(text=talk.words("key-others", count=len(ids)), action="variants", id=ids[0])]]


async def pick(event: Event, talk: Talk) -> None:
    """This one: once, for it stays where it is."""
    one = await sticker_of(event, talk)
    if one is None:
        return
    job, _, _ = one.id.rpartition(".")
    if one.value.get("shown"):
        talk.answer(talk.words("variant-there"))
        return
    talk.answer()
    value = one.value | {"shown": True}
    things.change(talk, Has.STICKER, one.id, lambda now: now | {"shown": True})
    pack = await pack_in_use(event.services, talk.person.id)
    show(talk, [Thing(id=one.id, value=value, made_ms=one.made_ms)], pack)
    found = await asyncio.to_thread(things.things, event.services.desk, talk.person.id, Has.STICKER)
    of = {other.id: other for other in found if other.id.rpartition(".")[0] == job}
    ids = sorted(of, key=lambda id: int(id.rpartition(".")[2]))
    picked = {id for id in ids if of[id].value.get("shown") or id == one.id}
    talk.rebutton(f"sheet:{job}", _keys(talk, job, ids, picked))
