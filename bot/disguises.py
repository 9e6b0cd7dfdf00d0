"""Seeing through disguises: which words of a list a text may have, however they are written.

Owns that seeing. Knows no list but the one it is given, and not what follows from it. Light: the standard library.

A text is cut into words, and each is looked at as it is and undisguised: without zero-width characters and accents; in
one alphabet, where letters of another that look the same stand in it; digits and signs as the letters that they stand
for; "ooooo" as "o"; letters that stand apart pulled together.

It is done for every message, so it has to be quick whatever somebody sends: a word is looked at closely only where it
looks like one of the list to whoever squints, and of what it may stand for only that is followed up which still may
become one.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

MOST_TEXT, MOST_WORD, MOST_READINGS = 4096, 40, 32  # characters of a text, of a word; readings of a word by an alphabet
INVISIBLE = frozenset("\u115f\u1160\u180e\u2800\u3164\uffa0")  # letters or signs by their class, and yet not seen
ENCLOSED = (0x1F150, 0x1F170, 0x1F1E6)  # alphabets in circles, squares and of flags, which NFKD leaves as they are
MOST_CLOSE = 50  # words of a text; what is drawn of it is shorter than so many, and looked at once more by itself
MOST_KEPT = 20_000  # characters of which it is remembered what becomes of them

# What stands for a letter of an alphabet: letters of others that look so, digits and signs. More than one for some.
TO_LATIN = dict(zip("авекмнорстухіјѕԁьпгαβεικνορτυχηω", "abekmhopctyxijsdbnrabeikvoptuxnw", strict=True))
TO_LATIN |= dict(zip("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢı", "abcdefghijklmnoprstuvwyzi", strict=True))
TO_LATIN |= {"и": "u", "0": "o", "1": "il", "3": "e", "4": "a", "5": "s", "6": "b", "7": "t", "8": "b", "9": "g"}
TO_LATIN |= {"@": "a", "$": "s", "!": "i", "|": "il", "+": "t", "€": "e"}
TO_CYRILLIC = dict(zip("acehkmnoprtuxyёεορα", "асенкмпоргтихуеероа", strict=True))
TO_CYRILLIC |= {"b": "вь", "i": "и", "і": "и", "0": "о", "3": "зе", "4": "ч", "6": "б", "8": "в", "@": "а"}
LATIN, CYRILLIC = ({chr(code): chr(code) for code in range(ord(a), ord(z) + 1)} for a, z in ("az", "ая"))
ALPHABETS = (TO_LATIN | LATIN, TO_CYRILLIC | CYRILLIC)  # a letter of the alphabet itself stands for itself alone

WORD = re.compile(r"[^\W_]+")
SIGNED = re.compile(r"(?:[^\W_]|[@$!|+€])+")
SPACES, TWICE, RUN = re.compile(r"\s+"), re.compile(r"(.)\1+"), re.compile(r"(.)\1{2,}")
AGE = re.compile(r"(?<!\d)(?:\d|1[0-7])\s*-?\s*(?:y\.?\s?o\b|(?:yrs?|years?)[\s-]old\b|лет(?:н\w+|\b)|годик\w*)")
DIGITS = "0123456789"
YOUNG = "age<18"  # stands in the list for an age in the text
NONE: frozenset[str] = frozenset()


class _Kept(dict[int, int | None]):
    """What ``str.translate`` makes of a character: nothing, a letter out of its circle, or itself."""

    def __missing__(self, code: int) -> int | None:
        if chr(code) in INVISIBLE or unicodedata.category(chr(code)) in ("Mn", "Me", "Cf"):
            kept = None
        else:
            first = next((first for first in ENCLOSED if first <= code < first + 26), None)
            kept = code if first is None else ord("a") + code - first
        if len(self) < MOST_KEPT:
            self[code] = kept
        return kept


_KEPT = _Kept()


def folded(text: str) -> str:
    """Small letters of the plain kind: no accents (й is и, ё is е), nothing invisible, no other form of a letter."""
    if text.isascii():
        return text.casefold()
    # Marks go first, too: putting many of them in order takes the square of their number.
    return unicodedata.normalize("NFKD", text.translate(_KEPT)).translate(_KEPT).casefold()


def plain_of(text: str) -> str:
    """A text as it is looked at."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text[:MOST_TEXT].translate(_KEPT))  # can make eighteen signs of one
    return SPACES.sub(" ", folded(text[:MOST_TEXT])[:MOST_TEXT])


def _looks() -> dict[int, str]:
    """Character → the one that stands for all that look like it, through whatever third."""
    leader: dict[str, str] = {}

    def of(char: str) -> str:
        while leader.get(char, char) != char:
            char = leader[char]
        return char

    for table in ALPHABETS:
        for char, letters in table.items():
            for letter in letters:
                leader[of(char)] = of(letter)
    return {ord(char): of(char) for char in leader}


LOOKS = _looks()


def _looks_of(words: Sequence[str]) -> list[str]:
    """Each as somebody sees it who squints: look-alikes are one sign, and doubled letters too. In one go, for speed."""
    return TWICE.sub(r"\1", "\n".join(words).translate(LOOKS)).split("\n") if words else []


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A text, as far as the list knows it."""

    text: str  # folded
    words: tuple[frozenset[str], ...]  # in order, what each may be of the list
    all: frozenset[str]  # and what is seen only across words


class Lexicon:
    """The words of a list; with a star at the end, all that begin so."""

    def __init__(self, entries: Iterable[str]) -> None:
        """``entries``: folded."""
        words = sorted({*entries})
        exact, stems = [one for one in words if one[-1] != "*"], [one[:-1] for one in words if one[-1] == "*"]
        self._exact, self._stems = frozenset(exact), _Beginnings(stems)
        self._looks, self._stem_looks = frozenset(_looks_of(exact)), _Beginnings(_looks_of(stems))
        squeezed = [TWICE.sub(r"\1", one) for one in (*exact, *stems)]
        self._begun = frozenset(word[:end] for word in squeezed for end in range(len(word) + 1))
        self._ended = _Beginnings(TWICE.sub(r"\1", stem) for stem in stems)

    def seen(self, plain: str) -> Seen:
        """What is seen of the list in a plain text."""
        words = WORD.findall(plain)
        kinds = [one[:MOST_WORD] for one in {*words, *_loose(plain)}]
        numbered = [one for one in kinds if one[:1] in DIGITS or one[-1:] in DIGITS]
        bare = [one.strip(DIGITS) for one in numbered]
        close = [one for one, look in zip(kinds, _looks_of(kinds), strict=True) if self._is_like(look)]
        close += [one for one, look in zip(numbered, _looks_of(bare), strict=True) if self._is_like(look)]
        known: dict[str, frozenset[str]] = {}
        for one in close:
            if one not in known:
                known[one] = self._of(one, closely=len(known) < MOST_CLOSE)
        more = {YOUNG} if AGE.search(plain) else NONE
        listed = tuple([known.get(word[:MOST_WORD], NONE) for word in words])
        return Seen(text=plain, words=listed, all=NONE.union(more, *known.values()))

    def _is_like(self, look: str) -> bool:
        return look in self._looks or bool(self._stem_looks.of(look))

    def _of(self, word: str, *, closely: bool) -> frozenset[str]:
        """What of the list a word may be; ``closely``: in disguise, too."""
        readings = {word, word.strip(DIGITS)}
        if closely and any(char.isalpha() for char in word):
            readings.update(*(self._readings(word, table) for table in ALPHABETS))
        readings |= {RUN.sub(times, one) for one in readings if RUN.search(one) for times in (r"\1", r"\1\1")}
        stems = {f"{stem}*" for one in readings for stem in self._stems.of(one)}
        return frozenset(stems | (readings & self._exact)) if stems or readings & self._exact else NONE

    def _readings(self, word: str, table: dict[str, str]) -> list[str]:
        """What it may stand for in one alphabet, as far as it takes to tell it from all words of the list."""
        letters = [table.get(char, "") for char in word]
        going, told = [("", "")] if all(letters) else [], list[str]()  # readings, and the same without doubled letters
        for choice in letters:
            longer = [(one + char, look + char * (look[-1:] != char)) for one, look in going for char in choice]
            told += [one for one, look in longer if look not in self._begun and self._ended.of(look)]
            going = [(one, look) for one, look in longer if look in self._begun][:MOST_READINGS]
        return [*told[:MOST_READINGS], *(one for one, _ in going)]


class _Beginnings:
    """Some words, asked which of them another one begins with."""

    def __init__(self, words: Iterable[str]) -> None:
        self._words = frozenset(words)
        self._lengths = sorted({len(word) for word in self._words})
        self._least = self._lengths[0] if self._lengths else 0
        self._first = frozenset(word[: self._least] for word in self._words)

    def of(self, word: str) -> list[str]:
        """Those."""
        if word[: self._least] not in self._first:
            return []
        return [stem for length in self._lengths if (stem := word[:length]) in self._words and len(stem) == length]


def _loose(plain: str) -> Iterator[str]:
    """What is a word only once its parts are pulled together, or with signs in it."""
    signed = SIGNED.findall(plain)
    yield from (word for word in signed if not word.isalnum())
    for chunk in plain.split():
        if not chunk.isalnum():
            yield "".join(SIGNED.findall(chunk))
    for found in (WORD.findall(plain), signed):
        for single, run in itertools.groupby(found, key=lambda word: len(word) == 1):
            letters = [*run] if single else []
            if len(letters) > 2:
                yield "".join(letters)
