"""Photos that were sent together: they come as updates of their own, and become one errand with one status message.

Owns how long the next of them is waited for, and how one joins those before. Knows not how they are drawn. Light: loads
SQLAlchemy.

The errand waits a moment after each. Once it begins it is closed, in one transaction with what it reads; a photo that
comes later than that is an errand of its own.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import sqlalchemy as sa

from bot.desk import Desk, Settled
from bot.errands import Errand, State, errand
from bot.routes import Event
from bot.tables import ERRANDS, writing
from bot.talk import Talk
from pipeline.domain import Json
from pipeline.jobs.views import now_ms
from pipeline.vault import Vault

WAIT_S = 1.5  # for the next one
WAITING = (State.OPEN, State.HELD)


class Late(Exception):
    """It was closed in this very moment; who tries again finds it so."""


def group_of(event: Event) -> str | None:
    """What photos that belong together share."""
    message = event.update.message
    return message.media_group_id if message else None


async def before(event: Event, talk: Talk, drawing: Json) -> Errand | None:
    """The errand of those before it, if this one can still join them: other words need an errand of their own."""
    group, known = group_of(event), talk.person.state.get("album")
    if group is None or not known or known["group"] != group:
        return None
    found = await asyncio.to_thread(errand, event.services.desk, known["key"], talk.person.id)
    if found is None or found.state not in WAITING or found.payload.get("closed"):
        return None
    own = drawing["options"].get("words")
    return found if own in (None, found.payload["options"].get("words")) else None


def first(event: Event, talk: Talk, key: str) -> bool:
    """With the talk: the errand of this key takes those that follow. False for a photo that came alone."""
    group = group_of(event)
    if group is not None:
        talk.put_state(album={"group": group, "key": key})
    return group is not None


def join(talk: Talk, found: Errand, source: Json) -> None:
    """With the talk: one more."""

    def write(connection: sa.Connection, vault: Vault) -> None:
        mine = ERRANDS.c.key == found.key
        row = connection.execute(sa.select(ERRANDS).where(mine).with_for_update()).one_or_none()
        payload: Json = vault.open(row.payload) if row is not None and row.state in WAITING else {"closed": True}
        if payload.get("closed"):
            raise Late(found.key)
        payload["sources"] = [*payload["sources"], source]
        due_ms = now_ms() + int(WAIT_S * 1000)
        connection.execute(sa.update(ERRANDS).where(mine).values(payload=vault.seal(payload), due_ms=due_ms))

    talk.also.append(write)


def closed(desk: Desk, found: Errand) -> Errand:
    """Now: nobody joins it any more. Returns it with all that did.

    Raises:
        Settled: it was called off.
    """
    if found.payload.get("closed"):
        return found
    mine = ERRANDS.c.key == found.key
    with writing(desk.engine) as connection:
        row = connection.execute(sa.select(ERRANDS).where(mine).with_for_update()).one_or_none()
        if row is None or row.state != found.state:
            raise Settled(f"errand {found.key} is not {found.state} any more")
        payload: Json = desk.vault.open(row.payload) | {"closed": True}
        connection.execute(sa.update(ERRANDS).where(mine).values(payload=desk.vault.seal(payload)))
    return replace(found, payload=payload)
