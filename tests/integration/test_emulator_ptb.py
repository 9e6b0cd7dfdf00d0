"""python-telegram-bot against the emulator: polling, files, albums, sets, and every error as its own class."""

import asyncio
import io
import socket

import pytest
from PIL import Image
from telegram import (
    BotCommand,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaDocument,
    InputMediaPhoto,
    InputSticker,
    Update,
)
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TimedOut,
)
from telegram.ext import Application, ApplicationBuilder, CallbackQueryHandler, CommandHandler, MessageHandler, filters

from scripts.sandbox.emulator import UNLIMITED, Emulator, seed

SET = "zoo_by_stickersmith_bot"


@pytest.fixture
def emulator():
    with Emulator(limits=UNLIMITED) as serving:
        yield serving


def built(emulator, token="") -> Application:
    """An application that talks to the emulator."""
    builder = ApplicationBuilder().token(token or emulator.token)
    return builder.base_url(emulator.base_url).base_file_url(emulator.base_file_url).read_timeout(2).build()


async def greet(update: Update, _):
    keys = InlineKeyboardMarkup([[InlineKeyboardButton("Go", callback_data="go")]])
    await update.message.reply_html("<b>Hello</b>", reply_markup=keys)


async def go(update: Update, _):
    await update.callback_query.answer("working")
    await update.callback_query.edit_message_text("done")


async def echo(update: Update, _):
    """A photo comes back as a file, a sticker, and an album."""
    file = await update.message.photo[-1].get_file()
    content = bytes(await file.download_as_bytearray())
    await update.message.reply_document(content, filename="photo.jpg", disable_content_type_detection=True)
    await update.message.reply_sticker(seed.webp(1))
    await update.message.reply_media_group([InputMediaPhoto(seed.png(number)) for number in range(2)])


def test_a_conversation_by_polling(emulator):
    anna = emulator.person("Anna", language_code="ru")

    async def talk():
        app = built(emulator)
        app.add_handlers(
            [CommandHandler("start", greet), CallbackQueryHandler(go), MessageHandler(filters.PHOTO, echo)]
        )
        async with app:
            await app.start()
            await app.updater.start_polling(poll_interval=0, timeout=2)
            anna.start()
            greeting = await asyncio.to_thread(anna.wait, lambda view: view.from_bot)
            press = anna.press("Go")
            await asyncio.to_thread(anna.wait, lambda view: view.find("done"))
            anna.photo(seed.png(3))
            await asyncio.to_thread(anna.wait, lambda view: len(view.messages) == 7)
            await app.updater.stop()
            await app.stop()
        return greeting, press

    greeting, press = asyncio.run(talk())
    assert [one["type"] for one in greeting.last.entities] == ["bold"]
    assert press.text == "working"
    view = anna.see()
    assert [one.kind for one in view.messages] == ["text", "text", "photo", "document", "sticker", "photo", "photo"]
    assert view.messages[3].file == view.messages[2].file
    assert view.messages[5].album == view.messages[6].album != ""
    assert emulator.check() == []


def test_a_conversation_by_webhook(emulator):
    anna = emulator.person("Anna")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    async def talk():
        app = built(emulator)
        app.add_handler(CommandHandler("start", greet))
        async with app:
            await app.start()
            url = f"http://127.0.0.1:{port}/hook"
            await app.updater.start_webhook("127.0.0.1", port, "hook", webhook_url=url, secret_token="s3cret")
            anna.start()
            await asyncio.to_thread(anna.wait, lambda view: view.find("Hello"))
            await app.updater.stop()
            await app.stop()

    asyncio.run(talk())
    assert emulator.check() == []


def run(emulator, work):
    """Do ``work`` with a bot."""

    async def inside():
        async with built(emulator).bot as bot:
            return await work(bot)

    return asyncio.run(inside())


def test_a_set_is_made_read_changed_and_deleted(emulator):
    anna = emulator.person()
    anna.start()

    async def work(bot):
        made = [InputSticker(seed.png(number), ["🙂"], "static", keywords=["cat"]) for number in range(3)]
        await bot.create_new_sticker_set(anna.id, SET, "Zoo", made)
        await bot.add_sticker_to_set(anna.id, SET, InputSticker(seed.tgs(), ["🎉"], "animated"))
        found = (await bot.get_sticker_set(SET)).stickers
        await bot.set_sticker_position_in_set(found[3].file_id, 0)
        await bot.replace_sticker_in_set(anna.id, SET, found[0].file_id, InputSticker(seed.webm(), ["🙂"], "video"))
        await bot.delete_sticker_from_set(found[1].file_id)
        await bot.set_sticker_set_thumbnail(SET, anna.id, "static", seed.webp(0, (100, 100)))
        after = await bot.get_sticker_set(SET)
        await bot.send_sticker(anna.id, after.stickers[0].file_id)
        return after

    after = run(emulator, work)
    flags = [(one.is_animated, one.is_video, one.emoji) for one in after.stickers]
    assert flags == [(True, False, "🎉"), (False, True, "🙂"), (False, False, "🙂")]
    assert after.thumbnail.width == 100
    assert anna.see().last.set_name == SET
    assert emulator.check() == []


def test_a_progress_message_becomes_a_picture_and_files_keep_their_bytes(emulator):
    anna = emulator.person()
    anna.start()

    async def work(bot):
        status = await bot.send_message(anna.id, "10 %", disable_notification=True)
        await bot.edit_message_media(InputMediaPhoto(seed.png(), caption="preview"), anna.id, status.message_id)
        album = [InputMediaDocument(seed.png(number), filename=f"{number}.png") for number in range(2)]
        await bot.send_media_group(anna.id, album)
        await bot.set_my_commands([BotCommand("start", "Begin")], language_code="ru")
        return await bot.get_my_commands(language_code="ru")

    assert [one.command for one in run(emulator, work)] == ["start"]
    preview, first, second = anna.see().from_bot
    assert (preview.kind, preview.text) == ("photo", "preview")
    assert Image.open(io.BytesIO(preview.file)).format == "JPEG"
    assert [first.file, second.file] == [seed.png(0), seed.png(1)]


def test_every_error_is_its_own_class(emulator, monkeypatch):
    monkeypatch.setenv("PTB_TIMEDELTA", "true")  # waits as timedelta, as all later versions have them
    anna, boris = emulator.person("Anna"), emulator.person("Boris")
    for person in (anna, boris):
        person.start()
    group = emulator.group("Friends", anna)
    old = group.id
    group.migrate(by=anna)
    boris.block()
    for kind in ("too_many_requests", "server_error", "bad_gateway", "timeout_after_effect", "reset"):
        emulator.faults.add(kind, "sendMessage", seconds=3, where={"chat_id": anna.id} if kind != "reset" else {})

    async def work(bot):
        def hi():
            return bot.send_message(anna.id, "hi")

        with pytest.raises(NetworkError):
            await hi()  # the reset, which is met before the parameters are known
        with pytest.raises(RetryAfter) as flood:
            await hi()
        for kind in (NetworkError, NetworkError, TimedOut):
            with pytest.raises(kind):
                await hi()
        with pytest.raises(BadRequest, match=r"^Message to edit not found$"):
            await bot.edit_message_text("x", anna.id, 99)
        with pytest.raises(Forbidden, match="bot was blocked by the user"):
            await bot.send_message(boris.id, "hi")
        with pytest.raises(ChatMigrated) as moved:
            await bot.send_message(old, "hi")
        await bot.set_webhook("http://127.0.0.1:9/")
        with pytest.raises(Conflict):
            await bot.get_updates()
        return flood.value.retry_after, moved.value.new_chat_id

    retry_after, new_id = run(emulator, work)
    assert retry_after.total_seconds() == 3
    assert new_id == group.id
    assert [one.text for one in anna.see().from_bot] == ["hi"]  # of the request that timed out


def test_a_wrong_token_is_invalid(emulator):
    async def begin():
        async with built(emulator, "1:" + "x" * 35).bot:
            pass

    with pytest.raises(InvalidToken):
        asyncio.run(begin())
