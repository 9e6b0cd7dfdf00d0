"""The answers of the Bot API that are not ok: HTTP status, description, and what else a client is told.

Owns the words of refusals. Knows nothing of requests or state; loads nothing but the standard library.
"""

from __future__ import annotations

from typing import Any


class Refused(Exception):
    """An answer with ``ok: false``: ``code`` is the HTTP status, ``parameters`` as ResponseParameters."""

    def __init__(self, code: int, description: str, parameters: dict[str, Any] | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters or {}

    def to_json(self) -> dict[str, Any]:
        """The body of the answer."""
        body: dict[str, Any] = {"ok": False, "error_code": self.code, "description": self.description}
        return body | ({"parameters": self.parameters} if self.parameters else {})


class Malformed(Refused):
    """A request that breaks the API's written rules, whatever the state is: a bug, for ``check`` to report."""

    def __init__(self, text: str) -> None:
        super().__init__(400, f"Bad Request: {text}")


class NotEmulated(Refused):
    """A method that the Bot API has and the emulator has not."""

    def __init__(self, method: str) -> None:
        super().__init__(
            501, f"Not Implemented: the emulator knows {method!r} only by name; give it its semantics first"
        )


class WrongUse(ValueError):
    """A test or a page asked of the emulator what cannot be: press a button that is not there, write while blocking."""


def bad_request(text: str, parameters: dict[str, Any] | None = None) -> Refused:
    """A request that is well-formed and cannot be met as things are."""
    return Refused(400, f"Bad Request: {text}", parameters)


def forbidden(text: str) -> Refused:
    return Refused(403, f"Forbidden: {text}")


def conflict(text: str) -> Refused:
    return Refused(409, f"Conflict: {text}")


def too_many_requests(retry_after_s: int) -> Refused:
    """As Telegram's server words it, with ``retry_after`` in whole seconds."""
    return Refused(429, f"Too Many Requests: retry after {retry_after_s}", {"retry_after": retry_after_s})


NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message"
)
QUERY_TOO_OLD = "query is too old and response timeout expired or query ID is invalid"
WRONG_FILE = "wrong file identifier/HTTP URL specified"
