"""Bringing one file of the hub into its cache: going on where it was cut, and only if its checksum is right.

Owns the download and the layout of the cache (blobs, snapshots). Knows no profile and no model. Light: loads
huggingface_hub.

Why the download is our own: huggingface_hub 2.4 compares the size of a fetched file only, never its checksum, and
throws a half-fetched file away when the process ends. Here the half file stays, the next run asks for the rest of it,
and nothing enters the cache unchecked. What is left behind is the hub's usual cache, which every other program finds.
"""

from __future__ import annotations

import hashlib
import math
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from huggingface_hub import constants, hf_hub_url
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.file_download import repo_folder_name

# mypy does not see what huggingface_hub exports lazily
from huggingface_hub.utils import WeakFileLock, build_hf_headers, get_session, hf_raise_for_status, httpx  # type: ignore[attr-defined]

from pipeline.domain import ShouldStop
from pipeline.errors import ModelBroken, Stopped

CHUNK_BYTES = 1 << 20  # at once into the checksum
PASSING_STATUSES = (408, 429, 500, 502, 503, 504)  # of HTTP: worth another try
Answer = TypeVar("Answer")


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long to bear a hub that does not answer."""

    retries: int = 5  # in a row without a single new byte
    wait_s: float = 1.0  # before the first retry; doubles each time
    greeting_s: float = 10.0  # for the first answer: no retry begins later, for who is offline wants to know soon


def cache_folder(repo: str) -> Path:
    """Where the hub's cache keeps a repository, there or not."""
    return Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=repo, repo_type="model")


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """A file of a repository at a revision."""

    repo: str
    revision: str
    name: str
    size: int  # bytes
    checksum: str  # SHA-256 (64 hex digits) of large files, git's SHA-1 (40) of small ones; the blob's name, too

    @property
    def blob(self) -> Path:
        return cache_folder(self.repo) / "blobs" / self.checksum

    @property
    def part(self) -> Path:
        return self.blob.with_name(f"{self.checksum}.incomplete")

    @property
    def pointer(self) -> Path:
        return cache_folder(self.repo) / "snapshots" / self.revision / self.name

    @property
    def fetched(self) -> int:
        """Bytes that are already here."""
        return next((path.stat().st_size for path in (self.blob, self.part) if path.is_file()), 0)


def fetch(file: RemoteFile, report: Callable[[int], None], should_stop: ShouldStop, patience: Patience) -> None:
    """Bring a file into the cache, or find it there; ``report`` is told the bytes that are here.

    Raises:
        ModelBroken: its checksum is another than announced; it was thrown away.
        Stopped: ``should_stop`` said so; what came is kept.
        HfHubHTTPError, httpx.TransportError, OSError: the hub or the disk said no, past all patience.
    """
    locks = Path(constants.HF_HUB_CACHE) / ".locks" / cache_folder(file.repo).name
    for folder in (locks, file.blob.parent, file.pointer.parent):
        folder.mkdir(parents=True, exist_ok=True)
    with WeakFileLock(locks / f"{file.checksum}.lock"):  # another process may be fetching the same
        if not file.blob.is_file():
            _download(file, report, should_stop, patience)
            _verify(file)
            file.part.replace(file.blob)
        _link(file)


def patiently(
    ask: Callable[[], Answer],
    patience: Patience,
    *,
    progress: Callable[[], int] = lambda: 0,
    limit_s: float = math.inf,
) -> Answer:
    """``ask`` again after failures that may pass; ``progress`` rising between two of them renews the patience.

    Args:
        limit_s: no retry begins later than this after the first asking.
    """
    failures, began = 0, time.monotonic()
    while True:
        before = progress()
        try:
            return ask()
        except (httpx.TransportError, HfHubHTTPError) as error:
            failures = 0 if progress() > before else failures + 1
            wait_s = patience.wait_s * 2 ** max(failures - 1, 0)
            late = time.monotonic() - began + wait_s > limit_s
            if failures > patience.retries or late or not _is_passing(error):
                raise
        time.sleep(wait_s)


def _is_passing(error: Exception) -> bool:
    return not isinstance(error, HfHubHTTPError) or error.response.status_code in PASSING_STATUSES


def _download(file: RemoteFile, report: Callable[[int], None], should_stop: ShouldStop, patience: Patience) -> None:
    """Fill ``file.part``, going on from what is there."""
    if not file.part.is_file() or file.fetched < file.size:
        patiently(lambda: _stream(file, report, should_stop), patience, progress=lambda: file.fetched)


def _stream(file: RemoteFile, report: Callable[[int], None], should_stop: ShouldStop) -> None:
    """One request for the part of the file that is not here yet."""
    url = hf_hub_url(file.repo, file.name, revision=file.revision)
    headers = build_hf_headers() | {"Accept-Encoding": "identity"}
    if file.fetched:
        headers["Range"] = f"bytes={file.fetched}-"
    timeout_s = constants.HF_HUB_DOWNLOAD_TIMEOUT
    with get_session().stream("GET", url, headers=headers, timeout=timeout_s, follow_redirects=True) as response:
        hf_raise_for_status(response)
        goes_on = response.status_code == httpx.codes.PARTIAL_CONTENT  # else the hub starts from the first byte
        with file.part.open("ab" if goes_on else "wb", buffering=0) as part:
            for (
                chunk
            ) in response.iter_bytes():  # as they come: a fixed size would hold bytes back, and lose them in a cut
                part.write(chunk)
                report(min(part.tell(), file.size))
                if should_stop():
                    raise Stopped(f"fetching {file.name} was stopped; run the same command again to go on from here")


def _verify(file: RemoteFile) -> None:
    """Compare size and checksum with what was announced; a file that differs is thrown away."""
    size = file.part.stat().st_size
    digest = hashlib.sha256() if len(file.checksum) == 64 else hashlib.sha1(f"blob {size}\0".encode())  # as git does
    with file.part.open("rb") as part:
        while chunk := part.read(CHUNK_BYTES):
            digest.update(chunk)
        os.fsync(part.fileno())
    if digest.hexdigest() != file.checksum:
        file.part.unlink()
        raise ModelBroken(
            f"{file.name} of {file.repo} came with checksum {digest.hexdigest()[:12]}… ({size} bytes), but the hub"
            f" announces {file.checksum[:12]}… ({file.size} bytes); it was thrown away: run the same command again"
        )


def _link(file: RemoteFile) -> None:
    """Give the blob its name in the snapshot as huggingface_hub does: a relative link, or a copy where none can be."""
    file.pointer.unlink(missing_ok=True)
    try:
        file.pointer.symlink_to(os.path.relpath(file.blob, file.pointer.parent))
    except OSError:
        shutil.copyfile(file.blob, file.pointer)
