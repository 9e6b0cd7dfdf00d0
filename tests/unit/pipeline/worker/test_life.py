"""Who is taken for dead, and what is served to Prometheus."""

import json
import logging
import os
import re
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from pipeline.errors import BadSetting, QueueBroken, UnknownJob, WorkerRunning
from pipeline.jobs.ledger import Ledger
from pipeline.jobs.words import Kind, Status
from pipeline.worker import logs
from pipeline.worker.lanes import Lanes
from pipeline.worker.life import RESTART, Life, Reaper, Strays, Timing
from pipeline.worker.metrics import Metrics
from pipeline.worker.timed import TimedStages
from pipeline.worker.worker import alone, identity
from tests.queue_desk import spec


def test_a_worker_is_dead_when_its_beats_stand_still_on_our_clock_whatever_the_wall_clock_says(jobs):
    """A beating one never is; a still one after a lease of watching, not before; one without a row at once."""
    now_s = [1000.0]
    mine, still, beating = (Ledger(jobs.engine, name) for name in ("mine", "still", "beating"))
    reaper = Reaper(ledger=mine, lease_s=10.0, now_s=lambda: now_s[0])
    still.beat()
    dead = []
    for _ in range(5):
        mine.beat()
        beating.beat()
        dead.append(reaper.dead({"mine", "still", "beating", "left"}))
        now_s[0] += 4.0
    assert dead == [{"left"}] * 3 + [{"left", "still"}] * 2
    still.beat()
    assert reaper.dead({"still"}) == set()


def test_a_job_that_nobody_here_works_on_is_noticed_after_a_lease():
    """One that is missing for a moment, at its begin or end, is not."""
    now_s = [0.0]
    strays = Strays(lease_s=10.0, now_s=lambda: now_s[0])
    found = []
    for missing in ({"a", "b"}, {"a"}, {"a", "b"}, {"a", "b"}):
        found.append(strays.found(missing))
        now_s[0] += 4.0
    assert found == [set(), set(), set(), {"a"}]


def test_a_buried_worker_that_was_only_asleep_comes_back(jobs):
    ledger = Ledger(jobs.engine, "w")
    ledger.beat()
    ledger.bury("w")
    assert ledger.beats() == {}
    ledger.beat()
    assert ledger.beats() == {"w": 1}


def test_figures_are_served_on_the_loopback_with_the_queues_depth(jobs):
    jobs.submit(spec("a"))
    jobs.submit(spec("b"))
    jobs.submit(spec("c", Kind.LEARN))
    Ledger(jobs.engine, "w").claim("b")
    metrics = Metrics()
    metrics.begun(Kind.DRAW, 2.0)
    metrics.stage("caption", 0.5)
    metrics.over(Kind.DRAW, "done")
    metrics.add(lambda: {"styles_in_memory": 3.0})
    port = metrics.serve(jobs.engine, 0)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    metrics.close()
    assert 'stickers_queue_jobs{kind="draw",status="queued"} 1.0' in lines
    assert 'stickers_queue_jobs{kind="draw",status="running"} 1.0' in lines
    assert 'stickers_queue_jobs{kind="learn",status="queued"} 1.0' in lines
    assert 'stickers_jobs_total{kind="draw",outcome="done"} 1.0' in lines
    assert "stickers_styles_in_memory 3.0" in lines
    assert 'stickers_stage_seconds_sum{stage="caption"} 0.5' in lines
    assert any(line.startswith('stickers_queue_age_seconds{kind="learn"}') for line in lines)


def test_a_database_that_is_away_breaks_no_scrape(jobs, tmp_path):
    """What the worker counts itself is still served, and that the queue does not answer."""
    metrics = Metrics()
    metrics.stage("caption", 0.5)
    port = metrics.serve(jobs.engine, 0)

    def scraped():
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            return answer.read().decode().splitlines()

    assert "stickers_queue_up 1.0" in scraped()
    jobs.engine.dispose()
    for file in tmp_path.glob("queue.sqlite*"):
        file.unlink()
    (tmp_path / "queue.sqlite").mkdir()
    lines = scraped()
    metrics.close()
    assert "stickers_queue_up 0.0" in lines
    assert 'stickers_stage_seconds_sum{stage="caption"} 0.5' in lines
    assert not any(line.startswith("stickers_queue_jobs") for line in lines)


@pytest.fixture
def said(capsys):
    """What the worker's logger writes to stderr, once it is set up so."""
    before = (logging.getLogger().handlers, logging.getLogger().level)

    def say(event, form=None, level=logging.INFO, **extra):
        logs.to_stderr("w", form)
        logging.getLogger("stickers.worker").log(level, event, extra=extra)
        return capsys.readouterr().err

    yield say
    logging.getLogger().handlers, logging.getLogger().level = before


def test_to_a_terminal_the_log_speaks_in_short_lines(said, monkeypatch):
    """With --log plain, or where stderr is a terminal; with --log json there, too, JSON."""
    over = {"job": "learn-0123456789ab", "person": "ann", "kind": "learn", "outcome": "done", "code": None}
    line = said("over", logs.Form.PLAIN, **over, seconds=121.2)
    assert re.fullmatch(r"\d\d:\d\d:\d\d  learn-0123456789ab done in 0:02:01\n", line)
    line = said("over", logs.Form.PLAIN, **(over | {"outcome": "failed", "code": "bad_pack"}), seconds=0.4)
    assert line.endswith("learn-0123456789ab failed in 0:00:00 (code bad_pack)\n")
    line = said("stage broke", logs.Form.PLAIN, logging.ERROR, job="j", stage="a", error="OSError", where=["x:1 f"])
    assert line.endswith("  error: j stage broke (stage a, error OSError)\n")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert said("ready").endswith("  ready\n")
    assert json.loads(said("ready", logs.Form.JSON))["event"] == "ready"


def test_a_damaged_database_ends_the_worker_for_good(jobs, tmp_path, monkeypatch):
    """Exit code 2, with which nobody begins it anew; another error is only noted."""
    ends = []
    life = Life(
        jobs, Lanes(Ledger(jobs.engine, "w"), TimedStages(tmp_path), Metrics(), lambda _n, act: act()), Timing()
    )

    def leave(code):
        ends.append(code)
        raise SystemExit

    errors = [OSError("passes"), QueueBroken("damaged")]
    monkeypatch.setattr(os, "_exit", leave)
    with pytest.raises(SystemExit):
        life._again(lambda: (_ for _ in ()).throw(errors.pop(0)), 0.0)
    assert (ends, errors) == ([2], [])


def test_the_log_is_json_lines(said):
    line = json.loads(said("begun", job="j"))
    assert {"event": "begun", "job": "j", "worker": "w", "level": "INFO"}.items() <= line.items()


def test_a_worker_is_named_after_its_host_and_gpu_and_a_name_is_a_plain_word(jobs, tmp_path):
    assert identity(None, gpu=3, jobs=jobs, data_dir=tmp_path / "data").name.endswith("-gpu3")
    assert identity(None, gpu=None, jobs=jobs, data_dir=tmp_path / "data").locks == tmp_path  # beside the queue's file
    with pytest.raises(BadSetting, match="name = 'a b'"):
        identity("a b", gpu=None, jobs=jobs, data_dir=tmp_path)


def test_a_namesake_on_another_machine_is_noticed_by_its_heart(jobs):
    """Its beat goes on while we get ready: refused. A dead one's stands still, one that left has none: no matter."""
    mine, timing = Ledger(jobs.engine, "same"), Timing(lease_s=0.4)
    with alone(mine, timing, shared=True):
        pass  # nobody yet
    mine.beat()
    began_s = time.monotonic()
    with alone(mine, timing, shared=True):
        pass
    assert time.monotonic() - began_s >= 2 * timing.beat_s
    with pytest.raises(WorkerRunning, match="'same' is running on another machine"), alone(mine, timing, shared=True):
        mine.beat()
    with alone(mine, timing, shared=False):  # here a lock has told already
        mine.beat()


class Forgetful(TimedStages):
    """Stages that note what they are to forget."""

    def forget(self, spec):
        with (self.folder / "forgotten").open("a") as file:
            file.write(spec.job_id)


def test_a_worker_that_tidies_up_forgets_old_jobs_with_their_files(jobs, tmp_path):
    jobs.submit(spec("old"))
    jobs.cancel("old")
    jobs.submit(spec("open"))
    stages = Forgetful(tmp_path)
    stages.folder = tmp_path
    lanes = Lanes(Ledger(jobs.engine, "w"), stages, Metrics(), lambda _name, act: act())
    Life(jobs, lanes, Timing(keep_s=-1.0)).tidy()
    assert (tmp_path / "forgotten").read_text() == "old"
    assert [view.job_id for view in jobs.list()] == ["open"]


def test_what_one_part_of_tidying_meets_keeps_no_other_from_its_turn(jobs, tmp_path, monkeypatch, caplog):
    jobs.submit(spec("old"))
    jobs.cancel("old")
    lanes = Lanes(Ledger(jobs.engine, "w"), TimedStages(tmp_path), Metrics(), lambda _name, act: act())
    monkeypatch.setattr(jobs, "mend", lambda: 1 / 0)
    Life(jobs, lanes, Timing(keep_s=-1.0)).tidy()
    assert "mend failed" in caplog.text
    assert jobs.list() == []


def test_a_clock_that_was_moved_makes_nothing_old(jobs, tmp_path, monkeypatch):
    """A job that was over a moment ago stays, though the clock says that it is a year old; back again, it is asked."""
    jobs.submit(spec("j"))
    jobs.cancel("j")
    lanes = Lanes(Ledger(jobs.engine, "w"), TimedStages(tmp_path), Metrics(), lambda _name, act: act())
    life = Life(jobs, lanes, Timing(keep_s=30 * 86_400))
    true_s = time.time
    monkeypatch.setattr(time, "time", lambda: true_s() + 400 * 86_400)
    life.tidy()
    assert jobs.show("j").status == Status.CANCELLED
    begun_with_it = Life(jobs, lanes, Timing(keep_s=30 * 86_400))
    begun_with_it.tidy()
    with pytest.raises(UnknownJob):
        jobs.show("j")


def test_a_worker_whose_queue_s_file_was_replaced_leaves_to_begin_anew(jobs, tmp_path, monkeypatch):
    """It would serve a file that nobody else sees: what is submitted now goes into another one."""
    lanes = Lanes(Ledger(jobs.engine, "w"), TimedStages(tmp_path), Metrics(), lambda _name, act: act())
    life, left = Life(jobs, lanes, Timing()), []
    monkeypatch.setattr(life, "leave", lambda why, code, **_: left.append((why, code)) or pytest.exit("left"))
    place = Path(str(jobs.url.database))
    place.rename(place.with_suffix(".away"))
    place.write_bytes(b"")
    with pytest.raises(pytest.exit.Exception):
        life.beat()
    assert left[0][0].startswith("the queue's file is another one")
    assert left[0][1] == RESTART


def test_what_was_never_handed_in_is_looked_for_now_and_then(jobs, tmp_path):
    """Not at every tidying; and with what the queue knows, over or not."""

    class Sweeping(TimedStages):
        asked = ()

        def sweep_files(self, known):
            self.asked += (known({"there", "over", "gone"}),)

    for name in ("there", "over"):
        jobs.submit(spec(name))
    jobs.cancel("over")
    stages = Sweeping(tmp_path)
    life = Life(jobs, Lanes(Ledger(jobs.engine, "w"), stages, Metrics(), lambda _name, act: act()), Timing())
    life.tidy()
    life.tidy()
    assert stages.asked == ({"there", "over"},)


def test_what_is_of_nobody_any_more_is_tidied_away(jobs, tmp_path):
    """Stages that keep something here are asked with what the queue knows."""

    class Keeping(TimedStages):
        def tidy(self, known):
            self.left = known({"there", "gone"})

    jobs.submit(spec("there"))
    stages = Keeping(tmp_path)
    Life(jobs, Lanes(Ledger(jobs.engine, "w"), stages, Metrics(), lambda _name, act: act()), Timing()).tidy()
    assert stages.left == {"there"}
