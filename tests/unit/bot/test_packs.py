"""A sticker goes into its pack as it is, whatever was changed meanwhile; a button that reads wrong does no wrong."""

import pytest
import sqlalchemy as sa
from telegram.error import BadRequest

from bot import emoji_choice, packs
from bot.errands import Kind
from bot.keyboards import mark_of, sticker_keys
from bot.tables import OUTBOX
from bot.texts import Words
from bot.things import Has, Thing
from tests.unit.bot.presses import ANNA, Chat, Sets, buttons, notice

SAY = Words("en")


@pytest.fixture
def chat(desk):
    return Chat(desk)


def shown(chat, id):
    """The buttons that the sticker's message is to have, as the newest effect on it says."""
    query = sa.select(OUTBOX).where(OUTBOX.c.slot == f"sticker:{id}", OUTBOX.c.state == "pending")
    with chat.desk.engine.connect() as connection:
        rows = connection.execute(query.order_by(OUTBOX.c.number.desc())).all()
    return buttons(chat.desk, chat.desk.vault.open(rows[0].payload)) if rows else {}


def in_a_pack(chat, id, name="cats_by_a_bot"):
    """Its first pack."""
    chat.presses(packs.add_first, "add-first", id)
    chat.does(packs.do_add)
    [made] = chat.sets.there
    return made


# ── what is changed meanwhile ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("there", [False, True])
def test_an_emoji_chosen_while_the_sticker_is_added_is_kept_shown_and_in_the_set(chat, there):
    id = chat.has_sticker()
    if there:
        chat.sets.there["cats"] = [["uid0", "🙂"]]
        chat.has(Has.PACK, "cats", title="Cats", count=1, used_ms=1)
        chat.presses(packs.add, "add", f"{id}.{mark_of('cats')}")
    else:
        chat.presses(packs.add_first, "add-first", id)
    chat.sets.meanwhile = lambda: chat.press(emoji_choice.pressed_one, "emoji-is", f"{id}.1")
    chat.does(packs.do_add)
    [name] = chat.sets.there
    sticker = chat.thing(Has.STICKER, id)
    assert sticker.value["emoji"] == ["🐱"]
    assert [*sticker.value["packs"]] == [name]
    assert "Emoji 🐱" in shown(chat, id)
    assert chat.sets.there[name][-1] == ["uid1", "🙂"]  # as it was when the writing began
    assert chat.does(packs.do_emoji).kind is Kind.EMOJI
    assert chat.sets.there[name][-1] == ["uid1", "🐱"]
    assert chat.open() == []


def test_an_emoji_that_was_not_changed_is_written_once(chat):
    in_a_pack(chat, chat.has_sticker())
    assert chat.open() == []


def test_a_sticker_that_is_taken_out_again_keeps_what_was_chosen_meanwhile(chat):
    id = chat.has_sticker()
    name = in_a_pack(chat, id)
    chat.sets.there[name].append(["other", "🙂"])  # the set stays
    [added] = [one for one in (chat.thing(Has.ADDED, f"u{n}-0") for n in range(9)) if one]
    chat.presses(packs.undo, "undo", added.id)
    taken = chat.sets.delete_sticker_from_set

    async def slowly(file_id):
        await chat.press(emoji_choice.pressed_one, "emoji-is", f"{id}.1")
        return await taken(file_id)

    chat.sets.delete_sticker_from_set = slowly
    chat.does(packs.do_undo)
    sticker = chat.thing(Has.STICKER, id)
    assert (sticker.value["emoji"], sticker.value["packs"]) == (["🐱"], {})
    assert "Emoji 🐱" in shown(chat, id)


def test_an_undo_that_telegram_refuses_changes_nothing_and_says_so_of_the_pack(chat):
    id = chat.has_sticker()
    name = in_a_pack(chat, id)
    chat.sets.there[name].append(["other", "🙂"])
    [added] = [one for one in (chat.thing(Has.ADDED, f"u{n}-0") for n in range(9)) if one]
    chat.presses(packs.undo, "undo", added.id)

    async def refused(_file_id):
        raise BadRequest("not today")

    chat.sets.delete_sticker_from_set = refused
    chat.does(packs.do_undo)
    query = sa.select(OUTBOX.c.payload).where(OUTBOX.c.state == "pending").order_by(OUTBOX.c.number.desc())
    with chat.desk.engine.connect() as connection:
        newest = chat.desk.vault.open(connection.execute(query).scalars().first())
    assert newest["text"] == SAY("pack-not-changed")
    assert [*chat.thing(Has.STICKER, id).value["packs"]] == [name]
    chat.sets.delete_sticker_from_set = Sets.delete_sticker_from_set.__get__(chat.sets)
    for _ in range(2):  # pressed twice, it is done once
        chat.presses(packs.undo, "undo", added.id)
    chat.does(packs.do_undo)
    assert (chat.sets.there[name], chat.open()) == ([["other", "🙂"]], [])


def test_a_sticker_that_is_being_added_to_a_pack_is_added_to_a_new_one_too(chat):
    id = chat.has_sticker()
    chat.sets.there["cats"] = [["uid0", "🙂"]]
    chat.has(Has.PACK, "cats", title="Cats", count=1, used_ms=1)
    for _ in range(2):
        for answer, action, about in (
            (packs.add, "add", f"{id}.{mark_of('cats')}"),
            (packs.add_new, "add-new", id),
        ):
            assert notice(chat.presses(answer, action, about)) == SAY("adding")
    assert sorted(str(one.payload["pack"]) for one in chat.open()) == ["None", "cats"]


def test_choosing_emoji_for_one_sticker_leaves_the_question_for_another_open(chat):
    first, second = chat.has_sticker("u1-0.0"), chat.has_sticker("u2-0.0")
    for answer, action, id in (
        (emoji_choice.back, "emoji-back", first),
        (emoji_choice.pressed_one, "emoji-is", f"{first}.1"),
    ):
        chat.presses(emoji_choice.choose, "emoji", first)
        chat.presses(emoji_choice.choose, "emoji", second)
        chat.presses(answer, action, id)
        assert chat.desk.person(ANNA).state["emoji"] == second
    chat.presses(emoji_choice.back, "emoji-back", second)
    assert "emoji" not in chat.desk.person(ANNA).state


# ── buttons that read wrong ───────────────────────────────────────────────────────────────────────────────────────────


def test_once_there_is_a_pack_the_last_few_stickers_offer_it_and_once_it_is_gone_a_new_one(chat):
    old, new = chat.has_sticker("u1-0.0"), chat.has_sticker("u2-0.0")
    hidden = chat.has_sticker("u3-0.0", shown=False)
    name = in_a_pack(chat, new)
    for id in (old, new):
        assert shown(chat, id)["➕ Add to My style – stickers"] == ("add", f"{id}.{mark_of(name)}")
        assert shown(chat, id)[SAY("key-new-pack")] == ("add-new", id)
    assert shown(chat, hidden) == {}
    [added] = [one for one in (chat.thing(Has.ADDED, f"u{n}-0") for n in range(9)) if one]
    chat.presses(packs.undo, "undo", added.id)
    chat.does(packs.do_undo)
    for id in (old, new):
        assert shown(chat, id)[SAY("key-new-pack")] == ("add-first", id)
        assert not any("➕" in text for text in shown(chat, id))


def test_new_pack_from_when_there_was_none_makes_no_second_one_unasked(chat):
    first, second = chat.has_sticker("u1-0.0"), chat.has_sticker("u2-0.0")
    chat.presses(packs.add_first, "add-first", first)
    assert notice(chat.presses(packs.add_first, "add-first", second)) == SAY("add-making")
    chat.does(packs.do_add)
    told = notice(chat.presses(packs.add_first, "add-first", second))
    assert told == SAY("add-there", title="My style – stickers")
    assert chat.open() == []
    assert "➕ Add to My style – stickers" in shown(chat, second)
    assert notice(chat.presses(packs.add_new, "add-new", second)) == SAY("adding")  # who wants one gets one
    assert [one.payload["pack"] for one in chat.open()] == [None]


def test_new_pack_is_new_where_the_only_one_was_deleted_in_telegram(chat):
    id = chat.has_sticker()
    chat.has(Has.PACK, "cats", title="Cats", count=1, used_ms=1)  # of which Telegram knows nothing
    assert notice(chat.presses(packs.add_first, "add-first", id)) == SAY("adding")
    assert [one.payload["pack"] for one in chat.open()] == [None]
    assert chat.thing(Has.PACK, "cats") is None


def test_add_to_a_pack_that_is_gone_adds_to_no_other_one_and_shows_what_there_is(chat):
    id = chat.has_sticker()
    chat.has(Has.PACK, "dogs", title="Dogs", count=1, used_ms=1)
    assert notice(chat.presses(packs.add, "add", f"{id}.{mark_of('cats')}")) == SAY("add-gone")
    assert chat.open() == []
    assert shown(chat, id)["➕ Add to Dogs"] == ("add", f"{id}.{mark_of('dogs')}")


@pytest.mark.parametrize("marked", [True, False])
def test_a_button_adds_to_the_pack_that_it_names_and_an_older_one_to_the_one_in_use(chat, marked):
    id = chat.has_sticker()
    for used_ms, name in enumerate(("cats", "dogs")):
        chat.sets.there[name] = [["uid0", "🙂"]]
        chat.has(Has.PACK, name, title=name, count=1, used_ms=used_ms)
    chat.presses(packs.add, "add", f"{id}.{mark_of('cats')}" if marked else id)
    chat.does(packs.do_add)
    assert {name: len(stickers) for name, stickers in chat.sets.there.items()} == (
        {"cats": 2, "dogs": 1} if marked else {"cats": 1, "dogs": 2}
    )
    assert "➕ Add to dogs" in shown(chat, id)  # what is in use was chosen, and stays so


def test_a_button_with_the_longest_ids_fits_what_telegram_takes(desk):
    id, pack = "u9999999999-0.12", Thing(id="x" * 64, value={"title": "t"}, made_ms=0)
    talk = desk.talk(origin="x", person=desk.person(ANNA), chat=2**52)
    talk.say("x", buttons=sticker_keys(SAY, id, {"emoji": ["🙂"]}, pack))
    talk.say("x", buttons=sticker_keys(SAY, id, {"emoji": ["🙂"]}, None))
    longest = [max(len(one["data"]) for row in said.payload["buttons"] for one in row) for said in talk.effects]
    assert max(longest) <= 64  # bytes; it is ASCII
