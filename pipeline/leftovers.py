"""What a submitter leaves that dies between its first picture and the queue's word: found by a mark, and deleted.

Owns that mark. Knows no queue: it is told which jobs there are. Light.

Only what bears the mark is ever deleted: several queues may share one store, and the bot sees after its own.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection

from pipeline.errors import BadInput
from pipeline.files import PEOPLE, Files, job_key

LOG = logging.getLogger("stickers.files")
MARK = "handing-in"  # a file beside a job's pictures, with the time of its beginning, until the queue has the job
OLD_S = 86_400.0  # nobody hands in for so long


def begin(files: Files, person: str, job_id: str) -> None:
    """Before the first picture."""
    files.put(job_key(person, job_id, MARK), str(int(time.time())).encode())


def end(files: Files, person: str, job_id: str) -> None:
    """The queue has the job."""
    files.delete(job_key(person, job_id, MARK))


def sweep(files: Files, known: Callable[[Collection[str]], set[str]], *, older_s: float = OLD_S) -> int:
    """Delete what was begun long ago and no queue has heard of; returns how many jobs.

    Args:
        known: which of these jobs there are, whatever became of them.
    """
    marks = {key.split("/")[3]: key for key in files.list(PEOPLE) if key.endswith(f"/{MARK}") and key.count("/") == 4}
    there = known([*marks]) if marks else set[str]()
    count = 0
    for job_id, mark in marks.items():
        try:
            old = time.time() - float(files.read(mark)) > older_s
        except (BadInput, ValueError):  # ended this moment, or damaged
            continue
        if job_id in there:
            files.delete(mark)  # its submitter died just behind the queue's word
        elif old:
            files.delete(mark.rpartition("/")[0])
            LOG.warning("deleted what was never handed in", extra={"job": job_id})
            count += 1
    return count
