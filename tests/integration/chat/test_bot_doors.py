"""The bot's doors: one bot a queue and a token, the webhook, what stands in its files, and what is left of a person."""

import contextlib
import json
import signal
import socket
import time

import httpx
import pytest

from bot.app import COMMANDS
from bot.texts import Words
from scripts.sandbox.emulator import FaultKind
from tests.bot_desk import REPEAT, Place

# ── doors ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_second_bot_on_the_same_queue_is_refused(place):
    place.bot()
    second = place.bot(wait=False)
    assert second.wait(60) == 69
    assert "another bot is running on this queue" in second.log.read_text()


def test_a_bot_with_the_same_token_elsewhere_leaves_one_of_them_with_a_sentence(place, tmp_path, nursery):
    place.bot()
    other = Place(tmp_path / "other", nursery)
    try:
        other.folder.mkdir()
        environment = {key: place.environment[key] for key in ("STICKERS_BOT_TOKEN", "STICKERS_BOT_API")}
        second = other.bot(**environment)
        place.until(lambda: any(bot.poll() is not None for bot in (*place.bots, second)))
        left = next(bot for bot in (*place.bots, second) if bot.poll() is not None)
        assert left.poll() == 69
        assert "there can be only one" in left.log.read_text()
    finally:
        other.close()


def test_a_revoked_token_ends_the_asking_and_not_the_process(place):
    """It keeps still until it is stopped: to leave would have it begun anew, again and again."""
    process = place.bot(wait=False, STICKERS_BOT_TOKEN="123456789:" + "x" * 35)
    place.until(lambda: "get a new one from @BotFather" in place.output())
    asked = len(place.emulator.record.requests)
    time.sleep(1.0)
    assert process.poll() is None
    assert len(place.emulator.record.requests) == asked
    assert place.kill(process, signal.SIGTERM) == 0


# ── what is where ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_token_and_peoples_words_stand_in_no_log_and_no_file(place, tmp_path):
    """Everything that the bot has written is searched, after errors that had both in their words."""
    place.environment["STICKERS_SECRET_KEY_FILE"] = str(tmp_path / "data.key")
    person = place.emulator.person("Zebulon")
    process = place.bot()
    place.emulator.faults.add(FaultKind.BAD_GATEWAY, "sendMessage")
    place.emulator.faults.add(FaultKind.ERROR, "sendMessage", after=1, description="Bad Request: odd")
    for text in ("echo xylophone words", "leak", "poison xylophone words", "/start", "/settings"):
        person.send(text)
    place.until(lambda: any(row["state"] == "parked" for row in place.rows("inbox")))
    place.kill(process)
    secret = place.emulator.token.partition(":")[2]
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "queue.sqlite" for path in written)
    for path in written:
        data = path.read_bytes()
        assert secret.encode() not in data, path
        assert b"xylophone" not in data, path
        assert b"Zebulon" not in data, path
    assert (tmp_path / "data.key").stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "data" / "data.key").exists()


def test_after_deletedata_nothing_of_the_person_is_left(place, tmp_path):
    anna, bert = place.emulator.person("Anna"), place.emulator.person("Bert")
    place.bot()
    for person in (anna, bert):
        for text in ("count 0", "draw", "/settings"):
            person.send(text)
        place.hears(person, Words("en")("settings"))
        place.files.put(f"people/tg{person.id}/jobs/j/photo", b"x")
    anna.press("Русский")
    place.hears(anna, "говорим по-русски")
    anna.send("/deletedata")
    place.hears(anna, "Удалить все")
    anna.press("Удалить всё")
    place.hears(anna, "в том числе 1 задание")
    assert not any("Удалить все" in text for text in place.texts(anna)), "the answer stands beside its question"
    place.until(place.settled)
    place.until(lambda: not any("erasing" in row["name"] for row in place.rows("note")))
    assert place.files.list(f"people/tg{anna.id}") == []
    assert place.files.list(f"people/tg{bert.id}") != []
    for table in ("inbox", "outbox", "slot", "chat", "person", "consent", "note"):
        held = json.dumps([{key: str(value) for key, value in row.items()} for row in place.rows(table)])
        assert str(anna.id) not in held, table
    with place.jobs() as jobs:
        assert {view.spec.person for view in jobs.list()} == {f"tg{bert.id}"}
    assert place.emulator.check(outputs=[place.output()]) == []


def test_start_speaks_the_language_of_telegram_and_shows_the_name_as_it_is(place):
    anna = place.emulator.person("<b>Anna</b>\u202e", language_code="ru-RU")
    bert = place.emulator.person("Bert", language_code="de")
    place.bot()
    anna.start()
    bert.start("payload")
    place.hears(anna, "Привет")
    place.hears(bert, "Hi, ")
    assert "Привет, <b>Anna</b>!" in place.texts(anna)[0]
    assert "\u202e" not in place.texts(anna)[0]
    assert "Hi, Bert!" in place.texts(bert)[0]
    menus = {key[1]: commands for key, commands in place.emulator.bot.commands.items()}
    assert {len(menu) for menu in menus.values()} == {len(COMMANDS)}
    assert menus["ru"][0]["description"] == "Начать"


# ── the webhook's door ────────────────────────────────────────────────────────────────────────────────────────────────


SECRET = "s" * 32


@pytest.fixture
def hooked(place):
    """A bot to which Telegram brings updates; the port is in its log."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    place.environment |= {
        "STICKERS_BOT_WEBHOOK_URL": f"http://127.0.0.1:{port}/hook",
        "STICKERS_BOT_WEBHOOK_SECRET": SECRET,
        "STICKERS_BOT_WEBHOOK_PORT": str(port),
    }
    place.port = port
    return place


def knock(port, body, secret=None):
    """A call at the door; the status."""
    headers = {} if secret is None else {"X-Telegram-Bot-Api-Secret-Token": secret.encode()}
    return httpx.post(f"http://127.0.0.1:{port}/hook", content=body, headers=headers).status_code


def test_by_webhook_nothing_is_lost_or_doubled_though_telegram_repeats_itself_and_the_bot_is_killed(hooked):
    people = [hooked.emulator.person(f"P{number}") for number in range(5)]
    process = hooked.bot()
    for number in range(4):
        hooked.emulator.faults.add(FaultKind.REDELIVER, "webhook")
        for person in people:
            person.send(f"count {number}")
        time.sleep(0.2)
        hooked.kill(process)
        process = hooked.bot()
    for person in people:
        hooked.hears(person, "is number 4")
    hooked.until(hooked.settled)
    for person in people:
        unmarked = [text for text in hooked.texts(person) if not text.startswith(REPEAT)]
        assert len(unmarked) == len(set(unmarked))
        assert not person.see().find("is number 5")
    assert {row["state"] for row in hooked.rows("inbox")} == {"done"}
    assert len(hooked.rows("inbox")) == 20


def test_a_forged_webhook_call_is_turned_away_and_nothing_of_it_is_kept(hooked):
    hooked.bot()
    user = {"id": 5, "is_bot": False, "first_name": "Eve"}
    message = {"message_id": 1, "date": 1, "chat": {"id": 5, "type": "private"}, "from": user, "text": "echo forged"}
    update = json.dumps({"update_id": 1, "message": message}).encode()
    assert [knock(hooked.port, update, secret) for secret in (None, "", "x" * 32, SECRET[:-1], "ы")] == [403] * 5
    assert knock(hooked.port, b"[" * 100_000, SECRET) == 400
    assert knock(hooked.port, b'{"update_id": "1"}', SECRET) == 400
    with contextlib.suppress(httpx.HTTPError):  # the connection may be closed before all is sent
        assert knock(hooked.port, b" " * (2 << 20), SECRET) in (400, 413)
    assert hooked.rows("inbox") == []
    assert knock(hooked.port, update, SECRET) == 200  # the same with the secret is kept: the test could fail
    assert [row["update_id"] for row in hooked.rows("inbox")] == [1]


def test_a_webhook_that_brings_the_later_update_first_has_both_answered_once(hooked):
    anna, boris = hooked.emulator.person("Anna"), hooked.emulator.person("Boris")
    hooked.bot()
    fault = hooked.emulator.faults.add(FaultKind.OUT_OF_ORDER, "webhook", times=2)
    for number in range(3):
        with hooked.emulator.world.changed:  # all wait before the first is brought
            for person in (anna, boris):
                person.send(f"count {number}")
    for person in (anna, boris):
        hooked.hears(person, "is number 3")
    hooked.until(hooked.settled)
    assert fault.met == 2
    for person in (anna, boris):
        texts = hooked.texts(person)
        assert sorted(text.partition(" ")[0] for text in texts) == ["0", "1", "2"]  # each once
        assert [text.rpartition(" ")[2] for text in texts] == ["1", "2", "3"]
