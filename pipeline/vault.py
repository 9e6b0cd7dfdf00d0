"""People's words and files lie encrypted; the key lies elsewhere. This is about the key.

Owns the key: where it comes from, how one is made, what is derived from it; and the sealing of small JSON values. Knows
no table and no file. Light: cryptography.

Telegram's terms for bots (4.4a) ask for people's data to be encrypted at rest and for the key to be stored separately:
so the key is in the environment, in a secret's file, or in a file *beside* the data folder, never in it. A copy of the
data folder, of the database or of the files' store alone tells nothing of what people said and sent. What stays in
clear are ids, states, times and sizes, for they are what rows are found by.

Several keys may be given: the first one seals, all of them open. That is how a key is changed: the new one is put in
front for one start of bot or worker, which seals everything anew; then the old one may be left out.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import SecretStr

from pipeline.errors import BadSetting
from pipeline.sealed import OTHER_KEY, Sealer
from pipeline.settings import Settings

RULE = (
    "it is 32 random bytes in URL-safe base64, as "
    '`python -c "import secrets, base64; print(base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())"` makes it'
)


class Vault:
    """Seals JSON values, and derives keys for other purposes."""

    def __init__(self, keys: Sequence[str]) -> None:
        """``keys``: the first one seals, all of them open.

        Raises:
            BadSetting: one of them is no key. What it was is not told.
        """
        if not keys:
            raise BadSetting(f"the secret key is empty; {RULE}")
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except ValueError:
            raise BadSetting(f"the secret key cannot be used; {RULE}") from None
        self._keys = tuple(key.encode() for key in keys)
        self.text = ",".join(keys)  # as the environment has them; for a child's alone
        self.changing = len(keys) > 1  # from the others to the first

    def seal(self, value: Any) -> bytes:
        """Any JSON value, encrypted."""
        return self._fernet.encrypt(json.dumps(value, ensure_ascii=False).encode())

    def open(self, sealed: bytes) -> Any:
        """The value.

        Raises:
            BadSetting: it was sealed with another key, or is damaged.
        """
        try:
            return json.loads(self._fernet.decrypt(bytes(sealed)))
        except InvalidToken:
            raise BadSetting(f"what lies in the queue's database {OTHER_KEY}") from None

    def keys_for(self, purpose: str) -> list[bytes]:
        """A key of 32 bytes for one purpose from each key, the one in use first (HKDF, RFC 5869)."""
        return [HKDF(SHA256(), length=32, salt=None, info=purpose.encode()).derive(key) for key in self._keys]

    def sealer(self, purpose: str) -> Sealer:
        """For files and rows, each purpose with keys of its own."""
        return Sealer(self.keys_for(purpose))


def new_vault() -> Vault:
    """Of a fresh key, which nobody else has."""
    return Vault([Fernet.generate_key().decode()])


def vault_of(settings: Settings, *, begins: bool = True) -> Vault | None:
    """What the environment says; None where nothing was given, no key is there yet, and ``begins`` is false.

    Args:
        begins: make a key where there is none; who only looks makes none.

    Raises:
        BadSetting: the key cannot be used, or its file is where what it seals is.
    """
    files = None if "://" in settings.files else Path(settings.files)
    there = settings.secret_key is not None or key_place(settings.secret_key_file, settings.data_dir).exists()
    if not there and not begins:
        return None
    return vault_from(settings.secret_key, settings.secret_key_file, settings.data_dir, files)


def vault_from(key: SecretStr | None, file: Path | None, data_dir: Path, files: Path | None = None) -> Vault:
    """From the key itself, or from its file, which is made where there is none.

    Args:
        files: the folder of people's files, where they lie in one.

    Raises:
        BadSetting: the key cannot be used, or its file is where what it seals is.
    """
    if key is not None:
        return Vault(keys_from(key.get_secret_value()))
    path = key_place(file, data_dir)
    for folder in (data_dir, *([files] if files else [])):
        if path.resolve().is_relative_to(folder.resolve()):
            raise BadSetting(
                f"the key file {str(path)!r} lies in {str(folder)!r}, with what it seals: who copies the one has the "
                "other; let STICKERS_SECRET_KEY_FILE name a file elsewhere, on another disk or from a secret store"
            )
    return Vault(found_or_made(path))


def key_place(file: Path | None, data_dir: Path) -> Path:
    """The key's file: the one that was named, or the usual one."""
    return key_file(data_dir) if file is None else file


def key_file(data_dir: Path) -> Path:
    """Where a key is kept that nobody gave: beside the data folder, so that a copy of that folder has it not."""
    folder = data_dir.absolute()
    return folder.parent / f"{folder.name}.key"


def keys_from(text: str) -> list[str]:
    """Keys with commas between."""
    return [part.strip() for part in text.split(",") if part.strip()]


def found_or_made(path: Path) -> list[str]:
    """The keys of a file; one is made, for its owner's eyes only, where there is none.

    Raises:
        BadSetting: it cannot be read or written, or others than its owner may read it.
    """
    try:
        if not path.exists():
            _make(path)
        if path.is_dir():
            raise BadSetting(f"the key file {str(path)!r} is a folder; let STICKERS_SECRET_KEY_FILE name a file in it")
        if path.stat().st_mode & 0o077:
            raise BadSetting(f"others than its owner may read the key file {str(path)!r}; run `chmod 600` on it")
        return keys_from(path.read_text(encoding="ascii"))
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        raise BadSetting(f"the key file {str(path)!r} cannot be used: {why}; set STICKERS_SECRET_KEY instead") from None


def _make(path: Path) -> None:
    """Whole or not at all, and only once, whoever else does so at this moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(Fernet.generate_key() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(fresh, path)  # refuses where another process was quicker
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # what is sealed from now on is lost without the key
    finally:
        os.close(folder)
