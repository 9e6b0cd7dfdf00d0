"""The list of what is under way, as /status and /cancel show it: what each is known by, and a button to call it off.

Owns that list. There is one at a time: an older one loses its buttons, and each button goes with what it is about.
Knows not how anything is called off. Light: loads SQLAlchemy, through ``errands``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence

from bot.desk import Desk
from bot.effects import Button
from bot.errands import JOBS, UNDER_WAY, Errand, Kind, State, errands
from bot.keyboards import Keys, short
from bot.shortening import shortened
from bot.talk import Talk
from bot.texts import Words
from bot.things import Thing
from pipeline.jobs.views import now_ms
from pipeline.jobs.words import Status

MOST = 20  # entries
MOST_OF_LINE = 150  # UTF-16 units: all of them, and what is said about them, fit into a message
UNNAMED = ("photo", "sticker")  # sources that have no name of their own


async def in_line(desk: Desk, under_way: Sequence[Errand]) -> set[str]:
    """The keys of those that are not begun: no worker has their job yet, or a pack is not handed in yet."""
    views = await asyncio.to_thread(desk.jobs.several, [one.key for one in under_way if one.state is State.WAITING])
    fetched = {one.key for one in under_way if one.kind is Kind.LEARN and one.state is State.OPEN}
    return fetched | {key for key, view in views.items() if view.status is Status.QUEUED}


def name_of(words: Words, one: Errand, *, queued: bool = False) -> str:
    """What it is, in a few words: a pack's title, the words of a drawing or its file's name, how many photos.

    Args:
        queued: it is not begun yet.
    """
    title, said = str(one.payload.get("title", "")), _said(one)
    if one.kind is Kind.LEARN:
        return words("job-learn-queued", title=title) if queued else words("job-learn", title=title)
    count = len(one.payload.get("sources") or [{}])
    if one.state is State.HELD:
        held = words("job-held", count=count, title=title)
        return words("job-held-words", words=said, title=title) if said else held
    if queued:
        return words("job-draw-words-queued", words=said) if said else words("job-draw-queued", count=count)
    return words("job-draw-words", words=said) if said else words("job-draw", count=count)


def _said(one: Errand) -> str:
    """The words of a drawing, or its file's name; none where it has neither."""
    sources = one.payload.get("sources") or [{}]
    own = str(sources[0].get("name") or "photo")
    named = own if len(sources) == 1 and own not in UNNAMED else ""
    return str((one.payload.get("options") or {}).get("words") or named)


def show(
    talk: Talk,
    head: str,
    under_way: Sequence[Errand],
    styles: Sequence[Thing],
    *,
    queued: Collection[str] = (),
    foot: str = "",
) -> None:
    """Say it; the list before it, if there was one, is closed.

    Args:
        styles: the person's, by which an entry says in which of them it is drawn.
        queued: the keys of those that are not begun yet.
    """
    before = talk.person.state.get("listed")
    if before:
        talk.rebutton(before["slot"])
    slot = f"listed:{talk.origin}"
    keys = [one.key for one in under_way]
    talk.put_state(listed={"slot": slot, "keys": keys} if keys else None)
    titles = {one.id: str(one.value["title"]) for one in styles}
    named = [(name_of(talk.words, one, queued=one.key in queued), one) for one in under_way[:MOST]]
    lines = [f"{number}. {_line(talk.words, *of, titles)}" for number, of in enumerate(named, start=1)]
    if len(under_way) > MOST:
        lines.append(talk.words("left-out-more", count=len(under_way) - MOST))
    text = "\n".join([head, *lines, *(["", foot] if foot else [])])
    talk.say(text, slot=slot, buttons=_keys(talk.words, under_way, keys, queued))


async def over(talk: Talk, desk: Desk, key: str, *, with_held: bool = False, cancelled: str = "") -> None:
    """With the talk, which ends that errand: it has no button in the list any more; the last one closes the list.

    Args:
        with_held: nor have those that wait for it.
        cancelled: what it is, where its person called it off; the closed list says so.
    """
    listed = talk.person.state.get("listed")
    if not listed or key not in listed["keys"]:
        return
    called_off = [*listed.get("cancelled", []), *([shortened(cancelled, MOST_OF_LINE // 2)] if cancelled else [])]
    left = await asyncio.to_thread(errands, desk, states=UNDER_WAY, person=talk.person.id)
    left = [one for one in left if one.kind in JOBS and one.key in listed["keys"] and one.key != key]
    left = [one for one in left if not (with_held and one.payload.get("behind") == key)]
    if left:
        talk.put_state(listed=listed | ({"cancelled": called_off} if called_off else {}))
        talk.rebutton(listed["slot"], _keys(talk.words, left, listed["keys"], await in_line(desk, left)))
    else:
        talk.put_state(listed=None)
        said = [talk.words("cancel-done", what=", ".join(called_off))] if called_off else []
        said += [talk.words("listed-over")] if len(called_off) < len(listed["keys"]) else []
        talk.edit(listed["slot"], "\n".join(said))


def _line(words: Words, what: str, one: Errand, titles: dict[str, str]) -> str:
    style = titles.get(str(one.payload.get("style") or ""))
    parts = [what, words("job-style", style=style) if style else "", _since(words, one.made_ms)]
    return " · ".join(shortened(part, MOST_OF_LINE // 2) for part in parts if part)


def _since(words: Words, made_ms: int) -> str:
    seconds = max(0, (now_ms() - made_ms) // 1000)
    if seconds < 60:
        return words("since-seconds", seconds=seconds)
    if seconds < 3600:
        return words("since-minutes", minutes=seconds // 60)
    return words("since-hours", hours=seconds // 3600)


def _keys(words: Words, left: Sequence[Errand], keys: Sequence[str], queued: Collection[str]) -> Keys:
    """Each with the number that it has in the list; so many that they fit."""
    rows = []
    for one in left[:MOST]:
        what = short(name_of(words, one, queued=one.key in queued))
        text = words("key-cancel-one", number=keys.index(one.key) + 1, what=what)
        rows.append([Button(text=text, action="cancel", id=one.key)])
    return rows
