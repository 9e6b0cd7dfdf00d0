"""Profiles: every committed one loads, and a wrong key is refused with its path."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from pipeline.errors import BadSetting, UnknownProfile
from pipeline.jobs import address
from pipeline.jobs.dispatch import engine_address
from pipeline.settings import CONFIGS, DEVICES, Settings, check_device, check_paths, load_profile, profile_names

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
        ("{caption}", "{caption.x}", r"template .*may use \{caption\} and \{token\} in braces, and nothing else"),
        ("{caption}", "{caption!r:>999999999}", r"template .*and nothing else"),
        ("{caption}", "{caption:>99999}", r"template .*and nothing else"),
        ("{token}", "{token:{caption}}", r"template .*and nothing else"),
        ("{caption}", "{caption:}", r"lacks \{caption\}"),
        ('family = "sd"', 'family = "flux"', r"mine\.toml: family = 'flux': unknown; choose one of sd"),
        ('"ddim"', '"magic"', r"mine\.toml: generate\.scheduler = 'magic': unknown; choose one of ddim, .*unipc"),
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


def test_a_folder_that_is_not_there_is_no_matter_of_loading_but_of_running(tmp_path: Path) -> None:
    """A list can show the profile; a command is told key, value, the folder that was looked for, and what to do."""
    path = tmp_path / "mine.toml"
    path.write_text(EMBEDDED, encoding="utf-8")
    for folder in ("embedded", "embedded/controlnet", "embedded/segmentation", "embedded/text_encoder"):
        (tmp_path / folder).mkdir(parents=True)
    mine = load_profile(str(path))
    sentence = (
        rf"mine\.toml: models\.caption\.path = 'embedded/caption': there is no folder '{tmp_path}/embedded/caption'"
    )
    with pytest.raises(BadSetting, match=rf"{sentence}; `path` is relative to the profile's file"):
        check_paths(mine)
    (tmp_path / "embedded/caption").touch()
    with pytest.raises(BadSetting, match=sentence):  # a file is no folder
        check_paths(mine)
    (tmp_path / "embedded/caption").unlink()
    (tmp_path / "embedded/caption").mkdir()
    check_paths(mine)


def test_of_the_project_s_own_profiles_the_advice_is_the_repository() -> None:
    own = load_profile()
    check_paths(own)
    lost = own.models.model_copy(update={"base": own.models.base.model_copy(update={"path": "gone"})})
    with pytest.raises(BadSetting, match=r"restore it from the project's repository \(`git checkout -- configs`\)"):
        check_paths(own.model_copy(update={"models": lost}))


def test_devices_are_known_by_name() -> None:
    for name in DEVICES:
        check_device(name)
    for name in ("tpu", "cuda:1", "CPU", ""):
        with pytest.raises(BadSetting, match=rf"device = {name!r}: unknown; let STICKERS_DEVICE be one of auto, cuda"):
            check_device(name)


@pytest.mark.parametrize("folder", ["d%42ta", "da?ta", "a#b &c", "a::b"])
def test_the_queue_s_file_is_in_the_data_folder_whatever_its_name(tmp_path: Path, folder: str) -> None:
    """The address, read as the queue and its engine read it, leads there."""
    url = address.parsed(Settings(data_dir=tmp_path / folder).queue)
    assert url.database == str(tmp_path / folder / "queue.sqlite")
    assert address.parsed(engine_address(url)).database == url.database


@pytest.mark.parametrize("days", ["inf", "nan", "1e300", "36501", "0", "-1"])
def test_what_is_kept_is_kept_for_a_time_that_ends(monkeypatch: pytest.MonkeyPatch, days: str) -> None:
    monkeypatch.setenv("STICKERS_KEEP_DAYS", days)
    with pytest.raises(ValidationError, match="keep_days"):
        Settings()
