"""Files that last: written to a temporary name, synced, then renamed; a stage's folder is complete once it says so.

Owns how anything is written. Knows no stage and no model. Loads the standard library and Pillow.

A kill between any two steps leaves the old file, the new file, or no file under the final name, never a part of one.
What it may leave besides is a hidden ``.….tmp``, which ``begin`` sweeps away. An artefact is a folder whose
``.artefact.json`` is written last and carries the config that it was made with, that config's fingerprint, and the size
of every file.
"""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path, PurePath
from typing import IO, Any

from PIL import Image

from pipeline.errors import BadInput, BadOutput

ARTEFACT = ".artefact.json"
STYLE_CARD = "style.json"  # in the folder of a learned style, written last; ``card`` reads it

_MB = 1_000_000
_PROBE_BYTES = 4096
_TEMPORARY = re.compile(r"\.[0-9a-f]{16}\.tmp")  # as ``_temporary_name`` makes them
_FORMATS = {".png": "PNG", ".webp": "WEBP", ".jpg": "JPEG"}
_NO_FOLDER_SYNC = (errno.EINVAL, errno.ENOTSUP)  # some network file systems cannot sync a folder, and need not
_REASONS = {
    errno.ENOSPC: "the disk is full; free some space and run the same command again",
    errno.EDQUOT: "your quota of the disk is used up; free some space and run the same command again",
    errno.EFBIG: "the file is larger than allowed there; choose another folder",
    errno.EACCES: "there is no permission to write there; choose another folder",
    errno.EPERM: "there is no permission to write there; choose another folder",
    errno.EROFS: "that file system is read-only; choose another folder",
    errno.ENOTDIR: "there is a file where a folder should be; choose another folder",
    errno.EEXIST: "there is a file where a folder should be; choose another folder",
    errno.EISDIR: "there is a folder where a file should be; remove it or choose another folder",
    errno.ENAMETOOLONG: "the name is too long for that file system; choose a shorter one",
}


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an ``OSError`` of the block into ``BadOutput`` about ``path``; also for what other libraries write."""
    try:
        yield
    except OSError as error:
        fallback = f"{error.strerror or error}; check the disk or choose another folder"
        raise BadOutput(f"cannot write {str(path)!r}: {_REASONS.get(error.errno or 0, fallback)}") from error


def write_bytes(path: Path, data: bytes) -> None:
    """Put ``data`` under ``path``, whole or not at all; missing folders are made.

    Raises:
        BadOutput: it cannot be written; what was under ``path`` before is still there.
    """
    write_file(path, lambda file: file.write(data))


def copy_file(source: Path, path: Path) -> None:
    """Put a copy of the file ``source`` under ``path``, as ``write_bytes`` does; of any size."""
    with writing(path), source.open("rb") as opened:
        _write(path, lambda file: shutil.copyfileobj(opened, file))


def write_file(path: Path, fill: Callable[[IO[bytes]], object]) -> None:
    """Put what ``fill`` writes under ``path``, as ``write_bytes`` does; nothing where it raises."""
    with writing(path):
        _write(path, fill)


def _write(path: Path, fill: Callable[[IO[bytes]], object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(_temporary_name())
    try:
        with temporary.open("xb") as file:
            fill(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _temporary_name() -> str:
    """A hidden name that no other program gives to a file: ``begin`` may sweep it."""
    return f".{secrets.token_hex(8)}.tmp"


def is_temporary(name: str) -> bool:
    """Whether a file of this name is one that was never finished: whoever wrote it died, or is about to rename it."""
    return _TEMPORARY.fullmatch(name) is not None


def write_json(path: Path, value: Any) -> None:
    """Write JSON for people to read; takes what ``fingerprint`` takes.

    Raises:
        BadOutput: it cannot be written.
        ValueError: a number that JSON does not have (NaN, infinity).
    """
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False, default=_plain)
    write_bytes(path, f"{text}\n".encode("utf-8", "backslashreplace"))  # a lone surrogate of a file name → \udcxx


def write_image(path: Path, image: Image.Image) -> None:
    """Write a picture losslessly as ``.png`` or ``.webp``, or as ``.jpg``; the same pixels give the same bytes.

    Raises:
        BadOutput: it cannot be written.
        ValueError: another suffix.
    """
    if path.suffix not in _FORMATS:
        raise ValueError(f"suffix {path.suffix!r} is none of {', '.join(_FORMATS)}")
    encoded = BytesIO()
    options = {"lossless": True} if path.suffix == ".webp" else {}
    image.save(encoded, _FORMATS[path.suffix], **options)
    write_bytes(path, encoded.getvalue())


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        BadInput: it is missing, cannot be read, or is not JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise BadInput(f"there is no file {str(path)!r}; check the path") from error
    except OSError as error:
        raise BadInput(f"cannot read {str(path)!r}: {error.strerror}; check the path and its permissions") from error
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{str(path)!r} is not JSON ({error}); make it again") from error


def fingerprint(value: Any) -> str:
    """SHA-256, as 64 hex digits, of a value's canonical JSON: sorted keys, no spaces, ASCII.

    Takes what JSON has, and dataclasses, enums of text and paths; equal values give equal digits in every process and
    on every system. ``1`` and ``1.0`` differ.

    Raises:
        TypeError: a value of another type.
        ValueError: NaN or infinity.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, default=_plain)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, as 64 hex digits.

    Raises:
        BadInput: it is missing or cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BadInput(f"cannot read {str(path)!r}: {error.strerror}; check the path and its permissions") from error


def image_sha256(image: Image.Image) -> str:
    """SHA-256 of a picture's mode, size and pixels, whatever file it came from."""
    return hashlib.sha256(f"{image.mode}{image.size}".encode() + image.tobytes()).hexdigest()


def begin(folder: Path) -> None:
    """Make a stage's folder ready to be written: no longer complete, and without what a killed run left half done.

    Other files stay: a resumed stage goes on from them.

    Raises:
        BadOutput: it cannot be written.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ARTEFACT).unlink(missing_ok=True)
        _sweep(folder)
        _sync_folder(folder)


def sweep(folder: Path) -> None:
    """Delete what a killed run left half written, where the folder is there; for folders that ``begin`` never sees.

    Raises:
        BadOutput: it cannot be written.
    """
    if folder.is_dir():
        with writing(folder):
            _sweep(folder)


def _sweep(folder: Path) -> None:
    for left in folder.iterdir():
        if _TEMPORARY.fullmatch(left.name) and left.is_file():
            left.unlink()


def complete(folder: Path, config: Any) -> None:
    """Sync the folder's files and declare the stage complete, with the config that made it.

    Raises:
        BadOutput: it cannot be written.
    """
    with writing(folder):
        sync_tree(folder)
    card = {"fingerprint": fingerprint(config), "config": config, "files": _sizes(folder)}
    write_json(folder / ARTEFACT, card)


def is_complete(folder: Path, fingerprint: str) -> bool:
    """True where the folder holds a finished stage, made with this config, of which no file is gone or cut."""
    try:
        card = read_json(folder / ARTEFACT)
    except BadInput:
        return False
    if not isinstance(card, dict) or card.get("fingerprint") != fingerprint or not isinstance(card.get("files"), dict):
        return False
    present = _sizes(folder)
    return all(present.get(name) == size_bytes for name, size_bytes in card["files"].items())


def check_output(folder: Path, need_mb: float) -> None:
    """Prove, before hours of work, that ``folder`` can be made and written, and has room; nothing is left behind.

    Raises:
        BadOutput: it cannot be written, or has less than ``need_mb`` (10^6 bytes) free.
    """
    with writing(folder):
        there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        probe = there / _temporary_name()  # a folder that can be written can be given others
        _write(probe, lambda file: file.write(bytes(_PROBE_BYTES)))
        probe.unlink()
        free_mb = shutil.disk_usage(there).free / _MB
    if free_mb < need_mb:
        room = f"{free_mb:.0f} MB free of the {need_mb:.0f} MB that are needed"
        raise BadOutput(f"{str(folder)!r} has {room}; free some space or choose another folder")


def sync_tree(folder: Path) -> None:
    """Sync every file below ``folder``, then the folders: for files that other libraries wrote."""
    for root, _, names in os.walk(folder):
        for name in names:
            with Path(root, name).open("rb") as file:
                os.fsync(file.fileno())
        _sync_folder(Path(root))


def _sync_folder(folder: Path) -> None:
    """Make a rename within ``folder`` survive a loss of power."""
    if os.name == "nt":  # Windows cannot open a folder, and writes its entries through
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise
    finally:
        os.close(handle)


def _sizes(folder: Path) -> dict[str, int]:
    """Relative name → bytes of every file that counts: not the artefact's own card, nothing hidden."""
    files = {path.relative_to(folder): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {
        name.as_posix(): path.stat().st_size
        for name, path in files.items()
        if name.as_posix() != ARTEFACT and not any(part.startswith(".") for part in name.parts)
    }


def _plain(value: object) -> Any:
    """What JSON does not know, in its terms."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, PurePath):
        return value.as_posix()
    raise TypeError(f"{value!r} of type {type(value).__name__} has no JSON form")
