"""One bot a queue: two would answer everything twice.

Owns that lock. Knows no Telegram. Light: SQLAlchemy, filelock through ``pipeline.locks``.

Beside a SQLite file lies a lock file; on PostgreSQL a connection holds an advisory lock. Both are let go of by the
system when their holder dies, however it does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import sqlalchemy as sa

from bot.errors import OtherBot
from pipeline.errors import FolderBusy
from pipeline.jobs.address import answering, folder_of
from pipeline.locks import locked

NAME = "sticker bot alone"  # of a lock that no transaction asks for
RULE = "another bot is running on this queue; stop that one, for two would answer everything twice"


@contextmanager
def only_bot(engine: sa.Engine) -> Iterator[Callable[[], bool]]:
    """While the block runs, no other does. Gives what tells whether that still holds.

    Raises:
        OtherBot: there is one.
        QueueUnreachable: the database does not answer.
    """
    with ExitStack() as stack:
        folder = folder_of(engine.url)
        if folder is not None:
            try:
                stack.enter_context(locked(folder, f".{Path(str(engine.url.database)).name}.bot.lock"))
            except FolderBusy:
                raise OtherBot(RULE) from None
            yield lambda: True
            return
        with answering(engine.url):
            connection = stack.enter_context(engine.connect().execution_options(isolation_level="AUTOCOMMIT"))
            question = sa.text("SELECT pg_try_advisory_lock(hashtext(:name))")
            taken = connection.execute(question, {"name": NAME}).scalar()
        if not taken:
            raise OtherBot(RULE)
        stack.callback(connection.invalidate)  # back in the pool, it would keep the lock
        yield lambda: _lives(connection)


def _lives(connection: sa.Connection) -> bool:
    try:
        return connection.execute(sa.text("SELECT 1")).scalar() == 1
    except sa.exc.DBAPIError:
        return False
