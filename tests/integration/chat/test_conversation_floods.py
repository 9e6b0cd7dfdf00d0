"""Whoever sends a lot at once is answered a little of it, as fast as Telegram lets a bot write, and holds up nobody."""

import time

import pytest

from bot.flood import BURST, NOTICE_S, PER_S
from bot.texts import Words
from scripts.sandbox.emulator.seed import jpeg
from tests.bot_desk import UNHURRIED
from tests.chat_desk import SET, said

LANGUAGES = ("en", "ru")
ENVIRONMENT = UNHURRIED  # the gate reckons with that pace


@pytest.fixture(scope="module")
def studio(studio_without_bot):
    """Every test brings its own people, its own operator and its own bot."""
    return studio_without_bot


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_two_hundred_stickers_at_once_have_a_few_answers_and_others_do_not_wait(studio, opened, language):
    opened()
    words = Words(language)
    anna, boris = studio.emulator.person("Anna", language_code=language), studio.emulator.person("Boris")
    anna.start()
    said(studio, anna, words("start", name="Anna").splitlines()[0])
    studio.kill(studio.bots[-1])
    for number in range(200):
        anna.sticker(SET, number % 8)
    boris.start()
    began_s = time.monotonic()
    studio.bot()
    said(studio, boris, "Hi, Boris")
    studio.until(studio.settled)
    took_s = time.monotonic() - began_s
    states = [row["state"] for row in studio.rows("inbox") if row["person"] == anna.id]
    assert states.count("done") == len(states) >= 200  # none is parked, none is left
    view = said(studio, anna, words("too-fast"))
    told = [one.text for one in view.from_bot]
    assert len(told) <= BURST + PER_S * took_s + 3  # with the first word, and what was left out
    assert 1 <= told.count(words("too-fast")) <= 1 + took_s / NOTICE_S
    ended = {
        one.id: [row["ended_ms"] for row in studio.rows("outbox") if row["chat"] == one.id] for one in (anna, boris)
    }
    assert max(ended[boris.id]) < max(ended[anna.id])  # he had his answer while hers were still on their way
    anna.send("/status")  # and she goes on
    said(studio, anna, words("status-none"))


def test_an_album_of_ten_after_a_few_words_is_taken_whole(studio, opened):
    opened()
    anna = studio.emulator.person("Anna")
    for text in ("/start", "/help", "/privacy", "/status"):
        anna.send(text)
    for number in range(10):
        anna.photo(jpeg(number), album="a")
    studio.waits(anna, lambda view: any(one.button("Learn these 10") for one in view.from_bot))
    studio.until(studio.settled)
    assert anna.see().find("That was a lot at once") is None
