"""The engine behind the queue, DBOS Transact: the one file of this room that calls it.

Owns how a job becomes a workflow of it: its name, its queue, its priority, the form of what is kept (JSON, never
pickle: who can write to the database must not run code here). Knows no policy. Light: loads DBOS.

DBOS calls its SQLite database one for development: its own tests run on it, and ours kill processes on it, but many
workers belong on PostgreSQL.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer, error

from pipeline.jobs.address import answering
from pipeline.jobs.words import Kind

APPLICATION = "stickers"
VERSION = "1"  # constant: jobs outlive releases. Raised only where stages change their order or their meaning
WORKFLOW = "job"

logging.getLogger("dbos").setLevel(logging.WARNING)


class NotOver(Exception):
    """For the engine, the job is not over yet."""


def engine_address(url: sa.URL) -> str:
    """The address as DBOS takes it; it has the password."""
    plain = url if url.drivername == "sqlite" else url.set(drivername="postgresql")
    return plain.render_as_string(hide_password=False)


class Dispatch:
    """What is to be run next, and which stages are done."""

    def __init__(self, url: sa.URL) -> None:
        self._url = url
        with answering(url):
            DBOS.migrate(engine_address(url))
        self._client = DBOSClient(
            system_database_url=engine_address(url),
            application_name=APPLICATION,
            serializer=DBOSPortableJSONSerializer(),
            retry_connection_errors=False,
        )

    def close(self) -> None:
        """Let go of the connections."""
        self._client.destroy()

    def enqueue(self, connection: sa.Connection, job_id: str, kind: Kind, tag: int) -> None:
        """Within the transaction of ``connection``: run this job, when its tag is the smallest."""
        self._client.enqueue_in_transaction(
            connection,
            {
                "workflow_name": WORKFLOW,
                "queue_name": kind.value,
                "workflow_id": job_id,
                "priority": tag,
                "app_version": VERSION,
            },
            job_id,
        )

    def take_off(self, job_ids: Sequence[str]) -> None:
        """Jobs that have not begun are not run any more."""
        with answering(self._url):
            self._client.cancel_workflows(list(job_ids))

    def again(self, job_id: str, kind: Kind) -> None:
        """Run a job that is over once more, from its first unfinished stage; what it had finished stays.

        Raises:
            NotOver: it is not, for the engine.
        """
        with answering(self._url):
            steps = self._client.list_workflow_steps(job_id)
        unfinished = [step["function_id"] for step in steps if not is_finished(step["output"])]
        start = min(unfinished, default=len(steps) + 1)
        try:
            with answering(self._url):
                self._client.rewind_workflow(
                    job_id, start_step=start, application_version=VERSION, queue_name=kind.value
                )
        except error.DBOSException as problem:
            raise NotOver(str(problem)) from problem

    def erase(self, job_ids: Sequence[str]) -> None:
        """Forget jobs with all that their stages returned."""
        with answering(self._url):
            self._client.delete_workflows(list(job_ids))


def is_finished(output: object) -> bool:
    """Whether what a step of ours returned says that its stage was finished; see ``pipeline/worker/lanes``."""
    return isinstance(output, dict) and "result" in output
