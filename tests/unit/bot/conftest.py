"""A queue on SQLite with the bot's tables, and a key: what most tests of the bot stand on."""

import pytest

from bot.desk import Desk
from bot.outbox import Outbox
from pipeline.jobs.queue import Jobs
from pipeline.vault import Vault

KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="  # for tests alone


@pytest.fixture
def vault():
    return Vault([KEY])


@pytest.fixture
def jobs(tmp_path):
    with Jobs(f"sqlite:///{tmp_path}/data/queue.sqlite") as jobs:
        yield jobs


@pytest.fixture
def desk(jobs, vault):
    return Desk(jobs, vault)


@pytest.fixture
def outbox(desk):
    return Outbox(desk.engine, desk.vault)
