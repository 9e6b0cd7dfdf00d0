"""An animated sticker (``.tgs``: gzipped Lottie) checked before any renderer sees it.

Owns what such a file may ask for. Knows no renderer and draws nothing. Loads only the standard library; meant for the
child process of ``moving``, since the JSON of a hostile file takes some hundred MB as Python's values.

rlottie trusts its input: a star of a billion points aborts the process, groups nested 200 000 deep overflow its stack,
compositions that contain each other never end (Samsung/rlottie #446, #584, #586; tdesktop #31253). So all that makes a
drawing large is counted here, and what is handed on is written anew from the checked values: of a key that stands
twice, or of a NaN, rlottie could otherwise see another value than the one that was checked.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from pipeline.moving import Refused

MAX_JSON_MB = 8  # inflated; of 64 KiB packed, gzip could make 64 MiB
MAX_DEPTH = 64  # of the JSON
MAX_VALUES = 500_000  # of the JSON; large stickers have a fifth of it
MAX_NUMBER = 1e7  # in size; canvas and time have hundreds
CANVAS_PX = 512
MAX_FPS, MAX_FRAMES = 60, 180  # three seconds
MAX_POINTS = 1000  # of a star or polygon
MAX_COPIES = 100  # of one repeater
MAX_NESTING = 16  # of compositions in one another
MAX_PARENTS = 64  # of layers hung on one another
MAX_PARTS = 100_000  # layers and shapes, each as often as it is drawn

_COUNTED = {"sr": ("pt", MAX_POINTS, "points of a star"), "rp": ("c", MAX_COPIES, "copies of a shape")}
_NO_AMOUNT = ("t", "ix")  # in an animated value: the frame it begins at, and its number in the editor


@dataclass(frozen=True, kw_only=True)
class Lottie:
    """A checked animation."""

    document: str  # JSON
    frames: int  # 1..MAX_FRAMES


def checked_lottie(data: bytes) -> Lottie:
    """Unpack and check the bytes of a ``.tgs``.

    Raises:
        Refused: it is packed wrongly, is no Lottie, or asks for more than a sticker may.
    """
    document = _parsed(_inflated(data))
    _check_values(document)
    if not isinstance(document, dict) or not isinstance(document.get("layers"), list):
        raise Refused("is a gzip file with no animation in it")
    frames = _checked_frames(document)
    _check_parts(document)
    return Lottie(document=json.dumps(document), frames=frames)


def _inflated(data: bytes) -> bytes:
    """Inflate one gzip member (RFC 1952) that is all of the file; never more than the limit is in memory."""
    inflate = zlib.decompressobj(31)  # 31: gzip with header and checksum
    try:
        text = inflate.decompress(data, MAX_JSON_MB << 20)
    except zlib.error as error:
        raise Refused(f"is damaged ({error})") from error
    if not inflate.eof:
        large = len(text) == MAX_JSON_MB << 20
        raise Refused(f"unpacks to more than {MAX_JSON_MB} MB" if large else "is cut short")
    if inflate.unused_data:
        raise Refused(f"has {len(inflate.unused_data)} more bytes behind its end")
    return text


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text, parse_constant=_no_number)
    except RecursionError as error:
        raise Refused(f"is nested deeper than {MAX_DEPTH} levels") from error
    except ValueError as error:  # of the alphabet too, and an integer of thousands of digits
        raise Refused("is a gzip file with no animation in it: it is no JSON") from error


def _no_number(word: str) -> NoReturn:
    raise Refused(f"has {word} where a number is due")


def _check_values(document: Any) -> None:
    """Every value of the JSON, without recursion: depth, count, size of numbers, stars and repeaters."""
    left = [(document, 1)]
    count = 0
    while left:
        value, depth = left.pop()
        if isinstance(value, dict | list):
            if depth > MAX_DEPTH:
                raise Refused(f"is nested deeper than {MAX_DEPTH} levels")
            count += len(value)
            if count > MAX_VALUES:
                raise Refused(f"has more than {MAX_VALUES:,} values")
            left += [(child, depth + 1) for child in (value.values() if isinstance(value, dict) else value)]
            if isinstance(value, dict):
                _check_shape(value)
        elif _is_number(value) and not abs(value) <= MAX_NUMBER:
            raise Refused(f"has the number {str(value)[:12]}; {MAX_NUMBER:,.0f} is the largest")


def _check_shape(shape: dict[str, Any]) -> None:
    """Stars and repeaters have a number of points, or of copies, that may change over time."""
    kind = shape.get("ty")
    if not isinstance(kind, str) or kind not in _COUNTED:
        return
    key, most, words = _COUNTED[kind]
    for amount in _amounts(shape.get(key)):
        if not 0 <= amount <= most:
            raise Refused(f"asks for {amount:.6g} {words}; {most} is the most")


def _amounts(value: Any) -> Iterator[float]:
    """All numbers in a value that may be animated, where it goes and how it gets there."""
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            left += [child for key, child in one.items() if key not in _NO_AMOUNT]
        elif isinstance(one, list):
            left += one
        elif _is_number(one):
            yield one


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(document: Mapping[str, Any], key: str) -> float:
    value = document.get(key)
    if not _is_number(value):
        raise Refused(f"does not say its {key!r} as a number")
    return float(value)  # type: ignore[arg-type]  # a number, as was just checked


def _checked_frames(document: dict[str, Any]) -> int:
    """How many frames it has; canvas and speed within what Telegram allows."""
    width, height = _number(document, "w"), _number(document, "h")
    if (width, height) != (CANVAS_PX, CANVAS_PX):
        raise Refused(f"is {width:g} x {height:g} px; it must be {CANVAS_PX} x {CANVAS_PX} px")
    fps, frames = _number(document, "fr"), _number(document, "op") - _number(document, "ip")
    if not 0 < fps <= MAX_FPS:
        raise Refused(f"has {fps:g} frames a second; {MAX_FPS} is the most")
    if not 0 < frames <= MAX_FRAMES:
        raise Refused(f"has {frames:g} frames; it must be 1 to {MAX_FRAMES}")
    return math.ceil(frames)


def _check_parts(document: dict[str, Any]) -> None:
    """Follow compositions into one another: no circles, not too deep, not too much drawn in all."""
    compositions: dict[str, list[Any]] = {}
    for asset in _dicts(document.get("assets")):
        if asset.get("p"):
            raise Refused("has a picture file inside; stickers have shapes only")
        compositions.setdefault(str(asset.get("id")), []).extend(_dicts(asset.get("layers")))
    counting = _Counting(compositions=compositions, known={})
    parts = counting.layers(document["layers"], 1)
    for name in compositions:  # a renderer may look at those, too, that nothing shows
        counting.composition(name, 1)
    if parts > MAX_PARTS:
        raise Refused(f"draws {parts:.3g} layers and shapes; {MAX_PARTS:,} is the most")


@dataclass(frozen=True, kw_only=True)
class _Counting:
    """How much there is to draw, counted once for each composition."""

    compositions: dict[str, list[Any]]
    known: dict[str, tuple[float, int]]  # parts, and how deep compositions go below

    def composition(self, name: str, depth: int) -> float:
        """Parts of a composition. A circle is found as one that is too deep."""
        if name not in self.compositions:
            return 0
        if depth > MAX_NESTING:
            raise Refused(f"has compositions in one another, more than {MAX_NESTING} deep or in a circle")
        if name not in self.known:
            self.known[name] = (self.layers(self.compositions[name], depth), depth)
        parts, seen_at = self.known[name]
        if depth > seen_at:  # deeper than when it was counted: what lies below lies deeper, too
            del self.known[name]
            return self.composition(name, depth)
        return parts

    def layers(self, layers: list[Any], depth: int) -> float:
        """Parts of a list of layers."""
        _check_parents(layers)
        parts = 0.0
        for layer in _dicts(layers):
            inside = self.composition(str(layer["refId"]), depth + 1) if "refId" in layer else 0
            parts += 1 + _shapes(layer.get("shapes")) + inside
        return parts


def _shapes(shapes: Any) -> float:
    """Parts of a list of shapes; a repeater draws the whole list again. The JSON's depth bounds the recursion."""
    parts, copies = 0.0, 1.0
    for shape in _dicts(shapes):
        parts += 1 + _shapes(shape.get("it"))
        if shape.get("ty") == "rp":
            copies *= max([1.0, *_amounts(shape.get("c"))])
    return parts * copies


def _check_parents(layers: list[Any]) -> None:
    """A layer may move with its parent, and that one with its own: how far up it goes, found step by step.

    Of two layers with one number either may be the one that a renderer takes, so both count.
    """
    edges = [(_key(layer.get("ind")), _key(layer["parent"])) for layer in _dicts(layers) if "parent" in layer]
    high = dict.fromkeys((layer for layer, _ in edges), 1)
    for _ in range(MAX_PARENTS):
        risen = {layer: high.get(parent, 0) + 1 for layer, parent in edges if high.get(parent, 0) >= high[layer]}
        if not risen:
            return
        high |= risen
    raise Refused(f"has layers that hang on one another, more than {MAX_PARENTS} deep or in a circle")


def _key(value: Any) -> str:
    """The number of a layer, as a renderer cuts it to an integer."""
    return str(int(value)) if _is_number(value) else repr(value)


def _dicts(values: Any) -> list[dict[str, Any]]:
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []
