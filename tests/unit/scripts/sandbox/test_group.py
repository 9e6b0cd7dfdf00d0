"""Groups: what reaches a bot in privacy mode, who may delete, leaving, being kicked, and moving to a supergroup."""

import pytest

from scripts.sandbox.emulator.errors import WrongUse


@pytest.fixture
def boris(emulator):
    return emulator.person("Boris")


@pytest.fixture
def group(emulator, anna, boris):
    return emulator.group("Friends", anna, boris)


def heard(api):
    return [one["message"].get("text") for one in api.result("getUpdates") if "message" in one]


def test_a_bot_is_told_that_it_came_and_hears_commands_and_answers_only(api, anna, boris, group):
    change = api.result("getUpdates")[-1]["my_chat_member"]
    assert (change["chat"]["title"], change["new_chat_member"]["status"]) == ("Friends", "member")
    boris.send("just talk", group=group)
    boris.send("/help@other_bot", group=group)
    boris.send("/help@StickerSmith_bot", group=group)
    sent = api.result("sendMessage", chat_id=group.id, text="yes?")
    anna.send("an answer", group=group, reply_to=sent["message_id"])
    assert heard(api)[1:] == ["/help@StickerSmith_bot", "an answer"]


def test_everybody_sees_the_group_and_can_press(api, anna, boris, group):
    keys = {"inline_keyboard": [[{"text": "Mine", "callback_data": "m"}]]}
    api.result("sendMessage", chat_id=group.id, text="for Anna", reply_markup=keys)
    assert anna.see(group=group).last.text == boris.see(group=group).last.text == "for Anna"
    boris.press("Mine", group=group)
    query = api.result("getUpdates")[-1]["callback_query"]
    assert (query["from"]["first_name"], query["message"]["chat"]["id"]) == ("Boris", group.id)


def test_only_an_administrator_deletes_what_others_wrote(api, anna, boris, group):
    place = {"chat_id": group.id, "message_id": boris.send("spam", group=group).id}
    assert api.refusal("deleteMessage", **place) == "400 Bad Request: message can't be deleted"
    group.add_bot(by=anna, as_administrator=True)
    assert api.result("deleteMessage", **place) is True


def test_members_and_the_chat_can_be_asked_for(emulator, api, anna, boris, group):
    member = {"chat_id": group.id}
    assert api.result("getChat", **member)["title"] == "Friends"
    statuses = [api.result("getChatMember", user_id=one, **member)["status"] for one in (anna.id, boris.id)]
    assert statuses == ["creator", "member"]
    stranger = emulator.person("Clara")
    assert api.result("getChatMember", user_id=stranger.id, **member)["status"] == "left"
    assert "PARTICIPANT_ID_INVALID" in api.refusal("getChatMember", user_id=7, **member)
    with pytest.raises(WrongUse, match="not in the group"):
        stranger.send("hi", group=group)


def test_who_left_or_was_kicked_writes_no_more(api, anna, group):
    group.kick_bot(by=anna)
    assert api.refusal("sendMessage", chat_id=group.id, text="a") == "403 Forbidden: bot was kicked from the group chat"
    group.add_bot(by=anna)
    assert api.result("leaveChat", chat_id=group.id) is True
    assert "not a member" in api.refusal("leaveChat", chat_id=group.id)


def test_a_group_that_moved_tells_its_new_id(api, anna, group):
    old = group.id
    group.migrate(by=anna)
    status, body = api("sendMessage", chat_id=old, text="a")
    assert (status, body["parameters"]) == (400, {"migrate_to_chat_id": group.id})
    assert group.id < -1_000_000_000_000
    assert api.result("sendMessage", chat_id=group.id, text="a")["chat"]["type"] == "supergroup"
    moves = [one["message"].get("migrate_to_chat_id") for one in api.result("getUpdates") if "message" in one]
    assert group.id in moves
