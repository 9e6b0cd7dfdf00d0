"""What a .tgs may ask for, checked before any renderer sees it. Nothing here is ever rendered."""

from __future__ import annotations

import gzip
import json
import re
import tracemalloc
import zlib
from typing import Any

import pytest

from pipeline.lottie import MAX_JSON_MB, MAX_NESTING, MAX_PARENTS, MAX_PARTS, checked_lottie
from pipeline.moving import Refused
from tests.unit.pipeline.stickers import layer, lottie, square, starry, tgs, value


def packed(text: str) -> bytes:
    return gzip.compress(text.encode())


def nested(depth: int, innermost: Any = 0) -> Any:
    """Groups in groups."""
    shape = innermost
    for _ in range(depth):
        shape = {"ty": "gr", "it": [shape]}
    return shape


def chain(length: int, circle: bool = False) -> dict[str, Any]:
    """A composition that shows the next, and so on; the last one shows the first where it is a circle."""
    assets = [{"id": f"c{at}", "layers": [{"ty": 0, "refId": f"c{at + 1}"}]} for at in range(length - 1)]
    last = [{"ty": 0, "refId": "c0"}] if circle else [layer(square())]
    return lottie([{"ty": 0, "refId": "c0"}], assets=[*assets, {"id": f"c{length - 1}", "layers": last}])


def laughs(levels: int, width: int = 10) -> dict[str, Any]:
    """Each composition shows the next ten times over."""
    assets = [{"id": f"c{at}", "layers": [{"ty": 0, "refId": f"c{at + 1}"}] * width} for at in range(levels)]
    return lottie([{"ty": 0, "refId": "c0"}], assets=[*assets, {"id": f"c{levels}", "layers": [layer(square())]}])


def hung(length: int, circle: bool = False) -> dict[str, Any]:
    """Layers of which each hangs on the next."""
    layers = [layer(square(), ind=at, parent=at + 1) for at in range(length)]
    return lottie([*layers, layer(square(), ind=length, **({"parent": 0} if circle else {}))])


COPIES = {"ty": "rp", "c": value(100)}


def repeated(shapes: list[dict[str, Any]]) -> dict[str, Any]:
    """A group that is drawn a hundred times."""
    return {"ty": "gr", "it": [*shapes, COPIES]}


BAD = {
    "not gzip": (b"\x1f\x8b hello", "is damaged"),
    "empty": (b"\x1f\x8b", "is cut short"),
    "cut short": (tgs()[:-20], "is cut short"),
    "checksum": (tgs()[:-8] + bytes(8), "is damaged"),
    "bytes behind": (tgs() + b"PK\x03\x04", "has 4 more bytes behind its end"),
    "a second member": (tgs() + tgs(), "more bytes behind its end"),
    "a bomb of spaces": (packed(" " * (64 << 20)), f"unpacks to more than {MAX_JSON_MB} MB"),
    "text": (packed("hello"), "it is no JSON"),
    "binary": (gzip.compress(b"\xff\xfe\x80\x81"), "it is no JSON"),
    "a list": (packed("[1, 2]"), "is a gzip file with no animation in it"),
    "an object": (packed("{}"), "is a gzip file with no animation in it"),
    "200 000 brackets": (packed("[" * 200_000), "is nested deeper than 64 levels"),
    "200 000 groups": (
        packed('{"w":512,"h":512,"fr":60,"ip":0,"op":60,"layers":[' + '{"ty":"gr","it":[' * 200_000),
        "is nested deeper than 64 levels",
    ),
    "40 groups": (tgs(lottie([layer([nested(40)])])), "is nested deeper than 64 levels"),
    "many values": (packed('{"layers":[' + "0," * 600_000 + "0]}"), "has more than 500,000 values"),
    "not a number": (packed('{"layers":[], "w": NaN}'), "has NaN where a number is due"),
    "infinite": (packed('{"layers":[], "w": 1e999}'), "has the number inf"),
    "a wild number": (tgs(lottie([layer(square(side=-1e38))])), "has the number -1e+38; 10,000,000 is the largest"),
    "a long number": (packed('{"layers":[], "w": ' + "9" * 4000 + "}"), "has the number 999999999999;"),
    "a longer one": (packed('{"layers":[], "w": ' + "9" * 5000 + "}"), "it is no JSON"),
    "no width": (tgs({"layers": [], "h": 512}), "does not say its 'w' as a number"),
    "a true width": (tgs(lottie([], w=True)), "does not say its 'w' as a number"),
    "small": (tgs(lottie([], w=100, h=100)), "is 100 x 100 px; it must be 512 x 512 px"),
    "fast": (tgs(lottie([], fr=61)), "has 61 frames a second; 60 is the most"),
    "still": (tgs(lottie([], fr=0)), "has 0 frames a second"),
    "long": (tgs(lottie([], op=181)), "has 181 frames; it must be 1 to 180"),
    "backwards": (tgs(lottie([], ip=60, op=0)), "has -60 frames"),
    "a billion points": (starry(1e9), "asks for 1e+09 points of a star; 1000 is the most"),
    "the star of 1e38": (starry(1e38), "asks for 1e+38 points of a star"),
    "less than no points": (starry(-1), "asks for -1 points of a star"),
    "points that grow": (
        tgs(lottie([layer([{"ty": "sr", "pt": {"a": 1, "k": [{"t": 0, "s": [5], "e": [1e6]}, {"t": 60}]}}])])),
        "asks for 1e+06 points of a star",
    ),
    "101 copies": (starry(101, "rp"), "asks for 101 copies of a shape; 100 is the most"),
    "copies of copies": (tgs(lottie([layer([repeated(square()), COPIES, COPIES])])), f"{MAX_PARTS:,} is the most"),
    "a circle of itself": (tgs(chain(1, circle=True)), f"more than {MAX_NESTING} deep or in a circle"),
    "a circle of three": (tgs(chain(3, circle=True)), f"more than {MAX_NESTING} deep or in a circle"),
    "a circle that nothing shows": (
        tgs(lottie([layer(square())], assets=[{"id": "a", "layers": [{"ty": 0, "refId": "a"}]}])),
        "in a circle",
    ),
    "a circle under a name used twice": (
        tgs(chain(1) | {"assets": [{"id": "c0", "layers": [{"ty": 0, "refId": "c0"}]}, {"id": "c0", "layers": []}]}),
        "in a circle",
    ),
    "deep compositions": (tgs(chain(MAX_NESTING)), f"more than {MAX_NESTING} deep or in a circle"),
    "a million squares": (tgs(laughs(6)), "draws 6.11e+06 layers and shapes"),
    "a circle of layers": (tgs(hung(3, circle=True)), "deep or in a circle"),
    "a layer on itself": (tgs(lottie([layer(square(), ind=1, parent=1.0)])), "deep or in a circle"),
    "a circle behind a number used twice": (
        tgs(lottie([{"ind": 1, "parent": 2}, {"ind": 1, "parent": 9}, {"ind": 2, "parent": 1}])),
        "deep or in a circle",
    ),
    "a long row of layers": (tgs(hung(5000)), f"more than {MAX_PARENTS} deep"),
    "a picture file": (
        tgs(lottie([], assets=[{"id": "i", "w": 9, "h": 9, "u": "/etc/", "p": "passwd"}])),
        "has a picture file inside",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_bad_one(case: str) -> None:
    """Each has its reason."""
    data, words = BAD[case]
    with pytest.raises(Refused, match=re.escape(words)):
        checked_lottie(data)


def test_the_bombs_are_legal_by_size() -> None:
    """The cases above are not refused for the weight of the file: each is below Telegram's 64 KiB, but for one."""
    heavy = [case for case, (data, _) in BAD.items() if len(data) > 64 * 1024]
    assert heavy == []
    assert len(zlib.decompress(BAD["a bomb of spaces"][0], 31)) == 64 << 20


def test_a_bomb_is_never_unpacked_whole() -> None:
    """64 MB of spaces cost no more than the 8 MB that are looked at."""
    tracemalloc.start()
    try:
        with pytest.raises(Refused):
            checked_lottie(BAD["a bomb of spaces"][0])
        assert tracemalloc.get_traced_memory()[1] < 30e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "document",
    [
        lottie([layer(square())]),
        chain(MAX_NESTING - 1),
        laughs(3),
        hung(MAX_PARENTS - 2),
        lottie([layer([{"ty": "sr", "pt": value(1000)}, {"ty": "rp", "c": value(100)}])]),
        lottie([layer(square())], ip=10.0, op=190.0, fr=60.0),
        lottie([layer(square(), refId="none", nm="Слой 🐱")], assets=None),
    ],
)
def test_at_the_limit(document: dict[str, Any]) -> None:
    """What just fits passes unchanged."""
    checked = checked_lottie(tgs(document))
    assert json.loads(checked.document) == document
    assert checked.frames == document["op"] - document["ip"]


def test_a_key_that_stands_twice_is_handed_on_once() -> None:
    """The value that was checked is the only one that a renderer can find."""
    good = json.dumps(lottie([layer([{"ty": "sr", "pt": value(5)}])]))
    checked = checked_lottie(packed(good.replace('"pt": {"a": 0, "k": 5}', '"pt": {"a": 0, "k": 1e9, "k": 5}')))
    assert json.loads(checked.document) == json.loads(good)
    assert "1e" not in checked.document
    assert "1000000000" not in checked.document
