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
  --span: #3b6fd455; --tile: #f1f2f5 }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e9ee; --dim: #9a9da8; --line: #383b44; --ground: #17181c;
  --bar: #7aa2f7; --span: #7aa2f755; --tile: #24262d } }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 1.2rem; max-width: 66rem; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif }
h1 { font-size: 1.6rem; margin: 0 0 .2rem } h2 { font-size: 1.2rem; margin: 2.4rem 0 .4rem }
h3 { font-size: 1rem; margin: 1.6rem 0 .3rem }
p { margin: .3rem 0 } .dim, td.note { color: var(--dim) } nav a { color: var(--bar); margin-right: 1rem }
.wide { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-size: .92rem }
th { text-align: left; color: var(--dim); font-weight: 500 }
th, td { padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top }
td.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
.track { position: relative; width: 7rem; height: .5rem; margin-top: .55rem; border-radius: 3px;
  background: var(--tile) }
.track i, .track b { position: absolute; top: 0; bottom: 0; border-radius: 3px }
.track i { background: var(--span) } .track b { width: 3px; background: var(--bar) }
.pictures td { border: 0; padding: .15rem .3rem .15rem 0 } .pictures { width: auto }
.pictures img { display: block; width: 6rem; max-width: 22vw; height: auto; border-radius: 6px;
  background: var(--tile) }
.pictures td.note { max-width: 12rem; font-size: .85rem }
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
        f"<h1>{escape(document['title'])}</h1><p class=dim>{escape(' · '.join(facts))}</p><nav>{links}</nav>\n"
        f"{''.join(_part(part, folder / part['name']) for part in parts)}"
        f'<p class=dim style="margin-top:3rem">{escape(versions)}</p>\n</body></html>\n'
    )


def _part(part: Json, folder: Path) -> str:
    notes = "".join(f"<p>{escape(note)}</p>" for note in part["notes"])
    head = "<tr><th>what</th><th></th><th></th><th>95 % interval</th><th>pictures</th><th></th></tr>"
    rows = "".join(_row(row) for row in part["rows"])
    figures = "".join(_figure(figure, folder) for figure in part["figures"])
    return (
        f'<section id="{escape(part["name"])}"><h2>{escape(part["title"])}</h2>{notes}'
        f"<div class=wide><table>{head}{rows}</table></div>{figures}"
        f"<p class=dim>{part['seconds']:.0f} s</p></section>\n"
    )


def _row(row: Json) -> str:
    count = "" if row["n"] is None else row["n"]
    return (
        f"<tr><td>{escape(row['metric'])}</td><td class=number>{shown(row['value'], row['unit'])}</td>"
        f"<td>{_track(row)}</td><td class=number>{interval(row)}</td><td class=number>{count}</td>"
        f"<td class=note>{escape(row['note'])}</td></tr>"
    )


def _track(row: Json) -> str:
    """A share as a mark on its line, the interval behind it."""
    if row["unit"] != SHARE or row["value"] is None:
        return ""
    low, high = (row[key] if row[key] is not None else row["value"] for key in ("low", "high"))
    span = f'<i style="left:{100 * low:.1f}%;width:{100 * (high - low):.1f}%"></i>'
    return f'<div class=track>{span}<b style="left:calc({100 * row["value"]:.1f}% - 1px)"></b></div>'


def _figure(figure: Json, folder: Path) -> str:
    head = "".join(f"<th>{escape(word)}</th>" for word in ("", *figure["columns"]))
    rows = "".join(
        f"<tr><td class=note>{escape(row['label'])}</td>"
        + "".join(f"<td>{_image(folder / name, row['label'])}</td>" for name in row["pictures"])
        + "</tr>"
        for row in figure["rows"]
    )
    title = escape(figure["title"])
    return f"<h3>{title}</h3><div class=wide><table class=pictures><tr>{head}</tr>{rows}</table></div>"


def _image(path: Path, label: str) -> str:
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    return f'<img alt="{escape(label)}" src="data:image/webp;base64,{data}">'
