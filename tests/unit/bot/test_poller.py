"""The poller goes on, whatever it is given: what cannot be kept or confirmed holds up nothing, and nothing is lost."""

import asyncio
from types import SimpleNamespace

import pytest
from telegram.error import NetworkError

from bot import poller
from bot.inbox import Inbox
from bot.poller import Poller
from pipeline.errors import QueueUnreachable
from tests.unit.bot.test_inbox import BEYOND, update

PATIENCE_S = 30.0


class Telegram:
    """Gives these answers, one a question; an error is raised. Then it keeps still."""

    def __init__(self, *answers):
        self.answers, self.asked, self.still = [*answers], [], asyncio.Event()

    async def post(self, url, **_):
        self.asked.append(url)
        if not self.answers:
            self.still.set()
            await asyncio.Event().wait()
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def box(desk, vault):
    return Inbox(desk.engine, vault)


@pytest.fixture(autouse=True)
def waits(monkeypatch):
    """How long it would have waited."""
    found = []

    async def pause(_stop, seconds):
        found.append(seconds)

    monkeypatch.setattr(poller, "_pause", pause)
    return found


def polled(box, *answers):
    """The questions that were asked until all these answers had been given."""

    async def story():
        telegram, stop = Telegram(*answers), asyncio.Event()
        bot = SimpleNamespace(base_url="http://telegram")
        running = asyncio.create_task(Poller(bot, telegram, box, ["message"], lambda: None).run(stop))
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.wait({running, asyncio.create_task(telegram.still.wait())}, return_when="FIRST_COMPLETED")
            stop.set()
            await running
        return telegram.asked

    return asyncio.run(story())


def kept(box):
    return sorted(one.update_id for one in box.take(10))


def test_an_update_that_cannot_be_written_is_confirmed_with_those_beside_it(box):
    asked = polled(box, [update(1), update(2, text="\ud83d"), update(3, person=8)])
    assert kept(box) == [1, 3]
    assert "offset=4" in asked[-1]


def test_a_number_that_cannot_be_confirmed_confirms_no_other_and_is_not_asked_for_in_a_rush(box, waits):
    asked = polled(box, [update(1), update(BEYOND)], [update(BEYOND)], [update(BEYOND)], [{"message": {}}])
    assert kept(box) == [1]
    assert ["offset=2" in one for one in asked] == [False, True, True, True, True]
    assert len(waits) == 3


@pytest.mark.parametrize("error", [NetworkError("x"), QueueUnreachable("away"), RuntimeError("a mistake"), KeyError()])
def test_whatever_goes_wrong_it_asks_again_and_loses_nothing(box, monkeypatch, waits, error):
    accept, failures = box.accept, [error]

    def sometimes(*given, **more):
        if failures:
            raise failures.pop()
        return accept(*given, **more)

    monkeypatch.setattr(box, "accept", sometimes)
    asked = polled(box, [update(1)], [update(1)])
    assert kept(box) == [1]
    assert ["offset" in one for one in asked] == [False, False, True]
    assert len(waits) == 1
