"""Files on the emulator's server: contents by hash, what a bot calls them, and links to download them.

``file_unique_id`` follows from the content and is the same for every bot; ``file_id`` belongs to one bot and remembers
as what the file was seen (a photo, a sticker of a set). Knows nothing of HTTP; loads nothing but the standard library.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from scripts.sandbox.emulator.clock import Clock
from scripts.sandbox.emulator.errors import WRONG_FILE, bad_request

MOST_BYTES_TO_FETCH = 20 << 20  # of getFile
LINK_SECONDS = 3600


@dataclass(frozen=True, kw_only=True)
class StoredFile:
    """A content, once, with the name and type that it first came with."""

    unique_id: str
    content: bytes
    name: str
    mime: str


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a file_id stands for: a content as something, and for a sticker the set that it was met in."""

    bot_id: int
    unique_id: str
    kind: str  # photo | sticker | document | animation | thumbnail | ...
    set_name: str = ""


def _short(data: bytes, length: int) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode()[:length]


class Files:
    """All files of one emulator."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._stored: dict[str, StoredFile] = {}
        self._seen: dict[str, Seen] = {}
        self._links: dict[tuple[int, str], tuple[str, float]] = {}  # (bot, path) → content, expiry in ticks

    def put(self, content: bytes, *, name: str = "", mime: str = "application/octet-stream") -> StoredFile:
        """Keep a content; the same content is the same file."""
        unique_id = "AgAD" + _short(content, 12)
        stored = StoredFile(unique_id=unique_id, content=content, name=name, mime=mime)
        return self._stored.setdefault(unique_id, stored)

    def get(self, unique_id: str) -> StoredFile:
        """The file by its unique id. Raises KeyError."""
        return self._stored[unique_id]

    def id_for(self, seen: Seen) -> str:
        """What a bot calls a file; the same at every call."""
        file_id = "CAACAgI" + _short(repr(seen).encode(), 43)
        self._seen[file_id] = seen
        return file_id

    def seen(self, bot_id: int, file_id: str) -> Seen:
        """What the bot's file_id stands for. Another bot's is refused, as on Telegram."""
        seen = self._seen.get(file_id)
        if seen is None or seen.bot_id != bot_id:
            raise bad_request(WRONG_FILE)
        return seen

    def shown(self, value: Any, bot_id: int, kind: str = "") -> Any:
        """A stored object as a bot gets it: every file in it with the bot's own file_id, private keys left out."""
        if isinstance(value, list):
            return [self.shown(one, bot_id, kind) for one in value]
        if not isinstance(value, dict):
            return value
        out = {key: self.shown(one, bot_id, key) for key, one in value.items() if not key.startswith("_")}
        if "file_unique_id" in value:
            seen = Seen(
                bot_id=bot_id,
                unique_id=value["file_unique_id"],
                kind=value.get("_kind", kind),
                set_name=value.get("set_name", ""),
            )
            out = {"file_id": self.id_for(seen)} | out
        return out

    def link(self, bot_id: int, file_id: str) -> dict[str, Any]:
        """The File of getFile, with a path that is good for an hour. Above 20 MB it is refused."""
        try:
            seen = self.seen(bot_id, file_id)
        except Exception:
            raise bad_request("invalid file_id") from None
        stored = self.get(seen.unique_id)
        if len(stored.content) > MOST_BYTES_TO_FETCH:
            raise bad_request("file is too big")
        path = f"{seen.kind}s/{stored.unique_id}{PurePosixPath(stored.name).suffix}"
        self._links[bot_id, path] = (stored.unique_id, self._clock.ticks() + LINK_SECONDS)
        size = len(stored.content)
        return {"file_id": file_id, "file_unique_id": stored.unique_id, "file_size": size, "file_path": path}

    def linked(self, bot_id: int, path: str) -> StoredFile | None:
        """The file behind a link of this bot, as long as the link is good."""
        unique_id, expiry = self._links.get((bot_id, path), ("", 0.0))
        return self._stored[unique_id] if self._clock.ticks() < expiry else None
