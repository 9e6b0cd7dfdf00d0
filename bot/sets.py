"""A sticker in a sticker set on Telegram: made, added, taken out again; each such that doing it twice is doing it once.

Owns the calls that write to sets, names of sets and Telegram's limits for them. Knows no message. Loads
python-telegram-bot.

Telegram's answer may be lost after the deed. So before each deed it is written down what the set looked like
(``note``), and a later try looks at the set first: what is there more than then, we have done.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from telegram import Bot, InputSticker, StickerSet
from telegram.constants import StickerFormat
from telegram.error import BadRequest

from pipeline.domain import Json

MOST = 120  # stickers of a set
MOST_NAME, MOST_TITLE = 64, 64
MOST_SUFFIX = 20  # names that are tried
SLUG = 20  # letters of a title in a name
PLAIN = "🙂"  # where Telegram does not know an emoji
ABC = "abcdefghijklmnopqrstuvwxyz0123456789"
NO_SET = ("stickerset_invalid", "sticker set not found", "stickerset_not_found")
CYRILLIC = dict(zip("абвгдеёзийклмнопрстуфхцъыьэ", "abvgdeeziyklmnoprstufhc-y-e", strict=True))
CYRILLIC |= {"ж": "zh", "ч": "ch", "ш": "sh", "щ": "sch", "ю": "yu", "я": "ya"}

Note = Callable[[Json], Awaitable[None]]  # writes down what a later try has to know


class SetFull(Exception):
    """It has as many stickers as a set may have."""


class SetRefused(Exception):
    """Telegram refuses, and will do so again; its words are for the log."""


@dataclass(frozen=True, kw_only=True)
class InSet:
    """Where a sticker is now."""

    name: str
    uid: str  # the sticker's file_unique_id there
    count: int  # of the set's stickers
    fresh: bool  # whether the set was made for it
    already: bool = False  # whether it was there before


def set_name(title: str, origin: str, username: str, number: int) -> str:
    """A name that nobody else thinks of: the title in Latin letters, five signs of ``origin``, ``_by_<bot>``."""
    latin = "".join("" if (sign := CYRILLIC.get(char, char)) == "-" else sign for char in title.lower())
    slug = re.sub(r"[^a-z0-9]+", "_", latin).strip("_")[:SLUG].strip("_")
    slug = slug if slug[:1].isalpha() else f"s_{slug}".rstrip("_")
    digest = int.from_bytes(hashlib.sha256(origin.encode()).digest()[:8], "big")
    signs = "".join(ABC[digest // len(ABC) ** place % len(ABC)] for place in range(5))
    tail = f"_{signs}{number if number > 1 else ''}_by_{username}"
    return slug[: MOST_NAME - len(tail)].rstrip("_") + tail


async def found_set(bot: Bot, name: str) -> StickerSet | None:
    """The set as it is now; None where there is none."""
    try:
        return await bot.get_sticker_set(name)
    except BadRequest as error:
        if _says(error, *NO_SET):
            return None
        raise


class Writer:
    """Writes one sticker for one person."""

    def __init__(self, bot: Bot, person: int, data: bytes, emoji: list[str], facts: Json, note: Note) -> None:
        """``facts``: what earlier tries noted."""
        self.bot, self.person, self.data, self.emoji, self.facts, self._note = bot, person, data, emoji, facts, note

    async def add(self, name: str, title: str, known_uid: str | None) -> InSet:
        """To a set of ours; one that is gone is made anew under its name.

        Raises:
            SetFull: there is no room.
            SetRefused: see there.
        """
        found = await found_set(self.bot, name)
        if found is None or self.facts.get("making") == name:
            return await self.make(title, first=name)
        uids = [one.file_unique_id for one in found.stickers]
        if known_uid in uids:
            return InSet(name=name, uid=str(known_uid), count=len(uids), fresh=False, already=True)
        done = self._done(uids)
        if done is not None:
            return InSet(name=name, uid=done, count=len(uids), fresh=False)
        if len(uids) >= MOST:
            raise SetFull
        await self._keep(before=uids)
        try:
            await self._write(lambda sticker: self.bot.add_sticker_to_set(self.person, name, sticker))
        except BadRequest as error:
            if _says(error, "too_much", "too much"):
                raise SetFull from None
            raise SetRefused(error.message) from None
        found = await found_set(self.bot, name)
        uids = [one.file_unique_id for one in found.stickers] if found else []
        return InSet(name=name, uid=self._done(uids) or self.facts["uid"], count=len(uids), fresh=False)

    async def make(self, title: str, *, first: str, names: Callable[[int], str] | None = None) -> InSet:
        """A set of its own; where a name is taken, the next one.

        Raises:
            SetRefused: see there.
        """
        for number in range(1, MOST_SUFFIX + 1):
            name = first if number == 1 or names is None else names(number)
            if name in self.facts.get("taken", []):
                continue
            found = await found_set(self.bot, name)
            if found is not None and self.facts.get("making") == name:  # an answer was lost: it is ours
                return InSet(name=name, uid=found.stickers[-1].file_unique_id, count=len(found.stickers), fresh=True)
            if found is not None or not await self._made(name, title):
                await self._keep(taken=[*self.facts.get("taken", []), name], making=None)
                if names is None:
                    raise SetRefused("the set's old name is taken")
                continue
            found = await found_set(self.bot, name)
            uid = found.stickers[-1].file_unique_id if found and found.stickers else self.facts["uid"]
            return InSet(name=name, uid=uid, count=1, fresh=True)
        raise SetRefused(f"{MOST_SUFFIX} names are taken")

    async def _made(self, name: str, title: str) -> bool:
        """False where the name is taken."""
        await self._keep(making=name)
        try:
            await self._write(lambda sticker: self.bot.create_new_sticker_set(self.person, name, title, [sticker]))
        except BadRequest as error:
            if _says(error, "occupied"):
                return False
            raise SetRefused(error.message) from None
        return True

    async def _write(self, call: Callable[[InputSticker], Awaitable[bool]]) -> None:
        """With the sticker's emoji; with a plain one where Telegram does not know those."""
        file_id = await self._uploaded()
        try:
            await call(InputSticker(file_id, self.emoji, StickerFormat.STATIC))
        except BadRequest as error:
            if not _says(error, "emoji"):
                raise
            await call(InputSticker(file_id, [PLAIN], StickerFormat.STATIC))

    async def _uploaded(self) -> str:
        """What Telegram calls the sticker; uploading it again changes nothing."""
        try:
            file = await self.bot.upload_sticker_file(self.person, self.data, StickerFormat.STATIC)
        except BadRequest as error:
            raise SetRefused(error.message) from None
        await self._keep(uid=file.file_unique_id, emoji=self.emoji)
        return file.file_id

    def _done(self, uids: list[str]) -> str | None:
        """The sticker, where an earlier call has added it: under its own id, or as the only one that was not there."""
        before = self.facts.get("before")
        if before is None:
            return None
        fresh = [uid for uid in uids if uid not in before]
        return self.facts.get("uid") if self.facts.get("uid") in fresh else (fresh[-1] if fresh else None)

    async def _keep(self, **facts: object) -> None:
        self.facts = self.facts | facts
        await self._note(self.facts)


async def taken_out(bot: Bot, name: str, uid: str) -> bool:
    """Take a sticker out of a set; the set goes with its last one. Returns whether the set is still there.

    Raises:
        SetRefused: see there.
    """
    found = await found_set(bot, name)
    if found is None:
        return False
    one = next((sticker for sticker in found.stickers if sticker.file_unique_id == uid), None)
    if one is None:
        return True
    try:
        if len(found.stickers) == 1:
            await bot.delete_sticker_set(name)
            return False
        await bot.delete_sticker_from_set(one.file_id)
    except BadRequest as error:
        if not _says(error, "sticker_invalid", "stickerset_invalid"):
            raise SetRefused(error.message) from None
    return True


async def retitled(bot: Bot, name: str, title: str) -> bool:
    """Give a set another title; False where there is no such set any more.

    Raises:
        SetRefused: see there.
    """
    return await _changed(bot.set_sticker_set_title(name, title))


async def deleted(bot: Bot, name: str) -> bool:
    """Delete a set; False where there was none any more.

    Raises:
        SetRefused: see there.
    """
    return await _changed(bot.delete_sticker_set(name))


async def _changed(call: Awaitable[bool]) -> bool:
    try:
        await call
    except BadRequest as error:
        if _says(error, *NO_SET):
            return False
        raise SetRefused(error.message) from None
    return True


async def renamed_emoji(bot: Bot, name: str, uid: str, emoji: list[str]) -> bool:
    """Give a sticker other emoji; False where it is not there any more, or Telegram does not know them."""
    found = await found_set(bot, name)
    one = next((sticker for sticker in found.stickers if sticker.file_unique_id == uid), None) if found else None
    if one is None:
        return False
    try:
        return bool(await bot.set_sticker_emoji_list(one.file_id, emoji))
    except BadRequest:
        return False


def _says(error: BadRequest, *phrases: str) -> bool:
    return any(phrase in error.message.lower() for phrase in phrases)
