"""What is under way is listed as it stands, and called off; consent is taken back once."""

import asyncio
from types import SimpleNamespace

import pytest

from bot import basics, listed, orders, questions, teach
from bot.buttons import Pressed, Verdict
from bot.effects import MOST_TEXT
from bot.errands import Kind, State, advance, begin
from bot.routes import Event
from bot.shortening import size
from bot.teach import PURPOSE, VERSION
from bot.texts import Words
from pipeline.jobs.views import now_ms
from pipeline.jobs.words import Status
from tests.unit.bot.presses import ANNA, Chat, buttons, notice

EN = Words("en")
PHOTO = {"file": "f", "uid": "u", "size": 1, "name": "photo"}
QUESTIONS = [
    {"ask": {"id": "u0-0"}},
    {"emoji": "u0-0.0"},
    {"collect": {"id": "u0-0", "sources": []}},
    {"question": {"what": questions.What.WORDS, "id": "x", "slot": "question:u0", "asked_ms": now_ms()}},
]


@pytest.fixture
def chat(desk):
    return Chat(desk)


def puts(chat, **state):
    talk = chat.talk()
    talk.put_state(**state)
    chat.desk.settle(talk)


def begins(chat, key, state=State.OPEN, **payload):
    talk = chat.talk()
    drawing = {"sources": [PHOTO], "options": {"words": key}, "emoji": [], "title": "Cats", "behind": "b"}
    begin(talk, key, Kind.DRAW, drawing | payload, state=state)
    chat.desk.settle(talk)


def commands(chat, answer):
    """What is said, with its buttons."""
    talk = chat.talk()
    services = SimpleNamespace(**vars(chat.services), keep_days=30)
    asyncio.run(answer(Event(update=None, services=services, chat=ANNA), talk))
    chat.desk.settle(talk)
    return [one.payload for one in talk.effects if one.action == "say"]


# ── /cancel ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("state", QUESTIONS)
@pytest.mark.parametrize("count", [1, 2])
def test_a_question_hides_no_job_from_cancel(chat, state, count):
    puts(chat, **state)
    names = ["hat", "bow"][:count]
    for name in names:
        begins(chat, name)
    [said] = commands(chat, orders.cancel_ask)
    assert said["text"].startswith(EN("question-closed"))
    assert all(f"drawing “{name}”" in said["text"] for name in names)
    assert [*buttons(chat.desk, said).values()] == [("cancel", name) for name in names]
    assert not state.keys() & chat.desk.person(ANNA).state.keys()
    assert len(chat.open()) == count


@pytest.mark.parametrize("state", QUESTIONS)
def test_a_question_alone_is_dropped(chat, state):
    puts(chat, **state)
    assert [one["text"] for one in commands(chat, orders.cancel_ask)] == [EN("question-dropped")]


@pytest.mark.parametrize("count", [0, 1])
def test_cancel_says_that_kept_photos_are_not_drawn(chat, count):
    puts(chat, wanted={"id": "u0-0", "sources": [PHOTO, PHOTO], "caption": ""}, ask={"id": "u0-1"})
    for number in range(count):
        begins(chat, f"j{number}")
    [said] = commands(chat, orders.cancel_ask)
    assert said["text"].partition("\n")[0] == EN("wanted-dropped", count=2)
    assert len(buttons(chat.desk, said)) == count
    assert "wanted" not in chat.desk.person(ANNA).state


# ── the list ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("language", "words", "photo", "since"),
    [
        (
            "en",
            "“hat”, waiting for the style “Cats” · for 52 s",
            "a photo waiting for the style “Cats”",
            "for 5 min",
        ),
        ("ru", "«hat» в ожидании стиля «Cats» · уже 52 с", "фото в ожидании стиля «Cats»", "уже 5 мин"),
    ],
)
def test_what_is_held_waits_for_its_style_and_for_so_long(chat, monkeypatch, language, words, photo, since):
    begins(chat, "hat", State.HELD)
    begins(chat, "j", State.HELD, options={})
    made, held = chat.open(State.HELD)[0].made_ms, chat.open(State.HELD)
    for passed_ms, line in ((52_000, words), (300_000, since), (300_000, photo)):
        monkeypatch.setattr(listed, "now_ms", lambda passed_ms=passed_ms: made + passed_ms + 999)
        talk = chat.talk(tag=language)
        listed.show(talk, "head", held, [])
        assert line in talk.effects[0].payload["text"]


WAITS = {
    "en": ["waiting to learn “Cats”", "“hat”, waiting in line", "a photo waiting in line"],
    "ru": ["стиль «Cats» в очереди", "«hat» в очереди", "фото в очереди"],
}
BEGUN = {
    "en": ["learning “Cats”", "drawing “hat”", "drawing a photo"],
    "ru": ["учу «Cats»", "рисую «hat»", "рисую фото"],
}


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize(
    ("status", "said"), [(Status.QUEUED, WAITS), (Status.RUNNING, BEGUN), (None, WAITS)], ids=["queued", "runs", "new"]
)
def test_the_list_and_its_buttons_tell_what_waits_in_line_from_what_is_begun(chat, language, status, said):
    """``None``: the queue does not have it yet; a pack is still fetched then, and a photo is as good as begun."""
    talk, state = chat.talk(), State.OPEN if status is None else State.WAITING
    begin(talk, "j0", Kind.LEARN, {"title": "Cats"}, state=state)
    chat.desk.settle(talk)
    if status is not None:
        begins(chat, "j1", state, options={"words": "hat"})
        begins(chat, "j2", state, options={})
    views = {f"j{number}": SimpleNamespace(status=status) for number in range(3)}
    chat.desk.jobs = SimpleNamespace(several=lambda keys: {key: views[key] for key in keys})
    expected = said[language] if status else said[language][:1]
    talk = chat.talk(tag=language)
    asyncio.run(orders.status(Event(update=None, services=chat.services, chat=ANNA), talk))
    [shown] = [one.payload for one in talk.effects]
    entries = [line for line in shown["text"].splitlines() if " · " in line]
    lines = [line.partition(" ")[2].partition(" · ")[0] for line in entries]
    assert lines == expected
    assert [text.partition(": ")[2] for text in buttons(chat.desk, shown)] == expected


@pytest.mark.parametrize(("language", "what"), [("en", "a photo waiting for the"), ("ru", "фото в ожидании стиля «")])
def test_a_photo_that_waits_for_its_style_has_a_button_that_says_so(chat, language, what):
    begins(chat, "j", State.HELD, options={})
    talk = chat.talk(tag=language)
    listed.show(talk, "head", chat.open(State.HELD), [])
    [text] = buttons(chat.desk, talk.effects[0].payload)
    assert text.partition(": ")[2].removesuffix("…") == what


@pytest.mark.parametrize(
    ("cancelled", "said"),
    [
        (["hat", "bow"], "Cancelled: drawing “hat”, drawing “bow”."),
        (["hat"], f"Cancelled: drawing “hat”.\n{EN('listed-over')}"),
        ([], EN("listed-over")),
    ],
)
def test_a_list_of_which_nothing_is_left_says_what_was_cancelled_and_that_nothing_is_left(chat, cancelled, said):
    begins(chat, "hat")
    begins(chat, "bow")
    commands(chat, orders.status)
    slot = chat.desk.person(ANNA).state["listed"]["slot"]
    talks = [chat.presses(orders.cancel, "cancel", key) for key in cancelled]
    for one in chat.open():  # is drawn
        talk = chat.talk()
        asyncio.run(listed.over(talk, chat.desk, one.key))
        advance(talk, one, State.TOLD)
        chat.desk.settle(talk)
        talks.append(talk)
    first, last = talks
    assert [one.action for one in first.effects if one.slot == slot] == ["buttons"]
    [end] = [one for one in last.effects if one.slot == slot]
    assert (end.action, end.payload["text"], end.payload["buttons"]) == ("edit", said, [])


def test_a_long_list_is_not_over_with_the_entries_that_have_a_button(chat):
    for number in range(listed.MOST + 1):
        begins(chat, f"j{number}")
    [said] = commands(chat, orders.status)
    assert len(buttons(chat.desk, said)) == listed.MOST
    slot = chat.desk.person(ANNA).state["listed"]["slot"]
    for number in range(listed.MOST):
        talk = chat.presses(orders.cancel, "cancel", f"j{number}")
    assert [one.action for one in talk.effects if one.slot == slot] == ["buttons"]


def test_a_long_list_of_long_names_says_how_many_more_there_are_and_keeps_its_foot(chat):
    for number in range(listed.MOST + 5):
        begins(chat, f"j{number}", options={"words": "w" * 500})
    [said] = commands(chat, orders.status)
    *entries, more, _, foot = said["text"].split("\n")
    assert (len(entries), more, foot) == (1 + listed.MOST, EN("left-out-more", count=5), EN("status-no-style"))
    assert size(said["text"]) < MOST_TEXT


# ── consent ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_consent_is_taken_back_once_and_its_button_goes(chat):
    talk = chat.talk()
    talk.consent(PURPOSE, VERSION)
    chat.desk.settle(talk)
    [said] = commands(chat, basics.privacy)
    action, id = buttons(chat.desk, said)[EN("key-revoke")]
    first, second = (chat.presses(orders.revoke, action, id) for _ in range(2))
    assert [one.action for one in first.effects if one.slot == f"privacy:{id}"] == ["buttons"]
    assert [one.payload["text"] for one in first.effects if one.action == "say"] == [EN("revoked")]
    assert notice(second) == EN("revoked-already")
    assert not [one for one in second.effects if one.action == "say"]


def test_in_a_group_privacy_has_no_button_and_an_old_one_tells_nobody_what_was_called_off(chat):
    talk = chat.talk()
    talk.consent(PURPOSE, VERSION)
    chat.desk.settle(talk)
    group = SimpleNamespace(**vars(chat.services), keep_days=30)
    for where, count in ((ANNA, 1), (-5, 0)):
        talk = chat.talk()
        asyncio.run(basics.privacy(Event(update=None, services=group, chat=where), talk))
        assert len(talk.effects[0].payload["buttons"]) == count
    begins(chat, "l")
    talk = chat.talk(query="q")
    pressed = Pressed(verdict=Verdict.FINE, action="revoke", id="u1")
    asyncio.run(orders.revoke(Event(update=None, services=group, chat=-5, pressed=pressed), talk))
    assert [one.payload["text"] for one in talk.effects if "text" in one.payload] == [EN("private-only")]
    assert talk.person.consents_to(PURPOSE, VERSION)


@pytest.mark.parametrize(
    ("title", "shown"), [("   ", EN("title-own")), ("\u3164", EN("title-own")), ("\u202e Cats\u200b", "Cats")]
)
def test_a_style_has_a_title_that_a_button_can_show(chat, title, shown):
    document = SimpleNamespace(file_name=f"{title}.zip", file_size=1, file_id="f")
    event = Event(update=SimpleNamespace(message=SimpleNamespace(document=document)), services=chat.services, chat=ANNA)
    talk = chat.talk()
    asyncio.run(teach.archive(event, talk))
    assert talk.person.state["ask"]["title"] == shown
    puts(chat, collect={"id": "c", "sources": [PHOTO] * 3, "title": title})  # of a caption
    chat.services.settings = SimpleNamespace(bot_profile="embedded")
    chat.presses(teach.agree, "agree", "c")
    assert chat.open()[0].payload["title"] == shown


@pytest.mark.parametrize(("learned", "said"), [(True, "retry-style-more"), (False, "more-busy")])
def test_a_style_that_learns_or_has_learned_other_pictures_meanwhile_loses_them_to_no_second_try(chat, learned, said):
    for key, state in (("first", State.TOLD), ("second", State.OVER if learned else State.WAITING)):
        talk = chat.talk()
        talk.consent(PURPOSE, VERSION)
        begin(talk, key, Kind.LEARN, {"title": "Cats", "replaces": "s"}, state=state)
        chat.desk.settle(talk)
    chat.has_style("second" if learned else "s", was=["s"] if learned else [])
    assert notice(chat.presses(orders.retry, "retry", "first")) == EN(said, title="Cats")
    [row] = [one for one in chat.open(State.TOLD) if one.key == "first"]
    assert row.kind is Kind.LEARN
