"""One at a time: a folder that a running command writes to is closed to every other.

Owns the lock files. Knows no stage. Light: loads filelock.

The lock is the system's own (flock, or its like on Windows), and ends with its process, however that ends: the file
that stays behind means nothing. A file system without such locks is written to without one.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from pipeline.domain import ShouldStop
from pipeline.errors import FolderBusy, Stopped
from pipeline.store import writing

LOOK_EVERY_S = 0.2  # while another one holds the lock
_NO_LOCKS = (errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK)  # of a file system that has none


@contextmanager
def locked(folder: Path, name: str = ".lock", *, wait: ShouldStop | None = None) -> Iterator[None]:
    """Keep ``folder`` to this process while the block runs, by the lock file ``name`` in it; both are made if missing.

    Args:
        wait: where another process has it, wait for our turn, until this says to stop; None refuses at once.

    Raises:
        FolderBusy: another process has it, and ``wait`` is None.
        Stopped: ``wait`` said so.
        BadOutput: the lock file cannot be written.
    """
    path = folder / name
    lock = FileLock(path, blocking=False, fallback_to_soft=False)
    with ExitStack() as stack:
        with writing(folder):
            path.parent.mkdir(parents=True, exist_ok=True)
            while not _taken(lock, stack):
                if wait is None:
                    raise FolderBusy(
                        f"another `stickers` is still writing to {str(folder)!r}; wait for it, or choose another folder"
                    )
                if wait():
                    raise Stopped()
                time.sleep(LOOK_EVERY_S)
        yield


def check_free(folder: Path, name: str = ".lock") -> None:
    """Refuse a folder that another process has now; nothing is made.

    Raises:
        FolderBusy: another process has it.
        BadOutput: the lock file cannot be opened.
    """
    if (folder / name).is_file():
        with locked(folder, name):
            pass


def _taken(lock: FileLock, stack: ExitStack) -> bool:
    """Take the lock until ``stack`` unwinds, if it is free."""
    try:
        stack.enter_context(lock.acquire())
    except Timeout:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    return True
