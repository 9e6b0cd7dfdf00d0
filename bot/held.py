"""Photos and words that came while their person's first style was being learned: kept, and drawn once it is there.

Where it could not be learned they go on waiting: for another try, or for the next style that is learned.

Owns that waiting. Knows not how a photo is drawn. Light: loads SQLAlchemy.
"""

from __future__ import annotations

import sqlalchemy as sa

from bot.albums import Late
from bot.desk import Desk
from bot.errands import Errand, Kind, State, advance, begin, errands
from bot.keyboards import cancel_keys
from bot.tables import ERRANDS
from bot.talk import Talk
from pipeline.domain import Json
from pipeline.vault import Vault

LEARNING = (State.OPEN, State.WAITING)


def learning(desk: Desk, person: int) -> Errand | None:
    """What their person waits for, the latest."""
    found = [one for one in errands(desk, states=LEARNING, person=person) if one.kind is Kind.LEARN]
    return found[-1] if found else None


def hold(talk: Talk, behind: Errand, drawing: Json) -> None:
    """With the talk: this is drawn once that is learned."""
    key, title = talk.next_job_id(), str(behind.payload["title"])
    begin(talk, key, Kind.DRAW, drawing | {"behind": behind.key, "title": title}, state=State.HELD)
    check(talk, behind.key)
    text = talk.words("status-held", title=title, count=1)
    talk.say(text, slot=f"status:{key}", buttons=cancel_keys(talk.words, key), loud=False)


def check(talk: Talk, learning: str) -> None:
    """With the talk: not if it ended in this very moment, for nothing would set free what waits for it.

    Settling such a talk raises ``Late``; who tries again finds the style.
    """

    def write(connection: sa.Connection, _vault: Vault) -> None:
        query = sa.select(ERRANDS.c.state).where(ERRANDS.c.key == learning).with_for_update()
        if connection.execute(query).scalar() not in LEARNING:
            raise Late(learning)

    talk.also.append(write)


def held(desk: Desk, learn: Errand) -> list[Errand]:
    """What waits for it."""
    found = errands(desk, states=[State.HELD], person=learn.person)
    return [one for one in found if one.payload["behind"] == learn.key]


def freed(desk: Desk, learn: Errand) -> list[Errand]:
    """What is drawn once it is learned: what waits for it, or for a learning that came to nothing."""
    others = {one.key for one in errands(desk, states=LEARNING, person=learn.person)} - {learn.key}
    return [
        one for one in errands(desk, states=[State.HELD], person=learn.person) if one.payload["behind"] not in others
    ]


def release(talk: Talk, waiting: list[Errand], *, style: str, profile: str) -> None:
    """With the talk: it is learned."""
    for one in waiting:
        advance(talk, one, State.OPEN, one.payload | {"style": style, "profile": profile})


def drop(talk: Talk, waiting: list[Errand], title: str, *, cancelled: bool = False) -> None:
    """With the talk: it will not be learned, and what waited for it is named, for it has to be sent again.

    Args:
        cancelled: it was called off; else it could not be learned.
    """
    why = talk.words("held-cancelled", title=title) if cancelled else talk.words("held-unlearned", title=title)
    for one in waiting:
        advance(talk, one, State.OVER, {})
        talk.edit(f"status:{one.key}", f"{_named(talk, one)} {why}")


def _named(talk: Talk, one: Errand) -> str:
    """That it is not drawn: so many photos, or those words."""
    first = one.payload["sources"][0]
    if "motif" not in first:
        return talk.words("held-photos", count=len(one.payload["sources"]))
    words = str(one.payload["options"].get("words") or first["motif"])
    return talk.words("held-words", words=first["motif"] if words == first["name"] else words)
