"""All that is kept of a person reaches them, in as many zips as it takes; the word that it is being made comes before
them, and goes once they are there."""

import asyncio
import io
import random
import zipfile
from functools import partial
from types import SimpleNamespace

import pytest

from bot import fates, mydata
from bot.errands import Kind
from bot.mydata import NAME, OURS, part_name, zipped
from bot.routes import Event
from tests.unit.bot.presses import ANNA, Chat

MOST = 100_000


def noise(size, seed=0):
    return random.Random(seed).randbytes(size)


def read(zips):
    found = {}
    for data in zips:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            assert archive.testzip() is None
            found |= {name: archive.read(name) for name in archive.namelist()}
    return found


@pytest.mark.parametrize(
    "sizes", [[10], [60_000, 60_000, 60_000], [99_000, 900, 5], [40_000] * 7, [1] * 400], ids=lambda sizes: len(sizes)
)
def test_every_file_is_in_one_of_the_zips_and_no_zip_is_too_large(sizes):
    entries = {f"styles/ö{number}/file": noise(size, number) for number, size in enumerate(sizes)}
    zips = list(zipped(entries.items(), MOST))
    assert None not in zips
    assert all(len(data) <= MOST for data in zips)
    assert read(zips) == entries
    assert len(zips) <= 2 * -(-sum(sizes) // MOST)


def test_what_can_be_compressed_counts_by_what_it_takes_then():
    assert len(list(zipped([("a", bytes(5 * MOST)), ("b", bytes(5 * MOST))], MOST))) == 1


def test_a_file_that_fits_into_none_is_told_and_takes_no_other_with_it():
    found = list(zipped([("a", noise(10)), ("b", noise(MOST + 1)), ("c", noise(20))], MOST))
    assert found.count(None) == 1
    assert set(read([one for one in found if one is not None])) == {"a", "c"}


def test_zips_made_before_are_known_by_their_names():
    assert all(OURS.search(f"people/tg7/jobs/x/{part_name(NAME, number)}") for number in (1, 3, 12))
    assert OURS.search(f"people/tg7/jobs/x/{NAME}")
    assert not OURS.search("people/tg7/jobs/x/mydata-of-mine.zip")


# ── in which order ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def chat(desk):
    chat, kept = Chat(desk), {}
    chat.services.files = SimpleNamespace(list=lambda _: [*kept], read=kept.get, put=kept.__setitem__)
    return chat


def asks(chat):
    talk = chat.talk()
    asyncio.run(mydata.ask(Event(update=None, services=chat.services, chat=ANNA), talk))
    return talk


def sent(box):
    """All that waits, sent one after the other: what was done, and to which message."""
    done = []
    while heads := box.heads():
        [row] = heads
        assert box.sending([row.number]) == {row.number}
        number = len(done) if row.action == "delete" else 100 + len(done)
        done.append((row.action, row.message_id if row.action == "delete" else number))
        box.write([partial(fates.sent, row=row, message_id=number)])
    return done


def test_a_copy_that_is_made_before_its_announcement_was_sent_still_comes_after_it(chat, outbox):
    chat.desk.settle(asks(chat))
    chat.does(mydata.do_export)
    assert sent(outbox) == [("say", 100), ("document", 101), ("delete", 100)]


def test_asked_again_meanwhile_it_is_made_once_and_said_below(chat, outbox):
    for _ in range(2):
        chat.desk.settle(asks(chat))
    assert [one.kind for one in chat.open()] == [Kind.EXPORT]
    assert sent(outbox) == [("say", 100), ("delete", 100), ("say", 102)]
    chat.does(mydata.do_export)
    assert sent(outbox) == [("document", 100), ("delete", 102)]


def test_asked_again_in_the_moment_in_which_it_comes_nothing_is_announced_that_would_stay(chat, outbox):
    chat.desk.settle(asks(chat))
    late = asks(chat)
    chat.does(mydata.do_export)
    chat.desk.settle(late)
    assert sent(outbox) == [("say", 100), ("document", 101), ("delete", 100)]
    assert [one.kind for one in chat.open()] == [Kind.CLEAN]
