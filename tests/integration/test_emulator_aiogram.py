"""aiogram against the emulator. It wants an older pydantic than this project, so it runs where it is installed."""

import asyncio

import pytest

from scripts.sandbox.emulator import UNLIMITED, Emulator, seed

aiogram = pytest.importorskip("aiogram", reason="aiogram 3.31 wants pydantic < 2.14; this project wants at least that")
types = aiogram.types
exceptions = aiogram.exceptions

SET = "zoo_by_stickersmith_bot"


@pytest.fixture
def emulator():
    with Emulator(limits=UNLIMITED) as serving:
        yield serving


def built(emulator):
    api = aiogram.client.telegram.TelegramAPIServer.from_base(emulator.url)
    return aiogram.Bot(emulator.token, session=aiogram.client.session.aiohttp.AiohttpSession(api=api))


def picture(number, name="a.png"):
    return types.BufferedInputFile(seed.png(number), name)


def dispatcher():
    """A bot that greets, answers a press, and gives a photo back."""
    one = aiogram.Dispatcher()

    async def greet(message):
        keys = types.InlineKeyboardMarkup(inline_keyboard=[[types.InlineKeyboardButton(text="Go", callback_data="go")]])
        await message.answer("<b>Hello</b>", parse_mode="HTML", reply_markup=keys)

    async def go(query):
        await query.answer("working")
        await query.message.edit_text("done")

    async def echo(message, bot):
        content = (await bot.download(message.photo[-1])).read()
        file = types.BufferedInputFile(content, "a.jpg")
        await message.answer_document(file, disable_content_type_detection=True)
        await message.answer_sticker(types.BufferedInputFile(seed.webp(), "a.webp"))
        await message.answer_media_group([types.InputMediaPhoto(media=picture(number)) for number in range(2)])

    one.message.register(greet, aiogram.filters.CommandStart())
    one.callback_query.register(go)
    one.message.register(echo, aiogram.F.photo)
    return one


def test_a_conversation_by_polling(emulator):
    anna = emulator.person()

    async def talk():
        bot, one = built(emulator), dispatcher()
        polling = asyncio.create_task(one.start_polling(bot, handle_signals=False, polling_timeout=2))
        anna.start()
        await asyncio.to_thread(anna.wait, lambda view: view.from_bot)
        press = anna.press("Go")
        await asyncio.to_thread(anna.wait, lambda view: view.find("done"))
        anna.photo(seed.png(3))
        view = await asyncio.to_thread(anna.wait, lambda view: len(view.messages) == 7)
        await one.stop_polling()
        await polling
        return press, view

    press, view = asyncio.run(talk())
    assert press.text == "working"
    assert [one.kind for one in view.messages[3:]] == ["document", "sticker", "photo", "photo"]
    assert view.messages[3].file == view.messages[2].file
    assert emulator.check() == []


def test_a_set_is_made_and_read(emulator):
    anna = emulator.person()
    anna.start()

    async def work():
        async with built(emulator).context() as bot:
            made = [
                types.InputSticker(sticker=picture(number), format="static", emoji_list=["🙂"]) for number in range(2)
            ]
            await bot.create_new_sticker_set(user_id=anna.id, name=SET, title="Zoo", stickers=made)
            return await bot.get_sticker_set(SET)

    assert [one.set_name for one in asyncio.run(work()).stickers] == [SET, SET]


def test_errors_are_of_their_own_classes(emulator):
    anna, boris = emulator.person("Anna"), emulator.person("Boris")
    for person in (anna, boris):
        person.start()
    boris.block()
    emulator.faults.add("too_many_requests", "sendMessage", seconds=3)
    emulator.faults.add("server_error", "getMe")
    emulator.faults.add("reset", "getMyName")

    async def work():
        async with built(emulator).context() as bot:
            for kind, call in (
                (exceptions.TelegramRetryAfter, bot.send_message(anna.id, "hi")),
                (exceptions.TelegramBadRequest, bot.send_message(5, "hi")),
                (exceptions.TelegramForbiddenError, bot.send_message(boris.id, "hi")),
                (exceptions.TelegramServerError, bot.get_me()),
                (exceptions.TelegramNetworkError, bot.get_my_name()),
            ):
                with pytest.raises(kind):
                    await call

    asyncio.run(work())
