"""The caption stage: every photo gets words, in batches, tidied."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import caption as stage
from pipeline.caption import FALLBACK, CaptionConfig, CaptionInputs, caption, tidied
from pipeline.domain import never_stop, no_report
from pipeline.errors import Stopped
from pipeline.framing import on_ground


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("a cat on a mat", "a cat on a mat"),
        ("  a  Cat\n on a mat . ", "a cat on a mat"),
        ("a cat cat cat cat", "a cat"),
        ("a cat and a cat", "a cat and a cat"),
        ("", FALLBACK),
        (" . ", FALLBACK),
    ],
)
def test_captions_are_tidied(raw, clean):
    assert tidied(raw) == clean


@settings(max_examples=40)
@given(st.text())
def test_tidying_leaves_words_and_does_it_once(text):
    clean = tidied(text)
    words = clean.split(" ")
    assert all(words)
    assert not any(one == other for one, other in pairwise(words))
    assert clean == FALLBACK or clean == clean.lower()


def test_every_photo_is_captioned_in_batches(tiny, monkeypatch):
    """Three photos in batches of two: two calls of the model, and the same words as one by one."""
    captioner, sizes, told = tiny.models.caption, [], []
    generate = captioner.model.generate

    def spy(**inputs):
        sizes.append(len(inputs["pixel_values"]))
        return generate(**inputs)

    monkeypatch.setattr(captioner.model, "generate", spy)
    inputs = CaptionInputs(photos=tiny.photos, captioner=captioner)
    captions = caption(
        inputs, CaptionConfig(batch_size=2), report=lambda *done: told.append(done), should_stop=never_stop
    )
    assert sizes == [2, 1]
    assert told == [(2, 3), (3, 3)]
    assert list(captions) == [photo.name for photo in tiny.photos]
    assert captions == caption(inputs, CaptionConfig(batch_size=1), report=no_report, should_stop=never_stop)
    assert all(tidied(words) == words for words in captions.values())


def test_of_what_could_be_said_clip_chooses(tiny, monkeypatch):
    """BLIP's own beams, weighed by hand: log-probability a token plus the weight times CLIP's scaled cosine."""
    judge, photo = tiny.models.clip, tiny.photos[0]
    offered = []
    embedded = stage.embedded_things

    def spy(clip, words):
        offered.append(list(words))
        return embedded(clip, words)

    monkeypatch.setattr(stage, "embedded_things", spy)
    inputs = CaptionInputs(photos=[photo], captioner=tiny.models.caption, judge=judge)
    sure = {"report": no_report, "should_stop": never_stop}
    chosen = caption(inputs, CaptionConfig(agreement=1e6), **sure)[photo.name]
    (words,) = offered
    seen = stage.looked_at(judge, [on_ground(photo.image, CaptionConfig().side_px)])
    nearest = (embedded(judge, words) @ seen[0]).argmax().item()
    assert len(words) == CaptionConfig().beams
    assert chosen == words[nearest]
    unheard = caption(inputs, CaptionConfig(agreement=0.0), **sure)
    alone = CaptionInputs(photos=[photo], captioner=tiny.models.caption)
    assert unheard == caption(alone, CaptionConfig(), **sure)


def test_what_a_person_says_it_is_counts_and_nobody_looks(tiny):
    said = replace(tiny.photos[0], words="A Rocket at night.")
    inputs = CaptionInputs(photos=[said, *tiny.photos[1:]], captioner=tiny.models.caption)
    alone = CaptionInputs(photos=tiny.photos[1:], captioner=tiny.models.caption)
    captions = caption(inputs, CaptionConfig(), report=no_report, should_stop=never_stop)
    assert captions.pop(said.name) == "a rocket at night"
    assert captions == caption(alone, CaptionConfig(), report=no_report, should_stop=never_stop)


def test_it_stops_between_batches(tiny):
    asked = iter([False, True])
    inputs, told = CaptionInputs(photos=tiny.photos, captioner=tiny.models.caption), []
    with pytest.raises(Stopped):
        caption(
            inputs,
            CaptionConfig(batch_size=2),
            report=lambda *done: told.append(done),
            should_stop=lambda: next(asked),
        )
    assert told == [(2, 3)]
