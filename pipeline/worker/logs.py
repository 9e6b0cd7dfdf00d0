"""What the worker says: a line an event, as JSON or in a few words; with ids of jobs and persons, never their words.

Owns both forms. Light: loads python-json-logger.
"""

from __future__ import annotations

import logging
import sys
from datetime import timedelta
from enum import StrEnum

from pythonjsonlogger.json import JsonFormatter

NAMES = {"asctime": "time", "levelname": "level", "name": "from", "message": "event"}
OF_EVERY_RECORD = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}
NOT_SHOWN = {"job", "person", "kind", "outcome", "where", "exit_code"}  # or shown in another way


class Form(StrEnum):
    """How a line looks."""

    JSON = "json"
    PLAIN = "plain"


class Plain(logging.Formatter):
    """``21:03:05  learn-0123456789ab done in 0:02:01``."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a person reads it."""
        told = vars(record)
        what = f"{told['outcome']} in {_clock(told.get('seconds'))}" if "outcome" in told else record.getMessage()
        hidden = OF_EVERY_RECORD | NOT_SHOWN | ({"seconds"} if "outcome" in told else set())
        more = {name: value for name, value in told.items() if name not in hidden}
        facts = ", ".join(f"{name} {value}" for name, value in more.items() if value is not None)
        level = f"{record.levelname.lower()}: " if record.levelno >= logging.WARNING else ""
        subject = f"{told['job']} " if told.get("job") else ""
        line = f"{self.formatTime(record, '%H:%M:%S')}  {level}{subject}{what}" + (f" ({facts})" if facts else "")
        return " ".join(line.splitlines())


def _clock(seconds: float | None) -> str:
    return "?" if seconds is None else str(timedelta(seconds=round(seconds)))


def to_stderr(worker: str, form: Form | None = None) -> None:
    """Every logger of this process writes lines to stderr from now on; None: plain ones to a terminal, else JSON."""
    handler = logging.StreamHandler(sys.stderr)
    if form is None:
        form = Form.PLAIN if sys.stderr.isatty() else Form.JSON
    if form is Form.PLAIN:
        handler.setFormatter(Plain())
    else:
        fields = "{asctime}{levelname}{name}{message}"
        handler.setFormatter(JsonFormatter(fields, style="{", rename_fields=NAMES, static_fields={"worker": worker}))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("stickers").setLevel(logging.INFO)
