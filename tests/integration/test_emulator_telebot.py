"""pyTelegramBotAPI against the emulator: another library, with requests for HTTP and forms of its own."""

import io
import threading

import pytest
from telebot import TeleBot, apihelper
from telebot.apihelper import ApiTelegramException
from telebot.types import InlineKeyboardButton, InlineKeyboardMarkup, InputMediaPhoto, InputSticker

from scripts.sandbox.emulator import UNLIMITED, Emulator, seed

SET = "zoo_by_stickersmith_bot"


@pytest.fixture
def emulator():
    with Emulator(limits=UNLIMITED) as serving:
        yield serving


@pytest.fixture
def bot(emulator, monkeypatch):
    """A bot that talks to the emulator; the library has its addresses in its module."""
    monkeypatch.setattr(apihelper, "API_URL", emulator.url + "/bot{0}/{1}")
    monkeypatch.setattr(apihelper, "FILE_URL", emulator.url + "/file/bot{0}/{1}")
    one = TeleBot(emulator.token, threaded=False)
    return one


def file(content, name):
    stream = io.BytesIO(content)
    stream.name = name
    return stream


def test_a_conversation_by_polling(emulator, bot):
    anna = emulator.person()

    @bot.message_handler(commands=["start"])
    def greet(message):
        keys = InlineKeyboardMarkup([[InlineKeyboardButton("Go", callback_data="go")]])
        bot.send_message(message.chat.id, "<b>Hello</b>", parse_mode="HTML", reply_markup=keys)

    @bot.callback_query_handler(lambda _: True)
    def go(query):
        bot.answer_callback_query(query.id, "working")
        bot.edit_message_text("done", query.message.chat.id, query.message.message_id)

    @bot.message_handler(content_types=["photo"])
    def echo(message):
        content = bot.download_file(bot.get_file(message.photo[-1].file_id).file_path)
        bot.send_document(message.chat.id, content, visible_file_name="a.jpg", disable_content_type_detection=True)
        bot.send_sticker(message.chat.id, file(seed.webp(), "a.webp"))
        bot.send_media_group(message.chat.id, [InputMediaPhoto(file(seed.png(number), "a.png")) for number in range(2)])

    polling = threading.Thread(
        target=bot.infinity_polling, kwargs={"timeout": 2, "long_polling_timeout": 1, "logger_level": None}
    )
    polling.start()
    try:
        anna.start()
        anna.wait(lambda view: view.from_bot)
        press = anna.press("Go")
        anna.wait(lambda view: view.find("done"))
        anna.photo(seed.png(3))
        view = anna.wait(lambda view: len(view.messages) == 7)
    finally:
        bot.stop_polling()
        polling.join()
    assert press.text == "working"
    assert [one.kind for one in view.messages[3:]] == ["document", "sticker", "photo", "photo"]
    assert view.messages[3].file == view.messages[2].file
    assert emulator.check() == []


def test_a_set_is_made_and_read(emulator, bot):
    anna = emulator.person()
    anna.start()
    made = [InputSticker(file(seed.png(number), "a.png"), ["🙂"], format="static") for number in range(2)]
    bot.create_new_sticker_set(anna.id, SET, "Zoo", stickers=made)
    bot.add_sticker_to_set(
        anna.id, SET, None, sticker=InputSticker(file(seed.webm(), "a.webm"), ["🎉"], format="video")
    )
    assert [(one.emoji, one.is_video) for one in bot.get_sticker_set(SET).stickers] == [
        ("🙂", False),
        ("🙂", False),
        ("🎉", True),
    ]


def test_errors_arrive_with_their_code_and_parameters(emulator, bot):
    anna = emulator.person()
    anna.start()
    emulator.faults.add("too_many_requests", "sendMessage", seconds=3)
    told = []
    for call in (
        lambda: bot.send_message(anna.id, "hi"),
        lambda: bot.send_message(5, "hi"),
        lambda: bot.edit_message_text("x", anna.id, 99),
        lambda: bot.get_sticker_set("nothing"),
    ):
        with pytest.raises(ApiTelegramException) as error:
            call()
        told.append((error.value.error_code, error.value.description))
    assert told == [
        (429, "Too Many Requests: retry after 3"),
        (400, "Bad Request: chat not found"),
        (400, "Bad Request: message to edit not found"),
        (400, "Bad Request: STICKERSET_INVALID"),
    ]
