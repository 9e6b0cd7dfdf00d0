"""Pictures that are collected for a style: what that is called, and where it is said how many there are."""

import asyncio
from types import SimpleNamespace

import pytest

from bot import collecting, listed, teach, wanted
from bot.drawing import begin_drawing
from bot.errands import Kind, State, begin
from bot.routes import Event
from bot.texts import Words
from bot.things import Has
from tests.unit.bot.presses import ANNA, Chat, buttons, notice

SAY = Words("en")

PHOTO = {"file": "f", "name": "photo", "size": 1}


def test_it_is_called_by_words_that_came_with_a_picture_and_not_by_the_emoji_of_a_sticker(desk):
    chat = Chat(desk)
    titles = []
    for number, caption in enumerate(["🥑", "", "My  dogs 🐶", "Cats"]):
        talk = chat.talk()
        collecting.add(talk, [PHOTO | {"uid": str(number)}], caption)
        desk.settle(talk)
        titles.append(desk.person(ANNA).state["collect"]["title"])
    assert titles == ["", "", "My dogs 🐶", "My dogs 🐶"]


@pytest.mark.parametrize(
    ("passed_ms", "done"),
    [(collecting.MOVES_MS, ["edit"]), (collecting.MOVES_MS + 1, ["delete", "say"])],
    ids=["of an album", "one by one"],
)
def test_the_count_stands_below_pictures_that_come_one_by_one_and_makes_no_sound(desk, monkeypatch, passed_ms, done):
    chat, now_ms = Chat(desk), collecting.now_ms()
    monkeypatch.setattr(collecting, "now_ms", lambda: now_ms)
    for uid, at_ms in (("1", now_ms), ("2", now_ms + passed_ms)):
        monkeypatch.setattr(collecting, "now_ms", lambda at_ms=at_ms: at_ms)
        talk = chat.talk()
        collecting.add(talk, [PHOTO | {"uid": uid}])
        desk.settle(talk)
    assert [one.action for one in talk.effects] == done
    assert {one.slot for one in talk.effects} == {f"status:{collecting.collection(talk)['id']}"}
    assert not talk.effects[-1].payload["loud"]


def test_once_something_is_drawn_beside_it_the_next_photo_does_not_belong_to_it_unasked(desk):
    chat = Chat(desk)
    chat.has_style("s")
    talk = chat.talk()
    collecting.add(talk, [PHOTO | {"uid": "1"}])
    assert collecting.fresh(talk)
    begin_drawing(talk, {"sources": [PHOTO], "options": {}, "emoji": []}, chat.thing(Has.STYLE, "s"))
    assert not collecting.fresh(talk)
    desk.settle(talk)
    assert [*sent(chat, "2").person.state["choice"]["items"]] == [{"source": source("2"), "caption": ""}]


@pytest.mark.parametrize("learning", [False, True])
def test_photos_to_be_drawn_are_kept_though_the_style_was_deleted_while_they_were_asked_about(desk, learning):
    chat = Chat(desk)
    chat.has_style("s")
    talk = chat.talk()
    collecting.add(talk, [PHOTO | {"uid": "1"}])
    begin_drawing(talk, {"sources": [PHOTO], "options": {}, "emoji": []}, chat.thing(Has.STYLE, "s"))
    desk.settle(talk)
    id = sent(chat, "2").person.state["choice"]["id"]
    chat.loses(Has.STYLE, "s")
    if learning:
        talk = chat.talk()
        begin(talk, "l", Kind.LEARN, {"title": "Dogs"})
        desk.settle(talk)
    talk = chat.presses(collecting.choice_draw, "choice-draw", id)
    held = chat.open(State.HELD)
    assert ("wanted" in talk.person.state, len(held)) == ((False, 1) if learning else (True, 0))
    kept = held[0].payload if learning else talk.person.state["wanted"]
    assert kept["sources"] == [source("2")]


def keeps_photo_and_gets(chat, count):
    """A photo is to be drawn later; then so many pictures come. Returns the ids of both messages."""
    kept = sent(chat, "kept").person.state["collect"]["id"]
    chat.presses(wanted.collected, "collect-draw", kept)
    for number in range(count):
        talk = sent(chat, str(number))
    return kept, talk.person.state["collect"]["id"]


def test_pictures_after_a_photo_that_is_kept_are_asked_about_below_it_and_it_stays_kept(desk):
    chat = Chat(desk)
    kept, asked = keeps_photo_and_gets(chat, 6)
    assert kept != asked
    talk = sent(chat, "last")
    shown = talk.effects[-1]
    assert (shown.slot, buttons(desk, shown.payload)[SAY("key-learn-these", count=7)]) == (
        f"status:{asked}",
        ("learn", asked),
    )
    assert [one["uid"] for one in talk.person.state["wanted"]["sources"]] == ["kept"]
    chat.services.settings = SimpleNamespace(bot_profile="embedded")
    talk = chat.talk()
    talk.consent(teach.PURPOSE, teach.VERSION)
    desk.settle(talk)
    chat.presses(teach.learn, "learn", asked)
    [learn], [waiting] = chat.open(), chat.open(State.HELD)
    assert (len(learn.payload["sources"]), waiting.key, len(waiting.payload["sources"])) == (7, kept, 1)


def test_pictures_after_a_photo_that_is_kept_can_be_kept_with_it_and_the_newest_message_gives_them_up(desk):
    chat = Chat(desk)
    kept, asked = keeps_photo_and_gets(chat, 2)
    talk = chat.presses(wanted.collected, "collect-draw", asked)
    done = {one.slot: (one.action, one.payload.get("text"), one.payload["buttons"]) for one in talk.effects if one.slot}
    assert done[f"status:{kept}"] == ("buttons", None, [])
    assert done[f"status:{asked}"][:2] == ("edit", SAY("wanted", count=3))
    assert notice(chat.presses(wanted.forget, "wanted-no", kept)) == SAY("button-old")
    chat.presses(wanted.forget, "wanted-no", asked)
    assert "wanted" not in desk.person(ANNA).state


def test_of_more_photos_than_can_be_kept_it_is_said_how_many_were_left_out(desk):
    chat = Chat(desk)
    _, asked = keeps_photo_and_gets(chat, wanted.MOST)
    text = chat.presses(wanted.collected, "collect-draw", asked).effects[-1].payload["text"]
    left_out = SAY("wanted-most", most=wanted.MOST, over=1)
    assert text == SAY("wanted", count=wanted.MOST) + "\n\n" + left_out
    talk = chat.talk()
    wanted.hold(talk, "l", "Cats")
    desk.settle(talk)
    assert talk.effects[-1].payload["text"].endswith(left_out)
    [kept] = chat.open(State.HELD)
    assert len(kept.payload["sources"]) == wanted.MOST


def source(uid):
    return PHOTO | {"uid": uid, "file": "f"}


def sent(chat, uid):
    """What came of a photo: the talk, settled."""
    photo = SimpleNamespace(file_id="f", file_unique_id=uid, file_size=1)
    message = SimpleNamespace(photo=[photo], document=None, caption=None, media_group_id=None)
    talk = chat.talk()
    event = Event(update=SimpleNamespace(message=message), services=chat.services, chat=ANNA)
    asyncio.run(teach.picture(event, talk))
    chat.desk.settle(talk)
    return talk


@pytest.mark.parametrize("count", [0, 3])
def test_new_says_so_where_it_forgets_pictures(desk, count):
    chat = Chat(desk)
    talk = chat.talk()
    collecting.begin(talk, "c", [PHOTO | {"uid": str(number)} for number in range(count)], few=True)
    desk.settle(talk)
    talk = chat.talk()
    asyncio.run(collecting.new(None, talk))
    desk.settle(talk)
    assert talk.effects[-1].payload["text"] == SAY("collect-anew" if count else "collect-begin", least=3)


def test_a_style_learns_more_by_a_page_from_before_it_learned_more(desk):
    chat = Chat(desk)
    chat.has_style("s", was=["old"])
    chat.services.files.list = lambda key: ["given"] if f"/{key}/".count("/s/") else []
    chat.presses(collecting.more, "style-more", "old")
    assert desk.person(ANNA).state["collect"]["replaces"] == "s"


@pytest.mark.parametrize("names", [["photo"], ["a.png", "photo", "b.png", "sticker"], ["a.png"], ["sticker"] * 4])
@pytest.mark.parametrize("language", ["en", "ru"])
def test_that_files_keep_their_transparency_is_said_where_some_came_as_photos_and_only_there(desk, names, language):
    chat = Chat(desk)
    talk = chat.talk(tag=language)
    own = [PHOTO | {"uid": str(number), "name": name} for number, name in enumerate(names)]
    collecting.begin(talk, "c", own, few=True)
    [asked] = {one.payload["text"] for one in talk.effects[-1:]}
    assert (Words(language)("collect-as-files") in asked) == ("photo" in names)


def test_pictures_without_a_name_are_known_by_their_number_where_they_are_learned(desk):
    chat = Chat(desk)
    chat.services.settings = SimpleNamespace(bot_profile="embedded")
    talk = chat.talk()
    own = [PHOTO, PHOTO | {"name": "a.png"}, PHOTO | {"name": "sticker"}]
    collecting.add(talk, [one | {"uid": str(number)} for number, one in enumerate(own)])
    talk.consent(teach.PURPOSE, teach.VERSION)
    desk.settle(talk)
    chat.presses(teach.learn, "learn", collecting.collection(talk)["id"])
    [learn] = chat.open()
    assert [one["name"] for one in learn.payload["sources"]] == ["photo 1", "a.png", "sticker 3"]


def test_a_photo_that_was_collected_and_is_to_be_drawn_after_all_is_called_a_photo(desk):
    chat = Chat(desk)
    talk = chat.talk()
    collecting.add(talk, [PHOTO | {"uid": "1"}], unasked=True)
    desk.settle(talk)
    chat.presses(wanted.collected, "collect-draw", collecting.collection(talk)["id"])
    talk = chat.talk()
    wanted.hold(talk, "l", "Cats")
    desk.settle(talk)
    [kept] = chat.open(State.HELD)
    assert listed.name_of(SAY, kept) == SAY("job-held", count=1, title="Cats")
