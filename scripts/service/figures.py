"""People who come by chance, and what they got: the same for a real run and for a simulated one.

Owns the arrivals and the figures. Knows neither queue nor worker. Light: the standard library and rich.
"""

from __future__ import annotations

import random
import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from pipeline.domain import Json
from pipeline.errors import BadSetting
from pipeline.jobs.words import Kind
from pipeline.options import within

DAY_S = 86_400.0
MOST_JOBS = 2_000_000  # that are simulated
MOST_PEOPLE = 10_000_000
LEAST_S, MOST_SPAN_S = 0.001, 366 * DAY_S
WIDEST = 1000  # letters of a table
SHARES = (0.5, 0.95, 0.99)  # of waits that are shown


@dataclass(frozen=True, kw_only=True)
class Crowd:
    """Who comes. Times between arrivals are exponential (Poisson), a job takes 0.5 to 1.5 times its mean."""

    people: int
    draws: int  # drawings, of all together
    learns: int
    draw_s: float  # the mean of one, on an idle GPU
    learn_s: float
    within_s: float  # all come within about this time; 0 for all at once

    def __post_init__(self) -> None:
        within("people", self.people, 1, MOST_PEOPLE)
        within("draws", self.draws, 0, MOST_JOBS)
        within("learns", self.learns, 0, MOST_JOBS)
        within("draw seconds", self.draw_s, LEAST_S, DAY_S)
        within("learn seconds", self.learn_s, LEAST_S, DAY_S)
        within("seconds within which all come", self.within_s, 0, MOST_SPAN_S)
        if self.draws + self.learns == 0:
            raise BadSetting("draws = 0 and learns = 0: nobody wants anything")


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """Somebody submits a job."""

    at_s: float
    person: str
    kind: Kind
    seconds: float  # of work


@dataclass(frozen=True, kw_only=True)
class Served:
    """What became of it; seconds on the clock of the arrivals."""

    person: str
    kind: Kind
    submitted_s: float
    begun_s: float
    over_s: float


def arrivals(crowd: Crowd, seed: int) -> list[Arrival]:
    """Everybody who comes, in order; the same for the same seed."""
    chance = random.Random(seed)
    found = []
    for kind, count, mean_s in ((Kind.DRAW, crowd.draws, crowd.draw_s), (Kind.LEARN, crowd.learns, crowd.learn_s)):
        at_s = 0.0
        for _ in range(count):
            at_s += chance.expovariate(count / crowd.within_s) if crowd.within_s else 0.0
            person = f"p{chance.randrange(crowd.people)}"
            found.append(Arrival(at_s=at_s, person=person, kind=kind, seconds=mean_s * chance.uniform(0.5, 1.5)))
    return sorted(found, key=lambda arrival: arrival.at_s)


def jain(values: Sequence[float]) -> float:
    """Jain's index of fairness: 1 where all are equal, 1/n where one has everything (Jain, Chiu & Hawe 1984)."""
    squares = sum(value * value for value in values)
    return sum(values) ** 2 / (len(values) * squares) if squares else 1.0


def summary(served: Iterable[Served]) -> Json:
    """Throughput, waits by kind, and how evenly people were served.

    A wait is from submitted to begun. Fairness is Jain's index of the mean time, per person, from submitting a
    drawing to having it.
    """
    served = list(served)
    span_s = max((one.over_s for one in served), default=0.0) - min((one.submitted_s for one in served), default=0.0)
    stays = defaultdict(list)
    for one in served:
        if one.kind is Kind.DRAW:
            stays[one.person].append(one.over_s - one.submitted_s)
    return {
        "jobs": len(served),
        "seconds": span_s,
        "jobs_per_s": len(served) / span_s if span_s else 0.0,
        "wait_s": {kind.value: _waits([one for one in served if one.kind is kind]) for kind in Kind},
        "fairness": jain([statistics.fmean(times) for times in stays.values()]) if stays else None,
    }


def _waits(served: Sequence[Served]) -> Json | None:
    if not served:
        return None
    waits = sorted(one.begun_s - one.submitted_s for one in served)
    stays = [one.over_s - one.submitted_s for one in served]
    shares = {f"p{round(100 * share)}": waits[min(len(waits) - 1, int(share * len(waits)))] for share in SHARES}
    return {"count": len(served), "mean": statistics.fmean(waits), **shares, "to_end_mean": statistics.fmean(stays)}


def tell(rows: Sequence[tuple[str, Json]], first: str) -> None:
    """A table, two lines a row where both kinds were there.

    Args:
        rows: what stands in the first column, and a ``summary``.
    """
    table = Table(box=None, padding=(0, 1), header_style="dim")
    table.add_column(first, no_wrap=True)
    table.add_column("kind", no_wrap=True)
    for heading in ("jobs", "wait s", "p50", "p95", "p99", "to end s", "jobs/s", "Jain"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, found in rows:
        whole = [f"{found['jobs_per_s']:.2f}", "" if found["fairness"] is None else f"{found['fairness']:.3f}"]
        for kind, waits in found["wait_s"].items():
            if waits is not None:
                times = (waits[key] for key in ("mean", "p50", "p95", "p99", "to_end_mean"))
                table.add_row(name, kind, str(waits["count"]), *(f"{value:.2f}" for value in times), *whole)
                name, whole = "", ["", ""]
    needed = Console(width=WIDEST).measure(table).maximum  # a number that is cut is another number
    Console(highlight=False, width=max(Console().width, needed)).print(table)
