"""What ``stickers bot`` refuses, in a sentence and before anything is called, with no secret in it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.errors import BadSetting
from scripts.service import answer

TOKEN = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1"
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def here(monkeypatch, tmp_path):
    monkeypatch.setenv("STICKERS_DATA_DIR", str(tmp_path / "data"))
    return tmp_path


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "the bot has no token"),
        ({"BOT_TOKEN": TOKEN, "BOT_API": "http://example.org"}, "STICKERS_BOT_API"),
        ({"BOT_TOKEN": TOKEN, "SECRET_KEY": "hunter2"}, "the secret key cannot be used"),
        ({"BOT_TOKEN": TOKEN, "BOT_WEBHOOK_URL": "https://example.org/"}, "STICKERS_BOT_WEBHOOK_SECRET"),
    ],
)
def test_what_is_set_wrongly_is_told_and_no_queue_is_begun(here, monkeypatch, values, words):
    for name, value in values.items():
        monkeypatch.setenv(f"STICKERS_{name}", value)
    with pytest.raises(BadSetting) as caught:
        answer.answer(None, with_parent=False, log=None)
    assert words in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert not (here / "data").exists()


def test_the_log_form_is_checked(here, monkeypatch):
    monkeypatch.setenv("STICKERS_BOT_TOKEN", TOKEN)
    with pytest.raises(BadSetting, match="log = 'xml'"):
        answer.answer(None, with_parent=False, log="xml")


def test_the_command_loads_no_telegram_until_it_runs():
    program = "import sys, scripts.service.bot; print([m for m in ('telegram', 'torch', 'dbos') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=os.environ, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_bot_loads_no_torch():
    program = "import sys, bot.app; print([m for m in ('torch', 'diffusers') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
