"""The emulator as one object: a Bot API on loopback, its people, groups, sets, clock, faults, record, and what it found
wrong.

Owns how the parts are put together. Tests, ``stickers sandbox`` and the control surface drive this object. Loads
aiohttp and Pillow.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Sequence
from types import TracebackType
from typing import Any, Self

from scripts.sandbox.emulator import control
from scripts.sandbox.emulator.clock import Clock
from scripts.sandbox.emulator.contents import Unreadable, measured, sniffed
from scripts.sandbox.emulator.faults import Faults
from scripts.sandbox.emulator.group import Group
from scripts.sandbox.emulator.invariants import FinalKey, violations
from scripts.sandbox.emulator.methods.media import STICKER_FORMATS
from scripts.sandbox.emulator.people import Bot
from scripts.sandbox.emulator.person import Person
from scripts.sandbox.emulator.rates import Limits
from scripts.sandbox.emulator.record import Record
from scripts.sandbox.emulator.server import Server
from scripts.sandbox.emulator.sets import SetSticker, StickerSet, check_sticker
from scripts.sandbox.emulator.world import Violation, World


class Emulator:
    """Serves while it is entered as a context, or from ``start`` to ``stop``; its state may be set up before.

    ``port`` 0 takes a free one. ``limits``: the rates; ``rates.UNLIMITED`` for tests that are not about them.
    """

    def __init__(
        self,
        *,
        username: str = "stickersmith_bot",
        first_name: str = "StickerSmith",
        token: str = "",
        limits: Limits | None = None,
        callback_expires_s: float = 60.0,
        port: int = 0,
    ) -> None:
        self.world = World(limits=limits or Limits(), callback_expires_s=callback_expires_s)
        self.bot = self.add_bot(username, first_name, token)
        self.people: dict[int, Person] = {}
        self.groups: dict[int, Group] = {}
        self._server = Server(self.world, port)
        self._server.extend(control.routes(self))

    # ── life ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def start(self) -> Self:
        self._server.start()
        return self

    def stop(self) -> None:
        self._server.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT``; the control surface is under ``/__control/``."""
        return f"http://127.0.0.1:{self._server.port}"

    @property
    def base_url(self) -> str:
        """For python-telegram-bot's ``base_url``."""
        return f"{self.url}/bot"

    @property
    def base_file_url(self) -> str:
        return f"{self.url}/file/bot"

    @property
    def token(self) -> str:
        return self.bot.token

    # ── setting up ───────────────────────────────────────────────────────────────────────────────────────────────────

    def add_bot(self, username: str, first_name: str = "Bot", token: str = "") -> Bot:
        """One more bot, with its own token, updates and file_ids."""
        with self.world.changed:
            return self.world.add_bot(username, first_name, token)

    def person(
        self, first_name: str = "Anna", *, language_code: str = "en", bot: Bot | None = None, **names: Any
    ) -> Person:
        """A person who has not written to the bot yet. ``names``: last_name, username, is_premium."""
        with self.world.changed:
            user = self.world.add_user(first_name=first_name, language_code=language_code, **names)
            person = self.people[user.id] = Person(self.world, user, bot or self.bot)
        return person

    def group(self, title: str, *people: Person, kind: str = "group") -> Group:
        """A group of some people with the bot in it; the first of them made it."""
        group = Group(self.world, title, people, self.bot, kind)
        self.groups[group.id] = group
        return group

    def add_sticker_set(
        self,
        name: str,
        stickers: Sequence[bytes],
        *,
        title: str = "",
        kind: str = "regular",
        owner: Person | None = None,
        emoji: Sequence[str] = ("🙂",),
        thumbnail: bytes = b"",
        checked: bool = True,
    ) -> StickerSet:
        """A set that somebody made without the bot. ``emoji`` are given out in turn; ``thumbnail`` is every sticker's.

        Unless ``checked``, contents that Telegram would refuse now are taken, as old sets have them.
        """
        with self.world.changed:
            owner_id = owner.id if owner else self.world.add_user(first_name="Somebody").id
            new = StickerSet(name=name, title=title or name, type=kind, owner_id=owner_id)
            small = self.world.files.put(thumbnail).unique_id if thumbnail else ""
            for number, content in enumerate(stickers):
                one = self._set_sticker(content, emoji[number % len(emoji)], kind, small, checked=checked)
                self.world.sets.add(new, one)
            self.world.sets.create(new)
        return new

    def _set_sticker(self, content: bytes, emoji: str, kind: str, thumbnail: str, *, checked: bool) -> SetSticker:
        sticker_format = STICKER_FORMATS.get(sniffed(content), "static")
        if checked:
            check_sticker(content, sticker_format, kind)
        try:
            width, height = measured(content).width, measured(content).height
        except Unreadable:
            width = height = 512
        name = {"static": "sticker.webp", "animated": "sticker.tgs", "video": "sticker.webm"}[sticker_format]
        return SetSticker(
            unique_id=self.world.files.put(content, name=name).unique_id,
            format=sticker_format,
            width=width,
            height=height,
            emoji_list=(emoji,),
            thumbnail=thumbnail,
        )

    # ── looking ──────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def clock(self) -> Clock:
        return self.world.clock

    @property
    def faults(self) -> Faults:
        return self.world.faults

    @property
    def record(self) -> Record:
        return self.world.record

    def sticker_set(self, name: str) -> StickerSet:
        """A set as it is now. Raises Refused."""
        with self.world.changed:
            return self.world.sets.find(name)

    def file(self, unique_id: str) -> bytes:
        """The content of a file by its file_unique_id. Raises KeyError."""
        return self.world.files.get(unique_id).content

    def check(
        self,
        *,
        outputs: Iterable[str] = (),
        final_key: FinalKey | None = None,
        expected: Collection[Hashable] = (),
    ) -> list[Violation]:
        """The rules that the bot has broken so far; see ``invariants.violations``. Empty is well."""
        with self.world.changed:
            return violations(self.world, outputs=outputs, final_key=final_key, expected=expected)
