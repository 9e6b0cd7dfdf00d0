"""``stickers doctor``: looks at the machine and says in words what is there, what is not, and what to do.

Owns the checks. Knows no stage; asks torch only whether it is there and what it runs on. Heavy parts are imported where
they are asked for, so that a broken one is a finding, not a crash.
"""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from pipeline.errors import BadSetting, NoQueue, QueueBroken, QueueUnreachable, StickerError
from pipeline.settings import DEFAULT_PROFILE, Settings, load_profile, profile_names
from pipeline.store import check_output
from scripts import results

PYTHON = (3, 11)
WANTED_MEMORY_GB = 2.0  # a job of the default profile takes 1.3 at its peak; the rest is for what runs beside it
WANTED_DISK_MB = 500  # class pictures, checkpoints, results of the default profile
GB = 1_000_000_000


class State(StrEnum):
    """How a check ended."""

    GOOD = "good"
    NOTE = "note"  # works, but something is to be known
    BAD = "bad"  # the default profile cannot run


SIGNS = {State.GOOD: ("✓", "green"), State.NOTE: ("!", "yellow"), State.BAD: ("✗", "red")}


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that was looked at."""

    name: str
    state: State
    found: str  # in words
    to_do: str | None = None


def examine(settings: Settings) -> list[Check]:
    """All checks, in the order in which a person would make them."""
    return [python(), *torch_and_device(settings), memory(), *disk(settings), *service(settings), *models()]


def healthy(checks: Sequence[Check]) -> bool:
    """Whether the default profile can run."""
    return all(check.state is not State.BAD for check in checks)


def python() -> Check:
    """The version of Python."""
    found = f"{platform.python_version()} on {platform.platform(terse=True)}"
    if sys.version_info[:2] == PYTHON:
        return Check(name="Python", state=State.GOOD, found=found)
    wanted = ".".join(map(str, PYTHON))
    return Check(name="Python", state=State.BAD, found=found, to_do=f"make the environment anew with Python {wanted}")


def torch_and_device(settings: Settings) -> Iterator[Check]:
    """torch, the device it runs on, and the attention that it uses there."""
    try:
        import torch

        from pipeline.gpu import choose_device
    except (ImportError, OSError) as error:  # OSError: a shared library that does not load
        to_do = "run `make setup`, or install the package again"
        yield Check(name="torch", state=State.BAD, found=f"cannot be loaded: {error}", to_do=to_do)
        return
    built = f"for CUDA {torch.version.cuda}" if torch.version.cuda else "without CUDA"
    yield Check(name="torch", state=State.GOOD, found=f"{torch.__version__}, built {built}")
    try:
        device = choose_device(settings.device)
    except StickerError as error:
        yield Check(name="device", state=State.BAD, found=str(error), to_do="unset STICKERS_DEVICE")
        return
    if device.name == "cpu":
        note = "no GPU in use: the embedded profile is made for this; large ones take hours"
        yield Check(name="device", state=State.GOOD, found=f"{device.description}; {note}")
    else:
        yield Check(name="device", state=State.GOOD, found=device.description)
    yield xformers(device.name)


def xformers(device: str) -> Check:
    """Memory-efficient attention: a want, never a need."""
    if device != "cuda":
        return Check(name="xformers", state=State.GOOD, found="not needed here: torch's own attention is used")
    try:
        return Check(name="xformers", state=State.GOOD, found=version("xformers"))
    except PackageNotFoundError:
        to_do = "to save some GPU memory: pip install 'stickersmith[xformers]'"
        found = "not installed: torch's own attention is used"
        return Check(name="xformers", state=State.NOTE, found=found, to_do=to_do)


def memory() -> Check:
    """The machine's memory."""
    here = psutil.virtual_memory()
    found = f"{here.available / GB:.1f} of {here.total / GB:.1f} GB free"
    if here.available >= WANTED_MEMORY_GB * GB:
        return Check(name="memory", state=State.GOOD, found=found)
    to_do = f"a job may take {WANTED_MEMORY_GB:.0f} GB: close other programs"
    return Check(name="memory", state=State.NOTE, found=found, to_do=to_do)


def disk(settings: Settings) -> Iterator[Check]:
    """Room and permission in the cache, and room where the results would go."""
    cache = settings.cache_dir
    try:
        check_output(cache, WANTED_DISK_MB)
        yield Check(name="cache", state=State.GOOD, found=f"{cache}, {_free(cache)} free")
    except StickerError as error:
        yield Check(
            name="cache", state=State.BAD, found=str(error), to_do="or let STICKERS_CACHE_DIR name another folder"
        )
    here = Path.cwd()
    enough = shutil.disk_usage(here).free >= WANTED_DISK_MB * 1_000_000
    yield Check(
        name="this folder",
        state=State.GOOD if enough else State.NOTE,
        found=f"{here}, {_free(here)} free",
        to_do=None if enough else "let --out name a folder on another disk",
    )


def service(settings: Settings) -> Iterator[Check]:
    """What jobs of many people need: the folder of their files, and the queue. Makes neither."""
    data = settings.data_dir
    try:
        check_output(data, WANTED_DISK_MB)
        yield Check(name="data folder", state=State.GOOD, found=f"{data}, {_free(data)} free")
    except StickerError as error:
        to_do = "let STICKERS_DATA_DIR name another folder, before `stickers run` or `stickers submit`"
        yield Check(name="data folder", state=State.NOTE, found=str(error), to_do=to_do)
    yield key(settings)
    yield queue(settings)


def key(settings: Settings) -> Check:
    """What people's words and files are sealed with: where it is, and whether queue and files know it. Makes none."""
    try:
        from pipeline.sealed_files import files_of
        from pipeline.vault import key_place, vault_of

        vault = vault_of(settings, begins=False)
        files_of(settings, begins=False)
    except (StickerError, ImportError, OSError) as error:
        to_do = "what is sealed can be read with its own key alone: bring that back, or begin with an empty data folder"
        return Check(name="key", state=State.NOTE, found=str(error), to_do=to_do)
    place = "STICKERS_SECRET_KEY" if settings.secret_key else key_place(settings.secret_key_file, settings.data_dir)
    if vault is None:
        return Check(name="key", state=State.GOOD, found=f"none yet; the first start makes one, {place}")
    changing = "; several: leave the old ones out once bot and workers have started" if vault.changing else ""
    return Check(name="key", state=State.GOOD, found=f"{place}; keep a copy apart from the data{changing}")


def queue(settings: Settings) -> Check:
    """The queue's database: which, does it answer, and what is in it."""
    try:
        from pipeline.jobs import address
        from pipeline.jobs.looks import Looks
    except (ImportError, OSError) as error:
        to_do = "run `make setup`, or install the package again"
        return Check(name="queue", state=State.NOTE, found=f"cannot be loaded: {error}", to_do=to_do)
    try:
        url = address.parsed(settings.queue)
        engine = address.connected(url, begins=False)
    except NoQueue as error:
        return Check(name="queue", state=State.GOOD, found=str(error))
    except Exception as error:  # whatever it is, the other checks are to be seen
        return _queue_problem(error)
    try:
        depth = Looks(engine).depth()
        kinds = ", ".join(f"{count} {status}" for status, count in depth.items()) or "no job yet"
        return Check(name="queue", state=State.GOOD, found=f"{address.place_of(url)} answers: {kinds}")
    except Exception as error:  # as above
        return _queue_problem(error)
    finally:
        engine.dispose()


def _queue_problem(error: Exception) -> Check:
    """What is wrong with the queue, and what to do about just that."""
    if isinstance(error, QueueBroken):
        to_do = "stop bot and workers; then as it says: what is done to the file meanwhile makes it worse"
    elif isinstance(error, QueueUnreachable | BadSetting):
        to_do = "as it says; or let STICKERS_QUEUE_URL name a database that answers, or start its server"
    else:
        to_do = "see what it says of the database; nothing is lost by stopping the workers meanwhile"
    found = str(error) if isinstance(error, StickerError) else f"cannot be looked at: {type(error).__name__}"
    to_do += ". `stickers make` and its stages work without the queue"
    return Check(name="queue", state=State.NOTE, found=found, to_do=to_do)


def _free(folder: Path) -> str:
    """Of the disk where the folder is, or would be made."""
    there = next(place for place in (folder, *folder.absolute().parents) if place.is_dir())
    return results.size(shutil.disk_usage(there).free / 1_000_000)


def models() -> Iterator[Check]:
    """The models of each profile; only those of the default one are a must."""
    from pipeline import hub

    for name in profile_names():
        worst = State.BAD if name == DEFAULT_PROFILE else State.NOTE
        try:
            profile = load_profile(name)
        except StickerError as error:
            yield Check(name=f"profile {name}", state=worst, found=str(error), to_do="correct the file")
            continue
        found = hub.status(profile)
        lacking = [f"{model.role} {results.lack(model)}" for model in found if not model.ready]
        yield Check(
            name=f"profile {name}",
            state=worst if lacking else State.GOOD,
            found="; ".join(lacking) or f"all {len(found)} models are here",
            to_do=results.remedy(profile, found),
        )


def tell(checks: Sequence[Check], *, as_json: bool) -> None:
    """The checks, and the verdict."""
    if as_json:
        results.print_json({"healthy": healthy(checks), "checks": [asdict(check) for check in checks]})
        return
    for check in checks:
        sign, colour = SIGNS[check.state]
        results.say(f"{sign} {check.name:<18}{check.found}", style=None if check.state is State.GOOD else colour)
        if check.to_do:
            results.say(f"  {'':<18}→ {check.to_do}")
    verdict = "the default profile can run" if healthy(checks) else "the default profile cannot run yet; see → above"
    results.say(f"\n{verdict}", style="bold green" if healthy(checks) else "bold red")
