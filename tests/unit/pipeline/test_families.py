"""The table of families serves loading, drawing and training alike."""

import re

import pytest
import torch

from pipeline import settings
from pipeline.errors import BadSetting
from pipeline.families import FAMILIES, family
from pipeline.model_files import BASES
from pipeline.settings import load_profile
from tests.tiny import tiny_parts


def test_unknown_family_is_refused_with_those_that_there_are():
    with pytest.raises(BadSetting, match=r"family = 'flux'.*sd"):
        family("flux")


def test_the_light_tables_name_the_same_families():
    """A profile is refused, and files are chosen, without loading torch."""
    assert set(settings.FAMILIES) == set(FAMILIES) == set(BASES)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_says_all_that_training_and_drawing_ask(name):
    entry = family(name)
    assert entry.name == name
    assert entry.denoiser in entry.components
    assert set(entry.text_encoders) <= set(entry.components)
    assert set(entry.lora_targets) == {entry.denoiser, *entry.text_encoders}


def test_every_layer_name_for_adapters_is_found_in_the_real_architecture():
    parts = tiny_parts()
    for part, endings in FAMILIES["sd"].lora_targets.items():
        names = [name for name, module in parts[part].named_modules() if isinstance(module, torch.nn.Linear)]
        for ending in endings:
            assert any(name.endswith(ending) for name in names), (part, ending)


def test_sd15_is_of_a_known_family_and_pinned_to_commits():
    profile = load_profile("sd15")
    assert profile.family in FAMILIES
    for role, source in profile.models.by_role().items():
        assert source.path or re.fullmatch(r"[0-9a-f]{40}", str(source.revision)), role
        assert source.licence
        assert source.path or source.size_mb
