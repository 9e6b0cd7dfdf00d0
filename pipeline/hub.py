"""Where a profile's models are, and fetching those that the hub has: what is there, what is missing, what to do.

Owns the way from a profile to folders on the disk, and the sentences for what can go wrong with the hub. Knows no
model's inside (``model_files`` knows which files one needs) and not how bytes come (``download`` does). Light: loads
huggingface_hub, no torch.
"""

from __future__ import annotations

import errno
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import HfApi, constants
from huggingface_hub.errors import (
    EntryNotFoundError,
    HfHubHTTPError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import RepoSibling

# mypy does not see what huggingface_hub exports lazily
from huggingface_hub.utils import httpx  # type: ignore[attr-defined]

from pipeline.domain import Report, ShouldStop, never_stop, no_report
from pipeline.download import Patience, RemoteFile, cache_folder, fetch, patiently
from pipeline.errors import ModelBroken, ModelMissing
from pipeline.model_files import Inspection, choose, fingerprint, inspect, needs
from pipeline.settings import RESTORE, ModelSource, Profile

MB = 1_000_000
SPARE_BYTES = 100 * MB  # left free on the disk beside what is fetched


@dataclass(frozen=True, kw_only=True)
class ModelStatus:
    """One model of a profile, as `stickers models` shows it."""

    role: str
    where: str  # a folder, or "owner/name@revision"
    on_hub: bool
    size_mb: float | None  # of the files, where they are there; else what the profile says
    licence: str | None
    ready: bool
    missing: tuple[str, ...]  # files
    broken: str | None  # a file and what is wrong with it


def status(profile: Profile) -> list[ModelStatus]:
    """Where each model of the profile is and whether it is whole. Asks the disk only, never the network."""
    return [_status(profile, role, source) for role, source in profile.models.by_role().items()]


def _status(profile: Profile, role: str, source: ModelSource) -> ModelStatus:
    found = _inspect(profile, role, source)
    here = round(found.size_bytes / MB, 1) if found.ready else source.size_mb
    return ModelStatus(
        role=role,
        where=str(_folder(profile, source)) if source.repo is None else f"{source.repo}@{source.revision}",
        on_hub=source.repo is not None,
        size_mb=here,
        licence=source.licence or profile.licence,
        ready=found.ready,
        missing=found.choice.missing,
        broken=found.broken,
    )


def local_folder(profile: Profile, role: str) -> Path:
    """The folder that holds the whole model of ``role``.

    Raises:
        ModelMissing: files are not there; the message names them and the command that fetches them.
        ModelBroken: a weights file is damaged.
    """
    source = _source(profile, role)
    folder, found = _folder(profile, source), _inspect(profile, role, source)
    remedy = _remedy(profile, source)
    if found.choice.missing:
        names = ", ".join(found.choice.missing[:3]) + (" and more" if len(found.choice.missing) > 3 else "")
        what = source.repo or str(folder)
        raise ModelMissing(f"profile {profile.name!r}: the {role} model ({what}) lacks {names}; {remedy}")
    if found.broken:
        raise ModelBroken(f"{folder}/{found.broken}; delete it and {remedy}")
    return folder


def model_fingerprint(profile: Profile, role: str) -> str:
    """SHA-256 over the weights of ``role``: what a style remembers of the base that it was learned with.

    Raises:
        ModelMissing, ModelBroken: as ``local_folder``.
    """
    source = _source(profile, role)
    folder = local_folder(profile, role)
    return fingerprint(folder, _inspect(profile, role, source).choice)


def _source(profile: Profile, role: str) -> ModelSource:
    sources = profile.models.by_role()
    if role not in sources:
        raise ModelMissing(f"profile {profile.name!r} has no {role!r} model; it has {', '.join(sources)}")
    return sources[role]


def _remedy(profile: Profile, source: ModelSource) -> str:
    if source.repo is None:
        return RESTORE if profile.committed else f"copy the whole model to {str(_folder(profile, source))!r}"
    return f"run `stickers models pull {profile.name}`"


def _inspect(profile: Profile, role: str, source: ModelSource) -> Inspection:
    return inspect(_folder(profile, source), needs(role, profile.family), source.variant)


def _folder(profile: Profile, source: ModelSource) -> Path:
    """Where the model's files are, or would be."""
    local = profile.source_path(source)
    if local is not None:
        return local
    return cache_folder(str(source.repo)) / "snapshots" / str(source.revision) / source.subfolder


def pull(
    profile: Profile,
    *,
    report: Report = no_report,
    should_stop: ShouldStop = never_stop,
    patience: Patience = Patience(),  # noqa: B008 (frozen)
) -> None:
    """Fetch the files that the profile's hub models lack; ``report(done, total)`` is in bytes.

    Raises:
        ModelMissing: the hub cannot be reached, has no such repository, revision or file, or the disk is too small.
        ModelBroken: what came has another checksum than the hub announced; it was thrown away.
        Stopped: ``should_stop`` said so; the next call goes on from there.
    """
    files: list[RemoteFile] = []
    for role, source in profile.models.by_role().items():
        if source.repo is not None and not _inspect(profile, role, source).ready:
            with _told(profile, source.repo):
                files += _plan(profile, role, source, patience)
    _check_disk(files)
    total, done = sum(file.size for file in files), 0
    for file in files:
        with _told(profile, file.repo):
            fetch(file, _shifted(report, done, total), should_stop, patience)
        done += file.size
        report(done, total)


def _shifted(report: Report, before: int, total: int) -> Callable[[int], None]:
    """``report`` for one file of many, ``before`` bytes after the first."""
    return lambda here: report(before + here, total)


def _plan(profile: Profile, role: str, source: ModelSource, patience: Patience) -> list[RemoteFile]:
    """The files of this model, by the hub's own listing of the pinned revision."""
    repo, revision = str(source.repo), str(source.revision)
    timeout_s = constants.HF_HUB_ETAG_TIMEOUT
    info = patiently(
        lambda: HfApi().model_info(repo, revision=revision, files_metadata=True, timeout=timeout_s),
        patience,
        limit_s=patience.greeting_s,
    )
    prefix = f"{source.subfolder}/" if source.subfolder else ""
    listed = {entry.rfilename: entry for entry in info.siblings or ()}
    names = {name.removeprefix(prefix) for name in listed if name.startswith(prefix)}
    choice = choose(needs(role, profile.family), names, source.variant)
    if choice.missing:
        raise ModelMissing(
            f"{repo} has no {', '.join(prefix + name for name in choice.missing)} at revision {revision!r};"
            f" correct models.{role} in the profile {profile.name!r}"
        )
    return [_remote_file(repo, revision, listed[prefix + name]) for name in choice.wanted]


def _remote_file(repo: str, revision: str, entry: RepoSibling) -> RemoteFile:
    checksum = entry.lfs.sha256 if entry.lfs else entry.blob_id
    if entry.size is None or checksum is None or not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", checksum):
        raise ModelBroken(f"{repo}: the hub tells no size or no checksum of {entry.rfilename}, so it cannot be checked")
    return RemoteFile(repo=repo, revision=revision, name=entry.rfilename, size=entry.size, checksum=checksum)


def _check_disk(files: list[RemoteFile]) -> None:
    cache = Path(constants.HF_HUB_CACHE)
    there = next(folder for folder in (cache, *cache.parents) if folder.is_dir())
    wanted, free = sum(max(file.size - file.fetched, 0) for file in files), shutil.disk_usage(there).free
    if wanted and wanted + SPARE_BYTES > free:
        raise ModelMissing(
            f"{wanted / MB:.0f} MB are to be fetched, but only {free / MB:.0f} MB are free in {there};"
            " free some space, or let HF_HOME name a folder on another disk"
        )


@contextmanager
def _told(profile: Profile, repo: str) -> Iterator[None]:
    """Turn what can go wrong on the way to the hub into one sentence."""
    try:
        yield
    except (httpx.TransportError, OSError, ValueError) as error:  # huggingface_hub's own errors are OSErrors
        raise ModelMissing(f"{repo} could not be fetched: {_reason(error, profile)}") from error


def _reason(error: Exception, profile: Profile) -> str:
    """What happened and what to do."""
    again = f"`stickers models pull {profile.name}`"
    if isinstance(error, OfflineModeIsEnabled):
        return f"HF_HUB_OFFLINE is set; unset it and run {again}, or use a profile that needs no download"
    if isinstance(error, RevisionNotFoundError):
        return f"the hub has no such revision; correct `revision` in the profile {profile.name!r}"
    if isinstance(error, RepositoryNotFoundError):  # of gated and private ones, too
        return f"{constants.ENDPOINT} has no such repository, or HF_TOKEN is needed to read it"
    if isinstance(error, EntryNotFoundError) and isinstance(error, HfHubHTTPError):
        return f"the hub lists {_file_of(error)} but does not have it; try later, or pin another revision"
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        return f"the hub answered {status} for {_file_of(error)}; what came is kept: try {again} again later"
    if isinstance(error, httpx.TransportError):
        what = str(error) or type(error).__name__
        return f"{constants.ENDPOINT} does not answer ({what}); what came is kept: go online and run {again}"
    if isinstance(error, ValueError):  # no JSON: a proxy's page, or a wrong HF_ENDPOINT
        return f"what answers at {constants.ENDPOINT} is no hub ({error}); check HF_ENDPOINT and the network"
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return f"the disk of {constants.HF_HUB_CACHE} is full; free some space and run {again} to go on"
    return f"{error}; make {constants.HF_HUB_CACHE} writable, or let HF_HOME name another folder"


def _file_of(error: HfHubHTTPError) -> str:
    return error.response.request.url.path.lstrip("/")
