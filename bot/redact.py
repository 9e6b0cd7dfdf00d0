"""Secrets never reach a log: the token is in every address that is called, and libraries like to show those.

Owns what is taken out, and of what. Knows no setting. Light: the standard library.
"""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Iterable
from urllib.parse import quote

TALKATIVE = ("httpx", "httpcore", "telegram", "tornado.access")  # the first shows every address that it calls
SHOWN = "…"
_TOKEN = re.compile(r"\b\d{6,}(?::|%3A)[A-Za-z0-9_-]{24,}", re.IGNORECASE)  # any bot's, as Telegram makes them
_ITS_OWN = frozenset(vars(logging.makeLogRecord({})))


class Redacted(logging.Filter):
    """Takes secrets out of a record: its words, what was added to it, its traceback."""

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__()
        known = {secret for secret in secrets if secret}
        known |= {quote(secret, safe="") for secret in known}
        self._secrets = sorted(known, key=len, reverse=True)

    def clean(self, text: str) -> str:
        """The text without them."""
        for secret in self._secrets:
            text = text.replace(secret, SHOWN)
        return _TOKEN.sub(SHOWN, text)

    def filter(self, record: logging.LogRecord) -> bool:
        """Every record passes, cleaned; it is written out here, so that no formatter does it again."""
        try:
            said = record.getMessage()
        except Exception:  # a library's words and their arguments do not fit: still nothing may be shown raw
            said = str(record.msg)
        record.msg, record.args = self.clean(said), None
        if record.exc_info and record.exc_info[0] is not None:
            record.exc_text = "".join(traceback.format_exception(*record.exc_info)).rstrip()
        record.exc_info = None
        record.exc_text = self.clean(record.exc_text) if record.exc_text else None
        record.stack_info = self.clean(record.stack_info) if record.stack_info else None
        for name, value in vars(record).items():
            if name not in _ITS_OWN and value is not None and not isinstance(value, bool | int | float):
                setattr(record, name, self.clean(str(value)))
        return True


def quieten(secrets: Iterable[str]) -> Redacted:
    """Every handler of this process redacts from now on; warnings go through logging; libraries keep still."""
    redacted = Redacted(secrets)
    for handler in logging.getLogger().handlers:
        handler.addFilter(redacted)
    logging.captureWarnings(True)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    return redacted
