"""A style that is deleted stays deleted: what is under way of it is called off, with that reason."""

import asyncio
from types import SimpleNamespace

import pytest

from bot import held, orders, results, shelf, things
from bot.errands import Kind, State, begin, errand
from bot.people import Person
from bot.texts import Words
from bot.things import Has
from pipeline.jobs.views import now_ms
from pipeline.jobs.words import Kind as JobKind
from tests.unit.bot.presses import ANNA, Chat, notice

SAY = Words("en")


@pytest.fixture
def chat(desk):
    chat = Chat(desk)
    chat.has_style("s", was=["old"])
    chat.has_style("other", title="Dogs")
    return chat


def has_begun(chat, key, kind, state, **payload):
    talk = chat.talk()
    begin(talk, key, kind, payload, state=state)
    chat.desk.settle(talk)


def said(talk):
    """Slot → what is said there."""
    return {one.slot: one.payload.get("text") for one in talk.effects if one.slot}


def test_what_is_under_way_of_a_deleted_style_is_called_off_with_the_reason_and_nothing_else_is(chat):
    drawn = SAY("dropped-draw", title="Cats")
    has_begun(chat, "waits", Kind.DRAW, State.WAITING, style="s")
    has_begun(chat, "begun", Kind.DRAW, State.OPEN, style="old")
    has_begun(chat, "more", Kind.LEARN, State.WAITING, replaces="s", title="Cats")
    has_begun(chat, "another", Kind.DRAW, State.WAITING, style="other")
    has_begun(chat, "learns", Kind.LEARN, State.WAITING, replaces=None, title="Birds")
    has_begun(chat, "told", Kind.DRAW, State.TOLD, style="s")
    told = said(chat.presses(shelf.drop, "style-drop-yes", "s"))
    assert told.pop(f"styles:{ANNA}:{ANNA}") == SAY("style-dropped", title="Cats")
    assert told == {
        "status:waits": drawn,
        "status:begun": drawn,
        "status:more": SAY("dropped-learn", title="Cats"),
    }
    states = {
        key: errand(chat.desk, key, ANNA).state for key in ("waits", "begun", "more", "another", "learns", "told")
    }
    assert [key for key, state in states.items() if state is State.STOPPING] == ["waits", "begun", "more"]
    assert [one.id for one in things.things(chat.desk, ANNA, Has.STYLE)] == ["other"]


def test_what_was_being_collected_for_it_is_forgotten(chat):
    talk = chat.talk()
    talk.put_state(collect={"id": "u9-0", "sources": [], "replaces": "s", "title": "Cats"})
    chat.desk.settle(talk)
    told = said(chat.presses(shelf.drop, "style-drop-yes", "s"))
    assert told["status:u9-0"] == SAY("dropped-learn", title="Cats")
    assert "collect" not in chat.desk.person(ANNA).state


@pytest.mark.parametrize(
    ("kind", "payload"), [(Kind.DRAW, {"style": "s"}), (Kind.LEARN, {"replaces": "s", "title": "Cats"})]
)
def test_what_failed_before_is_not_taken_up_again_once_its_style_is_deleted(chat, kind, payload):
    has_begun(chat, "failed", kind, State.TOLD, **payload)
    chat.presses(shelf.drop, "style-drop-yes", "s")
    talk = chat.presses(orders.retry, "retry", "failed")
    assert notice(talk) == SAY("retry-style-gone")
    assert errand(chat.desk, "failed", ANNA).state is State.TOLD
    assert [one.slot for one in talk.effects if one.action == "buttons"] == ["end:failed"]


def ended(chat, key, kind, act, **payload):
    """Its job is over; what is said, and written down."""
    has_begun(chat, key, kind, State.WAITING, **payload)
    talk, row = chat.talk(), errand(chat.desk, key, ANNA)
    spec = SimpleNamespace(kind=JobKind(kind.value), style=key, person=f"tg{ANNA}", profile="embedded")
    asyncio.run(act(talk, row, SimpleNamespace(spec=spec, error_code="bad_input"), chat.services))
    chat.desk.settle(talk)
    return said(talk)


def test_a_drawing_that_fails_for_its_style_is_deleted_says_so_and_offers_no_other_try(chat):
    assert ended(chat, "d1", Kind.DRAW, results.failed, style="gone", sources=[]) == {"status:d1": SAY("style-gone")}
    assert "end:d2" in ended(chat, "d2", Kind.DRAW, results.failed, style="old", sources=[])  # that one is there


def test_a_learning_that_ends_just_then_brings_no_deleted_style_back(chat):
    told = ended(chat, "l1", Kind.LEARN, results.done, replaces="gone", title="Cats", used=9)
    assert told == {"status:l1": SAY("dropped-learn", title="Cats")}
    assert {one.id for one in things.things(chat.desk, ANNA, Has.STYLE)} == {"s", "other"}
    [clean] = chat.open()
    assert (clean.kind, clean.payload) == (Kind.CLEAN, {"key": f"people/tg{ANNA}/styles/l1"})


def test_of_two_learnings_of_one_style_the_second_replaces_what_the_first_made(chat):
    told = ended(chat, "l2", Kind.LEARN, results.done, replaces="old", title="Cats", used=9)
    assert told["status:l2"] == SAY("learned-status", title="Cats", used=9)
    assert {one.id for one in things.things(chat.desk, ANNA, Has.STYLE)} == {"l2", "other"}


# ── what waited for a style that does not come ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("cancelled", [True, False])
def test_what_waited_for_a_style_that_was_cancelled_is_named_with_that_reason(desk, language, cancelled):
    say = Words(language)
    photo, cat = {"file": "f", "name": "photo", "size": 1}, {"motif": "🐱", "name": "cat", "size": None}
    talk = desk.talk(origin=f"u{now_ms()}", person=Person(id=ANNA, language=language), chat=ANNA)
    drawings = {
        "photos": {"sources": [photo] * 3, "options": {"words": "a hat"}},
        "photo": {"sources": [photo], "options": {}},
        "words": {"sources": [cat], "options": {"words": "a sleeping cat"}},
        "emoji": {"sources": [cat], "options": {"words": "cat"}},
    }
    for key, drawing in drawings.items():
        begin(talk, key, Kind.DRAW, drawing | {"behind": "l", "title": "Cats"}, state=State.HELD)
    desk.settle(talk)
    waiting = [errand(desk, key, ANNA) for key in drawings]
    end = desk.talk(origin="end", person=Person(id=ANNA, language=language), chat=ANNA)
    held.drop(end, waiting, "Cats", cancelled=cancelled)
    desk.settle(end)
    why = say("held-cancelled", title="Cats") if cancelled else say("held-unlearned", title="Cats")
    assert said(end) == {
        "status:photos": f"{say('held-photos', count=3)} {why}",
        "status:photo": f"{say('held-photos', count=1)} {why}",
        "status:words": f"{say('held-words', words='a sleeping cat')} {why}",
        "status:emoji": f"{say('held-words', words='🐱')} {why}",
    }
    assert {errand(desk, key, ANNA).state for key in drawings} == {State.OVER}


def test_a_renamed_style_is_called_so_on_the_page_that_it_was_renamed_from(chat):
    chat.presses(shelf.style, "style", "s")
    told = said(chat.writes(shelf.rename, "Tom", "s"))
    assert told[f"styles:{ANNA}:{ANNA}"] == SAY("style", title="Tom", pictures=8)


@pytest.mark.parametrize(
    ("answer", "action", "words"), [(shelf.style, "style", "style"), (shelf.drop_ask, "style-drop", "style-drop")]
)
def test_a_page_from_before_a_style_learned_more_is_still_about_it(chat, answer, action, words):
    told = said(chat.presses(answer, action, "old"))
    assert told[f"styles:{ANNA}:{ANNA}"] == SAY(words, title="Cats", pictures=8)


def test_a_name_that_was_asked_for_before_a_style_learned_more_is_still_its_own(chat):
    chat.writes(shelf.rename, "Tom", "old")
    assert chat.thing(Has.STYLE, "s").value["title"] == "Tom"
