"""An errand is done once, whatever order the threads that look for it happen to run in."""

import asyncio
from types import SimpleNamespace

import pytest

from bot.doing import Errands
from bot.errands import Kind, State, advance, begin, errand
from bot.people import Person

PATIENCE_S = 30.0


@pytest.fixture
def services(desk):
    return SimpleNamespace(desk=desk)


def test_an_errand_that_ended_while_it_was_looked_for_is_not_done_again(desk, services, monkeypatch):
    """The look found it open, and it ended before the look did: done again, it would call its own job off."""
    done = []

    async def do(one, kit):
        done.append(one.key)
        await looking.wait()
        talk = await kit.talk(one, "end")
        advance(talk, one, State.OVER)
        await kit.settle(talk)

    errands = Errands(services, {Kind.LEARN: do})
    looked, looks = errands._due, []

    def looks_slowly():
        found = looked()
        looks.append([one.key for one in found])
        if len(looks) == 2:  # the errand is open yet; it ends now, and then we go on with what we saw
            loop.call_soon_threadsafe(looking.set)
            asyncio.run_coroutine_threadsafe(ended(), loop).result(PATIENCE_S)
        return found

    async def ended():
        while errands._busy:
            await asyncio.sleep(0.001)

    async def story():
        nonlocal loop, looking
        loop, looking, stop = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
        running = asyncio.create_task(errands.run(stop))
        async with asyncio.timeout(PATIENCE_S):
            while len(looks) < 3:
                errands.wake.set()
                await asyncio.sleep(0.001)
        stop.set()
        await running

    loop = looking = None
    talk = desk.talk(origin="u1", person=Person(id=7), chat=7)
    begin(talk, "u1-0", Kind.LEARN, {"title": "a secret"})
    desk.settle(talk)
    monkeypatch.setattr(errands, "_due", looks_slowly)
    asyncio.run(story())
    assert looks[:2] == [["u1-0"], ["u1-0"]]
    assert done == ["u1-0"]
    assert errand(desk, "u1-0", 7).state is State.OVER
