"""`stickers load --stages models`: simulated people learn and draw in earnest, and what they got is counted."""

from __future__ import annotations

import json

import pytest

from pipeline.jobs.queue import Jobs
from tests.queue_desk import KEY, VAULT


@pytest.mark.slow
@pytest.mark.timeout(900)  # a worker that loads torch on busy cores
def test_simulated_people_learn_and_draw_with_real_models(desk, monkeypatch):
    """All is done, once; what was learned and drawn beforehand is not counted, and nothing stays in the queue."""
    monkeypatch.setenv("STICKERS_DEVICE", "cpu")
    monkeypatch.setenv("STICKERS_SECRET_KEY", KEY)
    url = f"sqlite:///{desk.tmp}/trial.sqlite"
    words = ["--stages", "models", *desk.profile, "--pack", desk.pack, "--train-steps", "2", "--people", "2"]
    words += ["--draws", "4", "--learns", "2", "--within", "0", "--url", url, "--json"]
    done = desk.stickers("load", *words)
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    counts = {name: found[name] for name in ("jobs", "lost", "failed", "duplicated")}
    assert counts == {"jobs": 6, "lost": 0, "failed": 0, "duplicated": 0}
    assert [found["wait_s"][kind]["count"] for kind in ("learn", "draw")] == [2, 4]
    assert 0 < found["learning"]["took_s"] < found["seconds"]
    assert 0 <= found["learning"]["drawn_s"] <= found["learning"]["took_s"]
    assert "learning a style beforehand: done" in done.stderr
    with Jobs(url, vault=VAULT) as jobs:
        assert jobs.list() == []
