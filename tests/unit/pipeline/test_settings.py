"""Profiles: every committed one loads, and a wrong key is refused with its path."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import BadSetting, UnknownProfile
from pipeline.settings import CONFIGS, load_profile, profile_names

EMBEDDED = (CONFIGS / "embedded.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", profile_names())
def test_every_committed_profile_loads(name: str) -> None:
    profile = load_profile(name)
    assert profile.name == name
    assert set(profile.models.by_role()) >= {"base", "caption", "segmentation"}


def test_the_default_comes_first() -> None:
    assert profile_names()[0] == "embedded"


def test_an_unknown_profile_names_those_there_are() -> None:
    with pytest.raises(UnknownProfile, match=r"'nope'.*embedded, sd15"):
        load_profile("nope")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[train]", "[train]\nstepz = 3", r"train\.stepz = 3: unknown key"),
        ('title = "', 'name = "mine"\ntitle = "', r"name = 'mine': unknown key"),
        ("steps = 20 ", "steps = 0 ", r"generate\.steps = 0"),
        ("size_px = 128", "size_px = 130", r"size_px = 130"),
        ('path = "embedded"', 'path = "embedded"\nrepo = "a/b"', r"models\.base.*either"),
        ("{caption}", "{caption.x}", r"template.*\{caption\} and \{token\} only"),
        ("{caption}", "a thing", r"lacks \{caption\}"),
        ('title = "', "title = ", "not valid TOML"),
    ],
)
def test_a_wrong_profile_is_refused_with_the_path_of_the_key(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in EMBEDDED
    path = tmp_path / "mine.toml"
    path.write_text(EMBEDDED.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(BadSetting, match=message):
        load_profile(str(path))


def test_a_model_of_the_hub_needs_its_revision(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(EMBEDDED.replace('path = "embedded"', 'repo = "a/b"', 1), encoding="utf-8")
    with pytest.raises(BadSetting, match=r"needs the `revision`"):
        load_profile(str(path))
