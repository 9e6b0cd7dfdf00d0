"""What bots have asked and what they were told, for asserts.

Owns the record. A request is shown without its token, a file by its name and size. Loads nothing but the standard
library.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from scripts.sandbox.emulator.parameters import Upload


@dataclass(kw_only=True)
class Request:
    """One request: when (ticks), by which bot, what, and how it ended. ``status`` 0: the answer was never sent."""

    number: int
    ticks: float
    bot_id: int
    method: str
    given: dict[str, Any]
    status: int = 0
    description: str = ""
    result: Any = None
    fault: str = ""

    @property
    def ok(self) -> bool:
        return self.status == 200

    def to_json(self) -> dict[str, Any]:
        """As the control surface shows it."""
        return self.__dict__ | {"ok": self.ok}


@dataclass
class Record:
    """All requests in the order they came."""

    requests: list[Request] = field(default_factory=list)

    def begin(self, ticks: float, bot_id: int, method: str, given: dict[str, Any]) -> Request:
        shown = {name: _shown(value) for name, value in given.items()}
        request = Request(number=len(self.requests) + 1, ticks=ticks, bot_id=bot_id, method=method, given=shown)
        self.requests.append(request)
        return request

    def of(self, method: str, *, ok: bool | None = None) -> list[Request]:
        """The requests of one method; with ``ok`` those that were (not) answered so."""
        fitting = [one for one in self.requests if one.method.lower() == method.lower()]
        return [one for one in fitting if ok is None or one.ok is ok]

    def count(self, method: str) -> int:
        return len(self.of(method))


def _shown(value: Any) -> Any:
    return {"upload": value.name, "bytes": len(value.content)} if isinstance(value, Upload) else value
