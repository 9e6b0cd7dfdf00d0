"""What the queue and its idle worker cost, and whose turn it is: ``python -m tests.queue_figures``.

One worker process with stages that only take their time. Prints JSON; exits with 1 where somebody waited longer than
with alternating turns.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import psutil

from tests.queue_desk import Desk, spec

BRIEF = {"caption": 0.0, "generate": 0.0, "cutout": 0.0}
BUSY, OTHERS, EACH = 50, 10, 2  # one submits so many, so many others so many each


def begins_after(desk, count):
    """Seconds from the submission to the first stage, of jobs that find the worker idle."""
    found = []
    for number in range(count):
        began_s = time.time()
        desk.jobs.submit(spec(f"b{number}", person=f"p{number}", seconds=BRIEF))
        desk.until_over(f"b{number}")
        found.append(desk.jobs.show(f"b{number}").started_s - began_s)
    return found


def idle_share(worker, seconds):
    """Of a core."""
    process = psutil.Process(worker.pid)
    before, began_s = sum(process.cpu_times()[:2]), time.monotonic()
    time.sleep(seconds)
    return (sum(process.cpu_times()[:2]) - before) / (time.monotonic() - began_s)


def turns(desk):
    """Place of the last of the others' jobs in the order of beginning, and the one it has with alternating turns.

    What had begun before they came is before them either way.
    """
    work = {"seconds": BRIEF | {"generate": 0.05}}
    for number in range(BUSY):
        desk.jobs.submit(spec(f"a{number}", person="busy", **work))
    first = [f"o{person}-{number}" for number in range(EACH) for person in range(OTHERS)]
    for name in first:
        desk.jobs.submit(spec(name, person=name.partition("-")[0], **work))
    came_s = desk.jobs.show(first[-1]).submitted_s
    desk.until_over(*first, *(f"a{number}" for number in range(BUSY)))
    started_s = {view.job_id: view.started_s for view in desk.jobs.list(most=10_000) if view.started_s is not None}
    mine = {name: at for name, at in started_s.items() if name in first or name.startswith("a")}
    before = sum(at <= came_s for name, at in mine.items() if name not in first)
    order = sorted(mine, key=mine.__getitem__)
    return max(order.index(name) for name in first) + 1, before + EACH * (OTHERS + 1)


def submits(desk, queued):
    """Median seconds of a submit with an empty queue, and with ``queued`` jobs in it; no worker runs."""

    def median_s(name):
        took = []
        for number in range(50):
            began_s = time.perf_counter()
            desk.jobs.submit(spec(f"{name}{number}", person=f"{name}{number}", seconds=BRIEF))
            took.append(time.perf_counter() - began_s)
        return statistics.median(took)

    empty_s = median_s("e")
    for number in range(queued):
        desk.jobs.submit(spec(f"f{number}", person=f"f{number % 500}", seconds=BRIEF))
    return empty_s, median_s("g")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=50, help="jobs that find the worker idle")
    parser.add_argument("--idle", type=float, default=60.0, help="seconds that the idle worker is watched")
    parser.add_argument("--queued", type=int, default=10_000, help="jobs that lie in the queue at the second submit")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="stickers-figures-") as name:
        folder = Path(name)
        desk = Desk(f"sqlite:///{folder}/queue.sqlite", folder)
        try:
            worker = desk.worker("w1", "--poll", "0.2", "--lease", "16")
            after_s = begins_after(desk, given.count)
            last, alternating = turns(desk)
            idle = idle_share(worker, given.idle)
            desk.kill(worker)
            empty_s, full_s = submits(desk, given.queued)
        finally:
            desk.close()
    found = {
        "begins_after_s": {"median": round(statistics.median(after_s), 3), "worst": round(max(after_s), 3)},
        "last_of_the_others": {"place": last, "with_alternating_turns": alternating},
        "idle_worker_share_of_a_core": round(idle, 4),
        "submit_s": {"empty": round(empty_s, 5), f"{given.queued}_queued": round(full_s, 5)},
    }
    sys.stdout.write(json.dumps(found) + "\n")
    sys.exit(last > alternating)


if __name__ == "__main__":
    main()
