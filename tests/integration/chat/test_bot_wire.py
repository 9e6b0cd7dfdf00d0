"""The bot while the Bot API fails: each message arrives, once, or once more with a word that it may be a repeat."""

import pytest
from PIL import Image

from scripts.sandbox.emulator import FaultKind
from tests.bot_desk import REPEAT


def picture(tmp_path):
    path = tmp_path / "made.webp"
    Image.new("RGBA", (512, 512), (200, 30, 30, 128)).save(path, lossless=True)
    return path.read_bytes()


def test_too_many_requests_hold_that_chat_alone_for_as_long_as_telegram_says(place):
    anna, bert = place.emulator.person("Anna"), place.emulator.person("Bert")
    place.bot()
    fault = {"where": {"chat_id": anna.id}, "seconds": 3}
    place.emulator.faults.add(FaultKind.TOO_MANY_REQUESTS, "sendMessage", **fault)
    anna.send("echo a")
    place.until(lambda: place.emulator.faults.rules[0].met)
    bert.send("echo b")
    place.hears(bert, "echo b")
    place.hears(anna, "echo a")
    first, second = [one for one in place.emulator.record.of("sendMessage") if one.given["chat_id"] == str(anna.id)]
    assert second.ticks - first.ticks >= 3
    assert place.texts(anna) == ["echo a"]  # not marked: a 429 was not sent
    assert place.emulator.check(outputs=[place.output()]) == []


def test_a_pause_that_telegram_wants_outlives_the_process(place):
    anna = place.emulator.person("Anna")
    process = place.bot()
    place.emulator.faults.add(FaultKind.TOO_MANY_REQUESTS, "sendMessage", seconds=4)
    anna.send("echo a")
    place.until(lambda: '"Telegram wants a pause"' in place.output())
    place.until(lambda: place.rows("chat"))
    place.kill(process)
    place.bot()
    anna.send("echo b")
    place.hears(anna, "echo b")
    assert place.texts(anna) == ["echo a", "echo b"]
    assert place.emulator.check() == []  # it would tell of a request before its time


@pytest.mark.parametrize("kind", [FaultKind.BAD_GATEWAY, FaultKind.SERVER_ERROR, FaultKind.RESET])
def test_a_failing_server_loses_no_message(place, kind):
    """Twice in a row; what may have arrived is marked as a repeat, and it is there once."""
    person = place.emulator.person()
    place.bot()
    place.emulator.faults.add(kind, "sendMessage", times=2)
    person.send("echo a")
    place.hears(person, "echo a")
    place.until(place.settled)
    assert len(place.texts(person)) == 1
    assert place.texts(person)[0].startswith(REPEAT)


@pytest.mark.parametrize("kind", [FaultKind.TIMEOUT_AFTER_EFFECT, FaultKind.ERROR_AFTER_EFFECT, FaultKind.TRUNCATED])
def test_a_message_that_arrived_without_our_knowing_is_repeated_once_and_says_so(place, kind):
    person = place.emulator.person()
    place.bot()
    place.emulator.faults.add(kind, "sendMessage", seconds=1)
    person.send("echo a")
    place.until(lambda: len(place.texts(person)) == 2)
    place.until(place.settled)
    first, second = place.texts(person)
    assert first == "echo a"
    assert second.startswith(REPEAT)
    assert second.endswith("\necho a")


def test_an_edit_that_arrived_without_our_knowing_is_made_again_and_nothing_doubles(place):
    person = place.emulator.person()
    place.bot()
    person.send("status a")
    place.hears(person, "a")
    place.until(place.settled)
    place.emulator.faults.add(FaultKind.ERROR_AFTER_EFFECT, "editMessageText")
    person.send("status b")
    place.until(lambda: place.settled() and place.emulator.record.count("editMessageText") == 2)
    assert place.texts(person) == ["b"]


def test_a_repeated_sticker_bears_a_button_that_says_so(place, tmp_path):
    person = place.emulator.person()
    place.put_picture(picture(tmp_path))
    place.bot()
    place.emulator.faults.add(FaultKind.ERROR_AFTER_EFFECT, "sendSticker")
    person.send("sticker")
    person.wait(lambda view: len(view.of_kind("sticker")) == 2, timeout_s=30)
    person.wait(lambda view: view.of_kind("document"), timeout_s=30)
    first, second = person.see().of_kind("sticker")
    assert first.button(REPEAT) is None
    assert second.button(REPEAT) is not None
    assert first.file == second.file == picture(tmp_path)
    assert person.see().of_kind("document")[0].file == picture(tmp_path)


def test_a_file_that_is_gone_is_told(place):
    person = place.emulator.person()
    place.bot()
    person.send("sticker gone.webp")
    place.until(lambda: len(place.texts(person)) == 2)
    assert all("no longer have" in text for text in place.texts(person))


def test_updates_come_though_the_server_failed_for_a_while(place):
    person = place.emulator.person()
    place.emulator.faults.add(FaultKind.BAD_GATEWAY, "getUpdates", times=3)
    place.bot()
    person.send("count 0")
    place.hears(person, "0 is number 1")
    assert place.texts(person) == ["0 is number 1"]


@pytest.mark.slow
def test_a_message_whose_answer_does_not_come_in_time_is_repeated_once_and_says_so(place):
    """Longer than the bot's patience of 20 s: nobody knows whether it arrived."""
    person = place.emulator.person()
    place.bot()
    place.emulator.faults.add(FaultKind.TIMEOUT_AFTER_EFFECT, "sendMessage", seconds=30)
    person.send("echo a")
    place.until(lambda: len(place.texts(person)) == 2)
    place.until(place.settled)
    first, second = place.texts(person)
    assert first == "echo a"
    assert (second.startswith(REPEAT), second.endswith("\necho a")) == (True, True)


def test_dates_that_jump_back_and_forth_change_nothing(place):
    """The server's clock, and nobody's durations: the same answers, once, and no pause is cut short or drawn out."""
    person = place.emulator.person()
    place.bot()
    for number, days in enumerate((1, -3, 400, -398)):
        fault = place.emulator.faults.add(FaultKind.CLOCK_JUMP, "sendMessage", seconds=days * 86_400)
        person.send(f"count {number}")
        place.hears(person, f"{number} is number {number + 1}")
        assert fault.met == 1
    place.until(place.settled)
    assert len(place.texts(person)) == 4
    assert place.emulator.check(outputs=[place.output()]) == []


def test_a_slow_answer_and_one_of_the_wrong_length_come_to_one_message_and_one_repeat(place):
    person = place.emulator.person()
    place.bot()
    place.emulator.faults.add(FaultKind.SLOW_BODY, "sendMessage", seconds=3)
    person.send("echo slow")
    place.hears(person, "echo slow")
    place.until(place.settled)
    assert place.texts(person) == ["echo slow"]
    place.emulator.faults.add(FaultKind.WRONG_LENGTH, "sendMessage")
    person.send("echo cut")
    place.until(lambda: len(place.texts(person)) == 3 and place.settled())
    assert [text.startswith(REPEAT) for text in place.texts(person)] == [False, False, True]
