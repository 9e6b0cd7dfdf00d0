"""One place under one URL: a folder, or an object store; bytes by key, as they are given.

Owns how what lasts is put there and what a file system's refusals are called. Knows no person and no seal. Light:
fsspec; the driver of a store (s3fs) is loaded only where a URL asks for it.

A file appears whole or not at all: in a folder it is written beside, synced and renamed; in a store it is one put (or
one multipart upload, which a store completes at once).
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import fsspec

from pipeline import store
from pipeline.discreet import shown
from pipeline.domain import Json
from pipeline.errors import BadInput, BadSetting

_SEGMENT = re.compile(r"[A-Za-z0-9._-]{1,128}")  # what every file system and every store takes, and no URL encodes
# What answers to one put with a whole file. Not sftp and the like: others would see the half of one; nor http.
_STORES = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss")
_LIVE: Json = {"use_listings_cache": False, "skip_instance_cache": True}  # other machines write there, too

Source = Path | bytes | Callable[[IO[bytes]], object]  # a file, its bytes, or who writes them


def checked(key: str) -> str:
    """The key itself.

    Raises:
        BadInput: it could lead elsewhere (``..``, a leading slash), or has characters that some store refuses.
    """
    if not all(_SEGMENT.fullmatch(part) and part.strip(".") for part in key.split("/")):
        raise BadInput(f"{key!r} is no key: names joined by '/', of letters, digits, '.', '_' and '-' only")
    return key


class Depot:
    """What lies under one URL. Safe to use from several threads."""

    def __init__(self, url: str | Path) -> None:
        """As ``Files`` has it."""
        self.url = str(url)
        path = self.url.removeprefix("file://")
        self.local = "://" not in path
        if self.local:  # taken as it is: fsspec would see a home in "~", and a chain of file systems in "::"
            self.fs, self.shown, root = fsspec.filesystem("file"), path, str(Path(path).absolute())
        else:
            self.shown = shown(self.url)
            self.fs, root = _store(self.url)
        self._root = root.rstrip("/")

    def put(self, key: str, source: Source) -> None:
        """Put a file under ``key``, in place of what is there."""
        place = self._place(key)
        with store.writing(Path(key)):
            if self.local:
                _put_local(Path(place), source)
            elif isinstance(source, bytes):
                self.fs.pipe_file(place, source)
            elif isinstance(source, Path):
                self.fs.put_file(str(source), place)
            else:  # a driver would take the half of a broken stream for a whole file
                with tempfile.NamedTemporaryFile(prefix="stickers-put-") as file:
                    source(file)
                    file.flush()
                    self.fs.put_file(file.name, place)

    def read(self, key: str) -> bytes:
        """The file's bytes."""
        with self.reading(key) as place:
            data: bytes = self.fs.cat_file(place)
        return data

    def begin(self, key: str, size: int) -> bytes:
        """Its first bytes."""
        with self.reading(key) as place:
            data: bytes = self.fs.cat_file(place, start=0, end=size)
        return data

    def get(self, key: str, target: Path) -> None:
        """Bring a file to ``target``; a part of it may be there after an error."""
        with self.reading(key) as place:
            self.fs.get_file(place, str(target))

    def path(self, key: str) -> Path | None:
        """Where a file lies, if that is in a folder."""
        return Path(self._place(key)) if self.local else None

    def exists(self, key: str) -> bool:
        """Whether there is a file of this key."""
        return bool(self.fs.isfile(self._place(key)))

    def list(self, key: str) -> list[str]:
        """The keys of all files below ``key``, in order; none where there is nothing."""
        found = (str(place).removeprefix(f"{self._root}/") for place in self.fs.find(self._place(key)))
        return sorted(one for one in found if not store.is_temporary(one.rpartition("/")[2]))

    def delete(self, key: str) -> None:
        """Delete the file ``key`` or everything below it; nothing happens where there is nothing."""
        place = self._place(key)
        with store.writing(Path(key)):
            if self.fs.exists(place):
                self.fs.rm(place, recursive=True)

    def _place(self, key: str) -> str:
        return f"{self._root}/{checked(key)}"

    @contextmanager
    def reading(self, key: str) -> Iterator[str]:
        """What a file system says of a missing or unreadable file, as ``BadInput``."""
        try:
            yield self._place(key)
        except FileNotFoundError as error:
            raise BadInput(f"there is no {key!r} in {self.shown!r}") from error
        except OSError as error:
            raise BadInput(f"cannot read {key!r} in {self.shown!r}: {error.strerror or error}") from error


def _store(url: str) -> tuple[Any, str]:
    """The store's file system, and the place in it: bucket and prefix."""
    scheme = url.partition("://")[0]
    told = f"files = {shown(url)!r}"
    if scheme not in _STORES or "::" in url:
        raise BadSetting(f"{told}: neither a folder nor a store that can be written; let it be s3://BUCKET/PREFIX")
    if scheme.startswith(("s3", "g")) and "@" in url:
        raise BadSetting(f"{told}: no password belongs there; the store's own variables carry it")
    try:
        found, root = fsspec.core.url_to_fs(url, **_LIVE)
    except ImportError as error:
        raise BadSetting(f"{told}: the driver is not installed; for s3:// install the extra `s3`") from error
    except (ValueError, OSError) as error:  # their words may have the whole address
        raise BadSetting(f"{told}: it cannot be used ({type(error).__name__}); let it be s3://BUCKET/PREFIX") from error
    if not root.strip("/"):
        raise BadSetting(f"{told}: it names no bucket; let it be s3://BUCKET/PREFIX")
    return found, root


def _put_local(place: Path, source: Source) -> None:
    if isinstance(source, bytes):
        store.write_bytes(place, source)
    elif isinstance(source, Path):
        store.copy_file(source, place)
    else:
        store.write_file(place, source)
