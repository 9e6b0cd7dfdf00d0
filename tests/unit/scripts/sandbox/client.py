"""A client of the Bot API that speaks plain HTTP, with no Telegram library between; and uploads to the page."""

from __future__ import annotations

from typing import Any

import httpx

from scripts.sandbox.emulator import Emulator, Person


class Api:
    """Calls a bot's methods over HTTP; an answer is its status and its body."""

    def __init__(self, emulator: Emulator, token: str = "") -> None:
        self.url = f"{emulator.base_url}{token or emulator.token}"
        self.file_url = f"{emulator.base_file_url}{token or emulator.token}"
        self.http = httpx.Client(timeout=10)

    def __call__(self, method: str, files: dict[str, bytes] | None = None, **values: Any) -> tuple[int, dict[str, Any]]:
        """As JSON, or as multipart where there are files."""
        if files is None:
            answer = self.http.post(f"{self.url}/{method}", json=values)
        else:
            answer = self.http.post(f"{self.url}/{method}", data=values, files=named(files))
        return answer.status_code, answer.json()

    def result(self, method: str, files: dict[str, bytes] | None = None, **values: Any) -> Any:
        status, body = self(method, files, **values)
        assert status == 200, body
        return body["result"]

    def refusal(self, method: str, files: dict[str, bytes] | None = None, **values: Any) -> str:
        """The description of a refusal, behind its status."""
        status, body = self(method, files, **values)
        assert body["ok"] is False, body
        assert body["error_code"] == status
        return f"{status} {body['description']}"


def named(files: dict[str, bytes]) -> dict[str, tuple[str, bytes]]:
    """``part:name.png`` → a part with that file name; ``part`` alone has the name of the part."""
    return {name.split(":")[0]: (name.split(":")[-1], content) for name, content in files.items()}


def upload(browser: httpx.Client, person: Person, *files: tuple[str, bytes, str], **fields: str) -> httpx.Response:
    """Hand files in on the page: name, content, type; and the form's other fields."""
    return browser.post(f"/people/{person.id}/files", files=[("file", file) for file in files], data=fields)
