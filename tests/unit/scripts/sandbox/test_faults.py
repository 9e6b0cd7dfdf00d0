"""Each fault as a client meets it, how often, and whether the request had its effect."""

import time

import httpx
import pytest

from scripts.sandbox.emulator import seed


def say(api, person, text="hi", **options):
    return api.http.post(f"{api.url}/sendMessage", json={"chat_id": person.id, "text": text}, **options)


def test_429_comes_with_its_wait_and_without_effect(emulator, api, anna):
    emulator.faults.add("too_many_requests", "sendMessage", seconds=7)
    assert say(api, anna).json()["parameters"] == {"retry_after": 7}
    assert anna.see().from_bot == ()
    emulator.clock.advance(7)
    assert say(api, anna).status_code == 200
    assert [one.rule for one in emulator.check()] == []


def test_coming_back_before_the_wait_is_over_is_a_violation(emulator, api, anna):
    emulator.faults.add("too_many_requests", "sendMessage", seconds=7)
    say(api, anna)
    say(api, anna)
    assert [one.rule for one in emulator.check()] == ["retry_after"]


def test_500_is_json_and_502_a_page_and_neither_has_an_effect(emulator, api, anna):
    emulator.faults.add("server_error", "sendMessage")
    emulator.faults.add("bad_gateway", "sendMessage")
    first, second = say(api, anna), say(api, anna)
    assert (first.status_code, first.json()["description"]) == (500, "Internal Server Error")
    assert (second.status_code, second.headers["Content-Type"]) == (502, "text/html")
    assert "<html>" in second.text
    assert anna.see().from_bot == ()


def test_any_refusal_can_be_told(emulator, api, anna):
    emulator.faults.add("error", "sendMessage", code=400, description="Bad Request: TOPIC_CLOSED")
    assert (say(api, anna).status_code, say(api, anna).status_code) == (400, 200)


def test_a_timeout_after_the_effect_leaves_the_message_and_no_answer(emulator, api, anna):
    emulator.faults.add("timeout_after_effect", "sendMessage", seconds=1)
    with pytest.raises(httpx.ReadTimeout):
        say(api, anna, timeout=0.3)
    assert [one.text for one in anna.see().from_bot] == ["hi"]
    assert [(one.status, one.fault) for one in emulator.record.of("sendMessage")] == [(0, "timeout_after_effect")]


def test_an_error_after_the_effect_leaves_the_message(emulator, api, anna):
    emulator.faults.add("error_after_effect", "sendMessage")
    assert say(api, anna).status_code == 502
    assert len(anna.see().from_bot) == 1


def test_a_reset_in_the_middle_of_an_upload_has_no_effect(emulator, api, anna):
    emulator.faults.add("reset", "sendDocument")
    with pytest.raises((httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)):
        api("sendDocument", {"document": b"\1" * (8 << 20)}, chat_id=anna.id)
    assert anna.see().from_bot == ()
    assert api("sendDocument", {"document": b"\1" * 10}, chat_id=anna.id)[0] == 200


def test_a_slow_body_drips_and_arrives_whole(emulator, api, anna):
    emulator.faults.add("slow_body", "getMe", seconds=0.5)
    began = time.monotonic()
    assert api.result("getMe")["is_bot"] is True
    assert time.monotonic() - began >= 0.4


@pytest.mark.parametrize("kind", ["truncated", "wrong_length"])
def test_a_download_that_is_cut_is_not_whole(emulator, api, anna, kind):
    content = seed.png(3)
    anna.document(content)
    path = api.result("getFile", file_id=api.result("getUpdates")[-1]["message"]["document"]["file_id"])["file_path"]
    emulator.faults.add(kind, "file")
    try:
        got = api.http.get(f"{api.file_url}/{path}").content
    except httpx.RemoteProtocolError:
        got = b""
    assert len(got) < len(content)
    assert api.http.get(f"{api.file_url}/{path}").content == content
    assert [one.fault for one in emulator.record.of("file")] == [kind, ""]


def test_an_answer_with_a_wrong_length_cannot_be_read_though_the_effect_is_there(emulator, api, anna):
    emulator.faults.add("wrong_length", "sendMessage")
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        say(api, anna).json()
    assert len(anna.see().from_bot) == 1


def test_a_clock_jump_moves_dates_and_not_durations(emulator, api, anna):
    before = emulator.clock.ticks()
    emulator.faults.add("clock_jump", "sendMessage", seconds=-86400)
    jumped, after = say(api, anna).json()["result"]["date"], say(api, anna).json()["result"]["date"]
    start = api.result("getUpdates")[0]["message"]["date"]
    assert start - jumped == pytest.approx(86400, abs=5)
    assert after - jumped <= 5
    assert emulator.clock.ticks() - before < 60


def test_a_rule_meets_the_requests_it_is_about_as_often_as_it_says(emulator, api, anna):
    rule = emulator.faults.add("server_error", "sendMessage", times=2, after=1, where={"text": "x"})
    codes = [say(api, anna, text).status_code for text in ("a", "x", "b", "x", "x", "x")]
    assert codes == [200, 200, 200, 500, 500, 200]
    assert rule.met == 2
    emulator.faults.add("server_error", when=lambda given: given.get("text", "").startswith("long"))
    assert [say(api, anna, text).status_code for text in ("short", "longer")] == [200, 500]
    emulator.faults.add("server_error", times=-1)
    assert {say(api, anna).status_code for _ in range(5)} == {500}
    emulator.faults.clear()
    assert say(api, anna).status_code == 200
