"""Words cut to a size, between signs as people see them: no half emoji, no half flag, no letter without its accent.

Owns where a text may be cut. Knows no sentence. Light: the standard library.

The rules are those of Unicode's annex 29 that matter here: accents, variation selectors, skin tones and tags belong to
what they follow, U+200D joins what it stands between, two letters of flags are one flag.
"""

from __future__ import annotations

import unicodedata

JOINER = "\u200d"
FLAGS, TONES, TAGS = range(0x1F1E6, 0x1F200), range(0x1F3FB, 0x1F400), range(0xE0020, 0xE0080)
ELLIPSIS = "…"
ISOLATED, ISOLATED_END = "\u2068", "\u2069"
MOST_OF_SIGN = 64  # characters; towers of accents are longer, and may be cut


def size(text: str) -> int:
    """In UTF-16 units, as Telegram counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def shortened(text: str, most: int) -> str:
    """At most so many UTF-16 units; what is cut off is shown by an ellipsis.

    What was isolated for its direction stays so: without the end of that, what follows it would be turned round, too.
    """
    if size(text) <= most:
        return text
    begun = cut(text, most - 1)
    begun = cut(begun, max(0, most - 1 - _open(begun)))
    return begun + ELLIPSIS + ISOLATED_END * _open(begun)


def _open(text: str) -> int:
    """Isolations that do not end in it."""
    return max(0, text.count(ISOLATED) - text.count(ISOLATED_END))


def cut(text: str, most: int) -> str:
    """At most so many UTF-16 units from the beginning."""
    raw = text.encode("utf-16-le", "surrogatepass")
    if len(raw) <= 2 * most:
        return text
    return text[: _end(text, len(raw[: 2 * most].decode("utf-16-le", "ignore")))]


def cut_to(text: str, most: int) -> str:
    """At most so many characters, of Unicode's, from the beginning."""
    return text if len(text) <= most else text[: _end(text, most)]


def _end(text: str, end: int) -> int:
    """The last place not behind ``end`` where a sign ends."""
    for place in range(end, max(0, end - MOST_OF_SIGN), -1):
        if _parts(text, place):
            return place
    return 0 if end <= MOST_OF_SIGN else end


def _parts(text: str, place: int) -> bool:
    """Whether two signs meet there."""
    if not 0 < place < len(text):
        return True
    before, after = text[place - 1], text[place]
    if unicodedata.category(after) in ("Mn", "Me", "Mc") or JOINER in (before, after) or ord(after) in TONES:
        return False
    if ord(after) in TAGS:
        return False
    if ord(before) in FLAGS and ord(after) in FLAGS:
        return _flags_before(text, place) % 2 == 0
    return True


def _flags_before(text: str, place: int) -> int:
    start = place
    while start and ord(text[start - 1]) in FLAGS:
        start -= 1
    return place - start
