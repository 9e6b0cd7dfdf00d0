"""The emulator as an object: light to load, on loopback only, gone when stopped, honest about its own bugs."""

import socket
import subprocess
import sys
import threading

import httpx
import pytest

from scripts.sandbox.emulator import Emulator
from scripts.sandbox.emulator.methods import METHODS


def test_it_loads_no_heavy_library_and_no_telegram_library():
    program = (
        "import sys, scripts.sandbox.emulator; print(sorted({'torch', 'telegram', 'transformers'} & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_it_listens_on_loopback_and_leaves_neither_thread_nor_port():
    before = threading.active_count()
    with Emulator() as emulator:
        emulator.faults.add("timeout_after_effect", "getMe", seconds=60)
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(f"{emulator.base_url}{emulator.token}/getMe", timeout=0.2)
        port = int(emulator.url.rpartition(":")[2])
    assert threading.active_count() == before
    with socket.socket() as again:
        assert again.connect_ex(("127.0.0.1", port)) != 0


def test_a_bug_of_its_own_is_a_violation_and_not_an_answer(emulator, api, monkeypatch):
    monkeypatch.setattr("scripts.sandbox.emulator.dispatch.METHODS", {**METHODS, "getMe": lambda _: 1 / 0})
    assert api.http.get(f"{api.url}/getMe").status_code == 500
    assert [(one.rule, one.text) for one in emulator.check()] == [
        ("emulator", "getMe: ZeroDivisionError: division by zero")
    ]


def test_a_bots_token_is_not_in_its_repr(emulator):
    assert emulator.token not in repr(emulator.bot)


def test_the_same_port_and_token_can_be_kept_for_a_bot_that_comes_back():
    with Emulator() as first:
        token, port = first.token, int(first.url.rpartition(":")[2])
    with Emulator(token=token, port=port) as second:
        assert httpx.get(f"http://127.0.0.1:{port}/bot{token}/getMe").json()["ok"] is True
        assert second.token == token
