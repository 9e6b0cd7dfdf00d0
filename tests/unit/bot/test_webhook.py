"""The webhook's door thanks for what is kept or parked, and for nothing else."""

import asyncio
import json

import httpx
import pytest

from bot.inbox import Inbox
from bot.webhook import HEADER, Webhook
from pipeline.errors import QueueUnreachable
from tests.unit.bot.test_inbox import unkeepable, update

SECRET = "s" * 32


@pytest.fixture
def box(desk, vault):
    return Inbox(desk.engine, vault)


def knocked(box, *bodies):
    """The statuses of calls with these bodies."""

    async def story():
        door, stop = Webhook(box, SECRET, lambda: None, host="127.0.0.1", port=0), asyncio.Event()
        running = asyncio.create_task(door.run(stop))
        async with httpx.AsyncClient(trust_env=False) as client:
            url = f"http://127.0.0.1:{door.port}/"
            found = [(await client.post(url, content=body, headers={HEADER: SECRET})).status_code for body in bodies]
        stop.set()
        await running
        return found

    return asyncio.run(story())


@pytest.mark.parametrize("what", unkeepable())
def test_an_update_that_cannot_be_written_is_thanked_for_and_the_next_one_is_kept(box, what):
    bad = json.dumps(unkeepable()[what])  # a lone surrogate as \ud83d
    assert knocked(box, bad, bad, json.dumps(update(3))) == [200, 200, 200]
    assert [one.update_id for one in box.take(10)] == [3]


@pytest.mark.parametrize("error", [QueueUnreachable("away"), RuntimeError("xylophone")])
def test_what_is_not_kept_is_not_thanked_for_and_no_words_are_logged(box, monkeypatch, caplog, error):
    with monkeypatch.context() as patch:
        patch.setattr(box, "accept", lambda _: (_ for _ in ()).throw(error))
        assert knocked(box, json.dumps(update(1))) == [503]
    assert "xylophone" not in caplog.text
    assert knocked(box, json.dumps(update(1))) == [200]
    assert [one.update_id for one in box.take(10)] == [1]
