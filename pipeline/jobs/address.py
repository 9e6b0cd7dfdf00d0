"""From the queue's address to its database: a SQLite file, or PostgreSQL.

Owns what an address may be, how a connection is set up and how a transaction that writes is begun. Knows no table's
columns. Light: loads SQLAlchemy.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from pipeline.discreet import shown
from pipeline.errors import BadSetting, JobError, NoQueue, QueueBroken, QueueUnreachable

DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "postgresql+psycopg": "postgresql+psycopg"}
RULE = "let it be sqlite:////path/of/a/file or postgresql://user@host/database"
BUSY_MS = 30_000  # how long SQLite waits for another process's write
FULL, DAMAGED = (sqlite3.SQLITE_FULL, "53100"), (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, "XX001", "XX002")
OUT_OF_REACH = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)  # what a full disk looks like, too: see the free space
NO_ROOM_MB = 1.0
READ_ONLY = (sqlite3.SQLITE_READONLY, "25006")
DENIED = ("42501",)  # a role lacks a privilege
OLD_COLUMN, NO_COLUMN = (
    ("42703",),
    re.compile(r"no such column|has no column named"),
)  # PostgreSQL's; SQLite only says so
OURS = ("sticker_job", "dbos_migrations")  # what a queue's file has, the engine's first: it may die between the two


def parsed(address: str) -> sa.URL:
    """The address, checked, with the driver that is used.

    Raises:
        BadSetting: no such kind of database, or a SQLite address without a file.
    """
    try:
        address.encode()
        url = sa.make_url(address)
        driver = DRIVERS[url.drivername]
    except (ArgumentError, ValueError, KeyError) as error:  # ValueError: a port that is none, bytes that are no UTF-8
        raise BadSetting(f"the queue's address {shown(address)!r} cannot be used; {RULE}") from error
    if "\0" in (url.database or "") or "@" in (url.host or ""):
        raise BadSetting(f"the queue's address {shown(address)!r} cannot be used; {RULE}")
    if driver == "sqlite" and (url.host or url.port or url.username or url.password):
        raise BadSetting(f"the queue's address {shown(address)!r} names a server, which SQLite has not; {RULE}")
    if driver == "sqlite" and (url.database in (None, "", ":memory:") or url.query):
        raise BadSetting(f"the queue's address {shown(address)!r} names no file; {RULE}")
    if driver != "sqlite" and not url.database:
        raise BadSetting(f"the queue's address {shown(address)!r} names no database; {RULE}")
    return url.set(drivername=driver)


def folder_of(url: sa.URL) -> Path | None:
    """The folder of a SQLite file; None for a server."""
    return Path(str(url.database)).resolve().parent if url.drivername == "sqlite" else None


def file_of(url: sa.URL) -> tuple[int, int] | None:
    """Which file a SQLite queue is (device, inode); None for a server, and where there is none."""
    try:
        found = Path(str(url.database)).stat() if url.drivername == "sqlite" else None
    except OSError:
        return None
    return None if found is None else (found.st_dev, found.st_ino)


def place_of(url: sa.URL) -> str:
    """The database as it may be shown: its file, or its server without a password."""
    return shown(url.render_as_string()) if folder_of(url) is None else str(url.database)


def connected(url: sa.URL, *, begins: bool = True) -> sa.Engine:
    """An engine whose database answers; a SQLite file is made, in WAL mode, where readers never wait for writers.

    Args:
        begins: a file that is not there; else nothing is made.

    Raises:
        QueueUnreachable: it does not.
        QueueBroken: it is damaged, or no database at all.
        NoQueue: there is no such file, and none is to be begun.
        BadSetting: it is a file of another program.
    """
    engine = sa.create_engine(url, pool_size=5, max_overflow=5, pool_pre_ping=url.drivername != "sqlite")
    if url.drivername == "sqlite":
        sa.event.listen(engine, "connect", _set_up_sqlite)
    folder, place = folder_of(url), place_of(url)
    try:
        if folder is not None:
            if Path(place).is_dir():
                raise BadSetting(f"the queue's address names a folder, {place!r}; {RULE}")
            if not begins and not Path(place).is_file():
                raise NoQueue(f"no queue yet at {place!r}; the first `stickers submit` or `stickers worker` begins it")
            folder.mkdir(parents=True, exist_ok=True)
            _check_ours(Path(place).absolute())
        with engine.connect():
            return engine
    except (DBAPIError, sqlite3.Error, OSError) as error:
        engine.dispose()
        raise _told(error, place, "cannot be reached") from error


def _check_ours(path: Path) -> None:
    """Only looks: to make tables, and even to set WAL mode, changes the file.

    Raises:
        BadSetting: there are tables, and none is of a queue.
    """
    if not path.is_file():
        return
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=BUSY_MS / 1000)) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if tables and not tables.intersection(OURS):
        raise BadSetting(f"{str(path)!r} is another program's database: it has no table of a queue; {RULE}")


def _set_up_sqlite(connection: Any, _record: object) -> None:
    connection.text_factory = lambda raw: raw.decode(errors="replace")  # one damaged letter fails no whole query
    connection.isolation_level = None  # transactions are begun by ``writing``, not guessed from the statements
    for pragma in (f"busy_timeout={BUSY_MS}", "journal_mode=WAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


@contextmanager
def answering(url: sa.URL) -> Iterator[None]:
    """What the database refuses for its own reasons is told as ours.

    Raises:
        QueueUnreachable: it is away, locked for too long, may not be used, or its disk is full.
        QueueBroken: it is damaged, or another version's.
    """
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeout) as error:
        raise _told(error, place_of(url), "does not answer") from error
    except DBAPIError as error:
        if _reason(error) not in (*DAMAGED, *DENIED, *READ_ONLY, *FULL, *OLD_COLUMN):
            raise
        raise _told(error, place_of(url), "does not answer") from error


def _reason(error: Exception) -> int | str | None:
    """SQLite's primary result code, or PostgreSQL's SQLSTATE."""
    own = getattr(error, "orig", None) or error
    code: int | None = getattr(own, "sqlite_errorcode", None)
    state: str | None = getattr(own, "sqlstate", None)
    return state if code is None else code & 0xFF


def _told(error: Exception, place: str, what: str) -> JobError:
    """What to tell of it, and what is to be done."""
    words = str(getattr(error, "orig", None) or error).strip().splitlines()
    why = words[0] if words else type(error).__name__
    if _reason(error) in DAMAGED:
        rule = "stop all workers, and put a copy of it in its place; where there is none, put it aside, and begin anew"
        return QueueBroken(f"the queue's database {place!r} is damaged: {why}; {rule}")
    if _reason(error) in OLD_COLUMN or (_reason(error) == sqlite3.SQLITE_ERROR and NO_COLUMN.search(why)):
        rule = "use that one, or put the queue aside, and begin anew"
        return QueueBroken(
            f"the queue's database {place!r} was begun by another version of this program: {why}; {rule}"
        )
    if _reason(error) in DENIED:
        rule = "grant it that, or let STICKERS_QUEUE_URL name a role that has it"
        return QueueUnreachable(f"this role may not use the queue's database {place!r}: {why}; {rule}")
    if _reason(error) in READ_ONLY:
        rule = "see that this user may write to it, and to the folder it is in; or that the server is no standby"
        return QueueUnreachable(f"the queue's database {place!r} may not be written: {why}; {rule}")
    if _reason(error) in FULL or (_reason(error) in OUT_OF_REACH and _no_room(Path(place))):
        rule = "nothing of this was written; make room, and do it again"
        return QueueUnreachable(f"the disk of the queue's database {place!r} is full: {why}; {rule}")
    rule = "try again in a while" if what == "does not answer" else "see that it is there, and that you may use it"
    return QueueUnreachable(f"the queue's database {place!r} {what}: {why}; {rule}")


def _no_room(file: Path) -> bool:
    """Whether the disk of a SQLite file is full."""
    try:
        return shutil.disk_usage(file.absolute().parent).free < NO_ROOM_MB * 1_000_000
    except OSError:
        return False


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection that only reads.

    Raises:
        QueueUnreachable: the database does not answer.
    """
    with answering(engine.url), engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: sa.Engine, *, one_at_a_time: str | None = None) -> Iterator[sa.Connection]:
    """A transaction that reads, then writes what follows from it.

    Args:
        one_at_a_time: no two transactions of one such name run at once. SQLite lets one writer in at a time anyway.

    Raises:
        QueueUnreachable: the database does not answer; then nothing is written.
    """
    with answering(engine.url), engine.connect() as connection, connection.begin():
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        elif one_at_a_time is not None:
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": one_at_a_time})
        yield connection
