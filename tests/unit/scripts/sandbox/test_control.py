"""The control surface does from another process what the object does here, and serves no page of a browser."""

import base64

import pytest

from scripts.sandbox.emulator import seed


@pytest.fixture
def act(emulator, api):
    def post(action, **given):
        answer = api.http.post(f"{emulator.url}/__control/{action}", json=given)
        return answer.json()["result"] if answer.status_code == 200 else (answer.status_code, answer.json()["error"])

    return post


def coded(content):
    return base64.b64encode(content).decode()


def test_a_person_is_made_sends_presses_and_sees(act, api, emulator):
    assert act("bot")["token"] == emulator.token
    person = act("person", first_name="Vera", language_code="ru")["id"]
    act("send", person=person, text="/start")
    act("photo", person=person, content=coded(seed.png(0, (64, 64))), caption="me", album="a")
    act("document", person=person, content=coded(seed.png()), name="a.png")
    act("sticker", person=person, content=coded(seed.webp()))
    assert len(api.result("getUpdates")) == 4
    keys = {"inline_keyboard": [[{"text": "Go", "callback_data": "go"}]]}
    api.result("sendMessage", chat_id=person, text="hi", reply_markup=keys)
    query = act("press", person=person, button="Go")["query"]
    assert act("answer", query=query) == {"answered": False}
    api.result("answerCallbackQuery", callback_query_id=query, text="so")
    assert act("answer", query=query)["text"] == "so"
    view = act("see", person=person)
    assert [one["kind"] for one in view["messages"]] == ["text", "photo", "document", "sticker", "text"]
    assert base64.b64decode(view["messages"][2]["file"]) == seed.png()
    assert [one["first_name"] for one in act("people")] == ["Vera"]


def test_groups_sets_blocks_faults_clock_record_and_checks_are_reached(act, api, emulator):
    person = act("person", first_name="Vera")["id"]
    group = act("group", title="G", people=[person])["id"]
    act("send", person=person, text="/help", group=group)
    assert api.result("getUpdates")[-1]["message"]["chat"]["id"] == group
    act("sticker_set", name="zoo", stickers=[coded(seed.webp(1))])
    act("sticker", person=person, set="zoo", index=0, group=group)
    assert len(act("sticker_set", name="zoo")["stickers"]) == 1
    act("send", person=person, text="hi")
    act("fault", kind="server_error", method="sendMessage", where={"chat_id": person})
    assert api("sendMessage", chat_id=person, text="a")[0] == 500
    act("fault", kind="server_error", times=-1)
    act("clear_faults")
    for text in ("done 1", "done 1"):
        api.result("sendMessage", chat_id=person, text=text)
    assert [one["rule"] for one in act("check", finals=["done 1", "done 2"])] == ["final", "final"]
    assert [one["status"] for one in act("record", method="sendMessage")] == [500, 200, 200]
    assert act("clock", advance=50)["ticks"] >= 50
    act("block", person=person)
    assert api("sendMessage", chat_id=person, text="a")[0] == 403
    act("unblock", person=person)
    assert api("sendMessage", chat_id=person, text="a")[0] == 200


def test_wrong_use_is_told_in_words(act):
    assert act("fly")[0] == 404
    assert act("send", person=5, text="a") == (400, "WrongUse: there is no person 5; the action person makes one")
    assert act("send", text="a")[0] == 400
    assert act("fault", kind="nonsense")[0] == 400


def test_pages_of_a_browser_are_not_served(emulator, api):
    url = f"{emulator.url}/__control/bot"
    assert api.http.post(url, content="{}", headers={"Content-Type": "text/plain"}).status_code == 403
    assert api.http.post(url, json={}, headers={"Host": "evil.example:80"}).status_code == 403
