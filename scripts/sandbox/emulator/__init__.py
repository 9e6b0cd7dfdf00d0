"""An emulator of the Telegram Bot API; ``Emulator`` in ``emulator.py`` is the door.

Real HTTP on loopback, requests checked against the API's own table, state with its rules, faults by rule, people to
play, and a list of what a bot did wrong.
"""

from scripts.sandbox.emulator.emulator import Emulator
from scripts.sandbox.emulator.faults import Fault, FaultKind
from scripts.sandbox.emulator.group import Group
from scripts.sandbox.emulator.person import Person
from scripts.sandbox.emulator.rates import UNLIMITED, Limit, Limits
from scripts.sandbox.emulator.view import Button, Seen, View

__all__ = [
    "UNLIMITED",
    "Button",
    "Emulator",
    "Fault",
    "FaultKind",
    "Group",
    "Limit",
    "Limits",
    "Person",
    "Seen",
    "View",
]
