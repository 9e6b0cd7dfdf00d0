"""What a person sent becomes pictures under a job's key: fetched from Telegram, read in a limited child, put there.

Owns the limits of one file and the reasons why one is left out. Knows no message and no job. Loads python-telegram-bot
and Pillow. No picture of a stranger's is decoded in this process; a zip is unpacked here, within ``archives``' limits.
"""

from __future__ import annotations

import asyncio
import mimetypes
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from io import BytesIO
from pathlib import PurePosixPath

from telegram import Bot
from telegram.error import BadRequest, NetworkError, RetryAfter

from pipeline.archives import UnusableEntry, open_archive
from pipeline.domain import Json
from pipeline.errors import BadInput, PictureTooLarge
from pipeline.files import Files
from pipeline.motifs import motif_of
from pipeline.strangers import Patience, StrangersDecoder

MOST_BYTES = 20 << 20  # of a file that Telegram gives a bot
MOST_PICTURES = 60  # of a pack; more teach no more, and take as long
AT_ONCE = 4  # downloads
NAMES = (
    ".png",
    ".webp",
    ".jpg",
    ".jpeg",
    ".gif",
    ".tgs",
    ".webm",
)  # may be pictures, whatever else is said
TYPES = ("image/", "video/webm", "application/octet-stream")  # likewise; the last one says nothing
TRIES, WAIT_S, LONGEST_S = 3, 1.0, 120.0  # of one download


class Why(StrEnum):
    """Why a file was left out."""

    LARGE = "large"  # more bytes than Telegram gives
    PIXELS = "pixels"  # more pixels, or a moving sticker of more bytes, than are read
    UNREADABLE = "unreadable"  # no picture, or a damaged one
    AWAY = "away"  # Telegram did not give it
    OUTSIDE = "outside"  # its name in a zip points outside it
    LINK = "link"  # it is none, but a link to another file
    LOCKED = "locked"  # with a password
    BOMB = "bomb"  # it unpacks to very much of hardly anything


class LeftOut(Exception):
    """A file is not used."""

    def __init__(self, why: Why) -> None:
        super().__init__(why)
        self.why = why


@dataclass(kw_only=True)
class Picked:
    """What was taken."""

    taken: list[tuple[str, int, str]] = field(default_factory=list)  # key, number among what was sent, name
    skipped: list[Json] = field(default_factory=list)  # name and why
    over: int = 0  # beyond what is taken

    @property
    def keys(self) -> list[str]:
        """Where they lie."""
        return [key for key, _, _ in self.taken]

    def skip(self, name: str, why: Why) -> None:
        """This one was left out."""
        self.skipped.append({"name": name, "why": why})


def is_other(name: str, mime: str | None) -> bool:
    """Whether a file is no picture by its own word; where it says nothing, the decoder tells."""
    told = mime or mimetypes.guess_type(name)[0]
    return bool(told) and not name.lower().endswith(NAMES) and not str(told).startswith(TYPES)


Told = Callable[[int, int], Awaitable[None]]  # done of total


def numbered(sources: list[Json]) -> dict[int, Json]:
    """The sources by their number: the one each brings along (``at``), else its place among them, from 1."""
    return {int(one.get("at") or place): one for place, one in enumerate(sources, start=1)}


class Intake:
    """Fetches and reads; one picture is decoded at a time, whoever's it is, for a large one takes much memory."""

    def __init__(self, bot: Bot, files: Files) -> None:
        self.bot, self.files = bot, files
        self._decoding = asyncio.Semaphore(1)
        self._decoder = StrangersDecoder()

    async def pictures(self, sources: list[Json], root: str, *, patient: bool, told: Told) -> Picked:
        """Files of Telegram (``file``, ``name``, ``size``, ``thumb``) or of ours (``key``), as PNG below ``root``.

        Each is called by its number among them, or by ``at``: what is drawn of it depends on that name.

        What is there already is not fetched again.

        Args:
            patient: raise where the network fails; else such a file is left out.

        Raises:
            NetworkError, RetryAfter: try again later.
        """
        picked = Picked(over=max(0, len(sources) - MOST_PICTURES))
        wanted = list(numbered(sources[:MOST_PICTURES]).items())
        patience = Patience()
        for start in range(0, len(wanted), AT_ONCE):
            chunk = [(f"{root}/{number:03}.png", one) for number, one in wanted[start : start + AT_ONCE]]
            asked = [self._given(one, place, patient) for place, one in chunk]
            for (place, one), data in zip(chunk, await asyncio.gather(*asked), strict=True):
                await self._take(picked, one, place, data, patience)
            await told(min(start + AT_ONCE, len(wanted)), len(wanted))
        return picked

    async def archive(self, source: Json, root: str, *, patient: bool, told: Told) -> Picked:
        """The pictures of a zip, likewise.

        Raises:
            BadArchive: the zip as a whole cannot be used.
            LeftOut: it could not be fetched.
        """
        data = await self._fetched(source, patient)
        picked, patience = Picked(), Patience()
        with open_archive(data, leave_out=True) as entries:  # in memory: on no disk it lies in clear, whoever is killed
            for name, fault in entries.faults.items():
                picked.skip(name, Why(fault))
            names = entries.names()
            for done, name in enumerate(names, start=1):
                if len(picked.keys) == MOST_PICTURES:
                    picked.over = len(names) - done + 1
                    break
                try:
                    one = await asyncio.to_thread(entries.read, name)
                except UnusableEntry:
                    picked.skip(name, Why.UNREADABLE)
                    continue
                await self._take(picked, {"name": name}, f"{root}/{done:03}.png", one, patience)
                if done % AT_ONCE == 0:
                    await told(done, len(names))
        return picked

    async def _given(self, source: Json, place: str, patient: bool) -> bytes | Why | None:
        """The file; None where it was put in its place before."""
        if await asyncio.to_thread(self.files.exists, place):
            return None
        try:
            if "motif" in source:
                motif = await asyncio.to_thread(motif_of, source["motif"])
                return Why.AWAY if motif is None else await asyncio.to_thread(motif.png)
            if "key" in source:
                return await asyncio.to_thread(self.files.read, source["key"])
            return await self._fetched(source, patient)
        except LeftOut as error:
            return error.why
        except BadInput:
            return Why.AWAY

    async def _take(
        self, picked: Picked, source: Json, place: str, data: bytes | Why | None, patience: Patience
    ) -> None:
        name = str(source.get("name") or place.rpartition("/")[2])
        if isinstance(data, Why):
            picked.skip(name, data)
            return
        if data is not None:
            async with self._decoding:
                thumb = await self._thumb(source, data)
                try:
                    await asyncio.to_thread(self._put, place, data, patience, thumb)
                except PictureTooLarge:
                    return picked.skip(name, Why.PIXELS)
                except BadInput:
                    return picked.skip(name, Why.UNREADABLE)
        picked.taken.append((place, int(PurePosixPath(place).stem), name))

    async def _thumb(self, source: Json, data: bytes) -> bytes | None:
        """The small picture of a moving sticker, for where that cannot be decoded."""
        moving = data.startswith((b"\x1f\x8b", b"\x1aE\xdf\xa3"))
        if not moving or not source.get("thumb"):
            return None
        try:
            return await self._fetched({"file": source["thumb"]}, patient=False)
        except LeftOut:
            return None

    def _put(self, place: str, data: bytes, patience: Patience, thumb: bytes | None) -> None:
        """The pixels alone, as PNG: nothing else of the file is kept."""
        try:
            picture = self._decoder.picture(data, "picture", patience)
        except BadInput:
            if thumb is None:
                raise
            picture = self._decoder.picture(thumb, "thumbnail", patience)
        file = BytesIO()
        picture.save(file, "PNG", compress_level=1)
        self.files.put(place, file.getvalue())

    async def _fetched(self, source: Json, patient: bool) -> bytes:
        """A file of Telegram's.

        Raises:
            LeftOut: it is too large, or Telegram does not give it.
            NetworkError, RetryAfter: it may do so later.
        """
        if (source.get("size") or 0) > MOST_BYTES:
            raise LeftOut(Why.LARGE)
        for number in range(TRIES):
            try:
                async with asyncio.timeout(LONGEST_S):
                    return await self._download(source["file"])
            except RetryAfter:
                raise
            except BadRequest as error:
                if "too big" in error.message.lower():
                    raise LeftOut(Why.LARGE) from None
                if number + 1 == TRIES:
                    raise LeftOut(Why.AWAY) from None
            except (NetworkError, TimeoutError):
                if number + 1 == TRIES:
                    if patient:
                        raise
                    raise LeftOut(Why.AWAY) from None
            await asyncio.sleep(WAIT_S * 2**number)
        raise AssertionError("every try returns or raises")

    async def _download(self, file_id: str) -> bytes:
        file = await self.bot.get_file(file_id)
        if (file.file_size or 0) > MOST_BYTES:
            raise LeftOut(Why.LARGE)
        data = bytes(await file.download_as_bytearray())
        if file.file_size is not None and len(data) != file.file_size:
            raise NetworkError(f"{len(data)} of {file.file_size} bytes came")
        return data


def reasons(skipped: list[Json]) -> Mapping[Why, int]:
    """How many were left out, by reason."""
    return {why: count for why in Why if (count := sum(one["why"] == why for one in skipped))}
