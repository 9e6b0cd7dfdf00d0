"""The folder of a sandbox: its data, its logs, and the mark by which it is known as one.

Owns what lies there and what ``--fresh`` may delete. Knows no process. Light.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import BadSetting
from pipeline.store import check_output

MARK = ".stickers-sandbox"
WORDS = "A folder of `stickers sandbox`, which may be deleted as a whole.\n"
NEED_MB = 200.0  # of free space: the queue, pictures, some styles


@dataclass(frozen=True, kw_only=True)
class Home:
    """Where a sandbox lives."""

    folder: Path

    @property
    def data(self) -> Path:
        """What bot and worker take for their data folder; the bot's key lies beside it."""
        return self.folder / "data"

    def log(self, name: str) -> Path:
        return self.folder / "logs" / f"{name}.log"


def opened(folder: Path) -> Home:
    """The folder, made where it is missing, and marked.

    Raises:
        BadSetting: it is somebody else's.
        BadOutput: it cannot be written, or the disk is full.
    """
    if folder.exists() and not folder.is_dir():
        raise BadSetting(f"folder = {str(folder)!r}: it is a file; give a folder")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MARK).is_file():
        raise BadSetting(f"folder = {str(folder)!r}: it is not empty and no sandbox's; give another folder")
    check_output(folder, NEED_MB)
    (folder / "logs").mkdir(parents=True, exist_ok=True)
    (folder / MARK).write_text(WORDS, encoding="utf-8")
    return Home(folder=folder.absolute())


def emptied(home: Home) -> None:
    """Delete what bot and worker have kept; only while nobody uses it."""
    for path in (home.data, home.folder / "logs"):
        shutil.rmtree(path, ignore_errors=True)
    (home.folder / f"{home.data.name}.key").unlink(missing_ok=True)
    (home.folder / "logs").mkdir(exist_ok=True)
