"""The door of the command line: whatever comes through it leaves as a sentence and an exit code."""

import errno
import sys

import pytest

from scripts import commands
from scripts.cli import app
from scripts.door import BROKEN, STOPPED_EARLY, WRONG_REQUEST


def leaves(monkeypatch, error):
    """The exit code of a command that raises ``error``."""

    def broken(**_):
        raise error

    monkeypatch.setattr(commands, "doctor", broken)
    with pytest.raises(SystemExit) as caught:
        app(["doctor"])
    return caught.value.code


def test_a_name_too_long_for_the_system_is_a_wrong_request(monkeypatch, capsys):
    assert leaves(monkeypatch, OSError(errno.ENAMETOOLONG, "File name too long", "x" * 300)) == WRONG_REQUEST
    told = capsys.readouterr().err
    assert "File name too long" in told
    assert len(told.splitlines()) == 1


def test_another_error_of_the_system_leaves_a_log(monkeypatch, tmp_path):
    monkeypatch.setenv("STICKERS_CACHE_DIR", str(tmp_path))
    assert leaves(monkeypatch, OSError(errno.EIO, "Input/output error", "disk")) == BROKEN
    assert list((tmp_path / "logs").iterdir())


def test_an_early_ctrl_c_leaves_without_a_traceback(monkeypatch, capsys):
    assert leaves(monkeypatch, KeyboardInterrupt()) == STOPPED_EARLY
    assert "Traceback" not in capsys.readouterr().err


def test_a_closed_stdout_is_no_error(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(SystemExit) as caught:
        app(["--version"])
    assert caught.value.code == 0


@pytest.mark.parametrize(
    "given", [["--url", "postgresql://ann:secret@h/d"], ["--url=postgresql://h/d?password=secret"]]
)
def test_a_log_does_not_keep_the_queue_s_address(monkeypatch, tmp_path, capsys, given):
    """Neither in the command line, nor in the traceback."""
    monkeypatch.setenv("STICKERS_CACHE_DIR", str(tmp_path))

    def broken(url, _):
        raise RuntimeError(f"no way to {url}")

    monkeypatch.setattr("scripts.service.desk.opened", broken)
    with pytest.raises(SystemExit):
        app(["jobs", "dead", *given])
    (log,) = (tmp_path / "logs").iterdir()
    kept = log.read_text(encoding="utf-8")
    assert kept.startswith("stickers jobs dead --url")
    assert "RuntimeError: no way to …" in kept
    assert "secret" not in kept + capsys.readouterr().err
