"""The evaluation as one HTML file: style, tables and pictures within, light and dark, readable on a phone.

Owns how it looks. Knows no part. Light: the standard library.
"""

from __future__ import annotations

import base64
from html import escape
from pathlib import Path

from pipeline.domain import Json
from scripts.evaluate.result import SHARE, interval, shown

CSS = """
:root { color-scheme: light dark; --ink: #1c1d21; --dim: #62656e; --line: #d9dbe1; --ground: #fff; --bar: #3b6fd4;
  --span: #3b6fd455; --track: #f1f2f5; --tile: #eceef2 }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e9ee; --dim: #9a9da8; --line: #383b44; --ground: #17181c;
  --bar: #7aa2f7; --span: #7aa2f755; --track: #24262d; --tile: #b4b8c4 } }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 1.2rem; max-width: 66rem; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .3rem } h2 { font-size: 1.2rem; margin: 2.4rem 0 .4rem }
h3 { font-size: 1rem; margin: 1.6rem 0 .5rem }
p { margin: .3rem 0 } .dim, .note { color: var(--dim) } .note { font-size: .85rem; line-height: 1.35 }
nav { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; margin-top: .6rem } a { color: var(--bar) }
.wide { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-size: .92rem }
th { text-align: left; color: var(--dim); font-weight: 500 } th.number { text-align: right }
th, td { padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top }
th:last-child, td:last-child { padding-right: 0 }
td.note { max-width: 12rem } td > .note { display: block }
td.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
.track { position: relative; width: 7rem; height: .5rem; margin-top: .55rem; border-radius: 3px;
  background: var(--track) }
.track i, .track b { position: absolute; top: 0; bottom: 0; border-radius: 3px }
.track i { background: var(--span) } .track b { width: 3px; background: var(--bar) }
.pictures { width: auto } .pictures td { border: 0; padding: .15rem .3rem .15rem 0 }
.pictures th { max-width: 6rem; line-height: 1.25; vertical-align: bottom; font-size: .85rem }
img { display: block; width: 6rem; max-width: 22vw; height: auto; border-radius: 6px; background: var(--tile) }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(6.5rem, 1fr)); gap: .8rem }
.tiles figure { margin: 0 } .tiles img { width: 100%; max-width: none } figcaption { overflow-wrap: anywhere }
@media (max-width: 40rem) { body { padding: .9rem } .figures td:nth-child(3), .figures th:nth-child(3),
  .figures td:nth-child(5), .figures th:nth-child(5) { display: none } th, td { padding-right: .6rem }
  td.note { max-width: 30vw } .pictures th { max-width: 22vw } }
"""


def page(document: Json, folder: Path) -> str:
    """The whole file.

    Args:
        document: as ``evaluation.json`` has it.
        folder: with a folder of pictures for each part, under the part's name.
    """
    parts = document["parts"]
    links = "".join(f'<a href="#{escape(part["name"])}">{escape(part["title"])}</a> ' for part in parts)
    facts = [f"profile {document['profile']}", document["device"], document["made"], f"seed {document['seed']}"]
    versions = ", ".join(f"{library} {number}" for library, number in document["versions"].items())
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Evaluation of {escape(document['profile'])}</title><style>{CSS}</style></head><body>\n"
        f"<h1>How good is the profile {escape(document['profile'])}?</h1>"
        f"<p class=dim>{escape(' · '.join([document['title'], *facts]))}</p><nav>{links}</nav>\n"
        f"{''.join(_part(part, folder / part['name']) for part in parts)}"
        f'<p class=dim style="margin-top:3rem">{escape(versions)}</p>\n</body></html>\n'
    )


def _part(part: Json, folder: Path) -> str:
    notes = "".join(f"<p>{escape(note)}</p>" for note in part["notes"])
    head = "<tr><th>what</th><th></th><th></th><th class=number>95 % interval</th><th class=number>pictures</th></tr>"
    rows = "".join(_row(row) for row in part["rows"])
    figures = "".join(_figure(figure, folder) for figure in part["figures"])
    return (
        f'<section id="{escape(part["name"])}"><h2>{escape(part["title"])}</h2>{notes}'
        f"<div class=wide><table class=figures>{head}{rows}</table></div>{figures}"
        f"<p class=dim>{part['seconds']:.0f} s</p></section>\n"
    )


def _row(row: Json) -> str:
    """What was not measured has its reason in place of figures."""
    what = escape(row["metric"])
    note = f"<span class=note>{escape(row['note'])}</span>" if row["note"] else ""
    if row["value"] is None:
        return f"<tr><td colspan=5>{what}{note}</td></tr>"
    count = "" if row["n"] is None else row["n"]
    return (
        f"<tr><td>{what}{note}</td><td class=number>{shown(row['value'], row['unit'])}</td>"
        f"<td>{_track(row)}</td><td class=number>{interval(row)}</td><td class=number>{count}</td></tr>"
    )


def _track(row: Json) -> str:
    """A share as a mark on its line, the interval behind it."""
    if row["unit"] != SHARE or row["value"] is None:
        return ""
    low, high = (row[key] if row[key] is not None else row["value"] for key in ("low", "high"))
    span = f'<i style="left:{100 * low:.1f}%;width:{100 * (high - low):.1f}%"></i>'
    return f'<div class=track>{span}<b style="left:calc({100 * row["value"]:.1f}% - 1px)"></b></div>'


def _figure(figure: Json, folder: Path) -> str:
    """A table of pictures; where each row has one picture only, tiles with their words beneath."""
    if all(len(row["pictures"]) == 1 for row in figure["rows"]):
        pictures = f"<div class=tiles>{''.join(_tile(row, folder) for row in figure['rows'])}</div>"
    else:
        pictures = f"<div class=wide>{_table(figure, folder)}</div>"
    return f"<h3>{escape(figure['title'])}</h3>{pictures}"


def _tile(row: Json, folder: Path) -> str:
    picture = _image(folder / row["pictures"][0], row["label"])
    return f"<figure>{picture}<figcaption class=note>{escape(row['label'])}</figcaption></figure>"


def _table(figure: Json, folder: Path) -> str:
    head = "".join(f"<th>{escape(word)}</th>" for word in ("", *figure["columns"]))
    rows = "".join(
        f"<tr><td class=note>{escape(row['label'])}</td>"
        + "".join(f"<td>{_image(folder / name, row['label'])}</td>" for name in row["pictures"])
        + "</tr>"
        for row in figure["rows"]
    )
    return f"<table class=pictures><tr>{head}</tr>{rows}</table>"


def _image(path: Path, label: str) -> str:
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    return f'<img alt="{escape(label)}" src="data:image/webp;base64,{data}">'
