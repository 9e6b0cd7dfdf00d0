"""Words that are not drawn: whether a text has some, however they are disguised.

Owns the reading of lists, and what is refused by them. Knows no word but through the list (``locales/refused.txt``), no
person and no picture; disguises are seen through by ``disguises``. Light: the standard library.

A word of the list matches a whole word, or its beginning where the list says so, never a part in the middle: Essex is a
county. What the list calls harmless is taken out of a text before anything is looked for; but where minors are
concerned nothing is, for any harmless phrase can be written beside a child. There only a whole quotation counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from bot.disguises import Lexicon, Seen, folded, plain_of
from pipeline.errors import BadSetting

LIST = Path(__file__).resolve().parent / "locales" / "refused.txt"
OWN = "operator"  # the reason of an operator's own words, where their file names none
MOST_REASON = 12  # letters of a reason: a column holds it
HARMLESS, QUOTED = "!", "!!"  # in front of a line of what is
MINORS = "minors"  # the reason that harmless phrases do not excuse
JOINTS = r"[\s\-‐‑]+"  # between a phrase's words; a comma or a full stop would join what does not belong together
QUOTED_JOINTS = r"[\W_]{1,4}"  # a quotation has its own commas, and its marks


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Some of the list, any of which counts."""

    words: frozenset[str] = frozenset()  # with a star: all that begin so
    phrases: tuple[tuple[str, ...], ...] = ()  # words one after the other
    parts: frozenset[str] = frozenset()  # anywhere, within words too

    def of(self, term: str) -> Terms:
        """With one more."""
        if term.startswith("~"):
            return replace(self, parts=self.parts | {folded(term[1:])})
        words = tuple(folded(word) for word in term.split())
        if len(words) > 1:
            return replace(self, phrases=(*self.phrases, words))
        return replace(self, words=self.words | {words[0]})

    def with_(self, other: Terms) -> Terms:
        """With all of another."""
        return Terms(
            words=self.words | other.words, phrases=self.phrases + other.phrases, parts=self.parts | other.parts
        )

    def entries(self) -> Iterator[str]:
        """Each word of it."""
        yield from self.words
        for phrase in self.phrases:
            yield from phrase

    def found(self, seen: Seen) -> bool:
        """Whether the text has any."""
        return (
            not self.words.isdisjoint(seen.all)
            or any(part in seen.text for part in self.parts)
            or any(_has_phrase(seen.words, phrase) for phrase in self.phrases if seen.all.issuperset(phrase))
        )


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What is refused for one reason: a text in which each of ``terms`` is found."""

    reason: str
    terms: tuple[Terms, ...]

    def found(self, seen: Seen) -> bool:
        """Whether the text is refused."""
        return all(terms.found(seen) for terms in self.terms)

    def touches(self, seen: Seen) -> bool:
        """Whether it has any of them: beside a quotation each is one too many."""
        return any(terms.found(seen) for terms in self.terms)


@dataclass(frozen=True, kw_only=True)
class Rules:
    """A list."""

    refused: tuple[Rule, ...]
    harmless: tuple[str, ...] = ()  # phrases
    quoted: tuple[str, ...] = ()  # likewise, where minors are concerned too


class Wording:
    """The rules of one or more lists."""

    def __init__(self, lists: Iterable[Rules]) -> None:
        both = [*lists]
        self.rules = tuple(rule for one in both for rule in one.refused)
        self.lexicon = Lexicon(entry for rule in self.rules for terms in rule.terms for entry in terms.entries())
        self._harmless = _any_of((phrase for one in both for phrase in one.harmless), JOINTS)
        self._quoted = _any_of((phrase for one in both for phrase in one.quoted), QUOTED_JOINTS)

    def refused(self, text: str) -> str | None:
        """The reason for which the text is refused, the first of the list; None where it is not."""
        plain = plain_of(text)
        whole = self.lexicon.seen(plain)
        if not any(rule.found(whole) for rule in self.rules):
            return None
        unquoted = self._without(self._quoted, plain, whole)
        rest = self._without(self._harmless, unquoted.text, unquoted)
        for rule in self.rules:
            if rule.found(whole) and (rule.touches(unquoted) if rule.reason == MINORS else rule.found(rest)):
                return rule.reason
        return None

    def _without(self, phrases: re.Pattern[str] | None, plain: str, seen: Seen) -> Seen:
        """What is seen once these are taken out; ``seen``: with them."""
        rest, found = phrases.subn(" , ", plain) if phrases else (plain, 0)
        return self.lexicon.seen(rest) if found else seen


def _any_of(phrases: Iterable[str], joints: str) -> re.Pattern[str] | None:
    written = [joints.join(map(_as_written, phrase.split())) for phrase in phrases]
    return re.compile(rf"(?<!\w)(?:{'|'.join(written)})(?!\w)") if written else None


def _as_written(word: str) -> str:
    plain = folded(word)
    return re.escape(plain[:-1]) + r"\w*" if plain.endswith("*") else re.escape(plain)


def wording_of(operators: Path | None) -> Wording:
    """Our list, and an operator's.

    Raises:
        BadSetting: theirs cannot be read, or a line of it is none.
    """
    ours = rules_of(LIST.read_text(encoding="utf-8"), LIST)
    if operators is None:
        return Wording([ours])
    try:
        text = operators.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or "it is no UTF-8"
        raise BadSetting(f"STICKERS_REFUSED_WORDS = {str(operators)!r}: it cannot be read: {why}") from None
    return Wording([ours, rules_of(text, operators)])


# ── a list ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def rules_of(text: str, source: Path) -> Rules:
    """A list; how it is written stands at the head of ours.

    Raises:
        BadSetting: a line of it is none.
    """
    groups: dict[str, Terms] = {}
    single: dict[str, Terms] = {}
    joint: list[Rule] = []
    harmless: list[str] = []
    quoted: list[str] = []
    reason = OWN
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.partition("#")[0].strip()
        try:
            if not line:
                continue
            if line.startswith("["):
                reason = _reason(line)
            elif line.startswith(QUOTED):
                quoted += [_phrase(one) for one in line[len(QUOTED) :].split(",")]
            elif line.startswith(HARMLESS):
                harmless += [_phrase(one) for one in line[1:].split(",")]
            elif line.startswith("@") and ":" in line:
                name, _, rest = line.partition(":")
                groups[name.strip()] = groups.get(name.strip(), Terms()).with_(_terms(rest.split(","), groups))
            else:
                for entry in line.split(","):
                    parts = tuple(_terms([part], groups) for part in entry.split("&"))
                    if len(parts) > 1:
                        joint.append(Rule(reason=reason, terms=parts))
                    else:
                        single[reason] = single.get(reason, Terms()).with_(parts[0])
        except (ValueError, KeyError) as error:
            raise BadSetting(f"{str(source)!r}, line {number}: {error}; how a list is written: {LIST.name}") from None
    refused = (*joint, *(Rule(reason=reason, terms=(terms,)) for reason, terms in single.items()))
    return Rules(refused=refused, harmless=tuple(harmless), quoted=tuple(quoted))


def _reason(line: str) -> str:
    name = line.strip("[] ")
    if not (line.endswith("]") and name.isidentifier() and len(name) <= MOST_REASON):
        raise ValueError(f"{line!r} is no reason: [one_word], at most {MOST_REASON} letters")
    return name


def _phrase(entry: str) -> str:
    if not _is_word(entry):
        raise ValueError(f"{entry!r} is no word; a star may stand at its end")
    return entry.strip()


def _is_word(entry: str) -> bool:
    return bool(folded(entry).strip("*~ ")) and not any("*" in word[:-1] for word in entry.split())


def _terms(entries: Iterable[str], groups: dict[str, Terms]) -> Terms:
    found = Terms()
    for entry in (one.strip() for one in entries):
        if entry.startswith("@"):
            if entry not in groups:
                raise ValueError(f"there is no group {entry!r} above")
            found = found.with_(groups[entry])
        elif not _is_word(entry):
            raise ValueError(f"{entry!r} is no word; a star may stand at its end")
        else:
            found = found.of(entry)
    return found


def _has_phrase(words: tuple[frozenset[str], ...], phrase: tuple[str, ...]) -> bool:
    starts = range(len(words) - len(phrase) + 1)
    return any(all(one in words[start + place] for place, one in enumerate(phrase)) for start in starts)
