"""Bytes as they lie on a disk: encrypted, bound to whose they are and where they lie, and proven when they are read.

Owns the form of what is sealed. Knows no store, no table, and not where keys come from. Light: cryptography.

A file is a head and chunks of 1 MiB, each encrypted by AES-256-GCM under a key of this file alone: HKDF (RFC 5869)
makes the person's key of the one in use, and this file's of that and the head's salt. The nonce of a chunk is its
number and whether it is the last, as in the STREAM construction (Hoang, Reyhanitabar, Rogaway & Vizár 2015, "Online
Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance"): none can be cut off, left out, doubled or moved. Head
and place are authenticated with each chunk: a file that is put in another's place, or under another person, does not
open.

    head   magic (8 bytes), version (1), id of the key (8), salt (16)
    chunk  ciphertext of at most 1 MiB, tag (16); the last is shorter, or nothing follows it

A word (a column of a row) is short: one chunk under its person's key, with a random nonce of 96 bits, as text.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from io import BytesIO
from typing import IO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pipeline.errors import BadInput, OtherKey

MAGIC, VERSION = b"\xd5sealed\n", b"\x01"  # no picture, no JSON and no text begins so
CHUNK, TAG = 1024 * 1024, 16  # bytes
ID, SALT, NONCE = 8, 16, 12  # bytes
HEAD = len(MAGIC) + len(VERSION) + ID + SALT
WORD = "sealed1."  # begins a sealed word; neither JSON nor a key does
PEOPLE_AT_HAND = 4096  # whose keys are not derived anew
NO_KEY = "set STICKERS_SECRET_KEY or STICKERS_SECRET_KEY_FILE to the one that it was sealed with"
OTHER_KEY = (
    "was sealed with another key; set STICKERS_SECRET_KEY to that one (several may be given with commas between: the "
    "first seals, all open)"
)


class Sealer:
    """Seals for one purpose."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        """``keys``: of 32 bytes each, for this purpose alone; the first seals, all open."""
        self._ids = [_derived(key, b"id")[:ID] for key in keys]
        self._key: Callable[[int, str], bytes] = lru_cache(PEOPLE_AT_HAND)(
            lambda number, whose: _derived(keys[number], b"of\0" + whose.encode())
        )
        self.changing = len(keys) > 1  # from the others to the first

    # ── files ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def seal_file(self, source: IO[bytes], target: IO[bytes], *, whose: str, place: str) -> None:
        """From ``source`` to its end, of any size."""
        head = MAGIC + VERSION + self._ids[0] + os.urandom(SALT)
        cipher = self._cipher(0, whose, head)
        target.write(head)
        for number, chunk, last in _chunks(source, CHUNK):
            target.write(cipher.encrypt(_nonce(number, last=last), chunk, _bound(head, place)))

    def open_file(self, source: IO[bytes], target: IO[bytes], *, whose: str, place: str) -> None:
        """The other way; what was written before an error is a part of the file, and not to be used.

        Raises:
            BadInput: it is not sealed, or was changed, cut, or put there from another place.
            OtherKey: it was sealed with another key.
        """
        head = source.read(HEAD)
        cipher = self._cipher(self._number(head, place), whose, head)
        try:
            for number, chunk, last in _chunks(source, CHUNK + TAG):
                target.write(cipher.decrypt(_nonce(number, last=last), chunk, _bound(head, place)))
        except (InvalidTag, ValueError):  # ValueError: shorter than a tag
            raise BadInput(
                f"{place!r} is not what was sealed there: it is damaged, cut, or was changed or moved by somebody"
            ) from None

    def seal(self, data: bytes, *, whose: str, place: str) -> bytes:
        """A small file."""
        sealed = BytesIO()
        self.seal_file(BytesIO(data), sealed, whose=whose, place=place)
        return sealed.getvalue()

    def open(self, sealed: bytes, *, whose: str, place: str) -> bytes:
        """The other way; raises as ``open_file``."""
        data = BytesIO()
        self.open_file(BytesIO(sealed), data, whose=whose, place=place)
        return data.getvalue()

    def is_current(self, head: bytes) -> bool:
        """Whether a file that begins so is sealed with the key in use."""
        return is_sealed(head) and head[len(MAGIC + VERSION) :][:ID] == self._ids[0]

    def _number(self, head: bytes, place: str) -> int:
        """Of the key that it was sealed with."""
        if not is_sealed(head) or len(head) < HEAD:
            raise BadInput(f"{place!r} is not sealed, as all files of people are: somebody else has put it there")
        if head[len(MAGIC) :][:1] != VERSION:
            raise BadInput(f"{place!r} was sealed by a newer version of this program")
        return self._of(head[len(MAGIC + VERSION) :][:ID], repr(place))

    def _of(self, identity: bytes, what: str) -> int:
        for number, known in enumerate(self._ids):
            if hmac.compare_digest(known, identity):
                return number
        raise OtherKey(f"{what} {OTHER_KEY}")

    def _cipher(self, number: int, whose: str, head: bytes) -> AESGCM:
        return AESGCM(_derived(self._key(number, whose), b"file", salt=head[-SALT:]))

    # ── words ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def seal_word(self, text: str, *, whose: str, place: str) -> str:
        """Text, as ASCII of letters, digits, '.', '-' and '_'."""
        nonce, data = os.urandom(NONCE), text.encode("utf-8", "surrogatepass")
        sealed = AESGCM(_derived(self._key(0, whose), b"word")).encrypt(nonce, data, place.encode())
        return WORD + base64.urlsafe_b64encode(self._ids[0] + nonce + sealed).decode()

    def open_word(self, sealed: str, *, whose: str, place: str) -> str:
        """The other way.

        Raises:
            BadInput: it was changed, or put there from another place.
            OtherKey: it was sealed with another key.
        """
        try:
            raw = base64.b64decode(sealed.removeprefix(WORD), altchars="-_", validate=True)
            cipher = AESGCM(_derived(self._key(self._of(raw[:ID], f"{place!r} in the queue"), whose), b"word"))
            data = cipher.decrypt(raw[ID : ID + NONCE], raw[ID + NONCE :], place.encode())
            return data.decode("utf-8", "surrogatepass")
        except (InvalidTag, ValueError, binascii.Error):
            raise BadInput(f"{place!r} in the queue is not what was sealed there: somebody has changed it") from None

    def is_current_word(self, sealed: str) -> bool:
        """Whether it is sealed with the key in use."""
        begin = base64.urlsafe_b64encode(self._ids[0]).decode()[: ID * 8 // 6]
        return sealed.startswith(WORD + begin)


def is_sealed(head: bytes) -> bool:
    """Whether what begins so is sealed."""
    return head.startswith(MAGIC)


def _chunks(source: IO[bytes], size: int) -> Iterator[tuple[int, bytes, bool]]:
    """Number, bytes, and whether it is the last; there is always one."""
    number, chunk = 0, source.read(size)
    while following := source.read(size):
        yield number, chunk, False
        number, chunk = number + 1, following
    yield number, chunk, True


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(NONCE - 1, "big") + bytes([last])


def _bound(head: bytes, place: str) -> bytes:
    """What is authenticated besides: the head has one length, so the two cannot be mistaken."""
    return head + place.encode()


def _derived(key: bytes, info: bytes, salt: bytes | None = None) -> bytes:
    return HKDF(SHA256(), length=32, salt=salt, info=b"stickersmith " + info).derive(key)
