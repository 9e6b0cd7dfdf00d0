"""Figures for Prometheus, on the loopback: how full the queue is, how long stages take, how jobs end.

Owns their names. Knows no stage. Light: loads prometheus-client and SQLAlchemy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import sqlalchemy as sa
from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from pipeline.errors import JobError
from pipeline.jobs.address import reading
from pipeline.jobs.tables import JOBS
from pipeline.jobs.views import OPEN, now_ms
from pipeline.jobs.words import Kind, Status

SECONDS = (0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3000)
LOOPBACK = "127.0.0.1"


class Metrics:
    """What one worker counts."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        kind = ["kind"]
        self._stages = Histogram(
            "stickers_stage_seconds", "a finished stage", ["stage"], buckets=SECONDS, registry=self.registry
        )
        self._waits = Histogram(
            "stickers_wait_seconds", "from submitted to first begun", kind, buckets=SECONDS, registry=self.registry
        )
        self._outcomes = Counter(
            "stickers_jobs", "jobs that this worker let go of", ["kind", "outcome"], registry=self.registry
        )

    def begun(self, kind: Kind, waited_s: float) -> None:
        """A job was begun for the first time."""
        self._waits.labels(kind=kind.value).observe(max(0.0, waited_s))

    def stage(self, name: str, seconds: float) -> None:
        """A stage was finished."""
        self._stages.labels(stage=name).observe(seconds)

    def over(self, kind: Kind, outcome: str) -> None:
        """A job is over, here."""
        self._outcomes.labels(kind=kind.value, outcome=outcome).inc()

    def serve(self, engine: sa.Engine, port: int) -> int:
        """Answer scrapes on the loopback, with the queue's depth and age besides; 0 takes any free port.

        Returns the port.

        Raises:
            OSError: the port is taken.
        """
        self.registry.register(Depth(engine))
        self._server, self._thread = start_http_server(port, addr=LOOPBACK, registry=self.registry)
        return int(self._server.server_port)

    def add(self, figures: Callable[[], Mapping[str, float]]) -> None:
        """Serve what the stages count themselves, too, as ``stickers_NAME``."""
        self.registry.register(Figures(figures))

    def close(self) -> None:
        """Answer no more; a worker that ends needs not do this."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Figures(Collector):
    """Figures of the stages as they are at a scrape."""

    def __init__(self, figures: Callable[[], Mapping[str, float]]) -> None:
        self._figures = figures

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Nothing: what there is may change."""
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Each as a gauge."""
        for name, value in self._figures().items():
            yield GaugeMetricFamily(f"stickers_{name}", "of the stages", value=value)


class Depth(Collector):
    """The queue as it is at a scrape, the same from every worker."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Nothing: registering must not ask the database."""
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Whether it answers; if so, depth by kind and status, and the age of the oldest queued job by kind."""
        up = GaugeMetricFamily("stickers_queue_up", "whether the queue's database answers")
        try:
            rows = self._rows()
        except JobError:  # what the worker itself counts is still to be had
            up.add_metric([], 0.0)
            yield up
            return
        up.add_metric([], 1.0)
        yield up
        depth = GaugeMetricFamily("stickers_queue_jobs", "open jobs", labels=["kind", "status"])
        age = GaugeMetricFamily("stickers_queue_age_seconds", "age of the oldest queued job", labels=["kind"])
        for kind in Kind:
            for status in OPEN:
                depth.add_metric([kind.value, status.value], rows.get((kind, status), (0, 0))[0])
            count, oldest_ms = rows.get((kind, Status.QUEUED), (0, 0))
            age.add_metric([kind.value], (now_ms() - oldest_ms) / 1000 if count else 0.0)
        yield depth
        yield age

    def _rows(self) -> dict[tuple[str, str], tuple[int, int]]:
        """Kind and status → how many open jobs, and when the oldest was submitted."""
        query = sa.select(JOBS.c.kind, JOBS.c.status, sa.func.count(), sa.func.min(JOBS.c.submitted_ms))
        with reading(self._engine) as connection:
            found = connection.execute(query.where(JOBS.c.status.in_(OPEN)).group_by(JOBS.c.kind, JOBS.c.status))
            return {(row[0], row[1]): (row[2], row[3]) for row in found}
