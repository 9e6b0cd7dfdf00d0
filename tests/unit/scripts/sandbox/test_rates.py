"""Rates: bursts are let through, floods are told how long to wait, edits count, and every chat has its own bucket."""

import json

import pytest

from scripts.sandbox.emulator import Emulator, Limit, Limits, seed
from tests.unit.scripts.sandbox.client import Api


@pytest.fixture
def emulator():
    with Emulator() as serving:
        serving.clock.freeze()
        yield serving


def statuses(api, count, method="sendMessage", **values):
    return [api(method, **values)[0] for _ in range(count)]


def test_a_chat_takes_a_burst_and_then_one_message_a_second(emulator, api, anna):
    assert statuses(api, 6, chat_id=anna.id, text="a") == [200] * 5 + [429]
    status, body = api("sendMessage", chat_id=anna.id, text="a")
    assert (status, body["parameters"], body["description"]) == (
        429,
        {"retry_after": 1},
        "Too Many Requests: retry after 1",
    )
    emulator.clock.advance(1)
    assert statuses(api, 2, chat_id=anna.id, text="a") == [200, 429]


def test_edits_take_from_the_same_bucket_and_answers_do_not(emulator, api, anna):
    place = {"chat_id": anna.id, "message_id": api.result("sendMessage", chat_id=anna.id, text="a")["message_id"]}
    assert [api("editMessageText", text=str(number), **place)[0] for number in range(5)] == [200] * 4 + [429]
    anna.press(data="x")
    query = api.result("getUpdates")[-1]["callback_query"]["id"]
    assert api.result("answerCallbackQuery", callback_query_id=query)
    assert statuses(api, 9, "sendChatAction", chat_id=anna.id, action="typing") == [200] * 9


def test_one_chats_flood_does_not_stop_another(emulator, api, anna):
    boris = emulator.person("Boris")
    boris.start()
    statuses(api, 6, chat_id=anna.id, text="a")
    assert statuses(api, 1, chat_id=boris.id, text="a") == [200]


def test_a_group_takes_20_a_minute(emulator, api, anna):
    group = emulator.group("Friends", anna)
    assert statuses(api, 21, chat_id=group.id, text="a") == [200] * 20 + [429]
    assert api("sendMessage", chat_id=group.id, text="a")[1]["parameters"] == {"retry_after": 3}
    emulator.clock.advance(60)
    assert statuses(api, 20, chat_id=group.id, text="a") == [200] * 20


def test_all_chats_together_take_30_a_second(emulator, api):
    people = [emulator.person(f"P{number}") for number in range(31)]
    for person in people:
        person.start()
    assert [api("sendMessage", chat_id=person.id, text="a")[0] for person in people] == [200] * 30 + [429]


def test_an_album_costs_its_messages(emulator, api, anna):
    files = {f"f{number}:a.png": seed.png(number, (64, 64)) for number in range(4)}
    media = json.dumps([{"type": "photo", "media": f"attach://f{number}"} for number in range(4)])
    assert api("sendMediaGroup", files, chat_id=anna.id, media=media)[0] == 200
    assert statuses(api, 2, chat_id=anna.id, text="a") == [200, 429]


def test_writes_to_sets_have_a_bucket_of_their_owner():
    with Emulator(limits=Limits(set_writes=Limit(burst=2, per_s=0.1))) as emulator:
        emulator.clock.freeze()
        api, anna = Api(emulator), emulator.person("Anna")
        anna.start()
        file = {"sticker": seed.png()}
        values = {"user_id": anna.id, "sticker_format": "static"}
        with api.http:
            assert [api("uploadStickerFile", file, **values)[0] for _ in range(3)] == [200, 200, 429]
            assert api("uploadStickerFile", file, **values)[1]["parameters"] == {"retry_after": 10}
            assert api("sendMessage", chat_id=anna.id, text="a")[0] == 200


def test_breaking_a_rate_and_not_waiting_are_violations(emulator, api, anna):
    statuses(api, 6, chat_id=anna.id, text="a")
    assert [one.rule for one in emulator.check()] == ["rate"]
    statuses(api, 1, chat_id=anna.id, text="a")
    assert [one.rule for one in emulator.check()] == ["rate", "retry_after", "rate"]
    emulator.clock.advance(1)
    statuses(api, 1, chat_id=anna.id, text="a")
    assert len(emulator.check()) == 3
