"""Every sentence that a person reads, in their language: the keys, and how values come into them.

Owns the languages and the way from a key to a text. The sentences are in ``locales/``, in Fluent. Knows no chat.
Light: fluent.runtime.

Messages go out as plain text, never as HTML or Markdown, so nothing that a person wrote can be read as either. Still a
value could turn the rest of a line around or pile up on other lines: ``harmless`` takes direction marks and towers of
accents out, and isolates (U+2068 … U+2069) what is written from right to left.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from fluent.runtime import FluentBundle, FluentResource

from bot.shortening import ELLIPSIS, ISOLATED, ISOLATED_END, cut_to

LOCALES = Path(__file__).resolve().parent / "locales"
LANGUAGES = ("en", "ru")
DEFAULT = "en"  # of whoever Telegram says nothing of
MOST_OF_VALUE = 200  # characters
LEFTWARD = ("R", "AL", "AN")  # Unicode's classes of what is written from right to left
BLANK = "\u115f\u1160\u2800\u3164\uffa0"  # letters and signs that show nothing, though Unicode counts them as such
MOST_MARKS = 2  # combining ones on one letter
Value = str | int | float


class MissingText(KeyError):
    """There is no such sentence, or it lacks a value: a mistake of ours, told by the tests before it is met."""


def language_of(tag: str | None) -> str:
    """Ours for an IETF tag, as ``ru-RU``; the default for those we do not speak."""
    first = (tag or "").replace("_", "-").split("-")[0].lower()
    return first if first in LANGUAGES else DEFAULT


def harmless(text: str) -> str:
    """A person's words on one line: without control and direction characters, and without towers of marks; signs that
    show nothing count as spaces, so that a name is never invisible."""
    found: list[str] = []
    marks = 0
    for char in text[: 4 * MOST_OF_VALUE]:
        kind = unicodedata.category(char)
        marks = marks + 1 if kind in ("Mn", "Me") else 0
        joins = char in "\u200d\ufe0f"  # without these an emoji of several falls apart
        if char.isspace() or char in BLANK:
            found.append(" ")
        elif (kind[0] != "C" or joins) and marks <= MOST_MARKS:
            found.append(char)
    words = " ".join("".join(found).split())
    words = words if len(words) <= MOST_OF_VALUE else cut_to(words, MOST_OF_VALUE - 1) + ELLIPSIS
    leftward = any(unicodedata.bidirectional(char) in LEFTWARD for char in words)
    return f"{ISOLATED}{words}{ISOLATED_END}" if leftward else words


class Words:
    """The sentences of one language: ``words("start", name=…)``."""

    def __init__(self, language: str) -> None:
        self.language = language if language in LANGUAGES else DEFAULT

    def __call__(self, key: str, /, **values: Value) -> str:
        """The sentence.

        Raises:
            MissingText: there is none of this key, or a value is missing.
        """
        return text(self.language, key, values)


def text(language: str, key: str, values: Mapping[str, Value]) -> str:
    """The sentence of a key; see ``Words``."""
    bundle = _bundle(language)
    if not bundle.has_message(key):
        raise MissingText(f"no sentence {key!r} in {language!r}")
    pattern = bundle.get_message(key).value
    if pattern is None:
        raise MissingText(f"the sentence {key!r} is empty in {language!r}")
    safe = {name: harmless(value) if isinstance(value, str) else value for name, value in values.items()}
    found, errors = bundle.format_pattern(pattern, safe)
    if errors:
        raise MissingText(f"the sentence {key!r} in {language!r}: {errors[0]}")
    return str(found)


def ftl(language: str) -> str:
    """The file of a language."""
    return (LOCALES / f"{language}.ftl").read_text(encoding="utf-8")


@cache
def _bundle(language: str) -> FluentBundle:
    bundle = FluentBundle([language], use_isolating=False)  # ``harmless`` does, where it matters
    bundle.add_resource(FluentResource(ftl(language)))
    return bundle
