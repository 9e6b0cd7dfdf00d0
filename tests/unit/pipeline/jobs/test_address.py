"""The queue's address: what it may be, and that a password is never shown."""

import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from pipeline.errors import BadInput, BadSetting, JobError, NoQueue, QueueBroken, QueueUnreachable
from pipeline.jobs import address
from pipeline.jobs.queue import Jobs
from pipeline.settings import Settings
from scripts import doctor
from scripts.cli import app
from tests.postgres import installed, serving
from tests.queue_desk import spec


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "queue",
        "://",
        "mysql://ann:secret@h/d",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite://ann:secret@/tmp/x",
        "sqlite://host/tmp/secret",
        "sqlite:////tmp/a%00b",
        "sqlite:////tmp/\udcff",  # as Python has a byte that is no UTF-8
        "postgresql://ann:secret@host",
        "postgresql://ann:a@secret@host/d",
        "postgresql://host:secret/d",
        "ann:secret@h/d",
        "http//ann:secret@h",
    ],
)
def test_an_address_that_cannot_be_used_is_refused_without_its_password(bad):
    with pytest.raises(BadSetting, match="sqlite:////path/of/a/file or postgresql://") as caught:
        address.parsed(bad)
    assert "secret" not in str(caught.value)


def test_a_database_that_does_not_answer_is_one_sentence_without_the_password(tmp_path):
    with pytest.raises(QueueUnreachable, match="cannot be reached") as caught:
        Jobs("postgresql://ann:secret@127.0.0.1:1/stickers")
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(QueueUnreachable, match=r"postgresql.*://127\.0\.0\.1/…' cannot be reached") as caught:
        Jobs("postgresql://127.0.0.1:1/stickers?password=secret")
    assert "secret" not in str(caught.value)
    (tmp_path / "file").touch()
    with pytest.raises(QueueUnreachable):
        Jobs(f"sqlite:///{tmp_path}/file/queue.sqlite")


def broken_file(place):
    """The pages behind the first are no pages any more, as after a disk's fault."""
    with place.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (place.stat().st_size - 4096))


def test_a_damaged_database_is_told_by_its_file_and_with_what_to_do(tmp_path, url):
    """When it is opened and while it is used; to try again would not help."""
    (tmp_path / "no.sqlite").write_bytes(b"this is no database" * 99)
    with pytest.raises(QueueBroken, match=r"no\.sqlite' is damaged: file is not a database; .*put a copy"):
        Jobs(f"sqlite:///{tmp_path}/no.sqlite")
    with Jobs(url) as jobs:
        jobs.submit(spec("j"))
    broken_file(tmp_path / "queue.sqlite")
    with pytest.raises(QueueBroken, match=r"queue\.sqlite' is damaged: .*malformed"), Jobs(url) as jobs:
        jobs.list()


def test_a_database_that_is_damaged_while_it_is_open_is_told_so(tmp_path, url):
    with Jobs(url) as jobs:
        jobs.submit(spec("j"))
        with closing(sqlite3.connect(tmp_path / "queue.sqlite")) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        jobs.engine.dispose()
        broken_file(tmp_path / "queue.sqlite")
        for act in (jobs.list, lambda: jobs.submit(spec("k")), lambda: jobs.cancel("j"), lambda: jobs.show("j")):
            with pytest.raises(QueueBroken, match="damaged"):
                act()


def test_a_full_disk_is_told_as_such_and_writes_nothing(jobs):
    """Here a file that may not grow: SQLite says the same."""
    with jobs.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()

    @sa.event.listens_for(jobs.engine, "connect")
    def small(connection, _record):
        connection.execute(f"PRAGMA max_page_count={pages}")

    jobs.engine.dispose()
    with pytest.raises(QueueUnreachable, match=r"the disk of .*queue\.sqlite' is full.*make room"):
        jobs.submit(spec("large", words="x" * 400_000))
    assert jobs.list() == []


def failing(jobs, monkeypatch, code, words):
    """The database refuses with this code; what is told of it."""
    problem = sqlite3.OperationalError(words)
    problem.sqlite_errorcode = code
    with pytest.raises(JobError) as caught, address.answering(jobs.engine.url):
        raise sa.exc.OperationalError("SELECT", {}, problem)
    return caught.value


def test_what_a_full_disk_looks_like_to_sqlite_is_told_as_a_full_disk(jobs, monkeypatch):
    """It says "disk I/O error"; where there is room, that is what it is."""
    found = failing(jobs, monkeypatch, sqlite3.SQLITE_IOERR_WRITE, "disk I/O error")
    assert "does not answer: disk I/O error" in str(found)
    usage = shutil._ntuple_diskusage(10**9, 10**9, 4096)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    for code in (sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_CANTOPEN):
        assert "is full: disk I/O error; nothing of this was written; make room" in str(
            failing(jobs, monkeypatch, code, "disk I/O error")
        )


def test_a_database_that_may_not_be_written_is_told_so(jobs, monkeypatch):
    found = failing(jobs, monkeypatch, sqlite3.SQLITE_READONLY, "attempt to write a readonly database")
    assert "may not be written" in str(found)
    assert "try again" not in str(found)


def test_the_queue_of_another_version_is_told_so(jobs):
    """It lacks a column, or has a status that nobody here knows; a worker leaves for good."""
    jobs.submit(spec("j"))
    with jobs.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE sticker_job SET status = 'teleported'")
    with pytest.raises(BadInput, match="'teleported'; this version does not know that: the queue was begun by another"):
        jobs.show("j")
    with jobs.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE sticker_job RENAME COLUMN deaths TO lives")
    with pytest.raises(QueueBroken, match=r"begun by another version of this program: no such column.*deaths"):
        jobs.list()


@pytest.mark.skipif(not installed(), reason="no PostgreSQL is installed that we may start")
def test_a_role_that_lacks_a_privilege_is_told_so_by_every_command(monkeypatch):
    with serving() as server:
        url = server.database("queue")
        with Jobs(url) as jobs, jobs.engine.begin() as connection:
            connection.exec_driver_sql("CREATE ROLE ann LOGIN")
        theirs = url.replace("postgres@", "ann@")
        monkeypatch.setenv("STICKERS_QUEUE_URL", theirs)
        done = CliRunner().invoke(app, ["jobs", "list"])
        assert (done.exit_code, "this role may not use the queue's database" in done.stderr) == (2, True)
        assert "grant it" in done.stderr
        check = doctor.queue(Settings())
        assert (check.state, "permission denied for" in check.found) == (doctor.State.NOTE, True)


def test_who_only_looks_begins_no_queue(tmp_path):
    with pytest.raises(NoQueue, match=r"no queue yet at .*/deep/queue\.sqlite"):
        Jobs(f"sqlite:///{tmp_path}/deep/queue.sqlite", begins=False)
    assert [*tmp_path.iterdir()] == []


def test_readers_of_a_sqlite_file_never_wait_for_writers(jobs):
    """WAL: while one writes, another reads what was."""
    with address.writing(jobs.engine) as writer:
        writer.exec_driver_sql("INSERT INTO sticker_turn VALUES ('draw', 7)")
        with jobs.engine.connect() as reader:
            assert reader.exec_driver_sql("SELECT count(*) FROM sticker_turn").scalar() == 0
    with jobs.engine.connect() as reader:
        assert reader.exec_driver_sql("SELECT tag FROM sticker_turn").scalar() == 7


def test_any_number_of_processes_may_open_a_new_queue_at_once(url):
    """Here as threads; the tables are made by whoever comes first."""
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda _: Jobs(url), range(4)))
    assert [one.list() for one in opened] == [[]] * 4
    for one in opened:
        one.close()


def test_the_file_of_another_program_is_left_as_it_is(tmp_path):
    """Not a byte of it changes; an empty file is taken, and one that lay half made by a queue that died, too."""
    place = tmp_path / "theirs%41.sqlite"
    with closing(sqlite3.connect(place)) as connection:
        connection.execute("CREATE TABLE recipe (name TEXT)")
    before = place.read_bytes()
    with pytest.raises(BadSetting, match="another program's database"):
        Jobs(f"sqlite:///{tmp_path}/theirs%2541.sqlite")
    assert place.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [place.name]
    (tmp_path / "empty.sqlite").touch()
    with closing(sqlite3.connect(tmp_path / "half.sqlite")) as connection:
        connection.execute("CREATE TABLE dbos_migrations (version INTEGER NOT NULL PRIMARY KEY)")
    for name in ("empty", "half", "empty"):
        with Jobs(f"sqlite:///{tmp_path}/{name}.sqlite") as jobs:
            assert jobs.list() == []


def test_a_queue_behind_a_link_is_the_same_queue(tmp_path):
    """Or two workers of one name would not meet at its lock."""
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "queue.sqlite").touch()
    (tmp_path / "link.sqlite").symlink_to(tmp_path / "there" / "queue.sqlite")
    there, link = (address.parsed(f"sqlite:///{tmp_path}/{name}") for name in ("there/queue.sqlite", "link.sqlite"))
    assert address.folder_of(link) == address.folder_of(there)
    assert address.file_of(link) == address.file_of(there) != None  # noqa: E711
    (tmp_path / "there" / "queue.sqlite").unlink()
    assert address.file_of(link) is None
