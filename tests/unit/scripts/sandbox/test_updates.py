"""Updates: increasing numbers, confirmation by offset, long polls, one poller, a day of keeping, and webhooks."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest


def ids(updates):
    return [one["update_id"] for one in updates]


def texts(updates):
    return [one["message"]["text"] for one in updates]


def test_updates_come_again_until_a_higher_offset_confirms_them(api, anna):
    anna.send("a")
    anna.send("b")
    first = api.result("getUpdates")
    assert texts(first) == ["/start", "a", "b"]
    assert ids(first) == list(range(first[0]["update_id"], first[0]["update_id"] + 3))
    assert api.result("getUpdates") == first
    assert texts(api.result("getUpdates", offset=ids(first)[1], limit=1)) == ["a"]
    assert texts(api.result("getUpdates", offset=-1)) == ["b"]
    assert texts(api.result("getUpdates")) == ["b"]  # a negative offset forgets what is before
    assert api.result("getUpdates", offset=ids(first)[2] + 1) == []


def test_a_long_poll_ends_with_the_first_update(api, anna):
    offset = ids(api.result("getUpdates"))[-1] + 1
    sender = threading.Timer(0.2, anna.send, ("late",))
    sender.start()
    assert texts(api.result("getUpdates", offset=offset, timeout=30)) == ["late"]
    sender.join()


def test_a_long_poll_ends_when_the_clock_says_so(emulator, api, anna):
    offset = ids(api.result("getUpdates"))[-1] + 1
    pusher = threading.Timer(0.2, emulator.clock.advance, (31,))
    pusher.start()
    assert api.result("getUpdates", offset=offset, timeout=30) == []
    pusher.join()


def test_a_second_poller_sends_the_first_away(emulator, api, anna):
    offset = ids(api.result("getUpdates"))[-1] + 1
    outcome = []
    first = threading.Thread(target=lambda: outcome.append(api("getUpdates", offset=offset, timeout=20)))
    first.start()
    while emulator.record.count("getUpdates") < 2:
        time.sleep(0.01)
    assert api("getUpdates", offset=offset, timeout=0)[0] == 200
    first.join()
    assert outcome[0][0] == 409
    assert outcome[0][1]["description"].startswith("Conflict: terminated by other getUpdates request")


def test_updates_are_kept_for_a_day(emulator, api, anna):
    emulator.clock.advance(24 * 3600 - 10)
    anna.send("fresh")
    emulator.clock.advance(20)
    assert texts(api.result("getUpdates")) == ["fresh"]


def test_only_the_allowed_kinds_arrive(api, anna):
    api.result("getUpdates", allowed_updates=["callback_query"], offset=-1)
    anna.send("unheard")
    assert "unheard" not in texts(api.result("getUpdates"))


def test_an_edit_arrives_as_edited_message(api, anna):
    anna.edit(anna.send("before"), "after")
    assert api.result("getUpdates")[-1]["edited_message"]["text"] == "after"


class Receiver:
    """A webhook on loopback that answers as it is told."""

    def __init__(self):
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.got: list[tuple[dict[str, str], dict]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.got.append((dict(self.headers), body))
                status, headers = outer.answers.pop(0) if outer.answers else (200, {})
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"

    def wait(self, count):
        until = time.monotonic() + 10
        while len(self.got) < count and time.monotonic() < until:
            time.sleep(0.01)
        return [body for _, body in self.got]


@pytest.fixture
def receiver():
    one = Receiver()
    thread = threading.Thread(target=one.server.serve_forever)
    thread.start()
    yield one
    one.server.shutdown()
    thread.join()
    one.server.server_close()


def test_a_webhook_gets_updates_in_order_with_the_secret(api, anna, receiver):
    api.result("setWebhook", url=receiver.url, secret_token="s_1")
    anna.send("a")
    assert texts(receiver.wait(2)) == ["/start", "a"]
    assert receiver.got[0][0]["X-Telegram-Bot-Api-Secret-Token"] == "s_1"
    assert api.refusal("getUpdates").startswith("409 Conflict: can't use getUpdates method while webhook is active")
    api.result("deleteWebhook")
    assert api.result("getUpdates") == []


def wait_for_error(api, message):
    until = time.monotonic() + 10
    while api.result("getWebhookInfo").get("last_error_message") != message:
        assert time.monotonic() < until, message
        time.sleep(0.01)


def test_a_webhook_is_tried_again_until_it_answers_well(emulator, api, anna, receiver):
    receiver.answers = [(500, {}), (503, {"Retry-After": "40"})]
    api.result("setWebhook", url=receiver.url)
    wait_for_error(api, "Wrong response from the webhook: 500")
    emulator.clock.advance(2)
    wait_for_error(api, "Wrong response from the webhook: 503")
    emulator.clock.advance(30)
    time.sleep(0.2)
    assert len(receiver.got) == 2  # it was asked to wait for 40 s
    emulator.clock.advance(11)
    got = ids(receiver.wait(3))
    assert (len(got), len(set(got))) == (3, 1)


def test_a_webhook_that_is_gone_for_23_hours_is_dropped(emulator, api, anna, receiver):
    receiver.answers = [(410, {})] * 1000
    began = emulator.clock.ticks()
    api.result("setWebhook", url=receiver.url)
    until = time.monotonic() + 30
    while api.result("getWebhookInfo")["url"] and time.monotonic() < until:
        anna.send("still there?")
        emulator.clock.advance(600)
        time.sleep(0.01)
    assert api.result("getWebhookInfo")["url"] == ""
    assert emulator.clock.ticks() - began > 23 * 3600


def test_updates_are_redelivered_and_come_out_of_order_by_rule(emulator, api, anna, receiver):
    emulator.faults.add("redeliver", "webhook")
    emulator.faults.add("out_of_order", "webhook")
    anna.send("a")
    api.result("setWebhook", url=receiver.url)
    assert texts(receiver.wait(3)) == ["a", "/start", "a"]


def test_confirmed_updates_come_once_more_by_rule(emulator, api, anna):
    offset = ids(api.result("getUpdates"))[-1] + 1
    emulator.faults.add("redeliver", "getUpdates")
    assert texts(api.result("getUpdates", offset=offset)) == ["/start"]
    assert api.result("getUpdates", offset=offset) == []


@pytest.mark.parametrize("url", ["http://example.com/", "https://example.com:444/", "https://example.com/"])
def test_a_webhook_elsewhere_than_on_loopback_is_refused(api, url):
    assert "bad webhook" in api.refusal("setWebhook", url=url)
