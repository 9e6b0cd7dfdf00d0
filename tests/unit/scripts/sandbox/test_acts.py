"""What people do on the sandbox's page, over real HTTP: words, files, stickers, presses; and the limits of uploads."""

import io
import threading

import pytest
from PIL import Image

from scripts.sandbox import acts
from scripts.sandbox.emulator import seed
from tests.unit.scripts.sandbox.client import upload


def test_words_reach_the_bot_as_they_are(browser, api, anna):
    words = "<b>не жирно</b> & /help"
    assert browser.post(f"/people/{anna.id}/send", json={"text": words}).status_code == 200
    updates = api.result("getUpdates")
    assert [one["message"]["text"] for one in updates] == ["/start", words]


@pytest.mark.parametrize(
    "body", [{"text": " "}, {"text": "x" * 4097}, {"text": 5}, {"text": "x", "reply_to": "1"}, [], "x"]
)
def test_what_is_no_message_is_refused_with_a_reason(browser, anna, body):
    answer = browser.post(f"/people/{anna.id}/send", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert len(anna.see().messages) == 1


def test_pictures_become_photos_of_one_album_and_other_files_documents(browser, anna):
    answer = upload(
        browser,
        anna,
        ("a.png", seed.png(1), "image/png"),
        ("b.jpg", seed.jpeg(2), "image/jpeg"),
        ("c.zip", b"PK\x05\x06" + bytes(18), "application/zip"),
        caption="all of them",
    )
    assert answer.status_code == 200
    first, second, third = anna.see().messages[1:]
    assert (first.kind, second.kind, third.kind) == ("photo", "photo", "document")
    assert first.album == second.album != ""
    assert (first.text, second.text, third.text) == ("all of them", "", "")
    assert third.file_name == "c.zip"


def test_an_album_stands_together_though_the_bot_writes_at_its_first_picture(browser, api, emulator, anna):
    """Numbers of messages and of updates follow each other; the bot's words get a number before or after them."""
    offset = api.result("getUpdates")[-1]["update_id"] + 1
    writing = []

    def write_at_the_first():
        if len(anna.see().messages) == 2 and not writing:
            words = {"chat_id": anna.id, "text": "a question"}
            writing.append(threading.Thread(target=api.result, args=("sendMessage",), kwargs=words))
            writing[0].start()
            writing[0].join(0.5)  # by then it is through, unless it has to wait for the album

    emulator.world.listeners.append(write_at_the_first)
    answer = upload(browser, anna, *[(f"{number}.png", seed.png(number), "image/png") for number in range(4)])
    writing[0].join()
    first, *rest = answer.json()["message_ids"]
    assert rest == [first + 1, first + 2, first + 3]
    sent = [one["message"]["message_id"] for one in api.result("getUpdates", offset=offset)]
    assert sent == [first, *rest]
    assert [one.mine for one in anna.see().messages[1:]] == [True] * 4 + [False]


def test_of_an_album_with_a_broken_picture_nothing_is_sent(browser, anna):
    answer = upload(browser, anna, ("a.png", seed.png(1), "image/png"), ("b.png", seed.png(2)[:60], "image/png"))
    assert (answer.status_code, len(anna.see().messages)) == (400, 1)


def test_a_picture_that_is_sent_as_a_file_stays_as_it_is(browser, anna):
    upload(browser, anna, ("../../a.png", seed.png(1), "image/png"), as_files="1")
    sent = anna.see().messages[-1]
    assert (sent.kind, sent.file, sent.file_name) == ("document", seed.png(1), "a.png")


def test_uploads_have_limits(browser, anna):
    small = ("a.txt", b"x", "text/plain")
    refused = [
        upload(browser, anna, *[small] * (acts.MOST_FILES + 1)),
        upload(browser, anna, ("a.txt", b"", "text/plain")),
        browser.post(f"/people/{anna.id}/files", data={"file": "words"}),
        browser.post(f"/people/{anna.id}/files", files={"file": ("a.txt", bytes(acts.MOST_FILE_BYTES + 1))}),
        browser.post(f"/people/{anna.id}/files", files={"file": ("a.txt", bytes(acts.MOST_FILE_BYTES + (2 << 20)))}),
    ]
    assert [answer.status_code for answer in refused] == [400, 400, 400, 400, 413]
    assert all(answer.json()["error"] for answer in refused)
    assert len(anna.see().messages) == 1
    assert upload(browser, anna, *[small] * acts.MOST_FILES).status_code == 200


def test_a_broken_picture_is_refused_with_telegrams_reason(browser, anna):
    answer = upload(browser, anna, ("a.png", seed.png(1)[:60], "image/png"))
    assert (answer.status_code, answer.json()["error"]) == (400, "Bad Request: IMAGE_PROCESS_FAILED")


def test_a_pressed_button_waits_for_the_bots_answer(browser, api, anna):
    keys = {"inline_keyboard": [[{"text": "Yes", "callback_data": "y"}, {"text": "No", "callback_data": "n"}]]}
    asked = api.result("sendMessage", chat_id=anna.id, text="?", reply_markup=keys)["message_id"]
    offset = api.result("getUpdates")[-1]["update_id"] + 1

    def bot():
        (update,) = api.result("getUpdates", offset=offset, timeout=10)
        query = update["callback_query"]
        api.result("answerCallbackQuery", callback_query_id=query["id"], text=query["data"], show_alert=True)

    answering = threading.Thread(target=bot)
    answering.start()
    answer = browser.post(f"/people/{anna.id}/press", json={"message": asked, "row": 0, "column": 1})
    answering.join()
    assert answer.json() == {"answered": True, "text": "n", "alert": True}


def test_a_button_that_nobody_answers_gives_up(browser, api, anna, monkeypatch):
    monkeypatch.setattr(acts, "ANSWER_S", 0.1)
    keys = {"inline_keyboard": [[{"text": "Yes", "callback_data": "y"}]]}
    asked = api.result("sendMessage", chat_id=anna.id, text="?", reply_markup=keys)["message_id"]
    answers = [
        browser.post(f"/people/{anna.id}/press", json={"message": asked, "row": row, "column": 0}) for row in (0, 1)
    ]
    assert answers[0].json()["answered"] is False
    assert answers[1].status_code == 400


def test_people_block_the_bot_and_come_back(browser, api, anna):
    browser.post(f"/people/{anna.id}/block", json={})
    assert api.refusal("sendMessage", chat_id=anna.id, text="x").startswith("403")
    assert browser.post(f"/people/{anna.id}/send", json={"text": "x"}).status_code == 400
    browser.post(f"/people/{anna.id}/unblock", json={})
    assert api.result("sendMessage", chat_id=anna.id, text="x")


def test_nobody_is_made_by_asking_for_them(browser):
    assert browser.post("/people/12345/send", json={"text": "x"}).status_code == 404
    assert browser.post("/people/../send", json={"text": "x"}).status_code in (404, 405)


def test_an_example_photo_is_sent_by_its_name_only(browser, anna):
    assert browser.post(f"/people/{anna.id}/example", json={"name": "orca.png"}).status_code == 200
    assert anna.see().messages[-1].kind == "photo"
    with Image.open(io.BytesIO(anna.see().messages[-1].file)) as picture:
        assert min(picture.getpixel((1, 1))) > 240  # on white: the file's transparency would have become black
    assert browser.post(f"/people/{anna.id}/example", json={"name": "../pack/bear.png"}).status_code == 400


def test_a_developer_lets_time_pass_and_things_fail(browser, api, emulator, anna):
    before = emulator.clock.ticks()
    assert browser.post("/developer/clock", json={"advance": 3600}).status_code == 200
    assert emulator.clock.ticks() - before >= 3600
    assert browser.post("/developer/clock", json={"advance": -1}).status_code == 400
    browser.post("/developer/fault", json={"kind": "server_error"})
    assert api.result("getMe")
    assert api.refusal("sendMessage", chat_id=anna.id, text="x").startswith("500")
    browser.post("/developer/fault", json={"kind": "server_error"})
    browser.post("/developer/fault", json={"kind": ""})
    assert api.result("sendMessage", chat_id=anna.id, text="x")
    assert browser.post("/developer/fault", json={"kind": "clock_jump"}).status_code == 400
