"""`stickers jobs`: whatever an error says is shown as it is, and nothing is done by halves without a word."""

import json

import pytest
from typer.testing import CliRunner

from pipeline.jobs.ledger import Ledger
from pipeline.jobs.queue import Jobs
from pipeline.jobs.words import Kind, Progress
from scripts import results
from scripts.cli import app
from tests.queue_desk import spec

STRANGE = "no [/red] tag, no [bold]markup[/], no \x1b[2J\u202e\nsecond line"
SHOWN = "no [/red] tag, no [bold]markup[/], no  [2J second line"


@pytest.fixture
def jobs(url, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("STICKERS_QUEUE_URL", url)
    with Jobs(url) as jobs:
        yield jobs


def stickers(*words):
    return CliRunner().invoke(app, list(words))


def failed(jobs, name):
    jobs.submit(spec(name, Kind.DRAW))
    ledger = Ledger(jobs.engine, "gpu0")
    ledger.fail(ledger.claim(name), "bad_picture", STRANGE)


@pytest.mark.parametrize("words", [("list",), ("dead",), ("show", "m1")])
def test_brackets_and_control_characters_of_an_error_change_nothing_on_the_terminal(jobs, words):
    failed(jobs, "m1")
    done = stickers("jobs", *words)
    assert done.exit_code == 0
    assert SHOWN in done.stdout


@pytest.mark.parametrize("job_id", ["learn-0123456789ab", "x" * 80])
def test_an_id_stays_on_one_line_of_a_narrow_terminal(jobs, monkeypatch, job_id):
    """It is copied from there; where it can, the whole table keeps to 80 letters, and still tells all that matters."""
    monkeypatch.setenv("COLUMNS", "80")
    jobs.submit(spec(job_id, Kind.LEARN, person="a-person-of-a-name-that-is-long"))
    ledger = Ledger(jobs.engine, "a-host-of-a-long-name.example.org-gpu0")
    ledger.tell(ledger.claim(job_id), Progress(stage="learn", done=123, total=400))
    failed(jobs, "draw-0123456789ab")
    done = stickers("jobs", "list")
    lines = done.stdout.splitlines()
    (line,) = [line for line in lines if job_id in line]
    assert all(word in line for word in (job_id, "learn", "running", "a-person-of…", "learn 123/400"))
    if len(job_id) < 20:
        assert max(map(len, lines)) <= 80
        assert "no [/red] tag," in done.stdout


def test_who_looks_where_no_queue_is_makes_none(tmp_path, monkeypatch):
    """A sentence, or an empty list for a program; a job cannot be known there."""
    monkeypatch.setenv("STICKERS_DATA_DIR", str(tmp_path / "data"))
    for words in (("list",), ("dead",)):
        done = stickers("jobs", *words)
        assert done.exit_code == 0
        assert done.stdout.startswith(f"no queue yet at '{tmp_path}/data/queue.sqlite'; ")
        assert json.loads(stickers("jobs", *words, "--json").stdout) == {"jobs": []}
    for words in (("show", "j"), ("cancel", "j"), ("requeue", "j"), ("fetch", "j", "--out", str(tmp_path / "out"))):
        done = stickers("jobs", *words)
        assert (done.exit_code, "error: no queue yet at" in done.stderr) == (2, True)
    assert stickers("jobs", "delete-person", "ann").exit_code == 0
    assert [*tmp_path.iterdir()] == []


def test_a_cancelled_job_is_told_in_a_sentence_first(jobs):
    """At once where nobody has begun it; JSON has the job alone."""
    for name in ("a", "b", "c"):
        jobs.submit(spec(name))
    Ledger(jobs.engine, "gpu0").claim("b")
    assert stickers("jobs", "cancel", "a").stdout.splitlines()[0] == "a is cancelled"
    assert stickers("jobs", "cancel", "b").stdout.splitlines()[0] == "b stops at its next step, and is cancelled"
    assert json.loads(stickers("jobs", "cancel", "c", "--json").stdout)["status"] == "cancelled"


def test_an_emoji_s_name_between_colons_is_shown_as_it_is(capsys):
    """Of a path or an error; rich would turn it into the emoji."""
    results.say("out/:smile:/cat.png")
    results.warn((), ["the file ':cat:.png'"])
    said = capsys.readouterr()
    assert (said.out, said.err) == ("out/:smile:/cat.png\n", "note: the file ':cat:.png'\n")


def test_a_damaged_queue_is_one_sentence(jobs, tmp_path):
    """Which file, and what to do."""
    (tmp_path / "no.sqlite").write_bytes(b"this is no database" * 99)
    done = stickers("jobs", "list", "--url", f"sqlite:///{tmp_path}/no.sqlite")
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert f"error: the queue's database '{tmp_path}/no.sqlite' is damaged" in done.stderr


def test_nothing_is_requeued_where_one_of_the_jobs_is_unknown(jobs):
    failed(jobs, "m1")
    done = stickers("jobs", "requeue", "m1", "nope")
    assert (done.exit_code, "there is no job 'nope'" in done.stderr) == (2, True)
    assert jobs.show("m1").status == "failed"


def test_what_was_requeued_before_another_was_refused_is_told(jobs):
    failed(jobs, "m1")
    jobs.submit(spec("m2", Kind.DRAW))
    done = stickers("jobs", "requeue", "m1", "m2")
    assert done.exit_code == 2
    assert "the job 'm2' is queued" in done.stderr
    assert "requeued before it: m1" in done.stderr
    assert jobs.show("m1").status == "queued"


def test_a_job_that_is_named_twice_is_requeued_once(jobs):
    failed(jobs, "m1")
    done = stickers("jobs", "requeue", "m1", "m1", "--json")
    assert [job["status"] for job in json.loads(done.stdout)["jobs"]] == ["queued"]
