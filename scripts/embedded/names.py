"""What a drawing shows: the Unicode code points and the name that the sets of different artists share.

Owns the joining of sets by code point, old names and spellings included. Knows no picture. Light: the standard library.

The packages name the same emoji differently ("red-apple", "alarmclock"). They come with tables of code points; what is
not in its set's own is joined by name, ignoring what is no letter or digit, through the packages' own aliases.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

PRIVATE_USE = re.compile(r"^(e|f[0-8])[0-9a-f]{3}$")  # a set's own pictures; no emoji of Unicode
FLAG_FOR = re.compile(r"^(flag-for-)+(flag-)?")  # how two sets spell "flag-…"


def caption_of(name: str) -> str:
    """``cat-face`` → ``cat face``."""
    return re.sub(r"\s+", " ", name.replace("-", " ")).strip()


def glued(name: str) -> str:
    """A name without what tells spellings apart: ``alarm-clock`` → ``alarmclock``."""
    return re.sub(r"[^a-z0-9]", "", FLAG_FOR.sub("flag-", name.lower()))


@dataclass
class Identities:
    """Code point of each name, over all sets that were told."""

    code_of_glued: dict[str, str] = field(default_factory=dict)
    name_of: dict[str, str] = field(default_factory=dict)  # code → the name that the first set gives it

    def learn(self, chars: Mapping[str, str], icons: Mapping[str, Any]) -> None:
        """Take in a set's table (code → name) and the aliases in its icon collection."""
        for code, name in chars.items():
            self.name_of.setdefault(code, caption_of(name))
            self.code_of_glued.setdefault(glued(name), code)
        for alias, target in icons.get("aliases", {}).items():
            if target.keys() == {"parent"}:  # mirrored or turned ones are other pictures
                parent = self.code_of_glued.get(glued(target["parent"]))
                if parent is not None:
                    self.code_of_glued.setdefault(glued(alias), parent)

    def codes(self, names: Iterable[str], chars: Mapping[str, str]) -> list[str]:
        """The code point of each name, "" where nobody knows one. A set's own table goes first."""
        own = {name: code for code, name in chars.items()}
        return [own.get(name) or self.code_of_glued.get(glued(name), "") for name in names]

    def captions(self, names: Iterable[str], codes: Iterable[str]) -> list[str]:
        """The shared name of each drawing, its own where it has no code point."""
        return [self.name_of.get(code, caption_of(name)) for name, code in zip(names, codes, strict=True)]


def emoji_of(code: str) -> str:
    """``1f468-200d-1f680`` → the emoji itself.

    Raises:
        ValueError: ``code`` is no list of hexadecimal code points.
    """
    return "".join(chr(int(point, 16)) for point in code.split("-"))


def is_emoji(code: str) -> bool:
    """Whether a code is one of Unicode's, not a set's own."""
    return bool(code) and not PRIVATE_USE.match(code)
