"""People's files as the program opens them: with the key that the environment gives, proven at the start.

Owns the mark in a store that tells which key it was begun with, and the sealing anew of what lies there: of what an
older version left in clear, and of everything once the key is changed. Knows no job. Light: fsspec, cryptography.

Once the mark is there, nothing of a person's lies in the store in clear, and what does is not taken (see ``Files``).
"""

from __future__ import annotations

import logging
import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from pipeline.domain import never_stop
from pipeline.errors import BadInput, BadSetting, OtherKey
from pipeline.files import PEOPLE, Files
from pipeline.locks import locked
from pipeline.sealed import HEAD, NO_KEY, OTHER_KEY, Sealer, is_sealed
from pipeline.settings import Settings
from pipeline.vault import vault_of

MARK, WORDS = ".sealed", b"whoever reads this has the key"
LOG = logging.getLogger("stickers.files")


def files_of(settings: Settings, *, begins: bool = True) -> Files:
    """The files of the environment's store, sealed with the environment's key.

    Args:
        begins: make a key where there is none, and seal what lies there in clear or with an older key; who only looks
            does neither.

    Raises:
        BadSetting: the store cannot be used, or its key is another one, or not here.
    """
    vault = vault_of(settings, begins=begins)
    files = Files(settings.files, vault.sealer("files") if vault else None)
    check(files, begins=begins)
    return files


def check(files: Files, *, begins: bool) -> None:
    """Prove the key; with ``begins`` everything is sealed with it from now on. Raises BadSetting."""
    depot, sealer = files.depot, files.sealer
    there = depot.exists(MARK)
    if sealer is None:
        if there:
            raise BadSetting(f"the files in {depot.shown!r} are sealed, and there is no key; {NO_KEY}")
        return
    if there:
        _prove(files, sealer)
    if not begins or (there and not sealer.changing):
        return
    with ExitStack() as stack:
        if (mark := depot.path(MARK)) is not None:  # one after the other: who waits finds nothing left to do
            stack.enter_context(locked(mark.parent, ".sealing.lock", wait=never_stop))
            if depot.exists(MARK):
                _prove(files, sealer)  # who was quicker may have had another key
        count = sum(_sealed_anew(files, sealer, key) for key in files.list(PEOPLE))
        depot.put(MARK, sealer.seal(WORDS, whose="", place=MARK))
    if count:
        LOG.info("sealed what lay there in clear or with another key", extra={"files": count})


def _prove(files: Files, sealer: Sealer) -> None:
    try:
        sealer.open(files.depot.read(MARK), whose="", place=MARK)
    except OtherKey:
        raise OtherKey(f"what lies in {files.depot.shown!r} {OTHER_KEY}") from None


def _sealed_anew(files: Files, sealer: Sealer, key: str) -> bool:
    """Seal a file with the key in use; False where it is so already, or gone, or half written, or damaged."""
    if key.endswith(".tmp"):
        return False
    whose = key.split("/")[1]
    try:
        head = files.depot.begin(key, HEAD)
        if sealer.is_current(head):
            return False
        with tempfile.TemporaryDirectory(prefix="stickers-sealing-") as folder, tempfile.TemporaryFile() as clear:
            with files.brought(key, Path(folder) / "there").open("rb") as source:
                if not is_sealed(head):
                    files.depot.put(key, partial(sealer.seal_file, source, whose=whose, place=key))
                    return True
                sealer.open_file(source, clear, whose=whose, place=key)
            clear.seek(0)
            files.depot.put(key, partial(sealer.seal_file, clear, whose=whose, place=key))
            return True
    except BadInput as error:
        if files.exists(key):
            LOG.warning("not sealed anew", extra={"file": key, "error": str(error)})
        return False
