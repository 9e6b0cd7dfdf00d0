"""Wrong options, profiles and settings of the environment: one clear sentence, exit code 2, and nothing is made."""

import json

import pytest

from pipeline.settings import load_profile
from scripts import commands, doctor
from tests.end_to_end.desk import refused


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--profile", "sd99"], "unknown profile 'sd99'; there are embedded"),
        (["--method", "magic"], "unknown method 'magic'; choose one of lora, dreambooth"),
        (["--strength", "2"], "strength = 2.0: must be between"),
        (["--prompt", "{hat}"], "'{hat}' may use {caption} and {token}"),
        (["--prompt", "{caption!r:>999999999}"], "may use {caption} and {token} in braces, and nothing else"),
        (["--prompt", "{caption:>99999}"], "may use {caption} and {token} in braces, and nothing else"),
        (["--hat"], "No such option"),
    ],
)
def test_a_wrong_word(desk, words, sentence):
    profile = [] if words[0] == "--profile" else desk.profile
    refused(desk, "make", desk.pack, *desk.photos, "--out", desk.out, *profile, *words, sentence=sentence)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("rank = 2", "rank = 2\nstepz = 3", "own.toml: train.stepz = 3: unknown key"),
        ("rank = 2", "rank = 0", r"own.toml: train\.rank = 0: "),
        ("[train]", "[train", "own.toml: not valid TOML"),
        ('family = "sd"', "", "own.toml: family: "),
        ('family = "sd"', 'family = "flux"', "own.toml: family = 'flux': unknown; choose one of sd"),
        ("steps = 2\n", 'steps = 2\nscheduler = "magic"\n', "own.toml: generate.scheduler = 'magic': unknown; .*ddim"),
        ("[train]", '[prompt]\ntemplate = "{caption:>99999}"\n[train]', "template .*braces, and nothing else"),
    ],
)
def test_a_wrong_profile_is_told_by_the_path_of_its_key(desk, tiny_toml, old, new, sentence):
    own = desk.tmp / "own.toml"
    own.write_text(tiny_toml.read_text().replace(old, new, 1))
    refused(desk, "make", desk.pack, *desk.photos, "--out", desk.out, "--profile", own, sentence=sentence)


def test_models_whose_folder_is_not_there(desk, tiny_toml):
    """Told at once, with the folder that was looked for."""
    own = desk.tmp / "own.toml"
    own.write_text(tiny_toml.read_text())
    sentence = rf"own.toml: models\.base\.path = 'models': there is no folder '{desk.tmp}/models'; .*profile's file"
    for words in (["make", desk.pack, *desk.photos, "--out", desk.out, "--profile", own], ["models", "pull", own]):
        refused(desk, *words, sentence=sentence)


def test_models_of_which_a_file_is_not_there(desk, tiny_toml):
    own = desk.tmp / "own.toml"
    own.write_text(tiny_toml.read_text())
    for role in ("controlnet", "caption", "segmentation", "clip"):
        (desk.tmp / "models" / role).mkdir(parents=True)
    sentence = "profile 'own': the base model .* lacks .*json.*; copy the whole model to"
    refused(desk, "make", desk.pack, *desk.photos, "--out", desk.out, "--profile", own, sentence=sentence)


def test_a_list_of_models_shows_a_profile_whose_weights_are_gone(desk, monkeypatch):
    """As not ready, with the way to mend it; the doctor says the same and does not crash either."""
    real = load_profile

    def lost(name="embedded"):
        profile = real(name)
        gone = profile.models.base.model_copy(update={"path": "gone", "repo": None})
        return profile.model_copy(update={"models": profile.models.model_copy(update={"base": gone})})

    for module in (commands, doctor):
        monkeypatch.setattr(module, "load_profile", lost)
    listed = desk.stickers("models", "--json")
    assert listed.exit_code == 0
    embedded = json.loads(listed.stdout)["profiles"][0]
    assert (embedded["name"], embedded["ready"]) == ("embedded", False)
    assert "git checkout -- configs" in embedded["to_do"]
    examined = desk.stickers("doctor", "--json")
    assert examined.exit_code == 1
    found = {check["name"]: check["found"] for check in json.loads(examined.stdout)["checks"]}
    assert found["profile embedded"].startswith("base lacks ")


@pytest.mark.parametrize("name", ["tpu", "cuda:1", "GPU"])
def test_an_unknown_device(desk, monkeypatch, name):
    monkeypatch.setenv("STICKERS_DEVICE", name)
    sentence = f"device = '{name}': unknown; let STICKERS_DEVICE be one of auto, cuda, mps, cpu"
    refused(desk, "make", desk.pack, *desk.photos, "--out", desk.tmp / "new", *desk.profile, sentence=sentence)


def test_a_device_that_is_not_here(desk, monkeypatch):
    """Torch alone can tell; still no folder is made."""
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    monkeypatch.setenv("STICKERS_DEVICE", "mps")
    new = desk.tmp / "new"
    refused(
        desk, "cutout", *desk.photos, "--out", new, *desk.profile, sentence="'mps': torch .* finds none", woken=True
    )
    assert not new.exists()
