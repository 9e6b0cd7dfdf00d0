"""The answers that every bot owes say what is so."""

import asyncio

import pytest

from bot import basics
from bot.effects import Action
from bot.sending import REPEAT, _marked
from bot.texts import LANGUAGES, Words


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_mark_of_a_repeated_sticker_says_what_it_is_when_it_is_pressed(desk, language):
    marked = _marked(Action.STICKER, {"buttons": [], "language": language}, "mark")
    assert marked["buttons"][-1][-1] == {"text": Words(language)("key-repeat"), "data": "mark"}
    talk = desk.talk(origin="u1", person=desk.person(7), chat=7, query="q", tag=language)
    asyncio.run(basics.repeat(None, talk))
    (notice,) = talk.effects
    assert (notice.payload["text"], notice.payload["alert"]) == (Words(language)("repeat-why"), True)
    assert len(notice.payload["text"]) > 40
    assert REPEAT == "repeat"


@pytest.mark.parametrize(("language", "album", "sticker"), [("en", "album", "sticker"), ("ru", "альбом", "стикер")])
def test_the_days_number_is_of_drawings_and_not_of_stickers(language, album, sticker):
    """An album is one job, and makes several stickers."""
    said = Words(language)("spent-draw", most=3, when="soon")
    assert "3" in said
    assert album in said
    assert sticker not in said


@pytest.mark.parametrize(("language", "elsewhere"), [("en", "elsewhere"), ("ru", "отдельно")])
def test_no_more_is_promised_of_the_key_than_holds_where_it_lies_beside_the_data_folder(language, elsewhere):
    assert elsewhere not in Words(language)("privacy", days=30)
