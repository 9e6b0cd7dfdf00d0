"""Files that every machine reaches: a folder by default, an object store by its URL; pictures, styles, stickers.

Owns the form of keys, what is sealed, whole folders, and the deletion of all that is a person's. Knows no job and no
model. Light: fsspec, through ``depot``.

A file appears whole or not at all. A folder counts as there once its manifest is, which is written last and names every
file with its size and digest.

    people/PERSON/jobs/JOB/…       what one job is given, and what it makes
    people/PERSON/styles/STYLE/…   a learned style
    shared/…                       what depends on no person: class pictures

With a key, what is a person's is sealed before it leaves and opened when it comes (see ``sealed``): in the store lies
nothing of theirs in clear, and what does is not taken.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO, Any

from pipeline import store
from pipeline.depot import Depot, checked
from pipeline.domain import Json
from pipeline.errors import BadInput, BadSetting
from pipeline.sealed import NO_KEY, Sealer, is_sealed

__all__ = ["MANIFEST", "PEOPLE", "Files", "checked", "job_key", "style_key"]

PEOPLE = "people"
MANIFEST = ".manifest.json"
_NAME = re.compile(r"[A-Za-z0-9._-]{1,80}")  # of a person, a job, a style: as in ``jobs.words``


def job_key(person: str, job: str, *rest: str) -> str:
    """The key of what belongs to a job; raises ``BadInput`` where a name has strange characters."""
    return checked("/".join((PEOPLE, _name(person), "jobs", _name(job), *rest)))


def style_key(person: str, style: str, *rest: str) -> str:
    """The key of a style, or of a file of it; raises ``BadInput`` where a name has strange characters."""
    return checked("/".join((PEOPLE, _name(person), "styles", _name(style), *rest)))


def _name(name: str) -> str:
    if not _NAME.fullmatch(name) or not name.strip("."):
        raise BadInput(f"{name!r} is no name here: 1 to 80 letters, digits, '.', '_' or '-'")
    return name


class Files:
    """What lies under one URL.

    Everything raises BadInput where a key is malformed or nothing is there, and BadOutput where it cannot be written.
    Safe to use from several threads.
    """

    def __init__(self, url: str | Path, sealer: Sealer | None = None) -> None:
        """``url``: a folder, or ``s3://BUCKET/PREFIX`` (credentials and endpoint as AWS's own variables say).

        Args:
            sealer: of what is people's; None leaves all in clear, for trials. See ``sealed_files`` for the usual one.

        Raises:
            BadSetting: nothing is known that could reach it.
        """
        self.depot, self.sealer = Depot(url), sealer

    def put(self, key: str, source: Path | bytes) -> None:
        """Put a file (its path, or its bytes) under ``key``, in place of what is there."""
        whose = self._whose(key)
        if self.sealer is None or whose is None:
            self.depot.put(key, source)
        elif isinstance(source, bytes):
            self.depot.put(key, self.sealer.seal(source, whose=whose, place=key))
        else:
            with store.writing(Path(key)), source.open("rb") as opened:
                self.depot.put(key, partial(self.sealer.seal_file, opened, whose=whose, place=key))

    def read(self, key: str) -> bytes:
        """The file's bytes."""
        data = self.depot.read(key)
        if self.sealer is not None and (whose := self._whose(key)) is not None:
            return self.sealer.open(data, whose=whose, place=key)
        self._refuse_sealed(key, data)
        return data

    def get(self, key: str, target: Path, *, by: Path | None = None) -> None:
        """Bring a file to ``target``, whole or not at all.

        Args:
            by: keep it there, too, as it lies in the store; used as it is where it is there already.
        """
        with store.writing(target), tempfile.TemporaryDirectory(dir=_made(target.parent), prefix=".get-") as beside:
            fresh = Path(beside) / "file"
            with self.depot.reading(key):
                here = self.brought(key, Path(beside) / "there", by)
                with here.open("rb") as source, fresh.open("wb") as file:
                    self._open(key, source, file)
            fresh.replace(target)

    def exists(self, key: str) -> bool:
        """Whether there is a file of this key."""
        return self.depot.exists(key)

    def list(self, key: str) -> list[str]:
        """The keys of all files below ``key``, in order; none where there is nothing."""
        return self.depot.list(key)

    def delete(self, key: str) -> None:
        """Delete the file ``key`` or everything below it; nothing happens where there is nothing."""
        self.depot.delete(key)

    def delete_person(self, person: str) -> None:
        """Delete all that is a person's: jobs, pictures, styles, stickers."""
        self.delete(f"{PEOPLE}/{_name(person)}")

    def put_folder(self, key: str, folder: Path) -> None:
        """Put a folder's files below ``key``; what was there before is no whole folder while this goes on.

        Nothing is sent where the very same is there already. Files of an earlier folder that this one lacks are
        deleted.

        Raises:
            BadInput: one of them is a symbolic link, which could lead to anything.
        """
        _refuse_links(folder)
        manifest = {"files": {name: _facts(folder / name) for name in _names(folder)}}
        if self._has(key, manifest):
            return
        self.delete(f"{key}/{MANIFEST}")
        for name in manifest["files"]:
            self.put(f"{key}/{name}", folder / name)
        for left in set(self.list(key)) - {f"{key}/{name}" for name in manifest["files"]}:
            self.delete(left)
        self.put(f"{key}/{MANIFEST}", json.dumps(manifest).encode())

    def get_folder(self, key: str, folder: Path, *, by: Path | None = None) -> Json:
        """Bring a whole folder to ``folder``, in place of what is there; nothing is fetched where it is there already.

        Args:
            by: keep its files there, too, as they lie in the store; those that are there still are not fetched.

        Returns its manifest.

        Raises:
            BadInput: there is no whole folder under ``key``, or what came is not what its manifest says.
        """
        manifest = self.manifest(key)
        if manifest is None:
            raise BadInput(f"there is no folder {key!r} in {self.depot.shown!r}, or it is not whole")
        if folder.is_dir() and {name: _facts(folder / name) for name in _names(folder)} == manifest["files"]:
            return manifest
        with store.writing(folder), tempfile.TemporaryDirectory(dir=_made(folder.parent), prefix=".get-") as beside:
            fresh = Path(beside) / "folder"
            for name, facts in manifest["files"].items():
                self._get_of(key, checked(name), facts, fresh, by)
            _made(fresh)
            store.sync_tree(fresh)
            if folder.exists():
                shutil.rmtree(folder)
            fresh.replace(folder)
        return manifest

    def _get_of(self, key: str, name: str, facts: Json, folder: Path, by: Path | None) -> None:
        """A file of a folder; what is kept of an earlier one, or damaged, is fetched anew."""
        kept = None if by is None else by / name
        if kept is not None and kept.is_file():
            with suppress(BadInput, BadSetting):
                self.get(f"{key}/{name}", folder / name, by=kept)
                if _facts(folder / name) == facts:
                    return
            kept.unlink(missing_ok=True)
        self.get(f"{key}/{name}", folder / name, by=kept)
        if _facts(folder / name) != facts:
            raise BadInput(f"{key}/{name}: not what its manifest says; it is damaged or being replaced")

    def manifest(self, key: str) -> Json | None:
        """File → size and digest of the folder under ``key``; None where it is not whole."""
        path = f"{key}/{MANIFEST}"
        if not self.exists(path):
            return None
        try:
            manifest = json.loads(self.read(path))
        except (ValueError, RecursionError) as error:
            raise BadInput(f"{path!r} is not JSON ({error}); it is not ours, or damaged") from error
        files = manifest.get("files") if isinstance(manifest, dict) else None
        if not isinstance(files, dict) or not all(isinstance(facts, dict) for facts in files.values()):
            raise BadInput(f"{path!r} is no manifest: it does not name files; it is not ours, or damaged")
        return {"files": {checked(name): facts for name, facts in files.items()}}

    def brought(self, key: str, beside: Path, by: Path | None = None) -> Path:
        """Where it can be read on this machine, as it lies in the store: there, in ``by`` or, fetched, ``beside``."""
        if by is not None and by.is_file():
            return by
        if by is None and (there := self.depot.path(key)) is not None:
            return there
        self.depot.get(key, beside)
        if by is None:
            return beside
        _made(by.parent)
        return beside.replace(by)

    def _open(self, key: str, source: IO[bytes], target: IO[bytes]) -> None:
        whose = self._whose(key)
        if self.sealer is not None and whose is not None:
            self.sealer.open_file(source, target, whose=whose, place=key)
            return
        self._refuse_sealed(key, begin := source.read(64))
        target.write(begin)
        shutil.copyfileobj(source, target)

    def _refuse_sealed(self, key: str, data: bytes) -> None:
        if self._whose(key) is not None and is_sealed(data):
            raise BadSetting(f"{key!r} is sealed, and there is no key; {NO_KEY}")

    def _whose(self, key: str) -> str | None:
        """The person of a key; None for what is nobody's."""
        parts = checked(key).split("/")
        return parts[1] if parts[0] == PEOPLE and len(parts) > 1 else None

    def _has(self, key: str, manifest: Json) -> bool:
        try:
            return self.manifest(key) == manifest
        except BadInput:  # damaged: what is put now mends it
            return False


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _names(folder: Path) -> list[str]:
    """The folder's files, by their names within it; half-written ones and locks are none."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    found = (path.relative_to(folder).as_posix() for path in files)
    return sorted(name for name in found if not name.endswith((".tmp", ".lock")) and name != MANIFEST)


def _refuse_links(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_symlink():
            raise BadInput(f"{str(path)!r} is a symbolic link, which is not followed; put the file itself there")


def _facts(path: Path) -> dict[str, Any]:
    return {"bytes": path.stat().st_size, "sha256": store.file_sha256(path)}
