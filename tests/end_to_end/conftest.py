"""A tiny profile for a whole command line in a second."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tiny_profile import write_profile


@pytest.fixture(scope="session")
def tiny_toml(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The profile's file, its models beside it: for ``--profile``."""
    return write_profile(tmp_path_factory.mktemp("tiny"))
