"""How results are told: a few lines and a small table for a person, or one JSON document for a program.

Owns what goes to stdout. Knows no stage's inside. Light: loads rich.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from pipeline.domain import Json, Skipped
from pipeline.settings import DEFAULT_PROFILE, Profile
from scripts.progress import DOING, WAKING

if TYPE_CHECKING:
    from pipeline.hub import ModelStatus
    from pipeline.run import Outcome


def say(line: str = "", *, style: str | None = None) -> None:
    """A line on stdout, however long: paths are not broken."""
    Console(highlight=False, emoji=False).print(line, style=style, soft_wrap=True, markup=False)


def warn(skipped: Sequence[Skipped], notes: Sequence[str] = ()) -> None:
    """What was left out and what is to be known, on stderr."""
    console = Console(stderr=True, highlight=False, emoji=False)
    for entry in skipped:
        console.print(f"skipped {entry.name}: {entry.reason}", style="yellow", soft_wrap=True, markup=False)
    for note in notes:
        console.print(f"note: {note}", style="yellow", soft_wrap=True, markup=False)


def print_json(value: Json) -> None:
    """One JSON document on stdout; ASCII, so that every terminal and pipe can carry it."""
    sys.stdout.write(json.dumps(value, indent=2) + "\n")


def counted(number: int, noun: str) -> str:
    """``1 sticker``, ``3 stickers``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def tell(
    outcome: Outcome, what: str, *, folder: Path | None, style: Path | None, as_json: bool, woke_s: float = 0.0
) -> None:
    """The result of a command; ``folder`` holds its pictures, ``style`` what was learned.

    Args:
        woke_s: how long the libraries took to load, which no stage counts.
    """
    if as_json:
        print_json(outcome_json(outcome, style))
    else:
        say(f"✓ {what}", style="bold green")
        report = outcome.out / "report.json"
        places = {
            "pictures": folder,
            "sheet": outcome.sheet,
            "style": style,
            "report": report if report.is_file() else None,
        }
        for name, place in places.items():
            if place is not None:
                say(f"  {name:<10}{place}")
        tell_stages(outcome.report, woke_s)
    warn(outcome.skipped, outcome.notes)


def outcome_json(outcome: Outcome, style: Path | None) -> Json:
    """The result for a program; paths as they were given, not made absolute."""
    return {
        "out": str(outcome.out),
        "stickers": [str(path) for path in outcome.stickers],
        "sheet": None if outcome.sheet is None else str(outcome.sheet),
        "style": None if style is None else str(style),
        "skipped": [asdict(entry) for entry in outcome.skipped],
        "notes": list(outcome.notes),
        "report": outcome.report,
    }


def tell_stages(report: Mapping[str, Any], woke_s: float = 0.0) -> None:
    """Seconds and peak memory of each stage; one that an earlier run had done counts for nothing here."""
    before = set(report.get("done_before", ()))
    seconds, memory = report.get("seconds", {}), report.get("peak_memory_mb", {})
    if not seconds:
        return
    table = Table(box=None, padding=(0, 2), header_style="dim")
    for heading in ("stage", "seconds", "peak memory"):
        table.add_column(heading, justify="left" if heading == "stage" else "right")
    names = {str(stage): doing for stage, doing in DOING.items()}
    if woke_s:
        table.add_row(WAKING, f"{woke_s:.1f}", "")
    for stage, value in seconds.items():
        peak = f"{memory[stage]:.0f} MB" if stage in memory else ""
        row = ("(done before)", "") if stage in before else (f"{value:.1f}", peak)
        table.add_row(names.get(str(stage), str(stage)), *row)
    peaks = [value for stage, value in memory.items() if value is not None and stage not in before]
    together = woke_s + sum(value for stage, value in seconds.items() if stage not in before)
    table.add_row("together", f"{together:.1f}", f"{max(peaks):.0f} MB" if peaks else "", style="bold")
    say()
    Console(highlight=False).print(table)
    if "device" in report:
        say(f"  on {report['device']}", style="dim")


def size(megabytes: float | None) -> str:
    """``3.2 MB``, ``4.7 GB``."""
    if megabytes is None:
        return "?"
    return f"{megabytes / 1000:.1f} GB" if megabytes >= 1000 else f"{megabytes:.3g} MB"


def lack(model: ModelStatus) -> str:
    """What is wrong with a model, in few words; "ready" where nothing is."""
    if model.broken:
        return f"broken: {model.broken}"
    if model.missing and model.on_hub:
        return "to be fetched"
    if model.missing:
        more = len(model.missing) - 1
        return f"lacks {model.missing[0]}" + (f" and {counted(more, 'more file')}" if more else "")
    return "ready"


def remedy(profile: Profile, models: Sequence[ModelStatus]) -> str | None:
    """What to do so that the profile can run; None where it can."""
    lacking = [model for model in models if not model.ready]
    if not lacking:
        return None
    fetched_mb = sum(model.size_mb or 0 for model in lacking if model.on_hub)
    steps = [f"run `stickers models pull {profile.name}` ({size(fetched_mb)})"] if fetched_mb else []
    if any(not model.on_hub for model in lacking):
        steps.append("restore configs/ from the project's repository (`git checkout -- configs`)")
    return ", and ".join(steps) or f"run `stickers models pull {profile.name}`"


def tell_models(found: Sequence[tuple[Profile, Sequence[ModelStatus]]], *, as_json: bool) -> None:
    """The profiles and their models."""
    if as_json:
        print_json({"profiles": [profile_json(profile, models) for profile, models in found]})
        return
    for profile, models in found:
        default = " (default)" if profile.name == DEFAULT_PROFILE else ""
        say(f"{profile.name}{default}: {profile.title}", style="bold")
        together = size(sum(model.size_mb or 0 for model in models) or None)
        say(f"  {profile.licence}, pictures of {profile.size_px} px, {together} together")
        say(f"  by default {defaults(profile)}")
        tell_roles(models)
        todo = remedy(profile, models)
        say(f"  → {todo}" if todo else "  → ready to use", style="yellow" if todo else "green")
        say()


def defaults(profile: Profile) -> str:
    """What the options are where a person gives none."""
    train, draws, cutout = profile.train, profile.generate, profile.cutout
    return (
        f"--method {train.method} --train-steps {train.steps} --steps {draws.steps} --strength {draws.strength:g} "
        f"--guidance {draws.guidance:g} --outline {cutout.outline_px}"
    )


def tell_roles(models: Sequence[ModelStatus]) -> None:
    """Two lines a model: what it is, and where it is."""
    widths = [max(len(licence(model)) for model in models), max(len(model.role) for model in models)]
    for model in models:
        what = f"    {model.role:<{widths[1]}}  {size(model.size_mb):>7}  {licence(model):<{widths[0]}}  {lack(model)}"
        say(what, style=None if model.ready else "yellow")
        say(f"    {'':<{widths[1]}}  {model.where}", style="dim")


def licence(model: ModelStatus) -> str:
    """Its licence, or a question mark."""
    return model.licence or "?"


def profile_json(profile: Profile, models: Sequence[ModelStatus]) -> Json:
    """A profile for a program."""
    return {
        "name": profile.name,
        "title": profile.title,
        "default": profile.name == DEFAULT_PROFILE,
        "licence": profile.licence,
        "ready": all(model.ready for model in models),
        "to_do": remedy(profile, models),
        "defaults": {
            "method": profile.train.method,
            "train_steps": profile.train.steps,
            "steps": profile.generate.steps,
            "strength": profile.generate.strength,
            "guidance": profile.generate.guidance,
            "prompt": profile.prompt.template,
            "outline": profile.cutout.outline_px,
        },
        "models": [asdict(model) for model in models],
    }
