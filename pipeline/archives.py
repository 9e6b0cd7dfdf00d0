"""The files inside a zip, one at a time, in memory, within limits.

Owns what a zip may contain. Knows no pictures. Loads only the standard library.

Nothing is ever extracted to disk, so a name cannot reach outside a folder; an archive with ``../``, an absolute name,
a symbolic link, a locked file or a bomb is nevertheless refused as a whole, because no archive of pictures that a
person made has one. Who would rather use the rest of it has such entries left out, and told of (``faults``): none of
them is ever unpacked. A single entry that is damaged or too large is an ``UnusableEntry``: the others may still be
good.
"""

from __future__ import annotations

import io
import re
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path, PurePosixPath

from pipeline.errors import ArchiveTooLarge, BadArchive

MAX_ZIP_MB = 500  # of the zip file itself
MAX_ENTRIES = 2000
MAX_UNPACKED_MB = 1000  # of all entries together
MAX_ENTRY_MB = 50  # of one entry, unpacked
MAX_RATIO = 100  # unpacked / packed; pictures are packed already and stay below 2
MAX_DIRECTORY_BYTES = 2_000_000  # read at once by zipfile when it opens an archive

_MB = 1_000_000
_RATIO_FROM_BYTES = 1_000_000  # smaller entries may be as empty as they like
_CHUNK_BYTES = 1 << 16
_LOCKED = 0x1  # flag bits, APPNOTE.TXT §4.4.4
_UTF8 = 0x800
_DRIVE = re.compile(r"[A-Za-z]:[/\\]")  # of Windows; "a: cat.png" is a name like any other
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # others can ask for gigabytes before the first byte
_BOMB = f"unpacks to more than {MAX_UNPACKED_MB} MB; pack fewer or smaller pictures"


class Fault(StrEnum):
    """Why an entry is unsafe, or cannot be had."""

    OUTSIDE = "outside"  # a name that points outside
    LINK = "link"  # to another file
    LOCKED = "locked"  # with a password
    BOMB = "bomb"  # hardly anything that unpacks to very much


class UnusableEntry(Exception):
    """One entry of a zip is left out; the others may be good."""


class _ShortReads(io.FileIO):
    """A file that refuses to be read in large pieces, so that a forged directory of a zip cannot fill the memory."""

    def read(self, size: int | None = -1, /) -> bytes:
        return _in_short(super().read, size)


class _ShortBytes(io.BytesIO):
    """The same, of what is in memory."""

    def read(self, size: int | None = -1, /) -> bytes:
        return _in_short(super().read, size)


def _in_short(read: Callable[[int], bytes | None], size: int | None) -> bytes:
    most = MAX_DIRECTORY_BYTES + 1
    data = read(most if size is None or size < 0 else min(size, most)) or b""
    if len(data) == most:
        raise zipfile.BadZipFile("its directory is too large")
    return data


class Archive:
    """An open zip whose directory has been checked. Made by ``open_archive``."""

    def __init__(self, archive: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo], faults: dict[str, Fault]) -> None:
        self._archive = archive
        self._entries = entries
        self._unpacked_bytes = 0
        self.faults = faults  # of entries that were left out, by name

    def names(self) -> list[str]:
        """The entries that are files, sorted; hidden ones and those of macOS's shadow folder are not listed."""
        return sorted(self._entries)

    def read(self, name: str) -> bytes:
        """Unpack one entry.

        Raises:
            UnusableEntry: damaged, too large, or packed in an uncommon way.
            ArchiveTooLarge: all entries together unpack to more than ``MAX_UNPACKED_MB``, whatever the directory said.
        """
        entry = self._entries[name]
        if entry.compress_type not in _METHODS:
            raise UnusableEntry(f"{name!r} is packed with method {entry.compress_type}; pack it as an ordinary zip")
        if entry.file_size > MAX_ENTRY_MB * _MB:
            raise UnusableEntry(
                f"{name!r} unpacks to {entry.file_size / _MB:.1f} MB; at most {MAX_ENTRY_MB} MB are read"
            )
        try:
            data = self._unpack(entry)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError) as error:
            raise UnusableEntry(f"{name!r} is damaged inside the zip ({error})") from error
        if len(data) > MAX_ENTRY_MB * _MB:
            raise UnusableEntry(f"{name!r} unpacks to more than {MAX_ENTRY_MB} MB")
        return data

    def _unpack(self, entry: zipfile.ZipInfo) -> bytes:
        """Read in pieces and count what really comes out: the directory may lie."""
        out = io.BytesIO()
        with self._archive.open(entry) as packed:
            while piece := packed.read(_CHUNK_BYTES):
                out.write(piece)
                self._unpacked_bytes += len(piece)
                if self._unpacked_bytes > MAX_UNPACKED_MB * _MB:
                    raise ArchiveTooLarge(f"{self._archive.filename!r} {_BOMB}")
                if out.tell() > MAX_ENTRY_MB * _MB:
                    break
        return out.getvalue()


@contextmanager
def open_archive(source: Path | bytes, *, leave_out: bool = False) -> Iterator[Archive]:
    """Open a zip and check its directory before any entry is unpacked.

    Args:
        source: where it lies; or the zip itself, where it shall lie on no disk.
        leave_out: unsafe and locked entries are left out; else the zip is refused for them.

    Raises:
        BadArchive: no zip, broken, locked with a password, or with unsafe entries.
        ArchiveTooLarge: too large packed or unpacked, or too many entries.
    """
    shown = str(source) if isinstance(source, Path) else "the zip"
    try:
        size_bytes = source.stat().st_size if isinstance(source, Path) else len(source)
        if size_bytes > MAX_ZIP_MB * _MB:
            raise ArchiveTooLarge(f"{shown!r} has {size_bytes / _MB:.1f} MB; a zip may have {MAX_ZIP_MB} MB at most")
        with _ShortReads(source) if isinstance(source, Path) else _ShortBytes(source) as file:
            try:
                archive = zipfile.ZipFile(file)
            except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
                raise BadArchive(f"{shown!r} is not a zip that can be read ({error}); pack it again") from error
            archive.filename = shown
            with archive:
                yield Archive(archive, *_checked_entries(archive.infolist(), shown, leave_out=leave_out))
    except OSError as error:
        raise BadArchive(f"cannot read {shown!r}: {error.strerror}; check the path and its permissions") from error


def _checked_entries(
    entries: list[zipfile.ZipInfo], shown: str, *, leave_out: bool
) -> tuple[dict[str, zipfile.ZipInfo], dict[str, Fault]]:
    """Name → entry, for the files that count; name → fault, for those that are left out."""
    if len(entries) > MAX_ENTRIES:
        raise ArchiveTooLarge(f"{shown!r} has {len(entries)} entries; a zip may have {MAX_ENTRIES} at most")
    kept: dict[str, zipfile.ZipInfo] = {}
    faults: dict[str, Fault] = {}
    unpacked_bytes = 0
    for entry in entries:
        name = entry_name(entry)
        fault, words = _fault(entry, name)
        if fault and not leave_out:
            raise BadArchive(f"{shown!r} has an entry {name!r} {words}")
        unpacked_bytes += 0 if fault else entry.file_size
        if fault is Fault.OUTSIDE or (fault and not is_clutter(name)):
            faults[name] = fault
        elif not fault and not is_clutter(name) and not entry.is_dir():
            kept[name] = entry
    if unpacked_bytes > MAX_UNPACKED_MB * _MB:
        raise ArchiveTooLarge(f"{shown!r} {_BOMB}")
    return kept, faults


def _fault(entry: zipfile.ZipInfo, name: str) -> tuple[Fault | None, str]:
    """What is wrong with an entry, and the words for it."""
    if entry.flag_bits & _LOCKED:
        return Fault.LOCKED, "that is locked with a password; pack the pictures without one"
    if ".." in PurePosixPath(name).parts or name.startswith("/") or _DRIVE.match(name):
        return Fault.OUTSIDE, "that points outside the archive; pack the pictures again"
    if stat.S_ISLNK(entry.external_attr >> 16):
        return Fault.LINK, "that is a symbolic link; pack the pictures themselves"
    if entry.file_size > max(_RATIO_FROM_BYTES, MAX_RATIO * entry.compress_size):
        unpacked, packed = f"{entry.file_size / _MB:.1f} MB", f"{entry.compress_size / _MB:.3f} MB"
        return Fault.BOMB, f"that unpacks from {packed} to {unpacked}; at most {MAX_RATIO} times is allowed"
    return None, ""


def entry_name(entry: zipfile.ZipInfo) -> str:
    """The entry's name with ``/`` between folders, in the alphabet it was written in where that can be told."""
    name = entry.filename
    if not entry.flag_bits & _UTF8:  # macOS writes UTF-8 without saying so, and zipfile then reads it as cp437
        try:
            name = name.encode("cp437").decode("utf-8")
        except UnicodeError:
            name = entry.filename
    return name.replace("\\", "/")


def is_clutter(name: str) -> bool:
    """True for what systems leave beside a person's files: hidden files, ``__MACOSX``, thumbnails' databases."""
    parts = PurePosixPath(name).parts
    if not parts:  # an entry named "." or nothing at all
        return True
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in parts)
    return hidden or parts[-1].lower() in ("thumbs.db", "desktop.ini")
