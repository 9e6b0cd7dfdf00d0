"""Many jobs, many random kills, and the count at the end: ``python -m tests.soak --jobs 300 --kills 24``.

Worker processes and a submitter are killed with SIGKILL at random moments and started again, while jobs of both kinds
of several people go through stages that only take their time.
"""

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from pipeline.jobs.words import Kind
from tests.postgres import serving
from tests.queue_desk import ROOT, Desk, spec

SUBMITTER = """
import sys
from tests.queue_desk import Desk
from tests.soak import job
desk = Desk(sys.argv[1], None)
for number in range(int(sys.argv[2]), int(sys.argv[3])):
    desk.jobs.submit(job(number))
    print(number, flush=True)
"""


def job(number):
    """Three in four draw; 0.1 to 0.6 s of work in two or three stages."""
    chance = random.Random(number)
    if number % 4:
        seconds = {"caption": 0.05 * chance.random(), "generate": 0.2 * chance.random(), "cutout": 0.1}
        return spec(f"j{number}", person=f"p{number % 7}", seconds=seconds)
    return spec(f"j{number}", Kind.LEARN, person=f"p{number % 5}", seconds={"prepare": 0.1, "train": 0.5})


def soak(desk, *, jobs, kills, workers=2, seed=0, pause_s=(0.5, 4.0)):
    """Returns what was counted; every figure but the first four must be 0."""
    chance, began_s = random.Random(seed), time.monotonic()
    names = [f"w{number}" for number in range(workers)]
    alive = {name: desk.worker(name, wait=False) for name in names}
    noted = -1
    done_kills = submitter_kills = 0
    while noted < jobs - 1 or done_kills < kills:
        if noted < jobs - 1:
            words = [sys.executable, "-c", SUBMITTER, desk.url, str(noted + 1), str(jobs)]
            with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as submitter:
                stop_at = noted + chance.randint(jobs // 20 + 1, jobs // 10 + 1)
                for line in submitter.stdout:
                    noted = int(line)
                    if noted >= stop_at:
                        break
                submitter_kills += submitter.poll() is None
                submitter.kill()
        time.sleep(chance.uniform(*pause_s))
        if done_kills < kills:
            name = chance.choice(names)
            desk.kill(alive[name], signal.SIGKILL)
            done_kills += 1
            alive[name] = desk.worker(name, wait=chance.random() < 0.7)
    ids = [f"j{number}" for number in range(jobs)]
    desk.until(lambda: not {"queued", "running"} & {*desk.statuses().values()}, 1800.0)
    statuses = desk.statuses()
    text = "".join(process.log.read_text() for process in desk.workers)
    over = [json.loads(line) for line in text.splitlines() if '"event": "over"' in line]
    published = Counter(line["job"] for line in over if line["outcome"] == "done")
    return {
        "jobs": len(statuses),
        "kills_of_workers": done_kills,
        "kills_of_submitters": submitter_kills,
        "seconds": round(time.monotonic() - began_s),
        "lost": sum(statuses.get(name) != "done" for name in ids),
        "unknown": len(set(statuses) - set(ids)),
        "finished_stages_repeated": sum(desk.repeated().values()),
        "published_twice": sum(count > 1 for count in published.values()),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=300)
    parser.add_argument("--kills", type=int, default=24)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--postgres", action="store_true", help="a server of its own, where one is installed")
    given = parser.parse_args()
    options = {"jobs": given.jobs, "kills": given.kills, "workers": given.workers, "seed": given.seed}
    with tempfile.TemporaryDirectory(prefix="stickers-soak-") as folder:
        if given.postgres:
            with serving() as server:
                found = _run(server.database("soak"), Path(folder), options)
        else:
            found = _run(f"sqlite:///{folder}/queue.sqlite", Path(folder), options)
    sys.stdout.write(json.dumps(found) + "\n")
    sys.exit(any(list(found.values())[4:]))


def _run(url, folder, options):
    desk = Desk(url, folder)
    try:
        return soak(desk, **options)
    finally:
        desk.close()


if __name__ == "__main__":
    main()
