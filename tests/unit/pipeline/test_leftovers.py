"""What was never handed in is deleted, once nobody can be handing it in any more, and nothing else ever is."""

import time

import pytest

from pipeline import leftovers
from pipeline.files import Files, job_key


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path / "files")


def begun(files, job_id, ago_s):
    leftovers.begin(files, "ann", job_id)
    files.put(job_key("ann", job_id, leftovers.MARK), str(time.time() - ago_s).encode())
    files.put(job_key("ann", job_id, "given", "001", "cat.png"), b"picture")


def left(files):
    return {key.split("/")[3] for key in files.list("people")}


def test_what_a_killed_submitter_left_goes_after_a_day_and_what_is_of_a_job_stays(files):
    """The lost one goes; one that is still being handed in, one that the queue knows, and one without the mark (of
    the bot, or of another queue on the same store) stay."""
    begun(files, "lost", 2 * 86_400)
    begun(files, "under-way", 3600)
    begun(files, "known", 2 * 86_400)
    begun(files, "of-others", 2 * 86_400)
    leftovers.end(files, "ann", "of-others")
    assert leftovers.sweep(files, lambda ids: {"known"} & {*ids}) == 1
    assert left(files) == {"under-way", "known", "of-others"}
    assert not files.exists(job_key("ann", "known", leftovers.MARK))
    assert files.exists(job_key("ann", "under-way", leftovers.MARK))


def test_a_damaged_mark_is_left_alone(files):
    begun(files, "odd", 2 * 86_400)
    files.put(job_key("ann", "odd", leftovers.MARK), b"yesterday")
    assert leftovers.sweep(files, lambda ids: set()) == 0
    assert left(files) == {"odd"}
