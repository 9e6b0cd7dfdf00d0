"""A queue in a file of its own."""

import pytest

from pipeline.jobs.queue import Jobs, Limits


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/queue.sqlite"


@pytest.fixture
def jobs(url):
    with Jobs(url, limits=Limits(open_jobs=100)) as jobs:
        yield jobs
