"""``/mydata``: all that is kept of a person, as a zip for them.

Owns what is in it. Knows no queue's table. Light: the standard library.

It is made beside the answers, in clear for its person; until it is sent it lies among their files, sealed as those, and
is taken away a day later.
"""

from __future__ import annotations

import asyncio
import json
import zipfile
from dataclasses import asdict
from io import BytesIO
from typing import Any

from bot import bans, limits, things
from bot.doing import Kit
from bot.errands import Errand, Kind, State, advance, begin, errands
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


async def ask(event: Event, talk: Talk) -> None:
    """It will come."""
    under_way = await asyncio.to_thread(errands, event.services.desk, states=[State.OPEN], person=talk.person.id)
    if not any(one.kind is Kind.EXPORT for one in under_way):
        begin(talk, talk.next_job_id(), Kind.EXPORT, {})
    talk.say(talk.words("mydata-soon"), loud=False)


async def do_export(errand: Errand, kit: Kit) -> None:
    """Make it, and send it."""
    key = job_key(f"tg{errand.person}", errand.key, NAME)
    person = await asyncio.to_thread(kit.desk.person, errand.person)
    left_out = await asyncio.to_thread(_made, kit, person, key)
    talk = await kit.talk(errand, "export", priority=Priority.RESULT)
    caption = talk.words("mydata-done")
    caption += f"\n{talk.words('mydata-left', count=left_out)}" if left_out else ""
    talk.document(key, name=NAME, caption=caption)
    begin(talk, f"{errand.key}.clean", Kind.CLEAN, {"key": key}, in_s=KEPT_S)
    advance(talk, errand, State.OVER)
    await kit.settle(talk)


async def do_clean(errand: Errand, kit: Kit) -> None:
    """Take it away again."""
    await asyncio.to_thread(kit.services.files.delete, errand.payload["key"])
    talk = await kit.talk(errand, "clean")
    advance(talk, errand, State.OVER)
    await kit.settle(talk)


def _made(kit: Kit, person: Person, key: str) -> int:
    """Put it under ``key``. Returns how many files did not fit; the smallest come first."""
    files, left_out, size, file = kit.services.files, 0, 0, BytesIO()  # in memory: on no disk it lies in clear
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("about-you.json", json.dumps(_told(kit, person), ensure_ascii=False, indent=2))
        names = [name for name in files.list(f"people/{person.name}") if not name.endswith(NAME)]
        for name in sorted(names, key=lambda one: "/styles/" in one):
            data = files.read(name)
            size += len(data)
            if size > MOST_BYTES:
                left_out, size = left_out + 1, size - len(data)
                continue
            archive.writestr(name.partition("/")[2].partition("/")[2], data)
    files.put(key, file.getvalue())
    return left_out


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
