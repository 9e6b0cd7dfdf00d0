"""``stickers plan``: the queue's policy as a simulation, for any number of GPUs and people; no queue, no worker.

Owns the simulation. It knows the policy as ``pipeline/jobs/fairness`` and the worker's lanes have it: a GPU does one
drawing at a time, the person whose turn it is first, and one learning beside it that stands still meanwhile. Light: the
standard library. A test holds it against a real run.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from pipeline.errors import BadSetting
from pipeline.jobs.fairness import FIRST_TAG
from pipeline.jobs.words import Kind
from pipeline.options import check_seed, within
from scripts import results
from scripts.service.figures import MOST_JOBS, Arrival, Crowd, Served, arrivals, summary, tell
from scripts.service.supervise import gpu_numbers

MOST_GPUS = 10_000  # of a fleet
MOST_HOURS = 366 * 24
MOST_PER_HOUR = 1e9


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What the jobs run on."""

    gpus: int
    pick_up_s: float = 0.15  # from a free lane to the next job's begin: half a poll, and some transactions
    overhead_s: float = 0.05  # that a job takes beside its work: transactions


@dataclass(kw_only=True)
class Lane:
    """One job at a time of one kind, on one GPU."""

    job: Arrival | None = None
    begun_s: float = 0.0
    left_s: float = 0.0  # of its work, when it was last looked at
    looked_s: float = 0.0
    run: int = 0  # counts up whenever an end that was foreseen is not true any more


@dataclass(kw_only=True)
class Turns:
    """Start-time fair queueing, one kind."""

    begun: int = FIRST_TAG
    last: dict[str, int] = field(default_factory=dict)
    waiting: list[tuple[int, float, int, Arrival]] = field(default_factory=list)

    def put(self, arrival: Arrival, number: int) -> None:
        tag = max(self.begun, self.last.get(arrival.person, FIRST_TAG))
        self.last[arrival.person] = tag + 1
        heapq.heappush(self.waiting, (tag, arrival.at_s, number, arrival))

    def take(self) -> Arrival:
        tag, _, _, arrival = heapq.heappop(self.waiting)
        self.begun = max(self.begun, tag)
        return arrival


class Fleet:
    """The state of the simulation."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.turns = {kind: Turns() for kind in Kind}
        self.lanes = [{kind: Lane() for kind in Kind} for _ in range(machine.gpus)]
        self.free = {kind: deque(range(machine.gpus)) for kind in Kind}
        self.coming = dict.fromkeys(Kind, 0)  # lanes on their way to a job
        self.events: list[tuple[float, int, str, Kind, int, int]] = []  # time, number, what, kind, GPU, the lane's run
        self.served: list[Served] = []
        self._number = itertools.count()

    def arrive(self, arrival: Arrival) -> None:
        self.turns[arrival.kind].put(arrival, next(self._number))
        self._pick_up(arrival.kind, arrival.at_s)

    def happen(self) -> None:
        """The next event."""
        now_s, _, what, kind, gpu, run = heapq.heappop(self.events)
        lane = self.lanes[gpu][kind]
        if what == "begin":
            self._begin(kind, gpu, now_s)
        elif run == lane.run and lane.job is not None:
            job, lane.job = lane.job, None
            moments = {"submitted_s": job.at_s, "begun_s": lane.begun_s, "over_s": now_s}
            self.served.append(Served(person=job.person, kind=kind, **moments))
            self.free[kind].append(gpu)
            if kind is Kind.DRAW:
                self._resume(gpu, now_s)
            self._pick_up(kind, now_s)

    def _pick_up(self, kind: Kind, now_s: float) -> None:
        """A free lane looks at the queue a moment later, as long as there is more waiting than lanes on their way."""
        if self.free[kind] and len(self.turns[kind].waiting) > self.coming[kind]:
            self.coming[kind] += 1
            self._plan(now_s + self.machine.pick_up_s, "begin", kind, self.free[kind].popleft())

    def _begin(self, kind: Kind, gpu: int, now_s: float) -> None:
        lane = self.lanes[gpu][kind]
        lane.job = self.turns[kind].take()
        self.coming[kind] -= 1
        lane.begun_s, lane.left_s = now_s, lane.job.seconds + self.machine.overhead_s
        if kind is Kind.DRAW:
            self._pause(gpu, now_s)
        if kind is Kind.DRAW or self.lanes[gpu][Kind.DRAW].job is None:
            self._run(kind, gpu, now_s)

    def _run(self, kind: Kind, gpu: int, now_s: float) -> None:
        lane = self.lanes[gpu][kind]
        lane.looked_s, lane.run = now_s, lane.run + 1
        self._plan(now_s + lane.left_s, "end", kind, gpu)

    def _pause(self, gpu: int, now_s: float) -> None:
        lane = self.lanes[gpu][Kind.LEARN]
        if lane.job is not None:
            lane.left_s = max(0.0, lane.left_s - (now_s - lane.looked_s))
            lane.looked_s, lane.run = now_s, lane.run + 1

    def _resume(self, gpu: int, now_s: float) -> None:
        if self.lanes[gpu][Kind.LEARN].job is not None:
            self._run(Kind.LEARN, gpu, now_s)

    def _plan(self, at_s: float, what: str, kind: Kind, gpu: int) -> None:
        heapq.heappush(self.events, (at_s, next(self._number), what, kind, gpu, self.lanes[gpu][kind].run))


def simulate(coming: Sequence[Arrival], machine: Machine) -> list[Served]:
    """What becomes of everybody who comes."""
    fleet = Fleet(machine)
    for arrival in coming:
        while fleet.events and fleet.events[0][0] <= arrival.at_s:
            fleet.happen()
        fleet.arrive(arrival)
    while fleet.events:
        fleet.happen()
    return fleet.served


@dataclass(frozen=True, kw_only=True)
class Rates:
    """Who comes, as ``stickers plan`` is told."""

    people: int
    draws_per_hour: float
    learns_per_hour: float
    hours: float
    draw_s: float
    learn_s: float

    def crowd(self) -> Crowd:
        """Raises BadSetting: a number is none, or there are too many jobs to simulate."""
        within("hours", self.hours, 0.001, MOST_HOURS)
        within("draws per hour", self.draws_per_hour, 0, MOST_PER_HOUR)
        within("learns per hour", self.learns_per_hour, 0, MOST_PER_HOUR)
        draws, learns = round(self.draws_per_hour * self.hours), round(self.learns_per_hour * self.hours)
        if draws + learns > MOST_JOBS:
            raise BadSetting(f"{draws + learns} jobs are more than {MOST_JOBS}: simulate fewer hours")
        seconds = {"draw_s": self.draw_s, "learn_s": self.learn_s, "within_s": 3600 * self.hours}
        return Crowd(people=self.people, draws=draws, learns=learns, **seconds)


def plan(rates: Rates, gpus: str, *, seed: int, as_json: bool) -> None:
    """``stickers plan``: a row for each number of GPUs.

    Raises:
        BadSetting: too many jobs to simulate, or no GPU.
    """
    crowd = rates.crowd()
    fleets = [
        within("gpus", number, 1, MOST_GPUS) for number in gpu_numbers(gpus, most=MOST_GPUS) if number is not None
    ]
    coming = arrivals(crowd, check_seed(seed))
    found = [(number, summary(simulate(coming, Machine(gpus=number)))) for number in fleets]
    work_s = sum(arrival.seconds for arrival in coming)
    if as_json:
        load = work_s / crowd.within_s if crowd.within_s else None
        results.print_json({"gpus_of_work": load, "plans": [{"gpus": number} | figures for number, figures in found]})
        return
    if crowd.within_s:
        results.say(f"the work of {work_s / crowd.within_s:.2f} GPUs comes in; with fewer, waits grow without end")
    tell([(str(number), figures) for number, figures in found], "GPUs")
