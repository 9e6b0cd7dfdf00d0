"""The chat from end to end, over real HTTP: what every conversation stands on."""

import pytest

from tests.bot_desk import Nursery, Place
from tests.chat_desk import Studio


@pytest.fixture(scope="session")
def nursery():
    nursery = Nursery()
    yield nursery
    nursery.close()


@pytest.fixture
def place(tmp_path, nursery):
    """The emulator, and bots that draw nothing."""
    place = Place(tmp_path, nursery)
    yield place
    place.close()


@pytest.fixture(scope="module")
def studio_without_bot(request, tmp_path_factory, nursery):
    """The emulator and one worker for a whole file, whose ``ENVIRONMENT`` its bots have."""
    studio = Studio(tmp_path_factory.mktemp("studio"), nursery, **getattr(request.module, "ENVIRONMENT", {}))
    yield studio
    studio.close()


@pytest.fixture(scope="module")
def studio(studio_without_bot):
    """With one bot for a whole file; every test brings its own people."""
    studio_without_bot.bot()
    return studio_without_bot


@pytest.fixture(scope="module")
def anna(studio):
    """Somebody with a style."""
    anna = studio.emulator.person("Anna")
    studio.learns(anna)
    return anna


@pytest.fixture(autouse=True)
def clean(request):
    """Whatever happens, the bot breaks no rule of Telegram's and leaves nobody without an answer."""
    studio = request.getfixturevalue("studio") if "studio" in request.fixturenames else None  # and so outlives it
    yield
    if studio is not None:
        studio.until(studio.settled)
        assert studio.emulator.check(outputs=[studio.output()]) == []


@pytest.fixture
def opened(studio_without_bot):
    """A bot with an operator, by whatever settings; whatever happens, it breaks no rule of Telegram's."""
    studio = studio_without_bot

    def opened(language="en", **environment):
        operator = studio.emulator.person("Olga", language_code=language)
        operator.block()  # there is a chat, and nothing was written in it
        operator.unblock()
        studio.bot(STICKERS_ADMINS=str(operator.id), **environment)
        return operator

    yield opened
    studio.until(studio.settled)
    for bot in studio.bots:
        if bot.poll() is None:
            studio.kill(bot)
    assert studio.emulator.check(outputs=[studio.output()]) == []
