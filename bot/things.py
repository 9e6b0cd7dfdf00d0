"""What a person has: styles that were learned, stickers that were drawn, packs that were made of them.

Owns those rows; each is one JSON value under its kind and id. Knows no message. Light: loads SQLAlchemy.

They are no part of the person's settings, for they are also written while nobody presses anything: a job is done, a
pack was made. A new one is written as a whole, in the transaction of a talk; what is there already is changed as it
stands in that transaction, for somebody else may have changed it since it was read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa

from bot.desk import Desk
from bot.tables import THINGS, put, writing
from bot.talk import Talk
from pipeline.domain import Json
from pipeline.jobs.address import reading
from pipeline.jobs.views import now_ms
from pipeline.vault import Vault


class Has(StrEnum):
    """Kinds of things."""

    STYLE = "style"  # by the id of the job that learned it
    STICKER = "sticker"  # by its job's id and its number there
    PACK = "pack"  # a sticker set on Telegram that we made, by its name
    ADDED = "added"  # that a sticker was put into a pack, by the errand that did it: what can be undone


@dataclass(frozen=True, kw_only=True)
class Thing:
    """One of them."""

    id: str
    value: Json
    made_ms: int


def things(desk: Desk, person: int, kind: Has) -> list[Thing]:
    """All of a kind, the one that was used last first."""
    with reading(desk.engine) as connection:
        return of_kind(connection, desk.vault, person, kind)


def of_kind(connection: sa.Connection, vault: Vault, person: int, kind: Has) -> list[Thing]:
    """The same, within a transaction."""
    query = sa.select(THINGS).where(THINGS.c.person == person, THINGS.c.kind == kind)
    found = [_thing(vault, row) for row in connection.execute(query)]
    return sorted(found, key=lambda one: (-int(one.value.get("used_ms", one.made_ms)), one.id))


def thing(desk: Desk, person: int, kind: Has, id: str) -> Thing | None:
    """One of them, if it is there and theirs."""
    query = sa.select(THINGS).where(THINGS.c.key == _key(person, kind, id), THINGS.c.person == person)
    with reading(desk.engine) as connection:
        row = connection.execute(query).one_or_none()
    return None if row is None else _thing(desk.vault, row)


def some(
    connection: sa.Connection, vault: Vault, person: int, kind: Has, ids: Collection[str], *, newest: int = 0
) -> list[Thing]:
    """Within a transaction: those of these ids and the newest ones, the newest first."""
    mine = sa.select(THINGS).where(THINGS.c.person == person, THINGS.c.kind == kind)
    late = mine.with_only_columns(THINGS.c.key).order_by(THINGS.c.made_ms.desc(), THINGS.c.key).limit(newest)
    chosen = THINGS.c.key.in_([_key(person, kind, id) for id in ids]) | THINGS.c.key.in_(late.scalar_subquery())
    rows = connection.execute(mine.where(chosen).order_by(THINGS.c.made_ms.desc(), THINGS.c.key))
    return [_thing(vault, row) for row in rows]


def style_of(desk: Desk, person: int, id: str) -> Thing | None:
    """The style of this id, or what it became by learning more; None where it was deleted."""
    styles = things(desk, person, Has.STYLE)
    return next((one for one in styles if id in (one.id, *one.value.get("was", []))), None)


def keep(talk: Talk, kind: Has, id: str, value: Json) -> None:
    """With the talk: it is there, and reads so. For what is new; ``change`` for what is not."""
    person = talk.person.id

    def write(connection: sa.Connection, vault: Vault) -> None:
        key = _key(person, kind, id)
        facts = {"key": key, "person": person, "kind": kind, "payload": vault.seal(value)}
        fresh = put(connection, THINGS, instead=False, **facts, made_ms=now_ms())
        if not fresh:
            connection.execute(sa.update(THINGS).where(THINGS.c.key == key).values(payload=facts["payload"]))

    talk.also.append(write)


def change(talk: Talk, kind: Has, id: str, how: Callable[[Json], Json]) -> None:
    """With the talk: it reads otherwise, made by ``how`` of what it is then; nothing happens where it is gone.

    What ``how`` says or begins with the talk is part of it.
    """
    key = _key(talk.person.id, kind, id)

    def write(connection: sa.Connection, vault: Vault) -> None:
        mine = THINGS.c.key == key
        row = connection.execute(sa.select(THINGS).where(mine).with_for_update()).one_or_none()
        if row is not None:
            changed = vault.seal(how(vault.open(row.payload)))
            connection.execute(sa.update(THINGS).where(mine).values(payload=changed))

    talk.also.append(write)


def use(talk: Talk, kind: Has, one: Thing) -> None:
    """With the talk: this one is the one in use from now on."""
    change(talk, kind, one.id, lambda value: value | {"used_ms": now_ms()})


def drop(talk: Talk, kind: Has, id: str) -> None:
    """With the talk: it is gone."""
    person = talk.person.id

    def write(connection: sa.Connection, _: Vault) -> None:
        connection.execute(sa.delete(THINGS).where(THINGS.c.key == _key(person, kind, id)))

    talk.also.append(write)


def sweep(desk: Desk, *, before_ms: int) -> int:
    """Forget stickers, and that they were added, from before this: their files are not kept any longer either."""
    old = (THINGS.c.made_ms < before_ms) & THINGS.c.kind.in_((Has.STICKER, Has.ADDED))
    with writing(desk.engine) as connection:
        return connection.execute(sa.delete(THINGS).where(old)).rowcount


def _key(person: int, kind: Has, id: str) -> str:
    return f"{person}:{kind}:{id}"


def _thing(vault: Vault, row: sa.Row[tuple[object, ...]]) -> Thing:
    id = str(row.key).split(":", 2)[2]
    return Thing(id=id, value=vault.open(row.payload), made_ms=int(row.made_ms))
