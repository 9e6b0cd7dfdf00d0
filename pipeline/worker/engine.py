"""The engine as a worker runs it: two queues, one job of each at a time, every stage noted once it is finished.

Owns all calls to DBOS in this room. Knows no stage and no claim. Light: loads DBOS.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import sqlalchemy as sa
from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer

from pipeline.domain import Json
from pipeline.jobs.dispatch import APPLICATION, VERSION, WORKFLOW, engine_address
from pipeline.jobs.words import Kind

PATIENCE = {Kind.DRAW: 1.0, Kind.LEARN: 2.5}  # how often a queue is looked at, in units of ``poll_s``


def launch(url: sa.URL, name: str, job: Callable[[str], str], *, poll_s: float) -> None:
    """Begin to take jobs, those first that this worker had when it was last alive.

    Args:
        job: does one job, by its id. It must not raise.
    """
    config: DBOSConfig = {
        "name": APPLICATION,
        "system_database_url": engine_address(url),
        "executor_id": name,
        "application_version": VERSION,
        "serializer": DBOSPortableJSONSerializer(),
        "log_level": "ERROR",
        "run_migrations": False,  # the queue has done it
    }
    DBOS(config=config)
    logging.getLogger("dbos").handlers = logging.getLogger().handlers  # one stream, one form

    # Its own count of recoveries knows no orderly leaving, nor which lane's job killed the worker: the ledger counts.
    @DBOS.workflow(name=WORKFLOW, max_recovery_attempts=None)
    def run_job(job_id: str) -> str:
        return job(job_id)

    DBOS.launch()
    for kind, patience in PATIENCE.items():
        DBOS.register_queue(
            kind.value,
            worker_concurrency=1,
            polling_interval_sec=poll_s * patience,
            on_conflict="always_update",
        )


def step(name: str, act: Callable[[], Json]) -> Json:
    """Within a job: what ``act`` returned, now or before a crash."""
    done: Json = DBOS.run_step({"name": name}, act)
    return done


def pending() -> dict[str, str]:
    """The jobs that are being worked on by the engine's account, each with its worker, alive or not."""
    found = DBOS.list_workflows(status="PENDING", load_input=False, load_output=False)
    return {one.workflow_id: one.executor_id for one in found if one.executor_id}


def adopt(name: str) -> None:
    """Put a dead worker's jobs back into their queues. Only rows that still bear its name change: many may do this."""
    DBOS._recover_pending_workflows([name])  # there is no public way that keeps the guard; a test holds it
