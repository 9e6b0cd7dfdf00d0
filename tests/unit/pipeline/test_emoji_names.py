"""Which emoji may be proposed, and what they are called."""

from __future__ import annotations

import re

import pytest
from emoji import EMOJI_DATA

from pipeline.emoji_names import bare, candidates, name_of


def test_every_candidate_is_an_emoji_of_one_name_in_plain_letters() -> None:
    """No two share a name: a name leads to one emoji."""
    found = candidates()
    assert len(found) > 1800
    assert all(sign in EMOJI_DATA for sign in found)
    assert len(set(found.values())) == len(found)
    assert all(re.fullmatch(r"[a-z0-9]+( [a-z0-9]+)*", name) for name in found.values())


def test_skin_tones_are_left_out_and_nothing_else_of_a_waving_hand() -> None:
    found = candidates()
    assert found["👋"] == "waving hand"
    assert "👋🏽" not in found
    assert not any(tone in sign for sign in found for tone in "🏻🏼🏽🏾🏿")


@pytest.mark.parametrize(
    ("sign", "shortcode", "name"),
    [
        ("🐱", ":cat_face:", "cat face"),
        ("🪅", ":piñata:", "pinata"),
        ("👒", ":woman’s_hat:", "womans hat"),
        ("🇫🇷", ":France:", "flag france"),
        ("🏴󠁧󠁢󠁷󠁬󠁳󠁿", ":Wales:", "flag wales"),
        ("#️⃣", ":keycap_#:", "keycap pound"),
        ("🇹🇹", ":Trinidad_&_Tobago:", "flag trinidad and tobago"),
        ("🆎", ":AB_button_(blood_type):", "ab button blood type"),
    ],
)
def test_a_name_reads_as_the_art_sets_have_it(sign: str, shortcode: str, name: str) -> None:
    assert EMOJI_DATA[sign]["en"] == shortcode
    assert name_of(sign, shortcode) == candidates()[sign] == name


def test_emoji_are_the_same_with_and_without_a_variation_selector() -> None:
    assert "❤️" in candidates()
    assert bare("❤️") == bare("❤") == "\u2764"
