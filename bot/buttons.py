"""What a button carries: a short signed word, bound to whom the button was made for.

Owns its form. Knows no chat. Light: the standard library.

Anybody can send any callback data (the Bot API says so), and in a group anybody can press. So each button says what it
does, to what, for whom and since when, and an HMAC holds these together: ``v1:ACTION:ID:TAIL``, where the tail is the
owner (7 bytes), the hour it was made in (3) and the first 8 bytes of HMAC-SHA256 over all of it, in URL-safe base64.
"""

from __future__ import annotations

import hmac
import re
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

VERSION = "v1"
MOST_BYTES = 64  # Telegram's, of callback data
ANYBODY = 0  # as an owner
HOUR_S = 3600.0
OWNER_BYTES, HOUR_BYTES, MAC_BYTES = 7, 3, 8
_WORD = re.compile(r"[A-Za-z0-9._-]*")
_FORM = re.compile(rf"(v[0-9]+):({_WORD.pattern}):({_WORD.pattern}):([A-Za-z0-9_-]+)")


class Verdict(StrEnum):
    """What a pressed button is worth."""

    FINE = "fine"
    FOREIGN = "foreign"  # ours, and made for somebody else
    FORGED = "forged"  # not ours
    OLD = "old"  # ours, and out of date


@dataclass(frozen=True, kw_only=True)
class Pressed:
    """A button as it was pressed. Without ``FINE``, action and id say nothing that could be relied on."""

    verdict: Verdict
    action: str = ""
    id: str = ""


class Seals:
    """Signs buttons and reads pressed ones."""

    def __init__(
        self, keys: Sequence[bytes], *, lasts_s: float = 30 * 86_400.0, now_s: Callable[[], float] = time.time
    ) -> None:
        """``keys``: the first one signs, all of them count."""
        self._keys, self._lasts_s, self._now_s = tuple(keys), lasts_s, now_s

    def token(self, action: str, id: str = "", *, owner: int) -> str:
        """The callback data of a button.

        Raises:
            ValueError: it has other characters than letters, digits, ".", "_" and "-", or does not fit.
        """
        if not (_WORD.fullmatch(action) and _WORD.fullmatch(id) and action):
            raise ValueError(f"action {action!r}, id {id!r}: a button's words are letters, digits, '.', '_' and '-'")
        facts = owner.to_bytes(OWNER_BYTES, "big") + int(self._now_s() // HOUR_S).to_bytes(HOUR_BYTES, "big")
        words = f"{VERSION}:{action}:{id}"
        made = f"{words}:{urlsafe_b64encode(facts + _mac(self._keys[0], words, facts)).decode()}"
        if len(made) > MOST_BYTES:
            raise ValueError(f"{made!r} has {len(made)} bytes; a button carries at most {MOST_BYTES}")
        return made

    def read(self, data: str, *, presser: int) -> Pressed:
        """What was pressed, by whom it was."""
        form = _FORM.fullmatch(data)
        if form is None:
            return Pressed(verdict=Verdict.FORGED)
        version, action, id, tail = form.groups()
        if version != VERSION:
            return Pressed(verdict=Verdict.OLD)
        try:
            raw = urlsafe_b64decode(tail)
        except ValueError:
            return Pressed(verdict=Verdict.FORGED)
        facts, mac = raw[:-MAC_BYTES], raw[-MAC_BYTES:]
        words = f"{version}:{action}:{id}"
        known = any(hmac.compare_digest(mac, _mac(key, words, facts)) for key in self._keys)
        if not known or len(facts) != OWNER_BYTES + HOUR_BYTES:
            return Pressed(verdict=Verdict.FORGED)
        owner = int.from_bytes(facts[:OWNER_BYTES], "big")
        if owner not in (ANYBODY, presser):
            return Pressed(verdict=Verdict.FOREIGN, action=action, id=id)
        made_s = int.from_bytes(facts[OWNER_BYTES:], "big") * HOUR_S
        late = self._now_s() - made_s > self._lasts_s
        return Pressed(verdict=Verdict.OLD if late else Verdict.FINE, action=action, id=id)


def _mac(key: bytes, words: str, facts: bytes) -> bytes:
    return hmac.digest(key, words.encode() + b"\0" + facts, sha256)[:MAC_BYTES]
