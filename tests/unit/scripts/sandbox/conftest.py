"""An emulator that serves, a client that speaks plain HTTP to it, and the page of the sandbox."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from scripts.sandbox.emulator import UNLIMITED, Emulator, Person
from scripts.sandbox.page import Page
from tests.unit.scripts.sandbox.client import Api


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(limits=UNLIMITED) as serving:
        yield serving


@pytest.fixture
def api(emulator: Emulator) -> Iterator[Api]:
    client = Api(emulator)
    with client.http:
        yield client


@pytest.fixture
def anna(emulator: Emulator) -> Person:
    """A person who has pressed Start."""
    person = emulator.person("Anna", language_code="ru")
    person.start()
    return person


@pytest.fixture
def page(emulator: Emulator) -> Iterator[Page]:
    """The sandbox's page of it."""
    with Page(emulator) as serving:
        yield serving


@pytest.fixture
def browser(page: Page) -> Iterator[httpx.Client]:
    """Requests as the page itself makes them."""
    origin = page.url.rstrip("/")
    with httpx.Client(base_url=origin, headers={"Origin": origin, "Sec-Fetch-Site": "same-origin"}, timeout=20) as one:
        yield one
