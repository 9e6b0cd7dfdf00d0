"""What may be done to a chat, as values that can be kept in a row and done later.

Owns their form and Telegram's sizes for words. Knows no database, and not how they are done. Light: standard library.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.rates import Priority
from pipeline.domain import Json

MOST_TEXT, MOST_CAPTION, MOST_NOTICE = 4096, 1024, 200  # UTF-16 units, as Telegram counts
ALBUM = range(2, 11)  # files of one


class Action(StrEnum):
    """What is done."""

    SAY = "say"  # a message of words
    EDIT = "edit"  # a slot's message reads so from now on; sent anew where it is gone
    BUTTONS = "buttons"  # a slot's message has these buttons from now on
    PHOTO = "photo"  # a picture, as Telegram flattens it
    REPHOTO = "rephoto"  # a slot's message is this picture from now on
    STICKER = "sticker"
    DOCUMENT = "document"  # a file, kept to the bit
    ALBUM = "album"  # documents together
    NOTICE = "notice"  # the answer to a pressed button
    DELETE = "delete"  # a slot's message goes


AGAIN_HARMLESS = frozenset({Action.EDIT, Action.BUTTONS, Action.REPHOTO, Action.NOTICE, Action.DELETE})
COALESCE = frozenset({Action.EDIT, Action.BUTTONS, Action.REPHOTO})  # of one slot only the newest counts


@dataclass(frozen=True, kw_only=True)
class Button:
    """What to press: an action of ours, or an address to open."""

    text: str
    action: str = ""
    id: str = ""
    url: str | None = None
    anybody: bool = False  # in a group: not only for whom it was made


Rows = Sequence[Sequence[Button]]


@dataclass(frozen=True, kw_only=True)
class Effect:
    """One thing to be done."""

    action: Action
    chat: int
    payload: Json
    priority: Priority
    slot: str | None = None
    lane: str | None = None  # None: the chat's
