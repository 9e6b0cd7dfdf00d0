"""The one transaction: what an update changes, what is to be sent, and that it is done, written down together.

Owns that transaction, and who is there. Knows no Telegram call. Light: loads SQLAlchemy.
"""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

from bot import inbox, outbox, people
from bot.buttons import Seals
from bot.people import NOBODY, Person
from bot.tables import ERRANDS, INBOX, NOTES, OUTBOX, PEOPLE, THINGS, make_tables, note, take_note, writing
from bot.talk import Talk
from pipeline.errors import BadSetting
from pipeline.jobs.address import reading
from pipeline.jobs.queue import Jobs
from pipeline.vault import Vault

BOT_ID, KEY_CHECK = "bot.id", "vault.check"
SEALED = (  # tables' columns
    (INBOX, ("payload", "error")),
    (OUTBOX, ("payload",)),
    (PEOPLE, ("settings", "state")),
    (ERRANDS, ("payload",)),
    (THINGS, ("payload",)),
)


class Settled(Exception):
    """The update is over already; what a talk gathered for it is thrown away."""


class Desk:
    """Where talks are begun and settled."""

    def __init__(self, jobs: Jobs, vault: Vault) -> None:
        """Makes the bot's tables in the queue's database where they are missing.

        Raises:
            BadSetting: what is there was sealed with another key.
        """
        self.jobs, self.engine, self.vault = jobs, jobs.engine, vault
        self.seals = Seals(vault.keys_for("buttons"))
        self.settled: Callable[[], None] = lambda: None  # told after each transaction that has something to send
        make_tables(self.engine)
        self._check_key()

    def belongs_to(self, bot: int) -> None:
        """This database is this bot's alone: another's update numbers would be taken for duplicates.

        Raises:
            BadSetting: it is another's.
        """
        with writing(self.engine, one_at_a_time="sticker bot") as connection:
            known = note(connection, BOT_ID)
            if known is None:
                take_note(connection, BOT_ID, str(bot))
        if known not in (None, str(bot)):
            raise BadSetting(
                f"this queue is the bot's with the id {known}, and the token is of the bot {bot}; give each bot its "
                "own STICKERS_DATA_DIR or STICKERS_QUEUE_URL"
            )

    def person(self, person: int) -> Person:
        """Who that is."""
        with reading(self.engine) as connection:
            return people.load(connection, self.vault, person)

    def talk(self, *, origin: str, person: Person, chat: int, update_id: int | None = None, **more: object) -> Talk:
        """A talk to be gathered; ``more`` as ``Talk`` has it."""
        return Talk(
            origin=origin,
            person=person,
            chat=chat,
            update_id=update_id,
            seals=self.seals,
            jobs=self.jobs,
            **more,  # type: ignore[arg-type]
        )

    def settle(self, talk: Talk, *, parked: bool = False) -> None:
        """Write down all that the talk gathered, or nothing.

        Args:
            parked: the update was given up on; else it is done.

        Raises:
            Settled: its update is over already, so nothing was written.
            QueueUnreachable: nothing was written.
        """
        with writing(self.engine) as connection:
            state = inbox.State.PARKED if parked else inbox.State.DONE
            if talk.update_id is not None and not inbox.end(connection, talk.update_id, state):
                raise Settled(f"update {talk.update_id} is over already")
            if talk.forgets:
                people.erase(connection, talk.person.id, keeping=[one.slot for one in talk.effects if one.slot])
            else:
                people.save(connection, self.vault, talk.person, talk.before)
            for write in talk.also:  # one may append others, which follow, and say more, which is posted below
                write(connection, self.vault)
            whose = NOBODY if talk.forgets else talk.person.id
            outbox.post(connection, self.vault, talk.effects, origin=talk.origin, person=whose)
        if talk.effects or talk.also:
            self.settled()

    def erasing(self) -> dict[int, str]:
        """People who asked to be forgotten, and are still followed up, by what was noted then."""
        wanted = sa.select(NOTES.c.name, NOTES.c.value).where(NOTES.c.name.like(f"{people.ERASING}%"))
        with reading(self.engine) as connection:
            return {int(row.name.removeprefix(people.ERASING)): row.value for row in connection.execute(wanted)}

    def erased(self, person: int, noted: str) -> None:
        """Nothing of them is left; unless they asked again since."""
        mine = (NOTES.c.name == f"{people.ERASING}{person}") & (NOTES.c.value == noted)
        with writing(self.engine) as connection:
            connection.execute(sa.delete(NOTES).where(mine))

    def sweep(self, *, inbox_ms: int, outbox_ms: int, slots_ms: int) -> None:
        """Forget what is over and older than these times."""
        with writing(self.engine) as connection:
            inbox.sweep(connection, older_than_ms=inbox_ms)
            outbox.sweep(connection, older_than_ms=outbox_ms, slots_older_than_ms=slots_ms)

    def _check_key(self) -> None:
        with writing(self.engine, one_at_a_time="sticker bot") as connection:
            known = note(connection, KEY_CHECK)
            if known is None:
                take_note(connection, KEY_CHECK, self.vault.seal("whoever reads this has the key").decode())
        if known is not None:
            self.vault.open(known.encode())
            if self.vault.changing:
                self._reseal()

    def _reseal(self) -> None:
        """With a new key in front, everything is sealed with that one: the old one may be left out from then on."""
        with writing(self.engine, one_at_a_time="sticker bot") as connection:
            for table, names in SEALED:
                key = table.primary_key.columns[0]
                for row in connection.execute(sa.select(table)).mappings().all():
                    sealed = {name: self.vault.seal(self.vault.open(row[name])) for name in names if row[name]}
                    if sealed:
                        connection.execute(sa.update(table).where(key == row[key.name]).values(**sealed))
            take_note(connection, KEY_CHECK, self.vault.seal("whoever reads this has the key").decode())
