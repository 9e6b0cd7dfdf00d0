"""The generate stage: seeds and prompts, what a draft depends on, progress, previews and stopping."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pipeline.domain import never_stop, no_report
from pipeline.errors import BadSetting, Stopped
from pipeline.generate import GenerateConfig, GenerateInputs, generate, prompt_of, seed_of, structure_arguments
from pipeline.models import Models
from tests.tiny_profile import SIZE_PX

CONFIG = GenerateConfig(
    scheduler="ddim",
    steps=4,
    strength=0.75,
    guidance=2.0,
    structure_scale=1.0,
    template="{token} {caption}",
    token="sks",
    negative="",
    seed=0,
    size_px=SIZE_PX,
)


def inputs_of(tiny, *numbers, variants=None, captions=None):
    photos = [tiny.photos[number] for number in numbers]
    return GenerateInputs(
        photos=photos,
        captions=captions or {photo.name: "a cat" for photo in photos},
        variants=variants or [0] * len(photos),
        names=[f"draft{place}" for place in range(len(photos))],
        models=tiny.models,
    )


def drawn(inputs, config=CONFIG, report=no_report, should_stop=never_stop):
    return generate(inputs, config, report=report, should_stop=should_stop)


def pixels(draft):
    return np.asarray(draft.image, dtype=int)


def test_the_seed_is_a_digest_of_seed_photo_and_variant():
    assert seed_of(7, "cat", 2) == int(hashlib.sha256(b"7/cat/2").hexdigest()[:8], 16)


@given(st.integers(0, 2**32 - 1), st.text(max_size=9), st.integers(0, 31))
def test_seeds_differ_by_each_of_them_and_fit_a_generator(seed, name, variant):
    one = seed_of(seed, name, variant)
    assert 0 <= one < 2**32
    assert one not in {
        seed_of(seed + 1, name, variant),
        seed_of(seed, name + "x", variant),
        seed_of(seed, name, variant + 1),
    }


def test_a_caption_with_braces_is_no_template():
    assert prompt_of("{caption}, {token} style", "a {token} {0}", "sks") == "a {token} {0}, sks style"


def test_drafts_tell_what_they_were_made_of(tiny):
    captions = {tiny.photos[0].name: "a dog", tiny.photos[1].name: "a cat"}
    drafts = drawn(inputs_of(tiny, 0, 1, captions=captions))
    assert [draft.name for draft in drafts] == ["draft0", "draft1"]
    assert [draft.photo for draft in drafts] == [photo.name for photo in tiny.photos[:2]]
    assert [draft.prompt for draft in drafts] == ["sks a dog", "sks a cat"]
    assert [draft.seed for draft in drafts] == [seed_of(0, photo.name, 0) for photo in tiny.photos[:2]]
    assert {(draft.image.mode, draft.image.size) for draft in drafts} == {("RGB", (SIZE_PX, SIZE_PX))}


def test_a_draft_does_not_depend_on_the_photos_beside_it(tiny):
    """Bit by bit in a batch of one size, whoever sits there and in what order; alone up to rounding."""
    first = pixels(drawn(inputs_of(tiny, 0, 1))[0])
    assert np.array_equal(first, pixels(drawn(inputs_of(tiny, 0, 2))[0]))
    assert np.array_equal(first, pixels(drawn(inputs_of(tiny, 2, 0))[1]))
    assert np.abs(first - pixels(drawn(inputs_of(tiny, 0))[0])).max() <= 2


def test_a_draft_depends_on_seed_variant_words_and_photo(tiny):
    same = pixels(drawn(inputs_of(tiny, 0))[0])
    others = [
        drawn(inputs_of(tiny, 0), replace(CONFIG, seed=1)),
        drawn(inputs_of(tiny, 0, variants=[1])),
        drawn(inputs_of(tiny, 0), replace(CONFIG, token="xyz")),
        drawn(inputs_of(tiny, 0), replace(CONFIG, negative="ugly")),
        drawn(inputs_of(tiny, 0), replace(CONFIG, structure_scale=0.0)),
        drawn(inputs_of(tiny, 1)),
    ]
    assert all(not np.array_equal(same, pixels(other[0])) for other in others)
    assert np.array_equal(same, pixels(drawn(inputs_of(tiny, 0))[0]))


def test_every_step_is_reported_with_a_preview_now_and_then(tiny):
    told = []
    drawn(
        inputs_of(tiny, 0, 1),
        replace(CONFIG, steps=4, strength=1.0, preview_every=2),
        report=lambda done, total, preview: told.append((done, total, preview)),
    )
    assert [(done, total) for done, total, _ in told] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert [preview is not None for *_, preview in told] == [False, True, False, True]
    assert {preview.size for *_, preview in told if preview} == {(SIZE_PX, SIZE_PX)}


def test_strength_says_how_many_steps_are_taken(tiny):
    told = []
    drawn(inputs_of(tiny, 0), replace(CONFIG, strength=0.5), report=lambda done, total, preview: told.append(done))
    assert told == [1, 2]  # of 4


def test_it_stops_at_a_step(tiny):
    asked, told = iter([False, True]), []
    with pytest.raises(Stopped):
        drawn(
            inputs_of(tiny, 0), report=lambda done, total, preview: told.append(done), should_stop=lambda: next(asked)
        )
    assert told == [1]


def test_an_unknown_scheduler_is_refused(tiny):
    with pytest.raises(BadSetting, match="'warp9'"):
        drawn(inputs_of(tiny, 0), replace(CONFIG, scheduler="warp9"))


def test_a_profile_without_controlnet_needs_no_map(tiny):
    sources = tiny.profile.models.model_copy(update={"controlnet": None})
    plain = Models(tiny.profile.model_copy(update={"models": sources}), tiny.models.device)
    square = Image.new("RGB", (SIZE_PX, SIZE_PX), "white")
    assert structure_arguments(plain, [square], size_px=SIZE_PX, scale=1.0) == {}
    arguments = structure_arguments(tiny.models, [square], size_px=SIZE_PX, scale=0.5)
    assert arguments["controlnet_conditioning_scale"] == 0.5
    assert [map_.size for map_ in arguments["control_image"]] == [(SIZE_PX, SIZE_PX)]
    assert drawn(replace(inputs_of(tiny, 0), models=plain))[0].image.size == (SIZE_PX, SIZE_PX)
