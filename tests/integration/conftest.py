"""The profile ``sd15`` as it is, and a hub on the loopback that has its repositories with small random weights."""

import shutil

import pytest
from huggingface_hub import constants

from pipeline.settings import CONFIGS, load_profile
from tests.hub_server import Repo, serving
from tests.tiny_models import write_blip_repo, write_controlnet_repo, write_sd15_repo, write_segformer

WRITERS = {"base": write_sd15_repo, "controlnet": write_controlnet_repo, "caption": write_blip_repo}


@pytest.fixture(scope="module")
def masters(tmp_path_factory):
    """The repositories of the profile, made once."""
    folder = tmp_path_factory.mktemp("repos")
    write_segformer(folder / "segmentation")
    for role, write in WRITERS.items():
        write(folder / role)
    return folder


@pytest.fixture
def profile(masters, tmp_path):
    """configs/sd15.toml as it is, beside the SegFormer that it names."""
    shutil.copy(CONFIGS / "sd15.toml", tmp_path)
    shutil.copytree(masters / "segmentation", tmp_path / "embedded" / "segmentation")
    return load_profile(str(tmp_path / "sd15.toml"))


@pytest.fixture
def served(profile, masters, tmp_path):
    """A hub with the profile's repositories; the folders may be changed by the test."""
    sources = profile.models.by_role()
    repos = []
    for role in WRITERS:
        shutil.copytree(masters / role, tmp_path / "served" / role)
        folder = tmp_path / "served" / role
        repos.append(Repo(name=sources[role].repo, revision=sources[role].revision, folder=folder))
    with serving(*repos) as server:
        yield server


@pytest.fixture
def here(served, tmp_path, monkeypatch):
    """Point this process to the hub; huggingface_hub read its environment long ago, hence its constants."""
    monkeypatch.setattr(constants, "ENDPOINT", served.endpoint)
    template = served.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "home" / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 1)
    return tmp_path / "home" / "hub"
