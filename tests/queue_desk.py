"""A queue with real worker processes and timed stages, and what became of them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from pipeline.jobs.dispatch import is_finished
from pipeline.jobs.queue import Jobs, Limits
from pipeline.jobs.words import JobSpec, Kind
from pipeline.vault import Vault

ROOT = Path(__file__).resolve().parent.parent
LEASE_S = 5.0  # of the workers here: short, so that their deaths are noticed while the test runs
PATIENCE_S = 150.0  # what a busy machine may take for anything here
KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
VAULT = Vault([KEY])


def spec(job_id, kind=Kind.DRAW, *, person="ann", **options):
    """A job; ``seconds`` and ``trouble`` are what TimedStages takes."""
    keys = {"photos": ("photo",)} if kind is Kind.DRAW else {"pack": ("a", "b", "c")}
    return JobSpec(job_id=job_id, person=person, kind=kind, profile="embedded", style="s", options=options, **keys)


class Desk:
    """Submit, start workers, kill them, count."""

    def __init__(self, url, folder):  # folder: of the workers; None where there are none
        self.url, self.folder = url, folder
        self.jobs = Jobs(url, limits=Limits(open_jobs=1000), vault=VAULT)
        self.workers = []

    def worker(self, name="w1", *words, grace_s=5.0, wait=True):
        """A worker process; ``wait``: until it is ready."""
        command = [sys.executable, "-m", "scripts.cli", "worker", "--url", self.url, "--stages", "timed"]
        command += ["--folder", self.folder, "--name", name, "--poll", 0.05, "--lease", LEASE_S, "--grace", grace_s]
        log = self.folder / f"{name}-{len(self.workers)}.log"
        with log.open("wb") as file:
            told = {"STICKERS_DATA_DIR": str(self.folder / "data")} | os.environ | {"STICKERS_SECRET_KEY": KEY}
            process = subprocess.Popen([*map(str, command), *map(str, words)], cwd=ROOT, stderr=file, env=told)
        process.log = log
        self.workers.append(process)
        if wait:
            self.until(lambda: '"ready"' in log.read_text() or process.poll() is not None)
        return process

    def kill(self, process, number=signal.SIGKILL):
        process.send_signal(number)
        return process.wait(PATIENCE_S)

    def until(self, true, patience_s=PATIENCE_S):
        """Wait; a test that hangs says where."""
        until_s = time.monotonic() + patience_s
        while not true():
            assert time.monotonic() < until_s, (self.statuses(), self.lines(), self.logs())
            time.sleep(0.01)

    def until_over(self, *job_ids):
        self.until(lambda: not any(self.jobs.show(job_id).status in ("queued", "running") for job_id in job_ids))

    def lines(self):
        """What the stages noted."""
        path = self.folder / "stages.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def noted(self, job_id, stage, what="begin"):
        """How often."""
        return sum((line["job"], line["stage"], line["what"]) == (job_id, stage, what) for line in self.lines())

    def statuses(self):
        return {view.job_id: view.status.value for view in self.jobs.list(most=10_000)}

    def logs(self):
        return {str(process.log.name): process.log.read_text()[-2000:] for process in self.workers}

    def repeated(self):
        """Stages that were begun after they had been noted as finished: there must be none."""
        begun = {}
        for line in self.lines():
            if line["what"] == "begin":
                begun.setdefault((line["job"], line["stage"]), []).append(line["at_ms"])
        found = Counter()
        for job_id in {job for job, _ in begun}:
            for stage, at_ms in self.finished_at_ms(job_id).items():
                found[job_id, stage] += sum(begin_ms > at_ms for begin_ms in begun.get((job_id, stage), []))
        return +found

    def finished_at_ms(self, job_id):
        """Stage → when the engine noted it as finished, Unix time."""
        steps = self.jobs.dispatch._client.list_workflow_steps(job_id)
        done = [step for step in steps if is_finished(step["output"])]
        return {step["function_name"]: step["completed_at_epoch_ms"] or 0 for step in done}

    def close(self):
        for process in self.workers:
            if process.poll() is None:
                os.kill(process.pid, signal.SIGCONT)
                self.kill(process)
        self.jobs.close()
