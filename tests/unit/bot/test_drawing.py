"""A caption becomes words for the prompt and emoji for the sticker; the same press asks for the same drawing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import drawing, variants
from bot.drawing import seed_of, split
from bot.errands import UNDER_WAY, State, advance
from bot.texts import Words
from pipeline.options import options_of
from pipeline.settings import load_profile
from tests.unit.bot.presses import Chat, buttons, notice


@pytest.mark.parametrize(
    ("caption", "words", "emoji"),
    [
        ("in the rain 🌧", "in the rain", ["🌧"]),
        ("", "", []),
        ("🐱🐱😀🌞🦊", "", ["🐱", "😀", "🌞"]),
        ("a {token}\nb", "a (token) b", []),
        ("👩‍🚀 flies", "flies", ["👩‍🚀"]),
    ],
)
def test_emoji_go_to_the_sticker_and_the_rest_to_the_prompt(caption, words, emoji):
    assert split(caption) == (words, emoji)


@given(st.text(max_size=300))
def test_whatever_a_caption_says_the_pipeline_takes_it(caption):
    words, _ = split(caption)
    assert len(words) <= 200
    options_of(load_profile(), prompt=words or None, seed=seed_of(caption))


def test_a_repeated_handler_asks_for_the_same_seed_and_another_press_for_another():
    assert seed_of("u1") == seed_of("u1")
    assert seed_of("u1") != seed_of("u2")


# ── pressed twice ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("action", "answer"),
    [
        ("another", drawing.another),
        ("variants", variants.variants),
        ("stronger", drawing.stronger),
        ("outline", drawing.outline),
    ],
)
def test_a_button_pressed_twice_draws_once_and_again_when_that_is_done(desk, action, answer):
    chat = Chat(desk)
    chat.has_style()
    id, other = chat.has_sticker("u1-0.0"), chat.has_sticker("u2-0.0")
    chat.presses(answer, action, id)
    for state in (State.OPEN, State.WAITING):
        assert [one.state for one in chat.open(*UNDER_WAY)] == [state]
        assert notice(chat.presses(answer, action, id)) == Words("en")("drawing-already")
        assert len(chat.open(*UNDER_WAY)) == 1
        [one] = chat.open(state)
        goes_on = chat.talk()
        advance(goes_on, one, State.WAITING if state is State.OPEN else State.TOLD)
        desk.settle(goes_on)
    chat.presses(answer, action, id)  # it came, and may be drawn again
    chat.presses(answer, action, other)  # another sticker is another drawing
    assert len(chat.open(*UNDER_WAY)) == 2


def test_two_buttons_of_one_sticker_draw_two(desk):
    chat = Chat(desk)
    chat.has_style()
    id = chat.has_sticker()
    chat.presses(drawing.another, "another", id)
    chat.presses(drawing.outline, "outline", id)
    assert len(chat.open()) == 2


# ── other words ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("from_words", [True, False])
def test_a_sticker_that_began_from_words_is_asked_for_all_of_them_and_not_drawn_without(desk, from_words):
    chat = Chat(desk)
    source = {"motif": "🐱", "name": "cat", "size": None} if from_words else {"file": "f", "name": "photo", "size": 1}
    id = chat.has_sticker(source=source, options={"words": "a red cat"})
    asked = chat.presses(drawing.words_ask, "words", id).effects[-1].payload
    words = Words("en")
    assert asked["text"] == words("words-ask-whole" if from_words else "words-ask", words="a red cat")
    assert (words("key-wordless") in buttons(desk, asked)) is not from_words
