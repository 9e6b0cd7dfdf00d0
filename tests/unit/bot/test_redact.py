"""No secret gets into a log, however it comes there."""

import io
import logging

import httpx
import pytest

from bot.redact import Redacted, quieten
from pipeline.worker.logs import Plain

TOKEN = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1"
SECRET = "webhook-secret-of-ours"


@pytest.fixture
def log():
    """A logger whose lines are kept, redacted."""
    kept = io.StringIO()
    handler = logging.StreamHandler(kept)
    handler.setFormatter(Plain())
    handler.addFilter(Redacted([TOKEN, SECRET]))
    logger = logging.getLogger("test.redact")
    logger.handlers, logger.propagate = [handler], False
    logger.kept = kept
    yield logger
    logger.handlers = []


class Odd:
    def __str__(self):
        return f"https://api.telegram.org/bot{TOKEN}/getMe"


def test_words_arguments_and_additions_are_cleaned(log):
    log.error("bot%s/getMe", TOKEN, extra={"address": f"x{TOKEN}y", "things": [SECRET], "odd": Odd()})
    log.error(Odd())
    log.error("%s and %d", Odd(), 5)
    told = log.kept.getvalue()
    assert TOKEN.partition(":")[2] not in told
    assert SECRET not in told
    assert "and 5" in told


def test_a_traceback_with_its_causes_is_cleaned(log):
    try:
        try:
            raise httpx.ConnectError(f"no route to https://api.telegram.org/bot{TOKEN}/getMe")
        except httpx.ConnectError as error:
            raise RuntimeError(SECRET) from error
    except RuntimeError:
        log.exception("broke")
    assert log.handlers[0].filter(logging.makeLogRecord({"msg": "x"}))
    told = log.kept.getvalue()
    assert TOKEN.partition(":")[2] not in told
    assert SECRET not in told


def test_a_token_that_nobody_named_and_an_encoded_one_are_cleaned():
    clean = Redacted([]).clean
    assert "AAHdq" not in clean(f"see {TOKEN}")
    assert "AAHdq" not in clean(f"see {TOKEN.replace(':', '%3A')}")
    assert Redacted(["a/b c"]).clean("x a%2Fb%20c y") == "x … y"


def test_words_that_do_not_fit_their_arguments_are_shown_clean(log):
    log.error(f"{TOKEN} %d", "no number")
    assert "AAHdq" not in log.kept.getvalue()


def test_httpx_does_not_tell_addresses():
    """At its usual level it logs every one; asked of its logger, without a call."""
    before = {name: logging.getLogger(name).level for name in ("httpx", "httpcore", "telegram", "tornado.access")}
    try:
        quieten([TOKEN])
        assert not logging.getLogger("httpx").isEnabledFor(logging.INFO)
        assert not logging.getLogger("httpcore.connection").isEnabledFor(logging.DEBUG)
    finally:
        logging.captureWarnings(False)
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
