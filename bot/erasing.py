"""What is left of people who asked to be forgotten: jobs that were just being stopped, files that came a moment later.

Owns that following up. Knows no chat. Light: the queue and files.

Whoever was forgotten may be back at once, with new jobs, pictures and styles; those stay. What is new has an errand or
is a style, written down before its job or its first file; what has neither is of before.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection

import sqlalchemy as sa

from bot.desk import Desk
from bot.people import queue_name
from bot.tables import ERRANDS
from bot.things import Has, things
from pipeline.files import PEOPLE, Files
from pipeline.jobs.address import reading
from pipeline.jobs.queue import Jobs

LOG = logging.getLogger("stickers.bot")
MOST = 1000  # jobs of a person that are looked at in one go
FOLDERS = ("jobs", "styles")  # of a person; in each, one folder for each job


class Erasing:
    """See above."""

    def __init__(self, desk: Desk, jobs: Jobs, files: Files, busy_with: Callable[[int], bool]) -> None:
        """``busy_with``: whether something is just being done for a person in this process, which may write files."""
        self.desk, self.jobs, self.files, self.busy_with = desk, jobs, files, busy_with

    async def round(self) -> None:
        """Everybody's, once.

        Raises:
            JobError: the database is away.
        """
        for person, noted in (await asyncio.to_thread(self.desk.erasing)).items():
            busy = self.busy_with(person)  # before the look: what ends during it may have written behind it
            left = await asyncio.to_thread(self._erase, person)
            if not busy and not left:
                await asyncio.to_thread(self.desk.erased, person, noted)
                LOG.info("a person is erased")

    def _erase(self, person: int) -> int:
        """What nobody owns. Returns how many of those jobs a worker has not let go of yet."""
        name = queue_name(person)
        jobs = [view.job_id for view in self.jobs.list(person=name, most=MOST)]
        folders = {key for key in map(_folder, self.files.list(f"{PEOPLE}/{name}")) if key is not None}
        owned = self._owned(person)  # after both looks: an errand is there before its job and its files are
        lost = [job for job in jobs if job not in owned]
        left = self.jobs.delete_person(name, only=lost)[1] if lost else 0
        for folder in folders:
            if folder.rpartition("/")[2] not in owned:
                self.files.delete(folder)
        return left

    def _owned(self, person: int) -> Collection[str]:
        with reading(self.desk.engine) as connection:
            found = connection.execute(sa.select(ERRANDS.c.key).where(ERRANDS.c.person == person)).scalars().all()
        return {*found, *(one.id for one in things(self.desk, person, Has.STYLE))}


def _folder(key: str) -> str | None:
    """``people/NAME/jobs/JOB`` of a file's key; None of what lies elsewhere."""
    parts = key.split("/")
    return "/".join(parts[:4]) if len(parts) > 4 and parts[2] in FOLDERS else None
