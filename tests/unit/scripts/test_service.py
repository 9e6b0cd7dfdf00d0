"""`stickers jobs`, `worker` and `run`: what they tell, what they refuse, and how the supervisor keeps its children."""

import json
import sys
import threading
import time

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from pipeline.files import Files
from pipeline.jobs.ledger import Ledger
from pipeline.jobs.tables import JOBS
from pipeline.jobs.words import Kind, Progress
from pipeline.worker.life import RESTART
from scripts.cli import app
from scripts.service import supervise
from scripts.service.supervise import Child, end, gpu_numbers, keep
from tests.queue_desk import spec


@pytest.fixture
def stickers(url, monkeypatch):
    """Run a command line on the queue."""
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setenv("STICKERS_QUEUE_URL", url)

    def run(*words):
        return CliRunner().invoke(app, [str(word) for word in words])

    return run


def test_the_list_shows_where_jobs_stand(stickers, jobs):
    """And the same as JSON; nothing is a sentence, too."""
    assert "no such jobs" in stickers("jobs", "list").stdout
    ledger = Ledger(jobs.engine, "gpu0")
    for name in ("a", "b", "c"):
        jobs.submit(spec(name))
    ledger.tell(ledger.claim("b"), Progress(stage="generate", done=3, total=20))
    ledger.fail(ledger.claim("c"), "bad_picture", "this is no picture")
    shown = stickers("jobs", "list")
    assert shown.exit_code == 0
    lines = {line.split()[0]: line for line in shown.stdout.splitlines()[1:]}
    assert "queued" in lines["a"]
    assert "running" in lines["b"]
    assert "generate 3/20" in lines["b"]
    assert "gpu0" in lines["b"]
    assert "this is no picture" in lines["c"]
    found = json.loads(stickers("jobs", "list", "--status", "failed,running", "--json").stdout)["jobs"]
    assert [(job["spec"]["job_id"], job["status"]) for job in found] == [("c", "failed"), ("b", "running")]
    assert found[1]["progress"] == {"stage": "generate", "done": 3, "total": 20, "preview": None}
    assert "c" in stickers("jobs", "dead").stdout


def test_a_damaged_job_is_in_the_list_like_any_other(stickers, jobs):
    """With the reason in its line; nobody misses the others."""
    for name in ("hurt", "sound"):
        jobs.submit(spec(name))
    with jobs.engine.begin() as connection:
        connection.execute(sa.update(JOBS).where(JOBS.c.job_id == "hurt").values(spec="{~"))
    shown = stickers("jobs", "list")
    lines = {line.split()[0]: line for line in shown.stdout.splitlines()[1:]}
    assert shown.exit_code == 0
    assert "cannot be read" in lines["hurt"]
    assert "cannot be read" not in lines["sound"]


def test_one_job_is_shown_with_its_place(stickers, jobs):
    jobs.submit(spec("first", person="bob"))
    jobs.submit(spec("j", Kind.DRAW))
    shown = stickers("jobs", "show", "j").stdout
    assert "ahead           1" in shown
    assert "queued" in shown


def test_jobs_are_cancelled_requeued_and_forgotten(stickers, jobs):
    jobs.submit(spec("j"))
    assert json.loads(stickers("jobs", "cancel", "j", "--json").stdout)["status"] == "cancelled"
    again = stickers("jobs", "cancel", "j")
    assert (again.exit_code, again.stderr) == (2, "error: the job 'j' is cancelled: there is nothing to cancel\n")
    assert json.loads(stickers("jobs", "requeue", "j", "--json").stdout)["jobs"][0]["status"] == "queued"


def test_a_person_is_forgotten_with_all_files(stickers, jobs, tmp_path, monkeypatch):
    """In the queue and among the files; other people's stay."""
    monkeypatch.setenv("STICKERS_FILES_URL", str(tmp_path / "files"))
    for person in ("ann", "bob"):
        jobs.submit(spec(f"of-{person}", person=person))
        Files(tmp_path / "files").put(f"people/{person}/jobs/j/photo.png", b"picture")
    assert json.loads(stickers("jobs", "delete-person", "ann", "--json").stdout) == {
        "person": "ann",
        "erased": 1,
        "left": 0,
    }
    assert [view.job_id for view in jobs.list()] == ["of-bob"]
    assert Files(tmp_path / "files").list("people") == ["people/bob/jobs/j/photo.png"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["jobs", "list", "--status", "asleep"], "status = 'asleep': unknown; choose among queued, running"),
        (["jobs", "list", "--kind", "sing"], "kind = 'sing'"),
        (["jobs", "list", "--url", "mysql://a:secret@b/c"], "sqlite:////path/of/a/file or postgresql://"),
        (["worker", "--stages", "real"], "stages = 'real': unknown; choose one of models, timed"),
        (["worker", "--stages", "timed", "--gpu", "-1"], "gpu = -1"),
        (["worker", "--stages", "timed", "--lease", "nan"], "lease = nan"),
        (["worker", "--stages", "timed", "--metrics-port", "99999"], "metrics port = 99999"),
        (["worker", "--stages", "timed", "--name", "a b"], "name = 'a b'"),
        (["worker", "--stages", "timed", "--lease", "1e300"], "lease = 1e+300: must be between 2.0 and 86400.0"),
        (["worker", "--stages", "timed", "--lease", "0.1"], "lease = 0.1"),
        (["worker", "--stages", "timed", "--poll", "1e300"], "poll = 1e+300"),
        (["worker", "--stages", "timed", "--poll", "1e-300"], "poll = 1e-300"),
        (["worker", "--stages", "timed", "--grace", "inf"], "grace = inf"),
        (["worker", "--stages", "timed", "--gpu", str(10**30)], "gpu = 1000"),
        (["worker", "--stages", "timed", "--log", "xml"], "log = 'xml': unknown; choose one of json, plain"),
        (["worker", "--stages", "timed", "--folder", __file__], "test_service.py"),
        (["run", "--stages", "timed", "--folder", __file__], "test_service.py"),
        (["run", "--grace", "1e300"], "grace = 1e+300"),
        (["run", "--url", ""], "the queue's address"),
        (["run", "--gpus", "0,0"], "gpus = '0,0': one comes twice"),
        (["run", "--gpus", "0,00"], "gpus = '0,00': one comes twice"),
        (["run", "--gpus", "9" * 5000], "give numbers with commas between"),
        (["run", "--gpus", "5000"], "gpus = 5000: must be between 0 and 1023"),
        (["jobs", "list", "--most", str(10**40)], "most = 1000"),
        (["jobs", "list", "--most", "-1"], "most = -1: must be between 1 and 10000"),
        (["jobs", "dead", "--most", "0"], "most = 0"),
        (["jobs", "list", "--status", ""], "status = ''"),
        (["load", "--workers", "0"], "workers = 0"),
        (["load", "--workers", "100000"], "workers = 100000"),
        (["load", "--within", "nan"], "seconds within which all come = nan"),
        (["load", "--within", "1e6"], "seconds within which all come = 1000000.0"),
        (["load", "--poll", "nan"], "poll = nan"),
        (["load", "--draws", "1000000"], "draws and learns = 1000002: must be between 1 and 20000"),
        (["load", "--people", str(10**20)], "people = 1000"),
        (["load", "--seed", "-1"], "seed = -1: must be between 0 and 4294967295"),
        (["load", "--stages", "real"], "stages = 'real': unknown"),
        (["load", "--train-steps", "5"], "train-steps = '5': timed stages learn nothing"),
        (["load", "--stages", "models", "--train-steps", "0"], "train-steps = 0: must be between"),
        (["load", "--stages", "models", "--profile", "none"], "unknown profile 'none'"),
        (["load", "--stages", "models", "--against-fcfs"], "only timed stages"),
        (["load", "--stages", "models", "--pack", "/nowhere"], "'/nowhere'"),
        (["plan", "--draws-per-hour", "inf"], "draws per hour = inf"),
        (["plan", "--draws-per-hour", "nan"], "draws per hour = nan"),
        (["plan", "--learns-per-hour", "1e300"], "learns per hour = 1e+300"),
        (["plan", "--hours", "inf"], "hours = inf: must be between"),
        (["plan", "--hours", "nan"], "hours = nan"),
        (["plan", "--draw-seconds", "inf"], "draw seconds = inf"),
        (["plan", "--gpus", "1000000000"], "with commas between"),
        (["plan", "--gpus", "100000000"], "gpus = 100000000: must be between 0 and 10000"),
        (["plan", "--people", "0"], "people = 0"),
        (["plan", "--seed", "-1"], "seed = -1"),
        (["evaluate", "--seed", "-1"], "seed = -1: must be between 0 and 4294967295"),
    ],
)
def test_a_wrong_request_is_one_sentence_and_exit_code_2(stickers, words, sentence):
    done = stickers(*words)
    assert done.exit_code == 2
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
    assert "secret" not in done.stderr


def test_a_worker_whose_database_is_away_asks_to_be_started_again(stickers):
    done = stickers("worker", "--stages", "timed", "--url", "postgresql://ann:secret@127.0.0.1:1/stickers")
    assert done.exit_code == RESTART
    assert "cannot be reached" in done.stderr
    assert "secret" not in done.stderr


def test_a_wrong_setting_of_the_environment_is_told_by_its_name(stickers, monkeypatch):
    monkeypatch.setenv("STICKERS_OPEN_JOBS", "none")
    done = stickers("jobs", "list")
    assert (done.exit_code, "STICKERS_OPEN_JOBS = 'none'" in done.stderr) == (2, True)


def python(code):
    return Child(name="child", command=[sys.executable, "-c", code])


def test_whoever_dies_is_started_again_with_growing_pauses_and_a_restart_at_once():
    """Exit code 1, twice in a row: 1 s, then 2 s; exit code 75 after a while of work: none."""
    child, codes = python("import sys; sys.exit(1)"), []

    def until_dead(now_s, lived_s=0.5):
        child.look(now_s)
        child.process.wait()
        codes.append(child.look(now_s + lived_s))
        return child.next_s

    assert until_dead(10.0) == 11.5
    child.look(11.0)
    assert child.process is None  # not due yet
    assert until_dead(12.0) == 14.5
    child.command = [sys.executable, "-c", "import sys; sys.exit(75)"]
    assert until_dead(15.0, lived_s=31.0) == 46.0
    assert codes == [1, 1, 75]


def test_a_child_that_was_started_wrongly_ends_it_all():
    assert keep([python("import sys; sys.exit(2)")], threading.Event(), tell=lambda _: None) == 2


def test_children_are_asked_to_leave_and_killed_when_they_do_not():
    good, deaf = (
        python("import time; time.sleep(60)"),
        python("import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(60)"),
    )
    for child in (good, deaf):
        child.look(0.0)
    time.sleep(0.5)
    began_s = time.monotonic()
    end([good, deaf], threading.Event(), until_s=began_s + 1.0)
    assert time.monotonic() - began_s < 10
    assert good.process.returncode == -15
    assert deaf.process.returncode in (-9, -15)


def test_gpus_are_numbers_with_commas_between():
    assert gpu_numbers(None) == [None]
    assert gpu_numbers("0,2") == [0, 2]


def test_the_supervisor_and_the_worker_agree_on_what_asks_for_a_restart():
    assert supervise.AGAIN == RESTART
