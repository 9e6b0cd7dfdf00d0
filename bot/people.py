"""Who people are to the bot: their language, their settings, where their conversation stands, what they consented to.

Owns those rows. Knows no message. Light: loads SQLAlchemy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from bot import bans
from bot.effects import Action
from bot.tables import CHATS, CONSENTS, ERRANDS, INBOX, OUTBOX, PEOPLE, SEEN, SLOTS, THINGS, put, take_note
from pipeline.domain import Json
from pipeline.jobs.views import now_ms
from pipeline.vault import Vault

NOBODY = 0  # whose updates come from no person
ERASING = "erasing:"  # notes: whose jobs are still being let go of


@dataclass(frozen=True, kw_only=True)
class Consent:
    """That a person agreed to a text, and whether it still counts."""

    purpose: str  # "training"
    version: str  # of the text
    given_ms: int  # Unix time
    revoked_ms: int | None = None


@dataclass(frozen=True, kw_only=True)
class Person:
    """A person as they were when their update was taken up."""

    id: int  # Telegram's
    language: str | None = None  # chosen
    tag: str | None = None  # as Telegram said last
    settings: Json = field(default_factory=dict)
    state: Json = field(default_factory=dict)  # where the conversation stands
    banned: bool = False  # as ``bans`` has it; not written with the person
    consents: tuple[Consent, ...] = ()
    known: bool = False  # whether they have been here before

    @property
    def name(self) -> str:
        """The person in the queue and among the files."""
        return queue_name(self.id)

    def consents_to(self, purpose: str, version: str) -> bool:
        """Whether they agreed to this very text, and did not take it back."""
        return any((one.purpose, one.version, one.revoked_ms) == (purpose, version, None) for one in self.consents)


def queue_name(person: int) -> str:
    """How the queue and the files call a person."""
    return f"tg{person}"


def load(connection: sa.Connection, vault: Vault, person: int) -> Person:
    """The person, known or not."""
    row = connection.execute(sa.select(PEOPLE).where(PEOPLE.c.person == person)).one_or_none()
    banned = bans.ban_of(connection, person) is not None
    if row is None:
        return Person(id=person, banned=banned)
    agreed = connection.execute(sa.select(CONSENTS).where(CONSENTS.c.person == person).order_by(CONSENTS.c.given_ms))
    return Person(
        id=person,
        language=row.language,
        tag=row.tag,
        settings={} if row.settings is None else vault.open(row.settings),
        state={} if row.state is None else vault.open(row.state),
        banned=banned,
        consents=tuple(
            Consent(purpose=one.purpose, version=one.version, given_ms=one.given_ms, revoked_ms=one.revoked_ms)
            for one in agreed
        ),
        known=True,
    )


def save(connection: sa.Connection, vault: Vault, person: Person, before: Person) -> None:
    """Write what is new of a person; nothing where nothing is."""
    if person.id == NOBODY:
        return
    facts = (person.language, person.tag, person.settings, person.state)
    if not before.known or facts != (before.language, before.tag, before.settings, before.state):
        if not before.known:
            put(connection, PEOPLE, instead=False, person=person.id, banned=False, since_ms=now_ms())
        mine = sa.update(PEOPLE).where(PEOPLE.c.person == person.id)
        sealed = {"settings": vault.seal(person.settings), "state": vault.seal(person.state)}
        mine = mine.values(language=person.language, tag=person.tag, **sealed)
        connection.execute(mine)
    for one in person.consents:
        if one not in before.consents:
            facts_of = {"purpose": one.purpose, "version": one.version}
            times = {"given_ms": one.given_ms, "revoked_ms": one.revoked_ms}
            put(connection, CONSENTS, instead=True, person=person.id, **facts_of, **times)


def erase(connection: sa.Connection, person: int, *, keeping: Sequence[str] = ()) -> None:
    """Forget a person: what they are, agreed to, were sent and are to be sent. What they ask from now on is new.

    Updates that wait are theirs and are still answered; those that are done keep their number alone, by which a
    duplicate is known. ``ERASING`` is noted until their last job has been let go of. A ban, strikes and the count of
    the day's jobs stay until they run out: else this would be the way around them.

    Args:
        keeping: slots that the last word to them needs; they are nobody's, and go with that word.
    """
    last = sa.update(SLOTS).where(SLOTS.c.person == person, SLOTS.c.slot.in_(keeping))
    connection.execute(last.values(person=NOBODY))
    # A pressed button turns until it is answered; that answer tells nothing about anybody.
    pressed = sa.update(OUTBOX).where(OUTBOX.c.person == person, OUTBOX.c.action == Action.NOTICE)
    connection.execute(pressed.where(OUTBOX.c.payload.is_not(None)).values(person=NOBODY))
    for table in (PEOPLE, CONSENTS, SLOTS, OUTBOX, ERRANDS, THINGS, SEEN):
        connection.execute(sa.delete(table).where(table.c.person == person))
    connection.execute(sa.delete(CHATS).where(CHATS.c.chat == person))
    over = sa.update(INBOX).where(INBOX.c.person == person, INBOX.c.state.in_(("done", "parked")))
    connection.execute(over.values(person=NOBODY, payload=None, error=None))
    take_note(connection, f"{ERASING}{person}", str(now_ms()))
