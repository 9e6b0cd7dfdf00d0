"""A pack loses the sticker that was seen to be its last one, and no other, however often the button is pressed."""

import pytest

from bot import pack_shelf
from bot.keyboards import mark_of
from bot.texts import Words
from bot.things import Has
from tests.unit.bot.presses import Chat, buttons, notice

SAY = Words("en")
MARK = mark_of("cats")


@pytest.fixture
def chat(desk):
    chat = Chat(desk)
    chat.sets.there["cats"] = [["one", "🙂"], ["two", "🙂"], ["three", "🙂"]]
    chat.has(Has.PACK, "cats", title="Cats", count=3, used_ms=1)
    return chat


@pytest.fixture
def button(chat):
    """The id of "Remove the last", as it is shown now."""
    [page] = chat.presses(pack_shelf.pack, "pack", MARK).effects
    action, id = buttons(chat.desk, page.payload)[SAY("key-remove-last")]
    assert action == "pack-last"
    return id


def test_pressed_twice_before_it_is_done_and_once_after_it_takes_out_one(chat, button):
    for _ in range(2):
        assert notice(chat.presses(pack_shelf.last, "pack-last", button)) == SAY("undoing")
    assert len(chat.open()) == 1
    chat.does(pack_shelf.do_last)
    assert [uid for uid, _ in chat.sets.there["cats"]] == ["one", "two"]
    assert notice(chat.presses(pack_shelf.last, "pack-last", button)) == SAY("pack-last-already")
    assert chat.open() == []


@pytest.mark.parametrize("older", [False, True])
def test_a_page_that_is_not_true_any_more_takes_out_nothing_and_is_shown_anew(chat, button, older):
    """Another sticker was added since; and a button of before they were bound to a sticker."""
    chat.sets.there["cats"].append(["four", "🙂"])
    talk = chat.presses(pack_shelf.last, "pack-last", MARK if older else button)
    assert notice(talk) == SAY("pack-changed")
    assert chat.open() == []
    page = talk.effects[-1].payload
    assert "4 stickers" in page["text"]
    assert buttons(chat.desk, page)[SAY("key-remove-last")] == ("pack-last", f"{MARK}.{mark_of('four')}")


def test_a_name_given_while_the_pack_is_used_otherwise_changes_nothing_but_the_name(chat):
    chat.has(Has.PACK, "dogs", title="Dogs", count=1, used_ms=2)
    talk = chat.talk()
    pack_shelf.begin(talk, "u9-0", pack_shelf.Kind.TITLE, {"pack": "cats", "title": "Tom"})
    chat.desk.settle(talk)

    async def renamed(_name, _title):
        await chat.press(pack_shelf.use, "pack-use", MARK)
        return True

    chat.sets.set_sticker_set_title = renamed
    chat.does(pack_shelf.do_title)
    one = chat.thing(Has.PACK, "cats")
    assert one.value["title"] == "Tom"
    assert one.value["used_ms"] > 2


def test_deletion_pressed_twice_happens_once_and_names_the_pack_as_its_owner_does(chat):
    for _ in range(2):
        chat.presses(pack_shelf.drop, "pack-drop-yes", MARK)
    assert len(chat.open()) == 1
    chat.loses(Has.PACK, "cats")  # meanwhile it was found gone, and went off the list
    chat.does(pack_shelf.do_drop)
    assert SAY("pack-dropped", title="Cats") in chat.shown().values()


def test_a_name_without_a_sign_is_asked_for_again_with_the_name_that_the_pack_has(chat):
    talk = chat.writes(pack_shelf.rename, " \n\u3164 ", "cats")
    assert [one.payload["text"] for one in talk.effects] == [SAY("pack-name", title="Cats")]
