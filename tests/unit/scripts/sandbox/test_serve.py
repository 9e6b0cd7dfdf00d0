"""`stickers sandbox`: what it starts, with which environment and folder, and what it says where it cannot."""

import socket
import sys

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
