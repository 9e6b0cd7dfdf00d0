"""A hub on 127.0.0.1: real HTTP, the hub's protocol as huggingface_hub 2.4 speaks it, with faults by rule.

Serves folders as repositories at one revision each: the listing (``/api/models/OWNER/NAME/revision/REV``, ``/tree/``)
and the files (``/OWNER/NAME/resolve/REV/PATH``; large ones by a redirect to another address, as from the hub's CDN),
with ETag, X-Repo-Commit, X-Linked-Size, X-Linked-Etag, and ranges. Keeps a record of what was asked and sent.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

LARGE = (".safetensors", ".bin", ".ckpt")  # kept in LFS by the hub: checked by SHA-256, served by redirect


@dataclass(frozen=True, kw_only=True)
class Repo:
    """A folder that is served as the repository ``name`` at ``revision``."""

    name: str
    revision: str
    folder: Path


@dataclass(kw_only=True)
class Fault:
    """What goes wrong with files whose path in the repository matches ``path``, and how often."""

    kind: str  # cut | wrong | missing | busy | stall | huge
    path: str  # as in fnmatch
    times: int = 1
    after_bytes: int = 0  # of a cut or stall


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request for a file's bytes, and what was sent."""

    repo: str
    path: str
    range: str | None
    status: int
    sent: int


@dataclass(kw_only=True)
class Hub:
    """A running hub."""

    endpoint: str
    repos: list[Repo]
    faults: list[Fault] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)

    def fault(self, path: str, *kinds: str) -> Fault | None:
        """The first fault of these kinds that is due for ``path``; it is used up by one."""
        for fault in self.faults:
            if fault.kind in kinds and fault.times > 0 and fnmatch.fnmatch(path, fault.path):
                fault.times -= 1
                return fault
        return None

    def asked_for(self, pattern: str) -> list[Asked]:
        return [asked for asked in self.asked if fnmatch.fnmatch(asked.path, pattern)]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def git_sha1(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


@contextmanager
def serving(*repos: Repo, faults: list[Fault] | None = None) -> Iterator[Hub]:
    """Run a hub on a free port in a thread of its own; it is gone when the block ends."""
    hub = Hub(endpoint="", repos=list(repos), faults=list(faults or []))
    handler = type("HubHandler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    hub.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else header and body wait for each other, 40 ms a file

    def log_message(self, *args: Any) -> None:
        """Say nothing: the tests read ``Hub.asked``."""

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        path = unquote(urlsplit(self.path).path)
        if path.startswith("/page/"):  # as a hotel's log-in page answers: 200 and HTML, whatever was asked
            return self._send(200, {"Content-Type": "text/html"}, b"<html>", body=body)
        if match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/(revision|tree)/([^/]+)/?", path):
            return self._listing(match[1], match[3], tree=match[2] == "tree")
        if match := re.fullmatch(r"/(cdn/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            return self._file(match[2], match[3], match[4], body=body, cdn=bool(match[1]))
        return self._error(404, "no such address", "")

    def _repo(self, name: str, revision: str) -> Repo | None:
        """The repository at the revision; answers the request with an error if there is none."""
        known = [repo for repo in self.hub.repos if repo.name == name]
        if not known:
            self._error(401, "Repository Not Found", "RepoNotFound")  # the hub does not tell absent from private
            return None
        if known[0].revision != revision:
            self._error(404, "Invalid rev id", "RevisionNotFound")
            return None
        return known[0]

    def _listing(self, name: str, revision: str, *, tree: bool) -> None:
        if self.hub.fault("LISTING", "busy"):
            return self._error(503, "busy", "")
        repo = self._repo(name, revision)
        if repo is None:
            return None
        files = [_described(self.hub, repo, path) for path in sorted(repo.folder.rglob("*")) if path.is_file()]
        if tree:
            return self._json(
                [{"type": "file", "path": file.pop("rfilename"), "oid": file.pop("blobId"), **file} for file in files]
            )
        return self._json({"id": name, "sha": revision, "private": False, "siblings": files})

    def _file(self, name: str, revision: str, path: str, *, body: bool, cdn: bool) -> None:
        repo = self._repo(name, revision)
        if repo is None:
            return None
        if self.hub.fault(path, "busy"):
            self.hub.asked.append(Asked(repo=name, path=path, range=self.headers["Range"], status=503, sent=0))
            return self._error(503, "busy", "")
        if not (repo.folder / path).is_file() or self.hub.fault(path, "missing"):
            return self._error(404, "Entry not found", "EntryNotFound", revision)
        data = (repo.folder / path).read_bytes()
        large = path.endswith(LARGE)
        headers = {"X-Repo-Commit": revision, "Accept-Ranges": "bytes"}
        headers["ETag"] = f'"{sha256(data) if large else git_sha1(data)}"'
        if large and not cdn:
            headers |= {"X-Linked-Size": str(len(data)), "X-Linked-Etag": headers["ETag"]}
            headers["Location"] = f"{self.hub.endpoint}/cdn{self.path}"
            return self._send(302, headers, b"", body=False)
        return self._bytes(name, path, data, headers, body=body)

    def _bytes(self, name: str, path: str, data: bytes, headers: dict[str, str], *, body: bool) -> None:
        """The file or the part that is asked for, faults and all."""
        asked, start, status = self.headers["Range"], 0, 200
        if asked:
            start, status = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]), 206  # type: ignore[index]
            if start >= len(data):
                return self._error(416, "range not satisfiable", "")
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        data = data[start:]
        if body and self.hub.fault(path, "wrong"):
            data = bytes(byte ^ 1 for byte in data)
        fault = self.hub.fault(path, "cut", "stall") if body else None
        sent = data[: fault.after_bytes] if fault else data
        if body:
            self.hub.asked.append(Asked(repo=name, path=path, range=asked, status=status, sent=len(sent)))
        self._send(status, headers, data, body=body, sent=sent)
        if fault:
            if fault.kind == "stall":
                self.hub.closing.wait(30)
            self.close_connection = True

    def _send(
        self, status: int, headers: dict[str, str], data: bytes, *, body: bool = True, sent: bytes | None = None
    ) -> None:
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(key, value)
        self.end_headers()
        if body:
            self.wfile.write(data if sent is None else sent)
            self.wfile.flush()

    def _json(self, value: Any) -> None:
        data = json.dumps(value).encode()
        self._send(200, {"Content-Type": "application/json"}, data, body=self.command == "GET")

    def _error(self, status: int, message: str, code: str, revision: str = "") -> None:
        headers = {"X-Error-Message": message} | ({"X-Error-Code": code} if code else {})
        headers |= {"X-Repo-Commit": revision} if revision else {}
        self._send(status, headers, b"", body=False)


def _described(hub: Hub, repo: Repo, path: Path) -> dict[str, Any]:
    """A file as the hub lists it."""
    data, name = path.read_bytes(), path.relative_to(repo.folder).as_posix()
    size = 10**15 if hub.fault(name, "huge") else len(data)
    if not name.endswith(LARGE):
        return {"rfilename": name, "size": size, "blobId": git_sha1(data)}
    lfs = {"sha256": sha256(data), "oid": sha256(data), "size": size, "pointerSize": 134}
    return {"rfilename": name, "size": size, "blobId": git_sha1(b"pointer of " + data), "lfs": lfs}
