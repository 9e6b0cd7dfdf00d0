"""A PostgreSQL server for the tests, where one is installed: its own data, on the loopback, gone with its test."""

import getpass
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
OWNER = "postgres"  # whom Debian makes for it; PostgreSQL does not run as root


def installed() -> bool:
    """Whether there is one that this user may start."""
    return bool(BINARIES) and (os.geteuid() != 0 or shutil.which("runuser") is not None)


class Server:
    """A running server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.create_server(("127.0.0.1", 0)) as taken:
            self.port = taken.getsockname()[1]
        self._call("initdb", "-D", folder / "data", "-U", OWNER, "--auth=trust", "-N")
        with (folder / "data" / "postgresql.conf").open("a") as file:
            file.write(f"port = {self.port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\n")
        self.start()

    def start(self) -> None:
        self._call("pg_ctl", "-D", self.folder / "data", "-l", self.folder / "log", "-w", "start")

    def stop(self) -> None:
        """As a power cut would."""
        self._call("pg_ctl", "-D", self.folder / "data", "-m", "immediate", "-w", "stop")

    def database(self, name: str) -> str:
        """The address of a fresh database."""
        self._call("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", OWNER, name)
        return f"postgresql://{OWNER}@127.0.0.1:{self.port}/{name}"

    def _call(self, program: str, *words: object) -> None:
        before = ["runuser", "-u", OWNER, "--"] if os.geteuid() == 0 else []
        command = [*before, str(BINARIES[-1].parent / program), *map(str, words)]
        done = subprocess.run(command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        assert done.returncode == 0, done.stderr


@contextmanager
def serving() -> Iterator[Server]:
    """A server while the block runs."""
    folder = Path(tempfile.mkdtemp(prefix="stickers-pg-"))  # not pytest's folder: only its owner may enter that
    if getpass.getuser() == "root":
        shutil.chown(folder, OWNER)
    server = Server(folder)
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
