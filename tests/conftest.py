"""What every test stands on: a cache of its own, no colours, and property tests without a deadline."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# Two busy cores make a slow example, not a wrong one; the same examples in every run make a failure repeatable.
settings.register_profile("house", deadline=None, derandomize=True)
settings.load_profile("house")


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Class pictures, styles and the key of the tests never meet those of the person who runs them."""
    folder = tmp_path_factory.mktemp("cache")
    before = {name: os.environ.get(name) for name in ("STICKERS_CACHE_DIR", "STICKERS_SECRET_KEY_FILE", "NO_COLOR")}
    key = folder / "secret.key"  # made by whoever wants it first
    os.environ |= {"STICKERS_CACHE_DIR": str(folder), "STICKERS_SECRET_KEY_FILE": str(key), "NO_COLOR": "1"}
    yield folder
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
