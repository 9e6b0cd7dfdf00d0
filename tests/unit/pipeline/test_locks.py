"""One at a time in a folder, by real processes; a killed one is no obstacle."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from pipeline import locks
from pipeline.errors import BadOutput, FolderBusy, Stopped
from pipeline.locks import check_free, locked

ROOT = str(Path(__file__).resolve().parents[3])
HOLD = """
import sys, time
from pathlib import Path
from pipeline.locks import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """A process that holds the lock of ``tmp_path / "out"``."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / "out")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": ROOT}) as process:
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def test_a_second_process_is_refused_until_the_first_is_gone_even_by_kill_9(holder, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(FolderBusy, match=r"another `stickers` is still writing to '.*out'; wait"), locked(out):
        pytest.fail("both are in")
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert (out / ".lock").exists()  # stale, and means nothing
    with locked(out):
        pass


def test_a_look_tells_and_makes_nothing(holder, tmp_path):
    with pytest.raises(FolderBusy):
        check_free(tmp_path / "out")
    check_free(tmp_path / "other")
    assert not (tmp_path / "other").exists()
    holder.kill()
    holder.wait()
    check_free(tmp_path / "out")


def test_who_waits_gets_its_turn_or_stops(holder, tmp_path):
    with pytest.raises(Stopped), locked(tmp_path / "out", wait=lambda: True):
        pytest.fail("both are in")
    threading.Timer(0.3, holder.kill).start()
    began = time.monotonic()
    with locked(tmp_path / "out", wait=lambda: False):
        assert time.monotonic() - began >= 0.25


def test_it_is_free_again_after_the_block_and_after_an_exception(tmp_path):
    for _ in range(2):
        with pytest.raises(RuntimeError, match="inside"), locked(tmp_path, ".work/lock"):
            raise RuntimeError("inside")
    assert [path.name for path in tmp_path.iterdir()] == [".work"]


def test_where_no_lock_file_can_be_written_it_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(BadOutput, match="a file where a folder should be"), locked(tmp_path / "file"):
        pass


def test_an_error_of_the_block_is_not_taken_for_one_of_the_lock(tmp_path):
    with pytest.raises(OSError, match="mine") as caught, locked(tmp_path):
        raise OSError(errno.ENOSPC, "mine")
    assert not isinstance(caught.value, BadOutput)


def test_a_file_system_without_locks_is_written_to_without(tmp_path, monkeypatch):
    def none_here(self, *_, **__):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(locks.FileLock, "acquire", none_here)
    entered = False
    with locked(tmp_path):
        entered = True
    assert entered
