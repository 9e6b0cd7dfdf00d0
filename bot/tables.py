"""The bot's own tables, beside those of the queue in the same database.

Owns their columns, and small notes by name. Knows no policy. Light: loads SQLAlchemy.

In clear lie ids, states and times, by which rows are found. Columns of bytes are sealed by ``vault``.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from pipeline.jobs import address

_words = sa.MetaData()
_counted = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # SQLite counts up in an INTEGER only

INBOX = sa.Table(
    "sticker_bot_inbox",
    _words,
    sa.Column("update_id", sa.BigInteger, primary_key=True, autoincrement=False),  # Telegram's
    sa.Column("person", sa.BigInteger, nullable=False),  # whose updates are answered in order; 0 for nobody's
    sa.Column("payload", sa.LargeBinary),  # sealed; None once it is done
    sa.Column("received_ms", sa.BigInteger, nullable=False),  # Unix time, as all that end so
    sa.Column("due_ms", sa.BigInteger, nullable=False),  # not before
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("failures", sa.Integer, nullable=False),  # times that its handler raised
    sa.Column("deaths", sa.Integer, nullable=False),  # times that the process died while it was handled
    sa.Column("error", sa.LargeBinary),  # sealed; what was raised last
    sa.Index("sticker_bot_inbox_turn", "state", "person", "update_id"),
)

OUTBOX = sa.Table(
    "sticker_bot_outbox",
    _words,
    sa.Column("number", _counted, primary_key=True, autoincrement=True),
    sa.Column("key", sa.String(160), nullable=False, unique=True),  # of what it follows from, and its ordinal there
    sa.Column("lane", sa.String(120), nullable=False),  # one at a time in a lane: a chat's, or a pressed button's
    sa.Column("chat", sa.BigInteger, nullable=False),
    sa.Column("person", sa.BigInteger, nullable=False),  # whose it is
    sa.Column("priority", sa.Integer, nullable=False),
    sa.Column("slot", sa.String(120)),  # the name of the message that it makes or changes
    sa.Column("action", sa.String(16), nullable=False),
    sa.Column("payload", sa.LargeBinary),  # sealed; None once it is over
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("doubts", sa.Integer, nullable=False),  # tries of which nobody knows whether they arrived
    sa.Column("timeouts", sa.Integer, nullable=False),  # of those: no answer in time
    sa.Column("deaths", sa.Integer, nullable=False),  # of those: the process died meanwhile
    sa.Column("due_ms", sa.BigInteger, nullable=False),
    sa.Column("made_ms", sa.BigInteger, nullable=False),
    sa.Column("ended_ms", sa.BigInteger),
    sa.Column("message_id", sa.BigInteger),
    sa.Column("error", sa.Text),  # what Telegram said; never what a person did
    sa.Index("sticker_bot_outbox_turn", "state", "lane", "priority", "number"),
    sa.Index("sticker_bot_outbox_slot", "slot", "state"),
    sa.Index("sticker_bot_outbox_person", "person"),
)

SLOTS = sa.Table(  # messages that are changed later, by name
    "sticker_bot_slot",
    _words,
    sa.Column("slot", sa.String(120), primary_key=True),
    sa.Column("chat", sa.BigInteger, nullable=False),
    sa.Column("person", sa.BigInteger, nullable=False),
    sa.Column("message_id", sa.BigInteger),  # None where the message is gone
    sa.Column("renewed", sa.Integer, nullable=False),  # times that it was sent anew because it was gone
    sa.Column("changed_ms", sa.BigInteger, nullable=False),
)

CHATS = sa.Table(  # those of which something is to be remembered
    "sticker_bot_chat",
    _words,
    sa.Column("chat", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("blocked_ms", sa.BigInteger),  # since when nothing may be sent there
    sa.Column("held_ms", sa.BigInteger),  # until when Telegram wants no more
)

PEOPLE = sa.Table(
    "sticker_bot_person",
    _words,
    sa.Column("person", sa.BigInteger, primary_key=True, autoincrement=False),  # Telegram's id
    sa.Column("language", sa.String(8)),  # chosen; None: as Telegram says
    sa.Column("tag", sa.String(35)),  # the last IETF tag that Telegram said
    sa.Column("settings", sa.LargeBinary),  # sealed JSON
    sa.Column("state", sa.LargeBinary),  # sealed JSON: where the conversation stands
    sa.Column("banned", sa.Boolean, nullable=False),  # of the first version; who is banned stands in ``BANS``
    sa.Column("since_ms", sa.BigInteger, nullable=False),
)

CONSENTS = sa.Table(
    "sticker_bot_consent",
    _words,
    sa.Column("person", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("purpose", sa.String(40), primary_key=True),
    sa.Column("given_ms", sa.BigInteger, primary_key=True),
    sa.Column("version", sa.String(40), nullable=False),  # of the text that was agreed to
    sa.Column("revoked_ms", sa.BigInteger),
)

ERRANDS = sa.Table(  # what takes longer than an answer may, from the press until its person was told
    "sticker_bot_errand",
    _words,
    sa.Column("key", sa.String(80), primary_key=True),  # of the job that it hands in, or of the update it follows from
    sa.Column("person", sa.BigInteger, nullable=False),
    sa.Column("chat", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("payload", sa.LargeBinary),  # sealed
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("due_ms", sa.BigInteger, nullable=False),
    sa.Column("made_ms", sa.BigInteger, nullable=False),
    sa.Index("sticker_bot_errand_turn", "state", "due_ms"),
    sa.Index("sticker_bot_errand_person", "person"),
)

THINGS = sa.Table(  # what a person has: styles, stickers, packs
    "sticker_bot_thing",
    _words,
    sa.Column("key", sa.String(160), primary_key=True),
    sa.Column("person", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.String(12), nullable=False),
    sa.Column("payload", sa.LargeBinary),  # sealed
    sa.Column("made_ms", sa.BigInteger, nullable=False),
    sa.Index("sticker_bot_thing_person", "person", "kind"),
)

BANS = sa.Table(  # outlive /deletedata: who is banned does not come back by that
    "sticker_bot_ban",
    _words,
    sa.Column("person", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("since_ms", sa.BigInteger, nullable=False),
    sa.Column("until_ms", sa.BigInteger),  # None: until it is lifted
    sa.Column("why", sa.String(12), nullable=False),
)

STRIKES = sa.Table(  # words that were refused: not the words, only that it was so
    "sticker_bot_strike",
    _words,
    sa.Column("key", sa.String(80), primary_key=True),  # of the update
    sa.Column("person", sa.BigInteger, nullable=False),
    sa.Column("reason", sa.String(12), nullable=False),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
    sa.Index("sticker_bot_strike_person", "person", "at_ms"),
)

SPENT = sa.Table(  # jobs that were begun lately, for the daily limits; outlive /deletedata for a day
    "sticker_bot_spent",
    _words,
    sa.Column("key", sa.String(80), primary_key=True),  # the job's, so that it counts once
    sa.Column("person", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("made_ms", sa.BigInteger, nullable=False),
    sa.Index("sticker_bot_spent_person", "person", "kind", "made_ms"),
)

SEEN = sa.Table(  # when somebody was answered last, for the operator's figures
    "sticker_bot_seen",
    _words,
    sa.Column("person", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("seen_ms", sa.BigInteger, nullable=False),
    sa.Index("sticker_bot_seen_when", "seen_ms"),
)

NOTES = sa.Table(
    "sticker_bot_note",
    _words,
    sa.Column("name", sa.String(120), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)


_one_writer = threading.Lock()


@contextmanager
def writing(engine: sa.Engine, *, one_at_a_time: str | None = None) -> Iterator[sa.Connection]:
    """The queue's way of writing (see ``address``); our threads queue up for SQLite, which lets one in at a time.

    Left to itself it would have each look again after a while, and whoever is unlucky wait long.
    """
    alone = _one_writer if engine.dialect.name == "sqlite" else nullcontext()
    with alone, address.writing(engine, one_at_a_time=one_at_a_time) as connection:
        yield connection


def make_tables(engine: sa.Engine) -> None:
    """Make what is missing; any number of processes may do so at once."""
    with writing(engine, one_at_a_time="sticker bot tables") as connection:
        for table in _words.sorted_tables:
            connection.execute(CreateTable(table, if_not_exists=True))
            for index in sorted(table.indexes, key=lambda index: str(index.name)):
                connection.execute(CreateIndex(index, if_not_exists=True))


def put(connection: sa.Connection, table: sa.Table, *, instead: bool, **values: Any) -> bool:
    """Insert a row; where its key is there already, ``instead`` changes that one, else nothing happens.

    Returns whether anything was written.
    """
    keys = ["key"] if table is OUTBOX else [column.name for column in table.primary_key]
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    insert = dialect.insert(table).values(**values)
    rest = {name: insert.excluded[name] for name in values if name not in keys}
    chosen = insert.on_conflict_do_update(index_elements=keys, set_=rest) if instead and rest else None
    chosen = insert.on_conflict_do_nothing(index_elements=keys) if chosen is None else chosen
    # What was written is asked of the database: SQLAlchemy counts no inserted rows on PostgreSQL.
    return connection.execute(chosen.returning(table.c[keys[0]])).first() is not None


def note(connection: sa.Connection, name: str) -> str | None:
    """What was noted under a name."""
    return connection.execute(sa.select(NOTES.c.value).where(NOTES.c.name == name)).scalar()


def take_note(connection: sa.Connection, name: str, value: str) -> None:
    """Note it."""
    put(connection, NOTES, instead=True, name=name, value=value)
