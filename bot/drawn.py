"""Stickers that are done: remembered, and shown to their person, or offered on a contact sheet.

Owns what is remembered of a sticker, and its two files. Knows no queue. Light: Pillow and numpy.
"""

from __future__ import annotations

import asyncio
from io import BytesIO
from pathlib import PurePosixPath

from PIL import Image

from bot import things
from bot.errands import Errand
from bot.handing_in import left_out
from bot.intake import Why
from bot.keyboards import DEFAULT_EMOJI
from bot.routes import Services
from bot.shown import pack_in_use, show
from bot.talk import Talk
from bot.things import Has, Thing
from bot.variants import offer
from pipeline.domain import Json
from pipeline.files import Files, job_key
from pipeline.jobs.views import JobView, now_ms
from pipeline.settings import load_profile
from segmentation.encode import LIMIT_BYTES, attempts, cleared, written

MOST_PROPOSED = 8


async def drawn(talk: Talk, row: Errand, view: JobView, services: Services) -> None:
    """All of a job, in the order of their photos; those that could not be drawn are named."""
    sheet = bool(row.payload.get("sheet"))
    made = await _remembered(talk, row, view, services, shown=not sheet)
    if sheet and len(made) > 1:
        await offer(talk, row, made, services)
    else:
        known = await asyncio.to_thread(things.things, services.desk, row.person, Has.STICKER)
        show(talk, made, await pack_in_use(services, row.person), caption="" if known else talk.words("first-sticker"))
    talk.delete(f"status:{row.key}")
    missing = _missing(row, view)
    if missing:
        talk.say(left_out(talk.words, missing))


def _missing(row: Errand, view: JobView) -> list[Json]:
    """Photos that could not be fetched or read, or that the worker left out."""
    there = {made.get("photo") for made in (view.result or {})["stickers"]}
    lost = [one for one in row.payload["sources"] if PurePosixPath(one["key"]).stem not in there]
    of_worker = [{"name": one.get("name", ""), "why": Why.UNREADABLE} for one in lost] if len(there) > 0 else []
    return [*row.payload.get("skipped", []), *of_worker]


async def _remembered(talk: Talk, row: Errand, view: JobView, services: Services, *, shown: bool) -> list[Thing]:
    """With the talk: what its buttons will want to know of each."""
    sources = {PurePosixPath(one["key"]).stem: one for one in row.payload["sources"]}
    options = {name: value for name, value in view.spec.options.items() if name not in ("count", "variant")}
    outline = options.get("outline")
    if outline is None:
        outline = (await asyncio.to_thread(load_profile, view.spec.profile)).cutout.outline_px
    found, seen = list[Thing](), dict[str, int]()
    for number, made in enumerate((view.result or {})["stickers"]):
        id, photo = f"{row.key}.{number}", str(made.get("photo", ""))
        webp, png = await asyncio.to_thread(_both, services.files, view, made["key"], number)
        variant = int(view.spec.options.get("variant") or 0) + seen.get(photo, 0)
        seen[photo] = seen.get(photo, 0) + 1
        proposed = [str(one["emoji"]) for one in made.get("emoji") or []][:MOST_PROPOSED]
        chosen = row.payload.get("emoji") or proposed[:1] or [DEFAULT_EMOJI]
        sticker: Json = {
            "webp": webp,
            "png": png,
            "emoji": chosen,
            "proposed": [*dict.fromkeys([*chosen, *proposed, DEFAULT_EMOJI])],
            "seed": made.get("seed", 0),
            "source": sources.get(photo, row.payload["sources"][0]),
            "style": view.spec.style,
            "profile": view.spec.profile,
            "options": options | ({"variant": variant} if variant else {}),
            "outline": bool(outline),
            "packs": {},
            "shown": shown,
        }
        things.keep(talk, Has.STICKER, id, sticker)
        found.append(Thing(id=id, value=sticker, made_ms=now_ms()))
    return found


def _both(files: Files, view: JobView, key: str, number: int) -> tuple[str, str]:
    """The keys of the sticker as WEBP, which Telegram shows as one, and as PNG; what the job lacks is made of what it
    has, from the same pixels.

    Raises:
        BadInput: the sticker is not there any more.
    """
    made = key.rpartition(".")[2]
    other = job_key(view.spec.person, view.job_id, "sent", f"{number:03}.{'webp' if made == 'png' else 'png'}")
    if not files.exists(other):
        with Image.open(BytesIO(files.read(key)), formats=["PNG", "WEBP"]) as opened:
            picture = cleared(opened.convert("RGBA"))
        files.put(other, _webp(picture) if made == "png" else written(picture, {"format": "PNG", "optimize": True}))
    return (other, key) if made == "png" else (key, other)


def _webp(picture: Image.Image) -> bytes:
    """The best WEBP that Telegram takes."""
    data = b""
    for _, suffix, options in attempts():
        if suffix == ".webp":
            data = written(picture, options)
            if len(data) <= LIMIT_BYTES:
                break
    return data
