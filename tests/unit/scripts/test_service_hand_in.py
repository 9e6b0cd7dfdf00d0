"""Handing in: while it goes on, what lies there is known for what it is; afterwards there is the job, or nothing."""

import pytest
from PIL import Image

from pipeline import leftovers
from pipeline.domain import never_stop, no_report
from pipeline.files import Files
from pipeline.jobs.words import Kind
from scripts.service.hand_in import Wish, hand_in


def test_the_mark_of_handing_in_lies_there_until_the_queue_has_the_job(jobs, tmp_path, monkeypatch):
    for number, colour in enumerate(("red", "green", "blue")):
        (tmp_path / "pack").mkdir(exist_ok=True)
        Image.new("RGB", (64, 64), colour).save(tmp_path / "pack" / f"{number}.png")
    files, submit, seen = Files(tmp_path / "files"), jobs.submit, []

    def looked(spec):
        seen.append([key.rpartition("/")[2] for key in files.list("people")])
        if len(seen) == 1:
            raise RuntimeError
        return submit(spec)

    monkeypatch.setattr(jobs, "submit", looked)
    wish = Wish(kind=Kind.LEARN, person="ann", style="s", profile=None, options={}, pack=tmp_path / "pack")
    with pytest.raises(RuntimeError):
        hand_in(wish, jobs, files, report=no_report, should_stop=never_stop)
    assert files.list("people") == []
    spec, _ = hand_in(wish, jobs, files, report=no_report, should_stop=never_stop)
    assert [leftovers.MARK in names for names in seen] == [True, True]
    assert sorted(files.list("people")) == sorted(spec.pack)
