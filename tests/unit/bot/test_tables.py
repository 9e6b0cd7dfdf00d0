"""Whether a row was written is told alike by every database."""

import pytest
import sqlalchemy as sa

from bot.tables import SEEN, SPENT, make_tables, put, writing
from pipeline.jobs import address
from tests.postgres import installed, serving


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request, tmp_path):
    if request.param == "sqlite":
        engine = address.connected(address.parsed(f"sqlite:///{tmp_path}/queue.sqlite"))
        yield engine
        engine.dispose()
        return
    if not installed():
        pytest.skip("PostgreSQL is not installed")
    with serving() as server:
        engine = address.connected(address.parsed(server.database("tables")))
        yield engine
        engine.dispose()


def test_a_row_is_written_once_and_changed_where_it_is_to_be(engine):
    make_tables(engine)
    row = {"key": "a", "person": 7, "kind": "draw"}
    with writing(engine) as connection:
        assert put(connection, SPENT, instead=False, **row, made_ms=5)
        assert not put(connection, SPENT, instead=False, **row, made_ms=6)
        assert put(connection, SEEN, instead=True, person=7, seen_ms=5)
        assert put(connection, SEEN, instead=True, person=7, seen_ms=6)
        assert connection.execute(sa.select(SPENT.c.made_ms)).scalars().all() == [5]
        assert connection.execute(sa.select(SEEN.c.seen_ms)).scalars().all() == [6]
