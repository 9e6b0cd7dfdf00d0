"""The doctor on this machine, and on machines that lack something."""

import json
import sys
from collections import namedtuple

import psutil
import pytest
import torch
from typer.testing import CliRunner

from pipeline.jobs import address
from pipeline.jobs.queue import Jobs
from pipeline.sealed_files import files_of
from pipeline.settings import Settings
from scripts import doctor
from scripts.cli import app
from scripts.doctor import Check, State, examine, healthy
from tests.queue_desk import spec


@pytest.fixture
def settings(tmp_path):
    return Settings(cache_dir=tmp_path / "cache")


def by_name(checks):
    return {check.name: check for check in checks}


def test_this_machine_has_python_torch_and_a_device(settings):
    checks = by_name(examine(settings))
    assert {"Python", "torch", "device", "memory", "cache", "profile embedded", "profile sd15"} <= set(checks)
    for name in ("Python", "torch", "device", "cache"):
        assert checks[name].state is State.GOOD
    assert torch.__version__ in checks["torch"].found


def test_whatever_is_wrong_comes_with_what_to_do(settings):
    assert all(check.to_do for check in examine(settings) if check.state is not State.GOOD)


def test_only_what_the_default_profile_needs_is_bad():
    good, note, bad = (Check(name="x", state=state, found="") for state in (State.GOOD, State.NOTE, State.BAD))
    assert healthy([good, note])
    assert not healthy([good, bad])


def test_a_lack_of_sd15_does_not_make_the_machine_unfit(settings):
    assert by_name(doctor.models())["profile sd15"].state is not State.BAD


def test_the_exit_code_and_the_json_agree(monkeypatch, tmp_path):
    monkeypatch.setenv("STICKERS_CACHE_DIR", str(tmp_path))
    done = CliRunner().invoke(app, ["doctor", "--json"])
    found = json.loads(done.stdout)
    assert done.exit_code == (0 if found["healthy"] else 1)
    assert found["healthy"] == all(check["state"] != "bad" for check in found["checks"])


def test_another_python_is_bad(monkeypatch):
    monkeypatch.setattr(sys, "version_info", namedtuple("V", "major minor micro")(3, 9, 1))
    assert doctor.python().state is State.BAD


def test_a_torch_that_does_not_load_is_a_finding(monkeypatch, settings):
    monkeypatch.setitem(sys.modules, "torch", None)
    (check,) = doctor.torch_and_device(settings)
    assert check.state is State.BAD
    assert "cannot be loaded" in check.found


def test_a_device_that_is_not_there_is_bad():
    name = "mps" if not torch.backends.mps.is_available() else "cuda"
    checks = by_name(doctor.torch_and_device(Settings(device=name)))
    assert checks["device"].state is State.BAD
    assert repr(name) in checks["device"].found


def test_little_memory_is_a_note(monkeypatch):
    memory = namedtuple("Memory", "available total")(1_000_000_000, 2_000_000_000)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    check = doctor.memory()
    assert check.state is State.NOTE
    assert "1.0 of 2.0 GB" in check.found


def test_a_cache_that_cannot_be_written_is_bad(tmp_path):
    (tmp_path / "file").touch()
    (cache, _) = doctor.disk(Settings(cache_dir=tmp_path / "file"))
    assert cache.state is State.BAD
    assert str(tmp_path / "file") in cache.found


def test_the_queue_and_the_data_folder_are_looked_at_and_neither_is_made(tmp_path):
    """Which queue, is there one, what is in it; a password is not shown; whatever is wrong comes with what to do."""
    settings = Settings(data_dir=tmp_path / "data")
    checks = by_name(doctor.service(settings))
    assert {check.state for check in checks.values()} == {State.GOOD}
    assert f"no queue yet at '{tmp_path}/data/queue.sqlite'" in checks["queue"].found
    assert f"{tmp_path}/data, " in checks["data folder"].found
    assert not (tmp_path / "data").exists()
    with Jobs(settings.queue) as jobs:
        assert "queue.sqlite answers: no job yet" in doctor.queue(settings).found
        jobs.submit(spec("a"))
        jobs.submit(spec("b"))
        jobs.cancel("b")
        assert "queue.sqlite answers: 1 queued, 1 cancelled" in doctor.queue(settings).found


@pytest.mark.parametrize("url", ["postgresql://ann:secret@127.0.0.1:1/stickers", "mysql://ann:secret@h/d"])
def test_a_queue_that_cannot_be_used_is_a_note_with_what_to_do(url):
    check = doctor.queue(Settings(queue_url=url))
    assert (check.state, "secret" in check.found) == (State.NOTE, False)
    assert "STICKERS_QUEUE_URL" in check.to_do


def test_a_damaged_queue_is_a_note_and_what_to_do_about_that(tmp_path):
    """Not to start a server; and whatever else the queue does, the other checks are shown."""
    (tmp_path / "queue.sqlite").write_bytes(b"this is no database" * 99)
    settings = Settings(data_dir=tmp_path)
    check = doctor.queue(settings)
    assert "is damaged" in check.found
    assert check.to_do.startswith("stop bot and workers")
    assert "start its server" not in check.to_do


def test_whatever_the_queue_does_the_other_checks_are_shown(tmp_path, monkeypatch):
    monkeypatch.setattr(address, "connected", lambda *_, **__: 1 / 0)
    check = by_name(doctor.service(Settings(data_dir=tmp_path)))["queue"]
    assert (check.state, check.found) == (State.NOTE, "cannot be looked at: ZeroDivisionError")


def test_a_data_folder_that_cannot_be_written_is_a_note(tmp_path):
    (tmp_path / "file").touch()
    checks = by_name(doctor.service(Settings(data_dir=tmp_path / "file")))
    assert checks["data folder"].state is State.NOTE
    assert "STICKERS_DATA_DIR" in checks["data folder"].to_do


def test_xformers_is_a_want_where_cuda_is_and_nothing_elsewhere():
    assert doctor.xformers("cpu").state is State.GOOD
    assert doctor.xformers("cuda").state in (State.GOOD, State.NOTE)


def test_the_key_is_looked_at_and_none_is_made(tmp_path, monkeypatch):
    """Where it would be made, where it is; one that does not fit is a note with what to do."""
    monkeypatch.delenv("STICKERS_SECRET_KEY_FILE")
    settings = Settings(data_dir=tmp_path / "data")
    check = doctor.key(settings)
    assert (check.state, str(tmp_path / "data.key") in check.found) == (State.GOOD, True)
    assert not (tmp_path / "data.key").exists()
    files_of(settings)
    assert "keep a copy apart" in doctor.key(settings).found
    (tmp_path / "data.key").unlink()
    check = doctor.key(settings)
    assert check.state is State.NOTE
    assert "are sealed, and there is no key" in check.found
    assert check.to_do
