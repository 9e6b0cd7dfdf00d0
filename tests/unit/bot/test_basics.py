"""The answers that every bot owes say what is so."""

import asyncio

import pytest
import sqlalchemy as sa

from bot import basics
from bot.effects import Action
from bot.errands import Kind, State, begin
from bot.people import NOBODY
from bot.sending import REPEAT, _marked
from bot.tables import OUTBOX
from bot.texts import LANGUAGES, Words
from tests.unit.bot.presses import ANNA, Chat


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


def test_a_deletion_ends_what_stands_there_as_under_way_and_leaves_no_pressed_button_unanswered(desk):
    """Words that wait are unsaid; the answer to a press, which tells nothing of anybody, is still given."""
    chat = Chat(desk)
    chat.services.files.delete_person = lambda _: None
    talk = chat.talk()
    begin(talk, "draws", Kind.DRAW, {"style": "s"}, state=State.WAITING)
    begin(talk, "tells", Kind.EXPORT, {})
    talk.say("it will be a fine sticker", slot="status:draws")
    talk.put_state(deleting="q1")
    desk.settle(talk)
    chat.presses(basics.old, "whatever")
    chat.presses(basics.delete_yes, "delete-yes", "q1")
    with desk.engine.connect() as connection:
        left = connection.execute(sa.select(OUTBOX).order_by(OUTBOX.c.number)).all()
    said = [(row.action, row.slot, desk.vault.open(row.payload)["text"]) for row in left]
    words = Words("en")
    assert said == [
        (Action.NOTICE, None, words("button-old")),
        (Action.EDIT, "status:draws", words("cancelled-notice")),
        (Action.EDIT, "delete:q1", words("delete-done", jobs=0)),
    ]
    assert {row.person for row in left} == {NOBODY}
    assert chat.open(*State) == []
    assert desk.person(ANNA).state == {}
