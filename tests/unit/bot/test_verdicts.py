"""What an error of Telegram's or of the wire means, told apart as far as it can be."""

import httpx
import pytest
from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, NetworkError, RetryAfter, TimedOut

from bot.verdicts import Outcome, verdict_of


def caused(error, cause):
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (RetryAfter(7), Outcome.TOO_FAST),
        (ChatMigrated(-5), Outcome.MOVED),
        (Forbidden("Forbidden: bot was blocked by the user"), Outcome.NOBODY),
        (Forbidden("Forbidden: user is deactivated"), Outcome.NOBODY),
        (InvalidToken(), Outcome.REVOKED),
        (BadRequest("Message is not modified: specified new message content"), Outcome.DONE),
        (BadRequest("Query is too old and response timeout expired or query id is invalid"), Outcome.DONE),
        (BadRequest("Message to edit not found"), Outcome.GONE),
        (BadRequest("Message can't be deleted"), Outcome.GONE),
        (BadRequest("Chat not found"), Outcome.NOBODY),
        (BadRequest("Not enough rights to send text messages to the chat"), Outcome.NOBODY),
        (BadRequest("Wrong file identifier"), Outcome.REFUSED),
        (caused(TimedOut(), httpx.ReadTimeout("")), Outcome.TIMEOUT),
        (caused(TimedOut(), httpx.WriteTimeout("")), Outcome.TIMEOUT),
        (TimedOut(), Outcome.TIMEOUT),
        (caused(TimedOut(), httpx.ConnectTimeout("")), Outcome.NOT_SENT),
        (caused(TimedOut(), httpx.PoolTimeout("")), Outcome.NOT_SENT),
        (caused(NetworkError("x"), httpx.ConnectError("")), Outcome.NOT_SENT),
        (caused(NetworkError("x"), httpx.ReadError("")), Outcome.TROUBLE),
        (caused(NetworkError("x"), httpx.RemoteProtocolError("")), Outcome.TROUBLE),
        (NetworkError("Bad Gateway (502). Parsing the server response b'<html>' failed"), Outcome.TROUBLE),
    ],
    ids=lambda value: str(value)[:40],
)
def test_each_error_has_its_meaning(error, outcome):
    assert verdict_of(error).outcome is outcome


def test_what_goes_with_an_error_is_kept():
    assert verdict_of(RetryAfter(7)).seconds == 7
    assert verdict_of(ChatMigrated(-5)).chat == -5
    assert len(verdict_of(BadRequest("x" * 1000)).words) <= 300
