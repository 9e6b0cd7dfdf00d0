"""`stickers sandbox`: what it starts, with which environment and folder, and what it says where it cannot."""

import re
import signal
import socket
import sys
import threading
import time

import pytest

from pipeline.errors import BadSetting, FolderBusy, JobError
from pipeline.locks import locked
from scripts.sandbox import command, home, serve
from scripts.sandbox.serve import Logged


def test_the_bot_gets_the_emulators_token_and_nothing_of_a_real_service(tmp_path, emulator, monkeypatch):
    for name in serve.OTHERS:
        monkeypatch.setenv(f"STICKERS_{name}", "of a real service")
    monkeypatch.setenv("STICKERS_BOT_TOKEN", "123456:of-a-real-service")
    monkeypatch.setenv("STICKERS_DEVICE", "cpu")
    found = serve.environment_of(home.opened(tmp_path / "box"), emulator)
    assert "of a real service" not in found.values()
    assert (found["STICKERS_BOT_TOKEN"], found["STICKERS_BOT_API"]) == (emulator.token, emulator.url)
    assert found["STICKERS_DATA_DIR"] == str(tmp_path / "box" / "data")
    assert found["STICKERS_DEVICE"] == "cpu"


def test_a_folder_of_somebody_else_is_neither_used_nor_emptied(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "thesis.txt").write_text("years")
    with pytest.raises(BadSetting, match="no sandbox's"):
        serve.serve(port=0, browser=False, folder=tmp_path, fresh=True)
    assert (tmp_path / "data" / "thesis.txt").read_text() == "years"
    with pytest.raises(BadSetting, match="it is a file"):
        home.opened(tmp_path / "data" / "thesis.txt")


def test_fresh_forgets_what_bot_and_worker_kept_and_nothing_else(tmp_path):
    box = home.opened(tmp_path / "box")
    box.data.mkdir()
    for path in (box.data / "queue.sqlite", box.folder / "data.key", box.log("bot"), box.folder / "notes.txt"):
        path.write_text("x")
    home.emptied(box)
    assert sorted(path.name for path in box.folder.iterdir()) == [home.MARK, "logs", "notes.txt"]
    assert home.opened(box.folder) == box


def test_a_second_sandbox_in_one_folder_is_refused(tmp_path):
    box = home.opened(tmp_path / "box")
    with locked(box.folder, ".lock"), pytest.raises(FolderBusy, match="another sandbox"):
        serve.serve(port=0, browser=False, folder=box.folder, fresh=False)


def test_a_port_that_is_taken_is_told_in_a_sentence(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BadSetting, match=f"port = {port}: .*--port"):
            serve.serve(port=port, browser=False, folder=tmp_path / "box", fresh=False)


def test_without_the_extra_it_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(command, "NEEDED", "no_such_module")
    with pytest.raises(BadSetting, match=r"stickersmith\[sandbox\]"):
        command.sandbox(port=0, browser=False)


def test_a_port_that_is_none_is_refused():
    with pytest.raises(BadSetting, match="port = 70000"):
        command.sandbox(port=70_000, browser=False)


def child(tmp_path, program):
    return Logged(name="bot", command=[sys.executable, "-c", program], log=tmp_path / "bot.log")


def test_a_child_that_dies_is_begun_anew_and_its_log_goes_on(tmp_path):
    one = child(tmp_path, "print('life')")
    assert one.look(0.0) is None
    one.process.wait()
    assert one.look(1.0) == 0
    assert one.look(one.next_s - 0.01) is None
    assert one.process is None
    assert one.look(one.next_s) is None
    one.process.wait()
    assert one.said().split() == ["life", "life"]


def test_a_child_that_was_started_wrongly_ends_the_wait_with_its_last_words(tmp_path):
    class Never:
        def is_set(self):
            return False

        def wait(self, _seconds):
            one.process.wait()

    one = child(tmp_path, "import sys; print('error: it has no token'); sys.exit(2)")
    with pytest.raises(JobError, match="the bot did not start: error: it has no token"):
        serve._until_ready([one], Never())


def test_while_bot_and_worker_wake_it_is_told_how_that_goes(capsys):
    """Who is there, once; what is waited for, every 15 s from the last line on; nothing where all are there."""
    telling = serve.Telling(began_s=100.0, waited_for=["bot", "worker"])
    for second in range(62):
        telling.look(["bot", "worker"] if second < 20 else ["worker"] if second < 60 else [], 100.0 + second)
    assert capsys.readouterr().out.splitlines() == [
        "… 15 s: still starting the bot and loading the models …",
        "… the bot is there after 20 s; loading the models …",
        "… 35 s: still loading the models …",
        "… 50 s: still loading the models …",
    ]


def test_the_wait_for_two_processes_tells_of_the_first(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(serve, "TELL_EVERY_S", 0.3)
    program = "import sys, time; time.sleep(float(sys.argv[1])); print(sys.argv[2], flush=True); time.sleep(60)"
    children = [
        Logged(name=name, command=[sys.executable, "-c", program, wait_s, serve.READY[name]], log=tmp_path / name)
        for name, wait_s in (("bot", "0"), ("worker", "2"))
    ]
    serve._until_ready(children, threading.Event())
    for one in children:
        one.process.kill()
        one.process.wait()
    said = capsys.readouterr().out.splitlines()
    assert any(re.match(r"… the bot is there after \d s; loading the models …", line) for line in said)
    assert any(re.match(r"… \d s: still loading the models …", line) for line in said)


SLOW_STEP_S = 20.0  # of learning, as a newcomer's machine had it


def test_a_cancelled_learning_has_time_for_a_slow_step(tmp_path, emulator):
    """With less the worker leaves, and whoever comes next waits until all models are loaded anew."""
    _bot, worker = serve._children(home.opened(tmp_path / "box"), emulator)
    assert float(worker.command[worker.command.index("--grace") + 1]) > SLOW_STEP_S
    assert serve.LEAVE_S > serve.GRACE_S  # Ctrl-C kills nobody who still has the right to save


STEPPING = """
import signal, sys, time
asked = []
signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
print("begun", flush=True)
while not asked{deaf}:
    time.sleep(0.5)  # a step; the signal ends no sleep
print("saved", flush=True)
"""


@pytest.fixture
def stopped(tmp_path, monkeypatch):
    """A sandbox's end: how long it takes from Ctrl-C on (or a second one), and what the child has said by then."""

    def stop(deaf, presses):
        one = child(tmp_path, STEPPING.format(deaf=deaf))
        one.look(0.0)
        monkeypatch.setattr(serve, "_children", lambda *_: [one])

        def press():
            while "begun" not in one.said():
                time.sleep(0.02)
            for _ in range(presses):
                signal.raise_signal(signal.SIGINT)
                time.sleep(0.3)

        monkeypatch.setitem(serve.READY, "bot", "begun")
        monkeypatch.setattr(serve, "_tell", lambda *_, **__: threading.Thread(target=press).start())
        began_s = time.monotonic()
        assert serve.serve(port=0, browser=False, folder=tmp_path / "box", fresh=False) == 0
        return time.monotonic() - began_s, one.said().split()

    return stop


def test_ctrl_c_ends_the_sandbox_at_the_next_step_not_after_the_whole_grace(stopped, capsys):
    took_s, said = stopped(deaf="", presses=1)
    assert (took_s < serve.GRACE_S / 2, said) == (True, ["begun", "saved"])
    assert "Ctrl-C again stops at once" in capsys.readouterr().out


def test_a_second_ctrl_c_waits_for_no_step(stopped):
    took_s, said = stopped(deaf=" or True", presses=2)
    assert (took_s < serve.GRACE_S / 2, said) == (True, ["begun"])
