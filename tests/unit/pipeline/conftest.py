"""A tiny profile with its models loaded, and a style learned with it: made once for all tests of the stages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from pipeline.domain import Pack, Picture, never_stop
from pipeline.gpu import choose_device
from pipeline.intake import load_pack, load_photos
from pipeline.learn import learn_style
from pipeline.models import Models
from pipeline.options import options_of
from pipeline.settings import Profile, load_profile
from tests.tiny_profile import watch_nothing, write_pack, write_photos, write_profile


@dataclass(frozen=True)
class Tiny:
    """What the stages need, on disk and loaded."""

    folder: Path
    profile: Profile
    models: Models
    pack: Pack
    photos: tuple[Picture, ...]
    cache: Path


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tiny]:
    """A profile of 32 px with a ControlNet, a pack of three stickers, three photos."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the models are so small that a second thread costs more than it brings
    folder = tmp_path_factory.mktemp("tiny")
    profile = load_profile(str(write_profile(folder)))
    yield Tiny(
        folder=folder,
        profile=profile,
        models=Models(profile, choose_device("cpu")),
        pack=load_pack(write_pack(folder / "pack")),
        photos=load_photos(write_photos(folder / "photos"))[0],
        cache=folder / "cache",
    )
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def style(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A style learned from the pack; to be looked at only."""
    folder = tmp_path_factory.mktemp("learned") / "style"
    work, options = folder.parent / "work", options_of(tiny.profile)
    learn_style(
        tiny.pack, options, folder, work, tiny.cache, tiny.models, watch=watch_nothing, should_stop=never_stop
    )  # fmt: skip
    return folder
