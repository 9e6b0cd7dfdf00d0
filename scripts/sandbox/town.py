"""Who is there when the sandbox opens: the emulated Telegram, two people, and a pack whose stickers they can send.

Owns those. Knows no process and no page. Loads aiohttp through the emulator, and the names of emoji.
"""

from __future__ import annotations

import time
from pathlib import Path

import emoji

from pipeline.settings import CONFIGS
from scripts.sandbox.emulator import Emulator
from scripts.sandbox.emulator.updates import Updates

PACK = CONFIGS / "demo" / "pack"
PACK_NAME, PACK_TITLE = "OpenMojiDemo", "OpenMoji (demo)"
PEOPLE = (("Anna", "en"), ("Борис", "ru"))
BEFORE_S = 1_700_000_000  # Unix time; numbers of messages count from there
NO_NAME = "🙂"


def built(now_s: float | None = None) -> Emulator:
    """An emulator with its people, not started yet.

    The bot remembers updates and messages of an earlier sandbox by their numbers, so they go on by the clock: no second
    run gives a number out again, as long as people act less than once a second.
    """
    started = int(time.time() if now_s is None else now_s)
    emulator = Emulator()
    bot = emulator.bot
    bot.updates = Updates(clock=emulator.clock, seed=bot.id, _next_id=started)
    for name, language in PEOPLE:
        person = emulator.person(name, language_code=language)
        person.chat.last_id = max(0, started - BEFORE_S)
    stickers = sorted(PACK.glob("*.png"))
    contents, signs = [path.read_bytes() for path in stickers], [_emoji_of(path) for path in stickers]
    emulator.add_sticker_set(PACK_NAME, contents, title=PACK_TITLE, emoji=signs)
    return emulator


def _emoji_of(path: Path) -> str:
    """What the file's name says in emoji: ``hatching-chick`` → 🐣."""
    written = emoji.emojize(f":{path.stem.replace('-', '_')}:")
    return NO_NAME if written.startswith(":") else written
