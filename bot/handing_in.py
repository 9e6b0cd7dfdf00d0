"""The errands that end with a job in the queue: a pack's pictures, or a photo, fetched and handed in.

Owns their steps. Knows no worker. Loads python-telegram-bot.

Done twice, they come to the same: pictures lie under the job's id by their number and are not fetched again, and the
queue takes a job once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Sequence
from contextlib import suppress

from telegram import Sticker
from telegram.error import BadRequest

from bot import albums, held, listed
from bot.desk import Settled
from bot.doing import Kit
from bot.effects import Rows
from bot.errands import Errand, State, advance, note, still
from bot.intake import Intake, LeftOut, Picked, Told, Why, numbered
from bot.keyboards import begin_keys, cancel_keys
from bot.rates import Priority
from bot.routes import Services
from bot.status import queued_text
from bot.texts import Words, harmless
from pipeline.archives import MAX_ENTRIES, MAX_UNPACKED_MB
from pipeline.domain import Json
from pipeline.errors import ArchiveTooLarge, BadArchive, TooManyJobs, WrongStatus
from pipeline.files import job_key
from pipeline.intake import MIN_PICTURES
from pipeline.jobs.views import JobView, now_ms
from pipeline.jobs.words import JobSpec, Kind
from pipeline.workplace import TITLE

EVERY_S = 3.0  # between two words on how far fetching is
MOST_NAMED = 5  # files that were left out


class HandingIn:
    """Both errands."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.intake = Intake(services.bot, services.files)

    # ── a pack ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def learn(self, errand: Errand, kit: Kit) -> None:
        """``payload``: ``what`` is a set (``name``), a zip or pictures (``sources``); ``title``, ``profile``."""
        await self._clean(errand, self._learn(errand, kit))

    async def _learn(self, errand: Errand, kit: Kit) -> None:
        payload = await self._resolved(errand, kit)
        if payload is None:
            return await self._end(errand, kit, "gone")
        root, told = job_key(f"tg{errand.person}", errand.key, "given"), self._teller(errand, kit)
        fetch = self.intake.archive if payload["what"] == "zip" else self.intake.pictures
        given = payload["sources"][0] if payload["what"] == "zip" else payload["sources"]
        try:
            picked: Picked = await fetch(given, root, patient=not errand.last, told=told)
        except ArchiveTooLarge:
            return await self._end(errand, kit, "large-zip")
        except BadArchive:
            return await self._end(errand, kit, "zip")
        except LeftOut as error:
            picked = Picked()
            picked.skip(str(payload["sources"][0].get("name") or "zip"), error.why)
        if len(picked.keys) < MIN_PICTURES:
            return await self._end(errand, kit, "few", picked)
        spec = JobSpec(
            job_id=errand.key,
            person=f"tg{errand.person}",
            kind=Kind.LEARN,
            profile=payload["profile"],
            style=errand.key,
            pack=tuple(picked.keys),
            options={TITLE: payload["title"]},
        )
        kept = {"title": payload["title"], "profile": payload["profile"], "used": len(picked.keys)}
        kept |= {"replaces": payload.get("replaces"), "skipped": picked.skipped, "over": picked.over}
        await self._submit(errand, kit, spec, kept)

    async def _resolved(self, errand: Errand, kit: Kit) -> Json | None:
        """With what is to be fetched; None where the set is not there any more."""
        payload = errand.payload
        if payload["what"] != "set" or "sources" in payload:
            return payload
        try:
            found = await self.services.bot.get_sticker_set(payload["name"])
        except BadRequest:
            return None
        sources = [source_of(one, f"{number}") for number, one in enumerate(found.stickers, start=1)]
        payload = payload | {"sources": sources}
        await asyncio.to_thread(note, kit.desk, errand, payload)
        return payload

    def _teller(self, errand: Errand, kit: Kit) -> Told:
        """Says how far fetching is, now and then."""
        last_s = time.monotonic()

        async def told(done: int, total: int) -> None:
            nonlocal last_s
            if time.monotonic() - last_s < EVERY_S:
                return
            last_s = time.monotonic()
            talk = await kit.talk(errand, f"fetch{now_ms()}", priority=Priority.PROGRESS)
            text = talk.words("status-fetching", title=errand.payload["title"], done=done, total=total)
            talk.edit(f"status:{errand.key}", text, buttons=cancel_keys(talk.words, errand.key))
            still(talk, errand)
            await kit.settle(talk)

        return told

    # ── a photo ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def draw(self, errand: Errand, kit: Kit) -> None:
        """``payload``: ``sources``, ``style``, ``profile``, ``options``, and what its stickers remember."""
        errand = await asyncio.to_thread(albums.closed, kit.desk, errand)
        await self._clean(errand, self._draw(errand, kit))

    async def _draw(self, errand: Errand, kit: Kit) -> None:
        payload, root = errand.payload, job_key(f"tg{errand.person}", errand.key, "given")

        async def quiet(_done: int, _total: int) -> None:
            return None

        picked = await self.intake.pictures(payload["sources"], root, patient=not errand.last, told=quiet)
        if not picked.keys:
            return await self._end(errand, kit, "photo", picked)
        spec = JobSpec(
            job_id=errand.key,
            person=f"tg{errand.person}",
            kind=Kind.DRAW,
            profile=payload["profile"],
            style=payload["style"],
            photos=tuple(picked.keys),
            options=payload["options"],
        )
        asked = numbered(payload["sources"])
        given = [{"key": key, "at": at, "name": name} | _motif(asked[at]) for key, at, name in picked.taken]
        await self._submit(errand, kit, spec, payload | {"sources": given, "skipped": picked.skipped})

    async def _clean(self, errand: Errand, act: Coroutine[None, None, None]) -> None:
        """Of what was called off before the queue had it, nothing stays."""
        try:
            await act
        except Settled:
            jobs, files = self.services.jobs, self.services.files
            if errand.key not in await asyncio.to_thread(jobs.several, [errand.key]):
                await asyncio.to_thread(files.delete, job_key(f"tg{errand.person}", errand.key))
            raise

    # ── both ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _submit(self, errand: Errand, kit: Kit, spec: JobSpec, kept: Json) -> None:
        """The queue has it, and its person knows; where it was called off meanwhile, neither."""
        jobs = self.services.jobs
        try:
            view: JobView = await asyncio.to_thread(jobs.submit, spec)
        except TooManyJobs:
            return await self._end(errand, kit, "busy")
        talk = await kit.talk(errand, "queued")
        place = None
        with suppress(WrongStatus):  # it is over already
            place = await asyncio.to_thread(jobs.position, view.job_id)
        text = queued_text(talk.words, spec, str(kept.get("title", "")), place)
        talk.edit(f"status:{errand.key}", text, buttons=cancel_keys(talk.words, errand.key), priority=Priority.PROGRESS)
        advance(talk, errand, State.WAITING, kept)
        try:
            await kit.settle(talk)
        except Settled:
            await asyncio.to_thread(jobs.cancel, view.job_id)  # its files go with it, in time
            raise

    async def _end(self, errand: Errand, kit: Kit, why: str, picked: Picked | None = None) -> None:
        """It comes to nothing, and its person is told why."""
        talk = await kit.talk(errand, "end", priority=Priority.RESULT)
        text = self._said(talk.words, why, picked or Picked())
        keys: Rows = begin_keys(talk.words) if errand.kind.value == Kind.LEARN.value else ()
        talk.edit(f"status:{errand.key}", text, buttons=keys)
        advance(talk, errand, State.OVER, {})
        held.drop(talk, await asyncio.to_thread(held.held, kit.desk, errand), str(errand.payload.get("title", "")))
        await listed.over(talk, kit.desk, errand.key, with_held=True)
        await kit.settle(talk)
        await asyncio.to_thread(self.services.files.delete, job_key(f"tg{errand.person}", errand.key))

    def _said(self, words: Words, why: str, picked: Picked) -> str:
        if why == "gone":
            return words("learn-gone")
        if why == "zip":
            return words("learn-bad-zip")
        if why == "large-zip":
            return words("learn-large-zip", most=MAX_ENTRIES, size=MAX_UNPACKED_MB)
        if why == "busy":
            return words("too-many-jobs")
        if why == "photo":
            return _lines(words("draw-unreadable"), left_out(words, picked.skipped))
        few = words("learn-too-few", usable=len(picked.keys), least=MIN_PICTURES)
        return _lines(few, left_out(words, picked.skipped))


def _motif(source: Json) -> Json:
    """That it was named in words, which other words may change."""
    return {"motif": source["motif"]} if "motif" in source else {}


def source_of(sticker: Sticker, name: str) -> Json:
    """A sticker as a source."""
    thumb = sticker.thumbnail.file_id if sticker.thumbnail else None
    return {"file": sticker.file_id, "size": sticker.file_size, "name": name, "thumb": thumb}


def left_out(words: Words, skipped: Sequence[Json]) -> str:
    """The files that were left out, by name, and why; empty where there are none."""
    if not skipped:
        return ""
    lines = [f"• {harmless(str(one['name']))} – {_why(words, Why(one['why']))}" for one in skipped[:MOST_NAMED]]
    more = len(skipped) - MOST_NAMED
    lines += [words("left-out-more", count=more)] if more > 0 else []
    return "\n".join([words("left-out", count=len(skipped)), *lines])


def _why(words: Words, why: Why) -> str:
    return {
        Why.LARGE: words("why-large"),
        Why.PIXELS: words("why-pixels"),
        Why.UNREADABLE: words("why-unreadable"),
        Why.AWAY: words("why-away"),
        Why.OUTSIDE: words("why-outside"),
        Why.LINK: words("why-link"),
        Why.LOCKED: words("why-locked"),
        Why.BOMB: words("why-bomb"),
    }[why]


def _lines(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part)
