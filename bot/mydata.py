"""``/mydata``: all that is kept of a person, as a zip for them.

Owns what is in it. Knows no queue's table. Light: the standard library.

It is made beside the answers, in clear for its person; until it is sent it lies among their files, sealed as those, and
is taken away a day later.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from io import BytesIO
from typing import Any

from bot import bans, limits, things
from bot.doing import Kit
from bot.errands import Errand, Kind, State, advance, begin, errands, move
from bot.people import Person
from bot.rates import Priority
from bot.routes import Event
from bot.talk import Talk
from bot.things import Has
from pipeline.files import job_key
from pipeline.jobs.address import reading

MOST_BYTES = 45_000_000  # Telegram takes 50 MB
KEPT_S = 86_400.0
NAME = "mydata.zip"
OURS = re.compile(r"/mydata(-\d+)?\.zip$")  # what was made for them before is nothing of theirs
OVERHEAD_BYTES = 200  # of an entry's headers, and then some


async def ask(event: Event, talk: Talk) -> None:
    """It will come; that is said until it does, below what was written last."""
    under_way = await asyncio.to_thread(errands, event.services.desk, states=[State.OPEN], person=talk.person.id)
    known = next((one.key for one in under_way if one.kind is Kind.EXPORT), None)
    if known is None:
        key = talk.next_job_id()
        begin(talk, key, Kind.EXPORT, {})
        talk.say(talk.words("mydata-soon"), slot=_slot(key), loud=False)
        return

    def again() -> None:
        talk.delete(_slot(known))
        talk.say(talk.words("mydata-soon"), slot=_slot(known), loud=False)

    move(talk, known, [State.OPEN], State.OPEN, then=again)  # else the file has come in this very moment


def _slot(key: str) -> str:
    """The message that says that it is being made."""
    return f"mydata:{key}"


async def do_export(errand: Errand, kit: Kit) -> None:
    """Make it, and send it: one zip, or several where it does not fit into one."""
    person = await asyncio.to_thread(kit.desk.person, errand.person)
    keys, left_out = await asyncio.to_thread(_made, kit, person, job_key(f"tg{errand.person}", errand.key, NAME))
    talk = await kit.talk(errand, "export", priority=Priority.RESULT)
    for number, key in enumerate(keys, start=1):
        caption = talk.words("mydata-part", number=number, count=len(keys))
        if number == len(keys):  # what tells that all is there comes last
            lines = [talk.words("mydata-done")] + ([talk.words("mydata-left", count=left_out)] if left_out else [])
            caption = "\n".join(lines if len(keys) == 1 else [caption, *lines])
        talk.document(key, name=NAME if len(keys) == 1 else part_name(NAME, number), caption=caption)
        begin(talk, f"{errand.key}.clean{number}", Kind.CLEAN, {"key": key}, in_s=KEPT_S)
    talk.delete(_slot(errand.key))  # within its slot this takes the message along, to go before the file
    advance(talk, errand, State.OVER)
    await kit.settle(talk)


async def do_clean(errand: Errand, kit: Kit) -> None:
    """Take it away again."""
    await asyncio.to_thread(kit.services.files.delete, errand.payload["key"])
    talk = await kit.talk(errand, "clean")
    advance(talk, errand, State.OVER)
    await kit.settle(talk)


def part_name(name: str, number: int) -> str:
    """``mydata-2.zip``"""
    return name.replace(".zip", f"-{number}.zip")


def _made(kit: Kit, person: Person, key: str) -> tuple[list[str], int]:
    """Put it under keys like ``key``. Returns these, and how many files fit into no zip at all."""
    files = kit.services.files
    told = json.dumps(_told(kit, person), ensure_ascii=False, indent=2).encode()
    names = [name for name in files.list(f"people/{person.name}") if not OURS.search(name)]
    wanted = [("about-you.json", told)]
    inside = ((name.partition("/")[2].partition("/")[2], name) for name in sorted(names, key=lambda n: "/styles/" in n))
    keys, left_out = list[str](), 0
    for data in zipped(itertools.chain(wanted, ((as_, files.read(name)) for as_, name in inside)), MOST_BYTES):
        if data is None:
            left_out += 1
            continue
        keys.append(part_name(key, len(keys) + 1))
        files.put(keys[-1], data)  # at once: all of them together may be more than there is memory
    return keys, left_out


def zipped(entries: Iterable[tuple[str, bytes]], most_bytes: int) -> Iterator[bytes | None]:
    """Zips of these files (name and content), none larger than ``most_bytes``; None for a file that alone is larger.

    In memory: on no disk it lies in clear.
    """
    kept = list[tuple[str, bytes]]()  # compressed by itself, so that it is known how much room it takes
    room = most_bytes
    for name, data in entries:
        packed = len(zlib.compress(data)) + 2 * len(name.encode()) + OVERHEAD_BYTES
        if packed > most_bytes:
            yield None
            continue
        if packed > room:
            yield _zip_of(kept)
            kept, room = [], most_bytes
        kept.append((name, data))
        room -= packed
    if kept:
        yield _zip_of(kept)


def _zip_of(entries: list[tuple[str, bytes]]) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return file.getvalue()


def _limits(kit: Kit, person: Person) -> dict[str, Any]:
    with reading(kit.desk.engine) as connection:
        return {"begun_in_a_day": limits.told(connection, person.id), **bans.told(connection, person.id)}


def _told(kit: Kit, person: Person) -> dict[str, Any]:
    """What the database has."""
    jobs = kit.services.jobs.list(person=person.name, most=1000)
    return {
        "telegram_id": person.id,
        "language": {"chosen": person.language, "telegram": person.tag},
        "settings": person.settings,
        "conversation": person.state,
        "limits": _limits(kit, person),
        "consents": [asdict(one) for one in person.consents],
        "things": {kind.value: [asdict(one) for one in things.things(kit.desk, person.id, kind)] for kind in Has},
        "jobs": [
            {"id": job.job_id, "status": job.status, "submitted": job.submitted_s, "options": job.spec.options}
            for job in jobs
        ],
    }
