"""Who is answered, what may be begun, and which of a person's words are looked at."""

import asyncio

import pytest
import sqlalchemy as sa
from telegram import Update

from bot.bans import Why
from bot.effects import Action
from bot.errands import Kind, State, begin, errands
from bot.flood import BURST
from bot.gate import Gate, banish, maintenance_text, open_jobs, text_of, worded
from bot.inbox import Taken
from bot.limits import Closed, NotBegun, Spent, close
from bot.people import Person
from bot.routes import Event
from bot.settings import BotSettings
from bot.tables import BANS, STRIKES, writing
from bot.texts import Words
from pipeline.jobs.address import reading

ADMIN = 1


@pytest.fixture
def gate(desk):
    return Gate(desk, BotSettings(admins=(ADMIN,), daily_learns=1, daily_draws=1))


@pytest.fixture
def talk(desk):
    def made(origin, person=7):
        return desk.talk(origin=origin, person=desk.person(person), chat=person)

    return made


def event(text, person=7):
    message = {"message_id": 1, "date": 0, "chat": {"id": person, "type": "private"}}
    message |= {"from": {"id": person, "is_bot": False, "first_name": "A"}, "text": text}
    update = Update.de_json({"update_id": 1, "message": message}, None)
    word, _, rest = text.partition(" ")
    return Event(update=update, services=None, chat=person, command=word[1:] if word[0] == "/" else None, argument=rest)


def taken(number, person=7, **message):
    return Taken(update_id=number, person=person, raw={"update_id": number, "message": message}, failures=0, deaths=0)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ({"text": "hello"}, "hello"),
        ({"caption": "hello"}, "hello"),
        ({"text": "/start hello you"}, "hello you"),
        ({"text": "/start"}, ""),
        ({}, ""),
    ],
)
def test_what_a_person_wrote_is_their_text_or_caption_without_the_command(raw, text):
    message = {"message_id": 1, "date": 0, "chat": {"id": 1, "type": "private"}} | raw
    for kind in ("message", "edited_message"):
        assert text_of(Update.de_json({"update_id": 1, kind: message}, None)) == text


def test_the_bots_own_message_below_which_a_button_was_pressed_is_not_the_persons_word():
    message = {"message_id": 1, "date": 0, "chat": {"id": 1, "type": "private"}, "text": "porn"}
    query = {"id": "1", "from": {"id": 1, "is_bot": False, "first_name": "A"}, "chat_instance": "", "message": message}
    assert text_of(Update.de_json({"update_id": 1, "callback_query": query}, None)) == ""


def test_titles_and_words_of_an_errand_are_looked_at_and_names_of_files_are_not():
    drawing = {"options": {"words": "a", "seed": 5}, "style": "x", "sources": [{"name": "n", "file": "f"}]}
    assert worded(drawing | {"title": "b", "name": "c", "profile": "p"}) == ["a", "b", "c"]


def test_admins_are_not_held_up_and_others_are(gate):
    assert sum(gate.lets_in(taken(number)) for number in range(1000)) >= BURST
    assert not gate.lets_in(taken(1000))
    assert all(gate.lets_in(taken(number, ADMIN)) for number in range(1000))


def test_a_banned_person_reaches_only_what_is_their_right(gate, desk, talk):
    first = talk("u0")
    banish(first, first, [], until_ms=None, why=Why.OPERATOR)
    desk.settle(first)
    reached = {}
    for text in ("/privacy", "/mydata", "/deletedata", "/start", "hello", "porn"):
        one = talk(f"u {text}")
        reached[text] = asyncio.run(gate.opens(event(text), one))
        assert one.effects == []
    assert [text for text, let_in in reached.items() if let_in] == ["/privacy", "/mydata", "/deletedata"]
    with reading(desk.engine) as connection:
        assert connection.execute(sa.select(STRIKES)).all() == []  # nor is a word of theirs looked at


def test_the_third_refusal_bans_and_an_update_that_is_answered_again_strikes_once(gate, desk, talk):
    for number, banned in ((1, False), (1, False), (2, False), (3, True)):
        one = talk(f"u{number}")
        assert not asyncio.run(gate.opens(event("porn"), one))
        desk.settle(one)
        assert desk.person(7).banned is banned, number
    with reading(desk.engine) as connection:
        (ban,) = connection.execute(sa.select(BANS)).all()
    assert ban.why == "words"
    assert ban.until_ms - ban.since_ms == pytest.approx(86_400_000, abs=60_000)


def test_where_a_job_may_not_be_begun_nothing_of_the_talk_is_written(gate, desk, talk):
    def tries(key, person=7, title="cats"):
        one = talk(f"u {key}", person)
        assert asyncio.run(gate.opens(event("hello", person), one))
        one.put_state(asked=None)
        one.say("begun")
        begin(one, key, Kind.LEARN, {"title": title})
        desk.settle(one)

    with pytest.raises(NotBegun):
        tries("a", title="p0rn cats")
    tries("b")
    with pytest.raises(Spent):
        tries("c")
    with writing(desk.engine) as connection:
        close(connection, "")
    with pytest.raises(Closed):
        tries("d", person=8)
    for key in "ef":
        tries(key, person=ADMIN, title="p0rn cats")
    assert [one.key for one in errands(desk)] == ["b", "e", "f"]
    assert not desk.person(8).known
    with reading(desk.engine) as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM sticker_bot_outbox").scalar() == 3


def test_a_ban_calls_off_that_persons_jobs_alone_and_says_so(desk, talk):
    for key, person, kind in (("a", 7, Kind.DRAW), ("b", 7, Kind.EXPORT), ("c", 8, Kind.DRAW)):
        one = talk(f"begin {key}", person)
        begin(one, key, kind, {})
        desk.settle(one)
    admin, theirs = talk("u1", ADMIN), talk("u1.to")
    banish(admin, theirs, open_jobs(desk, 7), until_ms=None, why=Why.OPERATOR)
    desk.settle(admin)
    states = {one.key: one.state for one in errands(desk)}
    assert states == {"a": State.STOPPING, "b": State.OPEN, "c": State.OPEN}
    assert [(one.action, one.slot) for one in theirs.effects] == [(Action.SAY, None), (Action.EDIT, "status:a")]
    assert admin.effects == []


def test_too_much_at_once_is_told_by_a_pressed_button_and_to_nobody_who_is_banned(gate, desk):
    for query, banned, actions in (("q", False, [Action.NOTICE]), (None, False, [Action.SAY]), ("q", True, [])):
        one = desk.talk(origin="u1", person=Person(id=7, banned=banned), chat=7, query=query)
        gate.leaves_out(one)
        assert [effect.action for effect in one.effects] == actions


def test_the_operators_words_stand_in_the_middle():
    words = Words("en")
    assert maintenance_text(words, "") == f"{words('closed')}\n\n{words('closed-kept')}"
    assert "\n\nThe operator says: noon\n\n" in maintenance_text(words, "noon")
