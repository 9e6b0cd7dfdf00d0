"""Motifs: what words name, as a drawing to begin from.

img2img begins from a picture. Where a person gives words alone, the picture is the drawing of what they name: one of
some 1,600 things that have an emoji, found by their names and key words in English and Russian (Unicode's CLDR), drawn
as flat art under an open licence. The words are the caption then, and the style is the pack's as always.

Owns the finding and the drawing. Knows no model. Light: snowballstemmer, emoji, resvg-py, Pillow.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO

import resvg_py
import snowballstemmer
from emoji import emoji_list
from PIL import Image

from pipeline.domain import Picture
from pipeline.emoji_names import TONE, bare
from pipeline.errors import BadInput
from pipeline.settings import CONFIGS

ART = CONFIGS / "motifs" / "art.json.gz"  # made by ``python -m scripts.motifs``
READING = CONFIGS / "motifs" / "words.toml"  # how words are read; written by hand
SIDE_PX = 512
MARGIN = 0.06  # of the side, left free around the drawing
WORD = re.compile(r"[^\W_]+")
CYRILLIC = re.compile("[а-я]")
PARTICIPLE = re.compile("[a-z]{3,}ing")
STEMMERS = {"en": "english", "ru": "russian"}
OF_NAME, OF_KEYWORD = 1.0, 0.6  # what a word of the person's is worth, found there
HEAD, BEHIND = 1.5, 0.4  # times that: for the last word before a link, and for a word behind it
WHOLE = 1.0  # for each word of a name that was said as a whole
UNSAID = 0.7  # less for each word of a name that was said in part only: a racing car is not what "car" means
ASIDE = 0.5  # times what is named behind a link only
MANY = 0.01  # less for each key word: what is known by few is meant by them
EXACT = 0.1  # for a word in the very form of the name: of two with one stem, the one that was said
ALIKE = 4  # letters that words of one root have in common at least, where their stems differ
ROOT = 0.6  # and their share of the longer
ROOTS = 0.5  # times what such a word is worth


@dataclass(frozen=True, kw_only=True)
class Motif:
    """A thing that can be drawn."""

    emoji: str
    name: str  # English, Unicode's
    svg: str  # what stands inside of a <svg>
    side: float  # of that, in its units

    def drawn(self, side_px: int = SIDE_PX) -> Image.Image:
        """The drawing. Returns RGBA, ``side_px`` x ``side_px``, on transparent ground."""
        return Image.open(BytesIO(self.png(side_px))).convert("RGBA")

    def png(self, side_px: int = SIDE_PX) -> bytes:
        """The drawing as a file."""
        side = self.side / (1 - 2 * MARGIN)
        corner = (self.side - side) / 2
        spaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
        size = 'width="1024" height="1024"'  # the renderer rounds a document's own size to whole pixels
        svg = f'<svg {spaces} {size} viewBox="{corner} {corner} {side} {side}">{self.svg}</svg>'
        return bytes(resvg_py.svg_to_bytes(svg_string=svg, width=side_px, height=side_px))


@dataclass(frozen=True, kw_only=True)
class _Entry:
    motif: Motif
    names: tuple[tuple[str, ...], ...]  # stems of its name, a language each
    forms: frozenset[str]  # the words of its names as they are
    keywords: frozenset[str]  # stems, of all languages


def motif_of(words: str) -> Motif | None:
    """What the words name, or the first emoji among them; None where nothing is known by any of them."""
    by_emoji = _by_emoji()
    for sign in _signs(words):
        if sign in by_emoji:
            return by_emoji[sign]
    tokens = _tokens(words)
    said = _weighed(tokens)
    scored = [(_score(entry, said, tokens), -number) for number, entry in enumerate(_entries())]
    best, number = max(scored, default=(0.0, 0))
    return _entries()[-number].motif if best > 0 else None


def named(words: str) -> Motif:
    """What the words name.

    Raises:
        BadInput: nothing is known by these words.
    """
    motif = motif_of(words)
    if motif is None:
        raise BadInput(f"nothing that can be drawn is known by the words {words!r}; name a thing, or give a picture")
    return motif


def drawn_from_words(words: str, *, name: str) -> Picture:
    """The picture that img2img begins from, with the words as what is said of it. Raises as ``named`` does."""
    data = named(words).png()
    picture = Image.open(BytesIO(data)).convert("RGBA")
    said = " ".join(words.split())
    digest = hashlib.sha256(data + said.encode()).hexdigest()
    return Picture(name=name, image=picture, sha256=digest, words=said)


# ── finding ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _tokens(words: str) -> list[str]:
    found = WORD.findall(words.lower().replace("ё", "е"))
    reading = _reading()
    told = (token for token in found if token not in reading.empty and (len(token) > 1 or token in reading.links))
    return [word for token in told for word in reading.called.get(token, token).split()]


def _weighed(tokens: Sequence[str]) -> dict[str, float]:
    """Stem → how much it counts: the thing itself most, what stands behind a link least."""
    links = _reading().links
    at = (n for n, token in enumerate(tokens) if n and (token in links or PARTICIPLE.fullmatch(token)))
    behind_from = next(at, len(tokens))
    before = [token for token in tokens[:behind_from] if token not in links]
    weights = {stem(token): BEHIND for token in tokens[behind_from:] if token not in links}
    weights |= {stem(token): 1.0 for token in before}
    heads = [token for token in before if stem(token) in _known()] or before
    if heads:
        weights[stem(heads[-1])] = HEAD
    return weights


def _score(entry: _Entry, said: dict[str, float], tokens: Sequence[str]) -> float:
    best, unspoken = 0.0, _reading().unspoken
    for name in entry.names:
        found = sum(weight * _worth(part, name, entry.keywords) for part, weight in said.items())
        if not found:
            continue
        in_name = [part in said for part in name]
        if name and all(in_name):
            found += WHOLE * len(name) * max(said[part] for part in name)
            found += EXACT * any(token in entry.forms for token in tokens)
        elif any(in_name):
            found -= UNSAID * sum(part not in said and part not in unspoken for part in name)
        else:
            found -= MANY * len(entry.keywords)
        beside = not any(said.get(part, 0) >= 1 for part in (*name, *entry.keywords))
        best = max(best, found * ASIDE if beside else found)
    return best


def _worth(said: str, name: Sequence[str], keywords: frozenset[str]) -> float:
    if said in name:
        return OF_NAME
    if said in keywords:
        return OF_KEYWORD
    if said in _known():
        return 0.0
    return ROOTS * OF_NAME if any(_one_root(said, part) for part in name) else 0.0


def _one_root(one: str, other: str) -> bool:
    """Whether two words that no stemmer brings together have a long beginning in common."""
    same = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return same >= max(ALIKE, ROOT * max(len(one), len(other)))


@lru_cache(maxsize=4096)
def stem(word: str) -> str:
    """The stem of a lower-case word, by Snowball's algorithm for the language of its letters."""
    language = "ru" if CYRILLIC.search(word) else "en"
    found: str = snowballstemmer.stemmer(STEMMERS[language]).stemWord(word)
    return found


def _signs(words: str) -> list[str]:
    return [bare(TONE.sub("", found["emoji"])) for found in emoji_list(words)]


# ── the data ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, kw_only=True)
class _Reading:
    empty: frozenset[str]
    links: frozenset[str]
    unspoken: frozenset[str]  # stems
    called: Mapping[str, str]


@lru_cache(maxsize=1)
def _reading() -> _Reading:
    raw = tomllib.loads(READING.read_text(encoding="utf-8"))
    return _Reading(
        empty=frozenset(raw["empty"].split()),
        links=frozenset(raw["links"].split()),
        unspoken=frozenset(map(stem, raw["unspoken"].split())),
        called=raw["called"],
    )


@lru_cache(maxsize=1)
def _entries() -> tuple[_Entry, ...]:
    with gzip.open(ART, "rt", encoding="utf-8") as file:
        data = json.load(file)
    return tuple(
        _Entry(
            motif=Motif(emoji=row["emoji"], name=row["en"], svg=row["svg"], side=data["side"]),
            names=tuple(_stems(row[language]) for language in STEMMERS),
            forms=frozenset(token for language in STEMMERS for token in _tokens(row[language])),
            keywords=frozenset(parts[0] for word in row["words"] if len(parts := _stems(word)) == 1),
        )
        for row in data["motifs"]
    )


def _stems(text: str) -> tuple[str, ...]:
    return tuple(stem(token) for token in _tokens(text) if token not in _reading().links)


@lru_cache(maxsize=1)
def _by_emoji() -> dict[str, Motif]:
    return {bare(entry.motif.emoji): entry.motif for entry in _entries()}


@lru_cache(maxsize=1)
def _known() -> frozenset[str]:
    """Every stem that something is known by."""
    return frozenset(part for entry in _entries() for parts in (*entry.names, entry.keywords) for part in parts)
