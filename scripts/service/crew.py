"""The worker processes of a trial: started, waited for until they are ready, asked to leave at its end.

Owns the processes and their logs. Knows no job. Light.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.domain import Json, ShouldStop
from pipeline.errors import JobError, Stopped
from pipeline.files import Files
from pipeline.vault import Vault, keys_from
from scripts.service.supervise import with_queue

LOOK_EVERY_S = 0.2
READY_S = 300.0  # what a worker may take to start on a busy machine; models' libraries take their time


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One run of a crowd before the queue."""

    url: str
    mark: str  # begins the ids of its jobs, and of its people: others' may lie in the same queue
    folder: Path  # of what the workers say and note, and of their files; gone afterwards
    key: str  # of what is said and put; the queue's own where others use it, too

    @property
    def files(self) -> Path:
        """Where its pictures, styles and stickers lie."""
        return self.folder / "files"

    @property
    def vault(self) -> Vault:
        """Of the key."""
        return Vault(keys_from(self.key))

    def opened(self) -> Files:
        """The files, as the workers open them."""
        return Files(self.files, self.vault.sealer("files"))

    def person(self, name: str) -> str:
        """As the queue knows them."""
        return f"{self.mark}.{name}"

    def said(self) -> list[Json]:
        """The events that its workers told of, in no order."""
        lines = [line for log in self.folder.glob("*.log") for line in log.read_text(encoding="utf-8").splitlines()]
        return [json.loads(line) for line in lines if line.startswith("{")]


@contextmanager
def worker(
    trial: Trial, number: int, words: Sequence[str], environment: Mapping[str, str], should_stop: ShouldStop
) -> Iterator[subprocess.Popen[bytes]]:
    """A worker process, ready, while the block runs; then it leaves in order, and its jobs are nobody's.

    Args:
        words: behind ``stickers worker``, besides its name.

    Raises:
        JobError: it did not start.
        Stopped: ``should_stop`` said so.
    """
    name = f"{trial.mark}-{number}"
    log = trial.folder / f"{name}.log"
    command = [sys.executable, "-m", "scripts.cli", "worker", "--name", name, "--with-parent", "--log", "json", *words]
    with log.open("wb") as file:
        process = subprocess.Popen(
            command,
            env=_told(trial) | dict(environment),  # not among the words: it may have a password
            stdin=subprocess.DEVNULL,
            stderr=file,
            start_new_session=True,
        )
    try:
        _wait_until_ready(process, log, should_stop)
        yield process
    finally:
        process.terminate()
        process.wait()


def _told(trial: Trial) -> dict[str, str]:
    """A worker's environment: queue and key are no words of a command line, which all may read."""
    found = with_queue(trial.url) | {"STICKERS_SECRET_KEY": trial.key}
    return {name: value for name, value in found.items() if name != "STICKERS_SECRET_KEY_FILE"}


def _wait_until_ready(process: subprocess.Popen[bytes], log: Path, should_stop: ShouldStop) -> None:
    until_s = time.monotonic() + READY_S
    while '"ready"' not in (said := log.read_text(encoding="utf-8")):
        if process.poll() is not None or time.monotonic() > until_s:
            last = (said.strip().splitlines() or ["it said nothing"])[-1]
            raise JobError(f"a worker did not start: {last}")
        if should_stop():
            raise Stopped()
        time.sleep(LOOK_EVERY_S)
