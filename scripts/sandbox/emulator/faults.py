"""What goes wrong on purpose, by rule: which requests it meets, after how many, how often.

Owns the rules and their counting. Knows not how a fault is played (``wire.py``, ``webhooks.py``); loads nothing but the
standard library.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

FILES = "file"  # as a fault's method: downloads of /file/bot...
WEBHOOK = "webhook"  # as a fault's method: deliveries


class FaultKind(enum.Enum):
    """What happens to a request that a rule meets."""

    TOO_MANY_REQUESTS = "too_many_requests"  # 429 with retry_after = seconds; nothing is done
    SERVER_ERROR = "server_error"  # 500 as JSON; nothing is done
    BAD_GATEWAY = "bad_gateway"  # 502 with a page of HTML; nothing is done
    ERROR = "error"  # any refusal: code and description of the rule; nothing is done
    TIMEOUT_AFTER_EFFECT = "timeout_after_effect"  # done, then silence for `seconds`, then the connection closes
    ERROR_AFTER_EFFECT = "error_after_effect"  # done, then 502
    RESET = "reset"  # the connection is reset while the request is being read; nothing is done
    SLOW_BODY = "slow_body"  # done; the answer drips over `seconds`
    TRUNCATED = "truncated"  # done; half of the answer, then the connection closes
    WRONG_LENGTH = "wrong_length"  # done; Content-Length says half of what follows
    REDELIVER = "redeliver"  # updates that were confirmed come once more
    OUT_OF_ORDER = "out_of_order"  # a webhook gets a later update first
    CLOCK_JUMP = "clock_jump"  # the dates jump by `seconds` (may be negative), then the request is served


@dataclass(kw_only=True)
class Fault:
    """A rule. ``method``: a method's name, ``*`` for any, ``file`` for downloads, ``webhook`` for deliveries."""

    kind: FaultKind
    method: str = "*"
    times: int = 1  # how many requests it meets; -1 for all
    after: int = 0  # how many fitting requests pass before
    seconds: float = 1.0
    code: int = 400
    description: str = "Bad Request: a fault of the emulator"
    where: dict[str, Any] = field(default_factory=dict)  # parameters that must have these values
    when: Callable[[dict[str, Any]], bool] | None = None  # or any question about the parameters
    met: int = 0

    def fits(self, method: str, given: dict[str, Any]) -> bool:
        """Is the request one of those that the rule is about?"""
        if self.method.lower() not in ("*", method.lower()) or (self.method == "*" and method in (FILES, WEBHOOK)):
            return False
        if any(str(given.get(name)) != str(value) for name, value in self.where.items()):
            return False
        return self.when is None or self.when(given)


class Faults:
    """The rules in force, in the order they were made. Called under the emulator's lock."""

    def __init__(self) -> None:
        self.rules: list[Fault] = []

    def add(self, kind: FaultKind | str, method: str = "*", **rule: Any) -> Fault:
        """Make a rule; the fields of ``Fault``."""
        fault = Fault(kind=FaultKind(kind), method=method, **rule)
        self.rules.append(fault)
        return fault

    def clear(self) -> None:
        self.rules.clear()

    def next_for(self, method: str, given: dict[str, Any], *, only: set[FaultKind] | None = None) -> Fault | None:
        """The fault that meets this request, counted; rules that wait for later requests count it too."""
        for fault in self.rules:
            if fault.times == 0 or (only is not None and fault.kind not in only) or not fault.fits(method, given):
                continue
            if fault.after > 0:
                fault.after -= 1
                continue
            fault.times -= 1 if fault.times > 0 else 0
            fault.met += 1
            return fault
        return None
