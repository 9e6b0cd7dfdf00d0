"""Names of sets are as Telegram wants them, whatever their title; whose they are follows from the press."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sets import set_name

BOT = "stickersmith_bot"


@given(st.text(max_size=64), st.integers(1, 20))
def test_every_title_makes_a_name_that_telegram_takes(title, number):
    name = set_name(title, "1:u1-0", BOT, number)
    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,63}", name), name
    assert "__" not in name
    assert name.endswith(f"_by_{BOT}")


@pytest.mark.parametrize(
    ("title", "begin"),
    [("Cats – stickers", "cats_stickers_"), ("Коты и щенки", "koty_i_schenki_"), ("猫", "s_"), ("2 cats", "s_2_cats_")],
)
def test_the_name_tells_of_the_title(title, begin):
    assert set_name(title, "1:u1-0", BOT, 1).startswith(begin)


def test_the_same_press_makes_the_same_name_and_another_one_another():
    assert set_name("Cats", "1:u1-0", BOT, 1) == set_name("Cats", "1:u1-0", BOT, 1)
    names = {set_name("Cats", origin, BOT, number) for origin in ("1:u1-0", "1:u2-0", "2:u1-0") for number in (1, 2)}
    assert len(names) == 6
