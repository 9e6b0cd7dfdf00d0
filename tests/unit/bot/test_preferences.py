"""Settings are chosen one after the other: none of them closes the others."""

import asyncio

import pytest

from bot import preferences
from bot.buttons import Pressed, Verdict
from bot.effects import Action
from bot.routes import Event
from bot.texts import Words
from tests.unit.bot.presses import Chat, buttons


@pytest.mark.parametrize(("chosen", "spoken"), [("ru", "ru"), ("en", "en"), ("auto", "ru")])
def test_a_language_is_chosen_and_the_settings_stay_open_in_it(desk, chosen, spoken):
    talk = desk.talk(origin="u1", person=desk.person(7), chat=7, query="q", tag="ru")
    pressed = Pressed(verdict=Verdict.FINE, action="language", id=chosen)
    asyncio.run(preferences.language(Event(update=None, services=None, chat=7, pressed=pressed), talk))
    notice, edit = talk.effects
    words = Words(spoken)
    assert notice.action is Action.NOTICE
    assert edit.payload["text"].startswith(notice.payload["text"])
    assert edit.payload["text"].endswith(words("settings"))
    texts = [button["text"] for row in edit.payload["buttons"] for button in row]
    assert words("key-file-only") in texts
    marked = next(text for text in texts if text.startswith("✓"))
    assert marked == f"✓ {preferences.NAMES.get(chosen, words('settings-auto'))}"


def test_an_outline_that_is_chosen_by_a_double_tap_stays_chosen(desk):
    chat = Chat(desk)
    talk = chat.talk()
    asyncio.run(preferences.settings(None, talk))
    _, id = buttons(desk, talk.effects[0].payload)[Words("en")("key-not-outlined")]
    for _ in range(2):
        pressed = chat.presses(preferences.outline, "outlined", id)
        assert preferences.outline_of(desk.person(7)) is True
    _, id = buttons(desk, pressed.effects[-1].payload)[Words("en")("key-outlined")]
    for _ in range(2):
        chat.presses(preferences.outline, "outlined", id)
        assert preferences.outline_of(desk.person(7)) is False
