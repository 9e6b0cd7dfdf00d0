"""The machine itself fails: the clock jumps, the disk is full, bot and worker die at once. Real processes, SQLite."""

import os
import random
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress

import pytest

from pipeline.jobs.words import Kind, Status
from pipeline.worker.life import RESTART
from tests.queue_desk import ROOT, Desk, spec

DAY_S = 86_400

# Python's clock, so many seconds away from the machine's as a file says; it is read anew at every look.
MOVED_CLOCK = """
import pathlib, time
moved, true_s = pathlib.Path({path!r}), time.time
time.time = lambda: true_s() + float(moved.read_text())
time.time_ns = lambda: int(time.time() * 1e9)
"""


@pytest.fixture
def desk(tmp_path):
    desk = Desk(f"sqlite:///{tmp_path}/queue.sqlite", tmp_path)
    yield desk
    desk.close()


@pytest.mark.parametrize("moved_s", [400 * DAY_S, -400 * DAY_S])
def test_a_clock_that_jumps_takes_no_job_from_a_living_worker(desk, tmp_path, monkeypatch, moved_s):
    """Two workers, both clocks moved mid-job: the job goes on where it is, and what comes in later is done, too."""
    clock = tmp_path / "moved"
    clock.write_text("0")
    (tmp_path / "sitecustomize.py").write_text(MOVED_CLOCK.format(path=str(clock)))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    desk.jobs.submit(spec("before", seconds={"one": 0.1}))
    first, second = desk.worker("first"), desk.worker("second")
    desk.until_over("before")
    desk.jobs.submit(spec("during", Kind.LEARN, seconds={"one": 0.1, "two": 8.0}))
    desk.until(lambda: desk.noted("during", "two"))
    clock.write_text(str(moved_s))
    desk.jobs.submit(spec("after", seconds={"one": 0.1}))
    desk.until_over("during", "after")
    assert desk.statuses() == dict.fromkeys(("before", "during", "after"), Status.DONE)
    assert desk.noted("during", "two") == 1
    assert first.poll() is second.poll() is None


@contextmanager
def small_disk(folder, size_kb):
    """A file system of its own, which can be full without harm to anybody else."""
    folder.mkdir()
    mounted = os.geteuid() == 0 and shutil.which("mount") is not None
    words = ["mount", "-t", "tmpfs", "-o", f"size={size_kb}k", "tmpfs", folder]
    if not mounted or subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("a small file system wants root and the right to mount")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def fill(path):
    """A file as large as the disk allows."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x" * 4096)
    assert shutil.disk_usage(path.parent).free < 4096


def test_a_full_disk_loses_no_job(tmp_path):
    """The queue's disk is full for some seconds while jobs run and wait: once there is room, all of them are done,
    and no finished stage was begun again."""
    with small_disk(tmp_path / "disk", size_kb=6000) as disk:
        desk = Desk(f"sqlite:///{disk}/queue.sqlite", tmp_path)
        try:
            names = [f"j{number}" for number in range(6)]
            for name in names:
                desk.jobs.submit(spec(name, person=name, seconds={"one": 0.2, "two": 0.4}))
            worker = desk.worker()
            desk.until(lambda: desk.noted("j0", "one", "end"))
            filler = disk / "filler"
            fill(filler)
            desk.until(lambda: "failed" in worker.log.read_text() or worker.poll() is not None, patience_s=30)
            filler.unlink()

            def all_done():  # where a worker has left, whoever started it starts it again
                if desk.workers[-1].poll() is not None:
                    assert desk.workers[-1].poll() == RESTART
                    desk.worker(wait=False)
                return all(status == Status.DONE for status in desk.statuses().values())

            desk.until(all_done)
            assert len(desk.statuses()) == len(names)
            assert desk.repeated() == {}
        finally:
            desk.close()


def test_submitter_and_worker_killed_at_once_lose_nothing(desk, tmp_path):
    """Six times over, at a random moment; each is started again and goes on from what it had noted."""
    program = f"""
import sys
from tests.queue_desk import Desk, spec
desk = Desk({desk.url!r}, None)
for number in range(int(sys.argv[1]), 40):
    desk.jobs.submit(spec(f"j{{number}}", person=f"p{{number % 3}}", seconds={{"one": 0.05, "two": 0.05}}))
    print(number, flush=True)
"""
    chance, noted = random.Random(4), -1
    for _ in range(6):
        worker = desk.worker("w", wait=False)
        words = [sys.executable, "-c", program, str(noted + 1)]
        with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as submitter:
            stop_at = noted + chance.randint(1, 5)
            for line in submitter.stdout:
                noted = int(line)
                if noted >= stop_at:
                    break
            desk.until(lambda worker=worker: desk.lines() or worker.poll() is not None)
            for process in (submitter, worker):
                process.send_signal(signal.SIGKILL)
            worker.wait()
    subprocess.run([sys.executable, "-c", program, str(noted + 1)], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    desk.worker("w")
    desk.until_over(*(f"j{number}" for number in range(40)))
    assert set(desk.statuses().values()) == {Status.DONE}
    assert desk.repeated() == {}
    assert all(desk.noted(f"j{number}", "two", "end") == 1 for number in range(40))
