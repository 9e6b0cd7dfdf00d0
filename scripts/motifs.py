"""``python -m scripts.motifs``: make ``configs/motifs/art.json.gz``, the drawings that words are drawn from.

Owns which drawings and which words. Knows no model. A build-time tool: what it writes is committed. Fetches the art and
Unicode's annotations (CLDR) with npm. Loads resvg-py, through the recipe of the embedded models.
"""

from __future__ import annotations

import gzip
import json
import subprocess
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.emoji_names import FLAG, bare, candidates
from pipeline.motifs import ART as MADE
from pipeline.store import write_bytes
from scripts.embedded.art import SKIN, TRAINING_SETS, fetch, read_icons

ART = next(art for art in TRAINING_SETS if art.style == "fluent")  # flat, bold, MIT: takes a style well
ANNOTATIONS = {"cldr-annotations-full": "annotations", "cldr-annotations-derived-full": "annotationsDerived"}
VERSION = "48.2.0"  # of CLDR's packages
LANGUAGES = ("en", "ru")


def main(folder: Annotated[Path, typer.Option(help="Where the packages are fetched to.")] = Path("build/art")) -> None:
    """Fetch what is missing, and write the file."""
    icons = fetch(ART, folder)
    collection, signs = read_icons(icons), _signs(icons.parent / "chars.json")
    said = {language: _annotations(folder, language) for language in LANGUAGES}
    rows, qualified = [], {bare(sign): sign for sign in candidates()}
    for name, icon in sorted(collection["icons"].items()):
        sign = signs.get(name)
        if sign is None or SKIN.search(name) or FLAG.fullmatch(sign):
            continue
        facts = [one for language in LANGUAGES if (one := said[language].get(bare(sign)) or said[language].get(sign))]
        if len(facts) < len(LANGUAGES):
            continue
        names = {language: fact["tts"][0] for language, fact in zip(LANGUAGES, facts, strict=True)}
        words = sorted({word for fact in facts for word in fact.get("default", [])} - {*names.values()})
        rows.append({"emoji": qualified.get(bare(sign), sign), **names, "words": words, "svg": icon["body"]})
    rows.sort(key=lambda row: (len(row["en"].split()), row["emoji"]))  # of equals the plainest is taken
    data = {"side": collection["height"], "motifs": rows}
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    write_bytes(MADE, gzip.compress(text.encode(), 9, mtime=0))
    typer.echo(f"{len(rows)} motifs in {MADE.name}")


def _signs(path: Path) -> dict[str, str]:
    """Icon's name → its emoji, by the shortest of its code points."""
    codes: dict[str, str] = {}
    for code, name in json.loads(path.read_text(encoding="utf-8")).items():
        codes[name] = min(codes.get(name, code), code, key=len)
    return {name: "".join(chr(int(part, 16)) for part in code.split("-")) for name, code in codes.items()}


def _annotations(folder: Path, language: str) -> dict[str, Any]:
    """Emoji → its name (``tts``) and key words (``default``)."""
    found: dict[str, Any] = {}
    for package, root in ANNOTATIONS.items():
        path = folder / "node_modules" / package / root / language / "annotations.json"
        if not path.is_file():
            spec = f"{package}@{VERSION}"
            command = ["npm", "install", "--no-audit", "--no-fund", "--loglevel", "error", "--prefix", ".", spec]
            subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        found |= json.loads(path.read_text(encoding="utf-8"))[root]["annotations"]
    return found


if __name__ == "__main__":
    typer.run(main)
