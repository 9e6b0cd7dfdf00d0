"""What is said once a job is over: a style that is ready, a sticker with its file, or what went wrong and how to go on.

Owns that, and what is remembered of a style; stickers are ``drawn``'s. Knows no queue. Light: Pillow and numpy.
"""

from __future__ import annotations

import asyncio
import json

from bot import held, things
from bot.drawn import drawn
from bot.errands import Errand, begin
from bot.errands import Kind as ErrandKind
from bot.handing_in import left_out
from bot.keyboards import begin_keys, retry_keys
from bot.people import queue_name
from bot.routes import Services
from bot.shelf import is_of_deleted
from bot.talk import Talk
from bot.texts import Words
from bot.things import Has, Thing
from pipeline.errors import BadInput
from pipeline.files import Files, style_key
from pipeline.jobs.views import JobView, now_ms
from pipeline.jobs.words import Kind
from pipeline.store import STYLE_CARD

OLD_WEIGHTS_S = 3600.0  # that those of a style are kept once it has learned more


async def done(talk: Talk, row: Errand, view: JobView, services: Services) -> None:
    """It went well."""
    if view.spec.kind is Kind.LEARN:
        await _learned(talk, row, view, services)
    else:
        await drawn(talk, row, view, services)


async def failed(talk: Talk, row: Errand, view: JobView, services: Services) -> None:
    """It did not; everything that it was given is kept."""
    if await asyncio.to_thread(is_of_deleted, services.desk, row):
        _of_deleted(talk, row)
        return
    told = _reason(talk.words, view.error_code)
    learning = view.spec.kind is Kind.LEARN
    text = (
        talk.words("learn-failed", title=str(row.payload.get("title", ""))) if learning else talk.words("draw-failed")
    )
    talk.edit(f"status:{row.key}", talk.words("stopped-short"))
    final = view.error_code in ("pack_size", "bad_picture", "picture_too_large")
    keys = begin_keys(talk.words) if final else retry_keys(talk.words, row.key)
    if learning:
        waiting = await asyncio.to_thread(held.held, services.desk, row)
        told += f"\n{talk.words('failed-held')}" if waiting else ""
    talk.edit(f"end:{row.key}", f"{text}\n{told}", buttons=keys)


def _of_deleted(talk: Talk, row: Errand) -> None:
    """Its style was deleted meanwhile: that is the reason, whatever the worker says, and nothing to try again."""
    learning, title = row.kind is ErrandKind.LEARN, str(row.payload.get("title", ""))
    text = talk.words("dropped-learn", title=title) if learning else talk.words("style-gone")
    talk.edit(f"status:{row.key}", text)


def _reason(words: Words, code: str | None) -> str:
    """Why, and what to do."""
    if code == "pack_size":
        return words("failed-pack-size")
    if code in ("bad_picture", "picture_too_large", "bad_input"):
        return words("failed-picture")
    if code == "out_of_memory":
        return words("failed-memory")
    if code in ("style_mismatch", "bad_setting"):
        return words("failed-style")
    return words("failed-other")


# ── a style ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def _learned(talk: Talk, row: Errand, view: JobView, services: Services) -> None:
    title, used = str(row.payload["title"]), int(row.payload["used"])
    skipped, over = row.payload.get("skipped", []), int(row.payload.get("over", 0))
    key = style_key(view.spec.person, view.spec.style, STYLE_CARD)
    lined = await asyncio.to_thread(_lined, services.files, key)
    if await asyncio.to_thread(is_of_deleted, services.desk, row):
        _of_deleted(talk, row)
        unlearned(talk, row)
        held.drop(talk, await asyncio.to_thread(held.held, services.desk, row), title)
        return
    before = await _replaced(talk, row, services)
    title = str(before.value["title"]) if before else title  # it may have been renamed meanwhile
    was = [before.id, *before.value.get("was", [])] if before else []
    style = {"title": title, "profile": view.spec.profile, "pictures": used, "lined": lined, "was": was}
    things.keep(talk, Has.STYLE, view.spec.style, style | {"used_ms": now_ms()})
    lines = [talk.words("learned-status", title=title, used=used)]
    lines += [talk.words("learned-over", over=over)] if over else []
    lines += [left_out(talk.words, skipped)] if skipped else []
    talk.edit(f"status:{row.key}", "\n".join(lines))
    waiting = await asyncio.to_thread(held.freed, services.desk, row)
    held.release(talk, waiting, style=view.spec.style, profile=view.spec.profile)
    if waiting:
        talk.say(talk.words("learned-next", title=title))
    else:
        talk.say(talk.words("learned-more", title=title) if before else talk.words("learned", title=title))


async def _replaced(talk: Talk, row: Errand, services: Services) -> Thing | None:
    """With the talk: the style that learned more goes; its weights a while later, for a drawing may be under way."""
    id = str(row.payload.get("replaces") or "")
    before = await asyncio.to_thread(things.style_of, services.desk, row.person, id) if id else None
    if before is None:
        return None
    things.drop(talk, Has.STYLE, before.id)
    old = style_key(queue_name(row.person), before.id)
    begin(talk, f"{row.key}.clean", ErrandKind.CLEAN, {"key": old}, in_s=OLD_WEIGHTS_S)
    return before


def unlearned(talk: Talk, row: Errand) -> None:
    """With the talk: nobody wants any more what it learned; the weights go."""
    begin(talk, f"{row.key}.clean", ErrandKind.CLEAN, {"key": style_key(queue_name(row.person), row.key)})


def _lined(files: Files, key: str) -> bool:
    """Whether the pack's artist draws lines around things, as the style's card says."""
    try:
        return bool(json.loads(files.read(key)).get("line"))
    except (BadInput, ValueError, AttributeError):
        return False
