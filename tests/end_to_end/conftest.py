"""A tiny profile for a whole command line in a second, and a desk with something to lose."""

from __future__ import annotations

import shutil
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from scripts.cli import app
from tests.tiny_profile import write_pack, write_photos, write_profile

BROWSER = shutil.which("chromium")  # Debian's; Playwright's own is not fetched


@pytest.fixture(scope="session")
def tiny_toml(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The profile's file, its models beside it: for ``--profile``."""
    return write_profile(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def desk(tmp_path: Path, tiny_toml: Path) -> types.SimpleNamespace:
    """A good pack, good photos, results of an earlier job, and the command line in this process."""
    out = tmp_path / "out"
    (out / "stickers").mkdir(parents=True)
    (out / "stickers" / "old.png").write_bytes(b"an earlier sticker")
    (out / "report.json").write_text("{}")
    (out / "mine.txt").write_text("notes")
    profile = ["--profile", tiny_toml]

    def stickers(*words: object):
        return CliRunner().invoke(app, [str(word) for word in words])

    pack, photos = write_pack(tmp_path / "pack"), write_photos(tmp_path / "photos")
    return types.SimpleNamespace(tmp=tmp_path, out=out, pack=pack, photos=photos, profile=profile, stickers=stickers)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser, where the machine has one."""
    sync_api = pytest.importorskip("playwright.sync_api")
    if BROWSER is None:
        pytest.skip("no chromium on this machine")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])  # root has none
        yield browser
        browser.close()
