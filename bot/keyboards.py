"""The buttons below what the bot says, by what they belong to.

Owns which there are and what they are called. Knows not what they do. Light.
"""

from __future__ import annotations

import hashlib

from bot.effects import Button
from bot.shortening import ELLIPSIS, cut_to
from bot.texts import Words
from bot.things import Thing
from pipeline.domain import Json

DEFAULT_EMOJI = "🙂"
MOST_SHOWN = 24  # characters of a title on a button

Keys = list[list[Button]]


def cancel_keys(words: Words, job: str) -> Keys:
    """Of a job that is open."""
    return [[Button(text=words("key-cancel"), action="cancel", id=job)]]


def retry_keys(words: Words, job: str) -> Keys:
    """Of a job that failed, and of which everything was kept."""
    return [[Button(text=words("key-retry"), action="retry", id=job)]]


def begin_keys(words: Words) -> Keys:
    """For whoever does not know how to go on."""
    return [[Button(text=words("key-how"), action="how")]]


def learn_keys(words: Words, ask: str, *, single: bool) -> Keys:
    """Of a pack that may be learned. ``single``: it was a sticker that was sent."""
    keys = [[Button(text=words("key-learn"), action="learn", id=ask)]]
    if single:
        keys.append([Button(text=words("key-few"), action="few", id=ask)])
    return [*keys, [Button(text=words("key-not-now"), action="ask-no", id=ask)]]


def consent_keys(words: Words, ask: str) -> Keys:
    """Below the text that is agreed to."""
    return [
        [Button(text=words("key-agree"), action="agree", id=ask)],
        [Button(text=words("key-not-now"), action="ask-no", id=ask)],
    ]


def collect_keys(words: Words, ask: str, count: int, *, kept: int = 0, drawable: int = 0, more: bool = False) -> Keys:
    """Of pictures that come one by one.

    Args:
        count: of those that may be learned now.
        kept: of those that came.
        drawable: of those that may be meant to be drawn.
        more: by a style again.
    """
    learn = words("key-learn-again", count=count) if more else words("key-learn-these", count=count)
    keys = [[Button(text=learn, action="learn", id=ask)]] if count else []
    if drawable:
        keys.append([Button(text=words("key-draw-later", count=drawable), action="collect-draw", id=ask)])
    if kept and not more:
        return [*keys, [Button(text=words("key-start-over"), action="collect-anew", id=ask)]]
    return [*keys, [Button(text=words("key-never-mind"), action="ask-no", id=ask)]]


def mark_of(name: str) -> str:
    """A set's name as a button has room for it."""
    return hashlib.sha256(name.encode()).hexdigest()[:12]


def sticker_keys(words: Words, id: str, sticker: Json, pack: Thing | None, *, file: bool = False) -> Keys:
    """Of a finished sticker.

    Args:
        pack: the one that it would be added to. The button bears its mark: once it reads wrong, it can be told.
        file: it came without its file.
    """
    outlined = bool(sticker.get("outline"))
    emoji = "".join(sticker["emoji"])
    add = [Button(text=words("key-new-pack"), action="add-new" if pack else "add-first", id=id)]
    if pack is not None:
        title = short(str(pack.value["title"]))
        add.insert(0, Button(text=words("key-add", pack=title), action="add", id=f"{id}.{mark_of(pack.id)}"))
    return [
        [
            Button(text=words("key-another"), action="another", id=id),
            Button(text=words("key-variants"), action="variants", id=id),
        ],
        [
            Button(text=words("key-weaker"), action="weaker", id=id),
            Button(text=words("key-stronger"), action="stronger", id=id),
        ],
        [
            Button(text=words("key-words"), action="words", id=id),
            Button(text=words("key-no-outline") if outlined else words("key-outline"), action="outline", id=id),
        ],
        [
            Button(text=words("key-emoji", emoji=emoji), action="emoji", id=id),
            *([Button(text=words("key-file"), action="file", id=id)] if file else []),
        ],
        add,
    ]


def emoji_keys(words: Words, id: str, proposed: list[str]) -> Keys:
    """To choose from; the id of a button's emoji is its number."""
    row = [Button(text=one, action="emoji-is", id=f"{id}.{number}") for number, one in enumerate(proposed)]
    rows = [row[start : start + 4] for start in range(0, len(row), 4)]
    return [*rows, [Button(text=words("key-back"), action="emoji-back", id=id)]]


def added_keys(words: Words, errand: str, link: str) -> Keys:
    """Below the word that a sticker is in its pack."""
    return [[Button(text=words("key-open-pack"), url=link)], [Button(text=words("key-undo"), action="undo", id=errand)]]


def short(title: str) -> str:
    """A title as a button has room for it."""
    return title if len(title) <= MOST_SHOWN else cut_to(title, MOST_SHOWN - 1) + ELLIPSIS
