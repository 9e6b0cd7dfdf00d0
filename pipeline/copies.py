"""The checkpoint of a training, copied now and then to where another machine could go on from it.

Owns how often, and which copy counts. Knows no training but the form of its file. Heavy: the checkpoint's module does.

Each copy is named by its step, so that the furthest one is known without reading any; it is made beside the training,
which does not wait for it. A copy that fails is told to the log: the training has its own on its disk.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from pathlib import Path

from pipeline.errors import StickerError
from pipeline.files import Files
from training.checkpoint import FILE_NAME, step_of

EVERY_S = 60.0
AT_MOST = 0.1  # of the time is spent on copying
_log = logging.getLogger(__name__)


class Copies:
    """Of the checkpoint in one folder."""

    def __init__(self, files: Files, key: str, folder: Path, *, every_s: float = EVERY_S) -> None:
        self.files, self.key, self.folder, self.every_s = files, key, folder, every_s
        self._thread: threading.Thread | None = None
        self._next_at = time.monotonic() + every_s
        self._copied = (0, 0)

    def fetch(self) -> None:
        """Bring the furthest copy here, unless the checkpoint on this disk is as far.

        Raises:
            BadInput, BadOutput: it is there and cannot be brought.
        """
        steps = {_step(key): key for key in self.files.list(self.key)}
        furthest = max(steps, default=0)
        if furthest > (step_of(self.folder) or 0):
            self.files.get(steps[furthest], self.folder / FILE_NAME)

    def look(self) -> None:
        """To be called at every step: begins a copy if it is time for one and there is something new."""
        if time.monotonic() < self._next_at or (self._thread and self._thread.is_alive()):
            return
        self._next_at = time.monotonic() + min(self.every_s, 1.0)
        if self._stamp() not in (None, self._copied):
            self._thread = threading.Thread(target=self._copy, name="checkpoint copy", daemon=True)
            self._thread.start()

    def end(self) -> None:
        """Wait for a copy that is being made, and make one of the last checkpoint: the training was stopped."""
        if self._thread:
            self._thread.join()
        if self._stamp() not in (None, self._copied):
            self._copy()

    def remove(self) -> None:
        """Delete all copies: the training is done."""
        if self._thread:
            self._thread.join()
        self.files.delete(self.key)

    def _copy(self) -> None:
        began, beside = time.monotonic(), self.folder / "copy"
        try:
            beside.mkdir(parents=True, exist_ok=True)
            held = beside / FILE_NAME
            held.unlink(missing_ok=True)
            stamp = self._stamp()
            os.link(self.folder / FILE_NAME, held)  # the training may replace the file meanwhile
            step = step_of(beside) or 0
            self.files.put(f"{self.key}/{step:08d}", held)
            for key in self.files.list(self.key):
                if _step(key) < step:
                    self.files.delete(key)
            held.unlink()
            self._copied = stamp or (0, 0)
        except (OSError, StickerError) as error:
            _log.warning("no copy of the checkpoint in %s: %s", self.key, error)
        self._next_at = time.monotonic() + max(self.every_s, (time.monotonic() - began) * (1 / AT_MOST - 1))

    def _stamp(self) -> tuple[int, int] | None:
        """Tells checkpoints apart: each is a file of its own."""
        try:
            stat = (self.folder / FILE_NAME).stat()
        except FileNotFoundError:
            return None
        return stat.st_ino, stat.st_mtime_ns


def _step(key: str) -> int:
    name = key.rpartition("/")[2]
    return int(name) if name.isdigit() else 0
