"""A button tells what it does, whose it is and since when, and none can be made up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.buttons import ANYBODY, MOST_BYTES, Seals, Verdict

KEYS = [b"k" * 32]
LARGEST = 2**52  # Telegram's ids have at most 52 significant bits


class Clock:
    now_s = 1_000_000_000.0

    def __call__(self):
        return self.now_s


def test_a_button_is_fine_for_its_owner_and_foreign_to_others():
    seals = Seals(KEYS)
    token = seals.token("cancel", "u123-0", owner=LARGEST)
    assert len(token) <= MOST_BYTES
    pressed = seals.read(token, presser=LARGEST)
    assert (pressed.verdict, pressed.action, pressed.id) == (Verdict.FINE, "cancel", "u123-0")
    assert seals.read(token, presser=8).verdict is Verdict.FOREIGN


def test_a_button_for_anybody_is_fine_for_all():
    seals = Seals(KEYS)
    assert seals.read(seals.token("more", owner=ANYBODY), presser=8).verdict is Verdict.FINE


def test_a_button_goes_out_of_date():
    clock = Clock()
    seals = Seals(KEYS, lasts_s=86_400, now_s=clock)
    token = seals.token("more", owner=7)
    clock.now_s += 80_000
    assert seals.read(token, presser=7).verdict is Verdict.FINE
    clock.now_s += 10_001
    assert seals.read(token, presser=7).verdict is Verdict.OLD
    assert seals.read("v0:more::" + "A" * 24, presser=7).verdict is Verdict.OLD


@given(st.integers(0, 200), st.characters(min_codepoint=33, max_codepoint=126))
def test_no_change_of_a_button_passes(place, char):
    """Whatever character is put in place of another one, it is not fine, unless it is the same one."""
    seals = Seals(KEYS)
    token = seals.token("cancel", "u123-0", owner=7)
    at = place % len(token)
    changed = token[:at] + char + token[at + 1 :]
    assert changed == token or seals.read(changed, presser=7).verdict is not Verdict.FINE


@given(st.text(max_size=64))
def test_nothing_that_anybody_sends_is_fine_or_breaks(data):
    assert Seals(KEYS).read(data, presser=7).verdict in (Verdict.FORGED, Verdict.OLD)


def test_an_older_key_still_counts_and_another_one_does_not():
    token = Seals([b"old" * 11]).token("more", owner=7)
    assert Seals([b"new" * 11, b"old" * 11]).read(token, presser=7).verdict is Verdict.FINE
    assert Seals([b"new" * 11]).read(token, presser=7).verdict is Verdict.FORGED


@pytest.mark.parametrize(("action", "id"), [("a:b", ""), ("", "x"), ("a", "ы"), ("a", "x" * 60)])
def test_words_that_do_not_fit_are_refused(action, id):
    with pytest.raises(ValueError, match="button"):
        Seals(KEYS).token(action, id, owner=1)
