"""What words name, found in two languages, and drawn."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pipeline import motifs
from pipeline.emoji_names import bare
from pipeline.errors import BadInput
from pipeline.motifs import drawn_from_words, motif_of, stem


@pytest.mark.parametrize(
    ("words", "emoji"),
    [
        ("cat", "🐈"),
        ("a cat in a hat", "🐈"),
        ("the old red car", "🚗"),
        ("a racing car", "🏎"),
        ("red apple", "🍎"),
        ("green apple", "🍏"),
        ("happy dogs with a ball", "🐕"),
        ("a robot drinking coffee", "🤖"),
        ("cup of coffee", "☕"),
        ("heart", "❤"),
        ("a heart with an arrow", "💘"),
        ("Please draw me a DRAGON breathing fire!", "🐉"),
        ("кот", "🐈"),
        ("рыжего кота в шляпе", "🐈"),
        ("нарисуй, пожалуйста, дракона", "🐉"),
        ("спящая лиса", "🦊"),
        ("чашка кофе", "☕"),
        ("чёрная машина у дома", "🚗"),
        ("дом на холме", "🏠"),
        ("собачка", "🐕"),
        ("лисичка", "🦊"),  # of one root with лисица, which the stemmer does not see
        ("сердечко", "❤"),
    ],
)
def test_the_thing_is_what_stands_before_in_with_and_on(words: str, emoji: str) -> None:
    found = motif_of(words)
    assert found is not None
    assert bare(found.emoji) == emoji


def test_an_emoji_says_it_best_whatever_its_skin_and_form() -> None:
    assert [motif_of(words).emoji for words in ("🐧 and a cat", "👋🏽", "❤")] == ["🐧", "👋", "❤️"]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "words", ["", "xyzzy", "абракадабра", "the of and", "…!?", "\u202e", "in", "b", "<b>&lt;</b>", "q" * 4096]
)
def test_what_nothing_is_known_by_names_nothing(words: str) -> None:
    assert motif_of(words) is None


def test_every_motif_is_found_by_its_own_name_or_one_like_it() -> None:
    """Some share a name's stems; never does a name lead to a thing that has no word of it."""
    strayed = []
    for entry in motifs._entries():
        found = motif_of(entry.motif.name)
        if found is None or not {*map(stem, entry.motif.name.lower().split())} & {
            *map(stem, found.name.lower().split())
        }:
            strayed.append((entry.motif.name, found and found.name))
    assert len(motifs._entries()) > 1500
    assert len(strayed) <= 0.02 * len(motifs._entries()), strayed


def test_a_drawing_has_the_side_asked_for_a_clear_ground_and_a_margin() -> None:
    motif = motif_of("rocket")
    assert motif is not None
    alpha = np.asarray(motif.drawn(200))[..., 3]
    rows, columns = np.nonzero(alpha > 8)
    assert alpha.shape == (200, 200)
    assert 0.15 < (alpha > 128).mean() < 0.85
    assert min(rows.min(), columns.min(), 199 - rows.max(), 199 - columns.max()) >= 0.04 * 200


def test_a_picture_from_words_bears_them_and_is_another_for_other_words() -> None:
    one, other = (drawn_from_words(words, name="x") for words in ("a  cat in a hat", "a cat asleep"))
    assert (one.words, one.name, one.image.mode) == ("a cat in a hat", "x", "RGBA")
    assert one.image.tobytes() == other.image.tobytes()
    assert one.sha256 != other.sha256


def test_words_for_nothing_are_shown_in_the_error() -> None:
    with pytest.raises(BadInput, match=r"'xyzzy'; name a thing, or give a picture"):
        drawn_from_words("xyzzy", name="x")


def test_the_licences_of_art_and_words_lie_beside_them() -> None:
    text = (motifs.ART.parent / "LICENSE.md").read_text(encoding="utf-8")
    assert "Permission is hereby granted" in text
    assert "Unicode License v3" in text
    assert "https://github.com/microsoft/fluentui-emoji" in json.dumps(text)
    assert Path(motifs.READING).is_file()
