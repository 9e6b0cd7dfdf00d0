"""What waits for a style is drawn in the end, whatever becomes of the learning that it was kept for."""

import asyncio
from types import SimpleNamespace

import pytest

from bot import collecting, held, orders, results, teach, wanted
from bot.albums import Late
from bot.errands import Kind, State, advance, begin, errand
from bot.routes import Event
from bot.texts import Words
from pipeline.jobs.words import Kind as JobKind
from pipeline.jobs.words import Status
from tests.unit.bot.presses import ANNA, Chat

SAY = Words("en")
PHOTO = {"file": "f", "uid": "1", "name": "photo", "size": 1}


@pytest.fixture
def chat(desk):
    return Chat(desk)


def sends(chat, name, mime):
    """A file; what is said."""
    document = SimpleNamespace(file_id="f", file_unique_id=name, file_size=1, file_name=name, mime_type=mime)
    message = SimpleNamespace(photo=[], document=document, caption=None, media_group_id=None)
    talk = chat.talk()
    event = Event(update=SimpleNamespace(message=message), services=chat.services, chat=ANNA)
    asyncio.run(teach.picture(event, talk))
    chat.desk.settle(talk)
    [said] = [one.payload["text"] for one in talk.effects]
    return said


def has_begun(chat, key, kind=Kind.LEARN, state=State.WAITING, **payload):
    talk = chat.talk()
    begin(talk, key, kind, {"title": key, "used": 9} | payload, state=state)
    chat.desk.settle(talk)


def ends(chat, key, act):
    """Its learning is over; what is said."""
    talk, row = chat.talk(), errand(chat.desk, key, ANNA)
    spec = SimpleNamespace(kind=JobKind.LEARN, style=key, person=f"tg{ANNA}", profile="embedded")
    asyncio.run(act(talk, row, SimpleNamespace(spec=spec, error_code="pack_size"), chat.services))
    advance(talk, row, State.TOLD)
    chat.desk.settle(talk)
    return {one.slot: one.payload.get("text") for one in talk.effects if one.slot}


def waits_for(chat, key):
    """A photo that was sent meanwhile."""
    has_begun(chat, f"photo of {key}", Kind.DRAW, State.HELD, behind=key, sources=[PHOTO], options={})


def collected(chat):
    """Photos that were taken for pictures to learn from, and the button "Draw them later" below them."""
    talk = chat.talk()
    collecting.add(talk, [PHOTO | {"uid": str(number)} for number in range(2)], unasked=True)
    chat.desk.settle(talk)
    return chat.desk.person(ANNA).state["collect"]["id"]


def test_after_a_learning_that_failed_what_waited_is_drawn_in_the_next_style_and_that_is_said(chat):
    has_begun(chat, "cats")
    has_begun(chat, "birds")
    for key in ("cats", "birds"):
        waits_for(chat, key)
    assert ends(chat, "cats", results.failed)["end:cats"].endswith(SAY("failed-held"))
    has_begun(chat, "dogs")
    ends(chat, "dogs", results.done)
    [drawn] = chat.open()
    assert (drawn.key, drawn.payload["style"]) == ("photo of cats", "dogs")
    assert [one.key for one in chat.open(State.HELD)] == ["photo of birds"]  # those are still being learned


def test_a_failure_that_nothing_waited_for_says_no_more_than_that(chat):
    has_begun(chat, "cats")
    assert SAY("failed-held") not in ends(chat, "cats", results.failed)["end:cats"]


def test_nothing_is_held_behind_a_learning_that_ended_in_that_very_moment(chat):
    has_begun(chat, "cats")
    photo = chat.talk()
    held.hold(photo, held.learning(chat.desk, ANNA), {"sources": [PHOTO], "options": {}})
    ends(chat, "cats", results.done)
    with pytest.raises(Late):
        chat.desk.settle(photo)
    assert chat.open(State.HELD) == []


def test_photos_to_be_drawn_later_wait_for_what_is_being_learned(chat):
    id = collected(chat)
    has_begun(chat, "cats")
    chat.presses(wanted.collected, "collect-draw", id)
    [waiting] = chat.open(State.HELD)
    assert (waiting.payload["behind"], len(waiting.payload["sources"])) == ("cats", 2)
    ends(chat, "cats", results.done)
    assert [one.key for one in chat.open()] == [id]
    assert "wanted" not in chat.desk.person(ANNA).state


def test_photos_to_be_drawn_later_are_drawn_at_once_where_there_is_a_style(chat):
    id = collected(chat)
    chat.has_style("s")
    chat.presses(wanted.collected, "collect-draw", id)
    [drawn] = chat.open()
    assert (drawn.key, drawn.payload["style"], len(drawn.payload["sources"])) == (id, "s", 2)
    assert "wanted" not in chat.desk.person(ANNA).state


def test_photos_that_are_kept_are_drawn_when_a_failed_learning_is_taken_up_again(chat):
    has_begun(chat, "cats", state=State.TOLD)
    talk = chat.talk()
    wanted.keep(talk, "kept", [PHOTO], "")
    talk.consent("training", "2026-11")
    chat.desk.settle(talk)
    chat.services.jobs = SimpleNamespace(requeue=lambda _: SimpleNamespace(status=Status.QUEUED))
    chat.presses(orders.retry, "retry", "cats")
    [waiting] = chat.open(State.HELD)
    assert (waiting.key, waiting.payload["behind"]) == ("kept", "cats")


@pytest.mark.parametrize(
    ("name", "mime", "kept"),
    [
        ("note.txt", "text/plain", False),
        ("note.txt", None, False),
        ("cat.mp4", "video/mp4", False),
        ("cat.pdf", "application/pdf", False),
        ("cat.png", "image/png", True),
        ("CAT.PNG", "text/plain", True),
        ("cat.heic", "image/heic", True),
        ("cat.tgs", "application/x-tgsticker", True),
        ("cat.webm", "video/webm", True),
        ("cat", "application/octet-stream", True),
        ("cat", None, True),
    ],
)
def test_a_file_that_is_no_picture_by_its_own_word_is_refused_at_once_while_its_style_is_learned(
    chat, name, mime, kept
):
    has_begun(chat, "cats")
    said = sends(chat, name, mime)
    assert said == (SAY("status-held", title="cats", count=1) if kept else SAY("draw-unreadable"))
    assert [one.payload["sources"][0]["name"] for one in chat.open(State.HELD)] == [name] * kept


def test_a_style_that_is_learning_more_takes_no_other_pictures_meanwhile(chat):
    """The second learning would begin from what the first began from, and its pictures would be lost."""
    chat.has_style("s")
    chat.services.files.list = lambda _: ["old"]
    has_begun(chat, "more", replaces="s")
    told = chat.presses(collecting.more, "style-more", "s")
    assert [one.payload["text"] for one in told.effects if one.action == "say"] == [SAY("more-busy", title="Cats")]
    assert "collect" not in chat.desk.person(ANNA).state
    ends(chat, "more", results.failed)
    chat.presses(collecting.more, "style-more", "s")
    assert chat.desk.person(ANNA).state["collect"]["replaces"] == "s"
