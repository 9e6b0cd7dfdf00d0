"""What a person asks for: defaults from the profile, ranges, sentences, and what becomes of their prompt."""

import math

import pytest

from pipeline.domain import Method
from pipeline.errors import BadSetting
from pipeline.options import MAX_COUNT, MAX_SEED, options_of, strength_of
from pipeline.settings import Models, ModelSource, Profile

NOWHERE = ModelSource(path=".")
TEMPLATE = "a telegram sticker of {caption}, {token} style"


@pytest.fixture
def profile(tmp_path):
    models = Models(base=NOWHERE, caption=NOWHERE, segmentation=NOWHERE)
    return Profile(name="p", folder=tmp_path, title="", family="sd", licence="", size_px=64, models=models)


def test_what_is_left_out_comes_from_the_profile(profile):
    options = options_of(profile)
    assert (options.method, options.train_steps) == (profile.train.method, profile.train.steps)
    assert (options.steps, strength_of(options, lined=False), options.guidance) == (20, 0.7, 5.0)
    assert (options.template, options.outline_px, options.export_rank) == (TEMPLATE, 0, None)
    assert (options.count, options.seed) == (1, 0)


def test_a_picture_with_the_packs_lines_is_changed_less_unless_asked_otherwise(profile):
    """Where the profile draws lines; one that draws none has one strength for all."""
    assert strength_of(options_of(profile), lined=True) == 0.7
    lining = profile.model_copy(update={"generate": profile.generate.model_copy(update={"line_strength": 0.3})})
    assert strength_of(options_of(lining), lined=True) == 0.3
    assert strength_of(options_of(lining), lined=False) == 0.7
    assert strength_of(options_of(lining, strength=0.9), lined=True) == 0.9
    with pytest.raises(BadSetting, match=r"steps = 2 at strength 0\.3 leave no step"):
        options_of(lining, steps=2)


def test_zero_is_a_value_not_a_default(profile):
    options = options_of(profile, guidance=0, outline=0, seed=0)
    assert (options.guidance, options.outline_px, options.seed) == (0, 0, 0)


@pytest.mark.parametrize(
    ("option", "lowest", "highest", "step"),
    [
        ("train_steps", 1, 100_000, 1),
        ("steps", 2, 1000, 1),  # at strength 0.7, one step would leave none to run
        ("strength", 0.05, 1, 0.05),
        ("guidance", 0, 50, 0.1),
        ("count", 1, MAX_COUNT, 1),
        ("seed", 0, MAX_SEED, 1),
        ("outline", 0, 64, 1),
    ],
)
def test_the_range_of_each_option(profile, option, lowest, highest, step):
    """Both ends are taken; one step beyond is refused in a sentence with the option's name and the value."""
    for value in (lowest, highest):
        options_of(profile, **{option: value})
    for value in (lowest - step, highest + step):
        name = option.replace("_", "-")
        with pytest.raises(BadSetting, match=f"{name}.* {value!r}") as error:
            options_of(profile, **{option: value})
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("option", ["strength", "guidance"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused(profile, option, value):
    with pytest.raises(BadSetting, match=option):
        options_of(profile, **{option: value})


@pytest.mark.parametrize("name", ["sdxl", "", "LoRA"])
def test_an_unknown_method_is_told_what_there_is(profile, name):
    with pytest.raises(BadSetting, match=f"unknown method {name!r}; choose one of lora, dreambooth"):
        options_of(profile, method=name)


def test_strength_that_leaves_no_step_is_refused(profile):
    with pytest.raises(BadSetting, match=r"steps = 9 at strength 0\.1 leave no step"):
        options_of(profile, steps=9, strength=0.1)
    assert options_of(profile, steps=10, strength=0.1).steps == 10


def test_export_rank_is_for_full_fine_tunes(profile):
    assert options_of(profile, method="dreambooth", export_rank=8).export_rank == 8
    assert options_of(profile, method="dreambooth").method is Method.DREAMBOOTH
    with pytest.raises(BadSetting, match="export-rank is for --method dreambooth"):
        options_of(profile, method="lora", export_rank=8)
    with pytest.raises(BadSetting, match="export-rank = 0"):
        options_of(profile, method="dreambooth", export_rank=0)


@pytest.mark.parametrize(
    ("prompt", "template"),
    [
        (None, TEMPLATE),
        (" ", TEMPLATE),
        ("{caption} with a hat", "a telegram sticker of {caption} with a hat, {token} style"),
        ("a hat", "a telegram sticker of {caption}, a hat, {token} style"),
        ("{caption} in {token}", "{caption} in {token}"),
        ("drawn in {token}", "{caption}, drawn in {token}"),
        ("{{curly}} {caption}", "a telegram sticker of {{curly}} {caption}, {token} style"),
    ],
)
def test_a_prompt_keeps_the_caption_and_the_word_that_calls_the_style(profile, prompt, template):
    assert options_of(profile, prompt=prompt).template == template


@pytest.mark.parametrize(
    "prompt",
    ["{photo}", "{caption", "}", "{}", "{0}", "{caption.upper}", "{caption!r}", "{caption:>99}", "{caption[0]}"],
)
def test_a_prompt_with_other_braces_is_refused(profile, prompt):
    with pytest.raises(BadSetting, match=r"may use \{caption\} and \{token\}") as error:
        options_of(profile, prompt=prompt)
    assert repr(prompt) in str(error.value)
