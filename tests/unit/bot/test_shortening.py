"""What is cut is cut between signs as people see them, and to the size that was asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.keyboards import MOST_SHOWN, short
from bot.shortening import ELLIPSIS, cut, cut_to, shortened, size
from bot.texts import MOST_OF_VALUE, harmless

FAMILY, FLAG, TONED, HEART, SCOTLAND = "👨‍👩‍👧", "🇷🇺", "👍🏽", "❤️", "🏴󠁧󠁢󠁳󠁣󠁴󠁿"
SIGNS = [FAMILY, FLAG, TONED, HEART, SCOTLAND, "é", "й", "🐱", "a"]


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("before", range(4))
def test_no_sign_is_cut_in_half(sign, before):
    text = "x" * before + sign * 20
    for most in range(1, size(text) + 2):
        rest = cut(text, most)
        assert rest == text[: len(rest)]
        assert size(rest) <= most
        assert rest[before:] == sign * (len(rest[before:]) // len(sign))
        assert size(text[: len(rest) + len(sign)]) > most or rest in (text, text[:before])  # no more than needed
    for most in range(1, len(text)):
        rest = cut_to(text, most)
        assert len(rest) <= most
        assert rest[before:] == sign * (len(rest[before:]) // len(sign))


@given(st.text(max_size=200), st.integers(min_value=1, max_value=100))
def test_a_cut_text_has_telegrams_size_and_shows_that_it_is_cut(text, most):
    found = shortened(text, most)
    assert size(found) <= most
    kept, cut_off, rest = found.rpartition(ELLIPSIS)
    assert found == text or (cut_off and text.startswith(kept) and not rest.strip("\u2069"))


def test_a_tower_of_accents_is_cut_all_the_same():
    assert len(cut_to("a" + "\u0301" * 500, 300)) == 300


def test_titles_on_buttons_and_values_of_sentences_keep_their_emoji_whole():
    assert short(FLAG * MOST_SHOWN) == FLAG * ((MOST_SHOWN - 1) // 2) + ELLIPSIS
    assert harmless("x" + FAMILY * 100).removesuffix(ELLIPSIS).endswith(FAMILY)
    assert len(harmless("x" + FAMILY * 100)) <= MOST_OF_VALUE


@pytest.mark.parametrize("most", range(2, 30))
def test_what_is_cut_stays_isolated(most):
    found = shortened(harmless("אב" * 20), most)
    assert size(found) <= most
    assert found.count("\u2068") == found.count("\u2069")
