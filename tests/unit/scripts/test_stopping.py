"""Ctrl-C once and twice, and SIGTERM, in programs of their own."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from pipeline.errors import Stopped
from scripts.stopping import Interrupted, stoppable

ROOT = Path(__file__).resolve().parents[3]

# `stickers train` with a run whose steps take 0.05 s and, from the first signal on, a last step of `last_s` seconds.
PROGRAM = """
import sys, time, types, pathlib
import pipeline
from pipeline.errors import Stopped
from pipeline.domain import Stage

def learn(request, out, *, watch, should_stop):
    report = watch(Stage.TRAIN)
    for step in range(1000):
        report(step, 1000)
        if step == 1:
            (out / "started").touch()
        if should_stop():
            time.sleep({last_s})
            (out / "saved").touch()
            raise Stopped()
        time.sleep(0.05)

class Run(types.ModuleType):
    learn = staticmethod(learn)

sys.modules["pipeline.run"] = pipeline.run = Run("pipeline.run")
from scripts.cli import main
main()
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "pack").mkdir()
    for number, colour in enumerate(("red", "green", "blue")):
        picture = Image.new("RGB", (40, 40), "white")
        picture.paste(colour, (4, 4, 8 + 6 * len(colour), 30))
        picture.save(tmp_path / "pack" / f"{number}.png")
    (tmp_path / "out").mkdir()
    return tmp_path


def start(folder, last_s):
    words = ["train", str(folder / "pack"), "--out", str(folder / "out")]
    env = os.environ | {"STICKERS_CACHE_DIR": str(folder / "cache"), "PYTHONPATH": str(ROOT)}
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(last_s=last_s), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=env,
    )
    deadline_s = time.monotonic() + 60
    while not (folder / "out" / "started").exists():
        assert program.poll() is None, program.communicate()
        assert time.monotonic() < deadline_s
        time.sleep(0.02)
    return program


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_signal_finishes_the_step_and_saves(folder, number, code):
    program = start(folder, last_s=0.1)
    program.send_signal(number)
    out, err = program.communicate(timeout=30)
    assert program.returncode == code
    assert (folder / "out" / "saved").exists()
    assert out == ""
    assert err.rstrip().endswith("stopped; run the same command again to go on")
    assert "finishing this step" in err
    assert "Traceback" not in err


def test_the_second_signal_leaves_at_once(folder):
    program = start(folder, last_s=60)
    program.send_signal(signal.SIGINT)
    time.sleep(0.3)
    began_s = time.monotonic()
    program.send_signal(signal.SIGINT)
    program.communicate(timeout=30)
    assert program.returncode == 130
    assert time.monotonic() - began_s < 10
    assert not (folder / "out" / "saved").exists()


def test_the_handlers_are_put_back():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with stoppable(tells=False) as stop:
        assert not stop()
        signal.raise_signal(signal.SIGINT)
        assert stop()
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_stopped_becomes_interrupted_with_the_exit_code_of_the_signal():
    def stop_as_a_stage_does():
        with stoppable(tells=False):
            signal.raise_signal(signal.SIGTERM)
            raise Stopped

    with pytest.raises(Interrupted) as caught:
        stop_as_a_stage_does()
    assert caught.value.exit_code == 143
