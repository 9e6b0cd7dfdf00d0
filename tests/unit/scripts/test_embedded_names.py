"""What a drawing shows: sets of different artists are joined by code point, whatever they call it."""

import pytest

from scripts.embedded.names import Identities, emoji_of, glued, is_emoji


def known():
    identities = Identities()
    icons = {"aliases": {"scarlet-apple": {"parent": "red-apple"}, "elppa-der": {"parent": "red-apple", "hFlip": True}}}
    identities.learn({"1f34e": "red-apple", "23f0": "alarm-clock", "1f1eb-1f1f7": "flag-france"}, icons)
    return identities


def test_a_sets_own_table_goes_before_what_others_call_it():
    assert known().codes(["red-apple"], {"1f34f": "red-apple"}) == ["1f34f"]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("alarmclock", "23f0"),
        ("flag-for-france", "1f1eb-1f1f7"),
        ("flag-for-flag-france", "1f1eb-1f1f7"),
        ("scarlet-apple", "1f34e"),
        ("elppa-der", ""),  # a mirrored picture is another one
        ("unheard-of", ""),
    ],
)
def test_a_name_leads_to_its_code_point(name, code):
    assert known().codes([name], {}) == [code]


def test_the_caption_is_the_shared_name_or_ones_own():
    identities = known()
    names = ["alarmclock", "unheard-of"]
    assert identities.captions(names, identities.codes(names, {})) == ["alarm clock", "unheard of"]


def test_spellings_differ_in_what_is_no_letter_or_digit():
    assert glued("Keycap-10") == glued("keycap 10") == "keycap10"
    assert glued("flag-for-x") != glued("x")


def test_a_code_is_an_emoji_unless_it_is_a_sets_own():
    assert emoji_of("1f468-200d-1f680") == "👨‍🚀"
    assert is_emoji("1f98a")
    assert not is_emoji("e14d")
    assert not is_emoji("")
    with pytest.raises(ValueError, match="invalid literal"):
        emoji_of("fox")
