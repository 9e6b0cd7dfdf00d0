"""Formatted text as Telegram reads it: HTML and MarkdownV2 → plain text and entities, and what a plain text has by
itself.

Owns the grammar and its complaints ("can't parse entities: ..."): text of a person that was not escaped must fail here
as it would there. Knows nothing of messages; loads nothing but the standard library. Offsets are in UTF-16 code units.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from typing import Any

from scripts.sandbox.emulator.errors import Malformed
from scripts.sandbox.emulator.limits import units

Entity = dict[str, Any]
TAGS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "code": "code",
    "pre": "pre",
    "a": "text_link",
    "blockquote": "blockquote",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "tg-emoji": "custom_emoji",
}
TOKEN = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9-]*)((?:\s[^<>]*)?)>|&(#\d+|#x[0-9a-fA-F]+|lt|gt|amp|quot);|<|[^<&]+|&")
ATTRIBUTE = re.compile(r"""([a-z-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?""")
RESERVED = "_*[]()~`>#+-=|{}.!"
MARKS = {"__": "underline", "||": "spoiler", "*": "bold", "_": "italic", "~": "strikethrough"}
FOUND = re.compile(
    r"(?P<bot_command>(?<![\w/])/[A-Za-z0-9_]{1,64}(?:@\w{3,32})?(?![\w/]))"
    r"|(?P<url>\b(?:https?://|t\.me/|www\.)[^\s<>\"]+[^\s<>\".,:;!?)])"
    r"|(?P<mention>(?<![\w@])@[A-Za-z][A-Za-z0-9_]{3,31})"
    r"|(?P<hashtag>(?<!\w)#\w+)"
)


@dataclass
class _Reading:
    """Where a reader stands: plain text so far, entities that are open and done."""

    plain: str = ""
    open: list[tuple[str, Entity]] = field(default_factory=list)
    done: list[Entity] = field(default_factory=list)

    def begin(self, mark: str, entity: Entity) -> None:
        self.open.append((mark, {"offset": units(self.plain), "length": 0} | entity))

    def end(self) -> Entity:
        """Close the innermost entity; one without text vanishes."""
        entity = self.open.pop()[1]
        entity["length"] = units(self.plain) - entity["offset"]
        if entity["length"]:
            self.done.append(entity)
        return entity

    def result(self) -> tuple[str, list[Entity]]:
        return self.plain, sorted(self.done, key=lambda one: (one["offset"], -one["length"]))


def _complain(text: str) -> Malformed:
    return Malformed(f"can't parse entities: {text}")


def from_html(text: str) -> tuple[str, list[Entity]]:
    """Plain text and entities of Telegram's HTML. Raises Malformed."""
    reading = _Reading()
    for token in TOKEN.finditer(text):
        offset = len(text[: token.start()].encode())
        if token[4]:
            reading.plain += html.unescape(token[0])
        elif not token[2]:
            if token[0] == "<":
                raise _complain(
                    f'Unsupported start tag "{text[token.end() : token.end() + 8]}" at byte offset {offset}'
                )
            reading.plain += token[0]
        elif token[1]:
            _close(reading, token[2].lower(), offset)
        else:
            _open(reading, token[2].lower(), token[3], offset)
    if reading.open:
        raise _complain(f'Can\'t find end tag corresponding to start tag "{reading.open[-1][0]}"')
    return reading.result()


def _open(reading: _Reading, tag: str, rest: str, offset: int) -> None:
    attributes = {one[1]: one[2] or one[3] or one[4] or "" for one in ATTRIBUTE.finditer(rest)}
    if tag not in TAGS or (tag == "span" and attributes.get("class") != "tg-spoiler"):
        raise _complain(f'Unsupported start tag "{tag}" at byte offset {offset}')
    entity: Entity = {"type": TAGS[tag]}
    if tag == "a":
        entity["url"] = html.unescape(attributes.get("href", ""))
    elif tag == "tg-emoji":
        entity["custom_emoji_id"] = attributes.get("emoji-id", "")
    elif tag == "blockquote" and "expandable" in attributes:
        entity["type"] = "expandable_blockquote"
    elif tag == "code" and attributes.get("class", "").startswith("language-"):
        entity["language"] = attributes["class"].removeprefix("language-")
    reading.begin(tag, entity)


def _close(reading: _Reading, tag: str, offset: int) -> None:
    if not reading.open:
        raise _complain(f"Unexpected end tag at byte offset {offset}")
    opened = reading.open[-1][0]
    if opened != tag:
        raise _complain(f'Unmatched end tag at byte offset {offset}, expected "</{opened}>", found "</{tag}>"')
    reading.end()


def from_markdown(text: str) -> tuple[str, list[Entity]]:
    """Plain text and entities of MarkdownV2. Raises Malformed."""
    reading, at = _Reading(), 0
    while at < len(text):
        at = _markdown_step(reading, text, at)
    if reading.open:
        mark, entity = reading.open[-1]
        raise _complain(f"Can't find end of {entity['type']} entity that begins with {mark!r}")
    return reading.result()


def _markdown_step(reading: _Reading, text: str, at: int) -> int:
    """Read one character or mark; where the next one begins."""
    if text[at] == "\\" and at + 1 < len(text):
        reading.plain += text[at + 1]
        return at + 2
    if text[at] == "`":
        return _markdown_code(reading, text, at)
    mark = next((one for one in MARKS if text.startswith(one, at)), None)
    if mark:
        if reading.open and reading.open[-1][0] == mark:
            reading.end()
        else:
            reading.begin(mark, {"type": MARKS[mark]})
        return at + len(mark)
    if text[at] == "[":
        reading.begin("[", {"type": "text_link"})
        return at + 1
    if text[at] == "]" and reading.open and reading.open[-1][0] == "[":
        link = re.compile(r"\]\(((?:\\.|[^()\\])*)\)").match(text, at)
        if not link:
            raise _complain(f"Can't find the URL of the link that ends at byte offset {len(text[:at].encode())}")
        reading.end()["url"] = re.sub(r"\\(.)", r"\1", link[1])
        return link.end()
    if text[at] in RESERVED:
        raise _complain(f"Character '{text[at]}' is reserved and must be escaped with the preceding '\\'")
    reading.plain += text[at]
    return at + 1


def _markdown_code(reading: _Reading, text: str, at: int) -> int:
    """Code runs to its closing mark; within it only ` and \\ are escaped."""
    mark = "```" if text.startswith("```", at) else "`"
    end = re.compile(r"(?:\\.|(?!" + mark + r").)*", re.DOTALL).match(text, at + len(mark))
    stop = end.end() if end else len(text)
    if not text.startswith(mark, stop):
        raise _complain(f"Can't find end of the entity starting at byte offset {len(text[:at].encode())}")
    body = text[at + len(mark) : stop]
    entity: Entity = {"type": "pre" if mark == "```" else "code"}
    language = re.match(r"([a-zA-Z0-9+-]+)\n", body) if mark == "```" else None
    if language:
        entity["language"] = language[1]
    reading.begin(mark, entity)
    reading.plain += re.sub(r"\\(.)", r"\1", body[language.end() if language else 0 :].removeprefix("\n"))
    reading.end()
    return stop + len(mark)


def by_itself(plain: str) -> list[Entity]:
    """What everybody's client finds in plain text: commands, links, mentions, hashtags."""
    return [
        {"type": str(one.lastgroup), "offset": units(plain[: one.start()]), "length": units(one[0])}
        for one in FOUND.finditer(plain)
    ]


def read(text: str, parse_mode: str | None, entities: list[Entity] | None) -> tuple[str, list[Entity]]:
    """The text of a request as it will stand in the message:

    plain, trimmed, with all its entities. Raises Malformed.
    """
    if parse_mode and parse_mode.lower() not in ("html", "markdownv2"):
        raise Malformed(f"unsupported parse_mode {parse_mode!r} (emulator: HTML and MarkdownV2 are read)")
    if parse_mode:
        plain, found = from_html(text) if parse_mode.lower() == "html" else from_markdown(text)
    else:
        plain, found = text, list(entities or [])
    lead = units(plain) - units(plain.lstrip())
    trimmed = plain.strip()
    kept = [entity | {"offset": max(entity["offset"] - lead, 0)} for entity in found]
    for entity in kept:
        entity["length"] = min(entity["length"], units(trimmed) - entity["offset"])
    taken = [(one["offset"], one["offset"] + one["length"]) for one in kept]
    itself = [
        one
        for one in by_itself(trimmed)
        if not any(begin < one["offset"] + one["length"] and one["offset"] < end for begin, end in taken)
    ]
    return trimmed, sorted([one for one in kept if one["length"] > 0] + itself, key=lambda one: int(one["offset"]))
