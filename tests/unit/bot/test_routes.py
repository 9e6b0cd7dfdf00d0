"""Commands are told apart as Telegram writes them, and the first route that wants an update has it."""

import pytest

from bot.app import COMMANDS, ROUTES
from bot.routes import Route, command_of, kinds, route_of


@pytest.mark.parametrize(
    ("text", "command", "argument"),
    [
        ("/start", "start", ""),
        ("/start abc_1", "start", "abc_1"),
        ("/Start@Our_Bot  x y", "start", "x y"),
        ("/start@other_bot", None, ""),
        ("start", None, ""),
        ("/", None, ""),
        ("/ start", None, ""),
        ("//start", None, ""),
        ("", None, ""),
        ("/a_b", "a_b", ""),
    ],
)
def test_a_command_is_read_as_telegram_writes_it(text, command, argument):
    assert command_of(text, "our_bot") == (command, argument)


def test_the_first_route_that_wants_it_has_it():
    first, second = (Route(wants=lambda _: True, answer=None, why=name) for name in "ab")
    never = Route(wants=lambda _: False, answer=None, why="c")
    assert route_of([never, first, second], None) is first
    assert route_of([never], None) is None


def test_telegram_is_asked_for_what_the_table_answers_to():
    assert kinds(ROUTES) == ["callback_query", "message", "my_chat_member"]
    assert set(COMMANDS) >= {"start", "help", "settings", "privacy", "deletedata"}


def test_every_route_says_why_it_is_there():
    assert all(route.why for route in ROUTES)
