"""Writing that survives: real faults, real kills."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipeline import store
from pipeline.errors import BadOutput

ROOT = str(Path(__file__).resolve().parents[3])


def fails_with(number: int) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_fault_keeps_the_old_file(step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault before or at the rename leaves the old file whole, no temporary one, and says what to do."""
    path = tmp_path / "a.bin"
    store.write_bytes(path, b"old")
    with monkeypatch.context() as broken:
        broken.setattr(store.os, step, fails_with(errno.ENOSPC))
        with pytest.raises(BadOutput, match="the disk is full; free some space and run the same command again"):
            store.write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupt_leaves_no_temporary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in the middle passes through, and sweeps up first."""

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(store.os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        store.write_bytes(tmp_path / "a.bin", b"new")
    assert list(tmp_path.iterdir()) == []


WRITE_FOREVER = """
import sys
from pathlib import Path
from pipeline import store
path, size = Path(sys.argv[1]), 3_000_000
store.write_bytes(path, b"a" * size)
print("go", flush=True)
while True:
    for letter in (b"a", b"b"):
        store.write_bytes(path, letter * size)
"""


def test_kill_9_while_writing(tmp_path: Path) -> None:
    """Killed at ten different moments, the file under the final name is always whole; ``begin`` sweeps up the rest."""
    path = tmp_path / "a.bin"
    for attempt in range(10):
        command = [sys.executable, "-c", WRITE_FOREVER, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": ROOT}) as child:
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(0.003 * attempt)
            child.send_signal(signal.SIGKILL)
        assert path.read_bytes() in (b"a" * 3_000_000, b"b" * 3_000_000)
    store.begin(tmp_path)
    assert list(tmp_path.iterdir()) == [path]


def test_kill_9_between_any_two_steps(tmp_path: Path) -> None:
    """Killed at each system call of a write that replaces a file: old or new, never a part."""
    script = (
        "import os, signal, sys; from pathlib import Path; from pipeline import store\n"
        "calls = [0]\n"
        "def at_call(real):\n"
        "    def call(*args):\n"
        "        calls[0] += 1\n"
        "        if calls[0] == int(sys.argv[2]): os.kill(os.getpid(), signal.SIGKILL)\n"
        "        return real(*args)\n"
        "    return call\n"
        "os.fsync, os.replace, os.close = map(at_call, (os.fsync, os.replace, os.close))\n"
        "store.write_bytes(Path(sys.argv[1]), b'new' * 1000)\n"
    )
    path, seen = tmp_path / "a.bin", []
    for call in range(1, 5):  # fsync of the file, replace, fsync of the folder, close
        store.write_bytes(path, b"old" * 1000)
        command = [sys.executable, "-c", script, str(path), str(call)]
        done = subprocess.run(command, check=False, env={**os.environ, "PYTHONPATH": ROOT})
        assert done.returncode == -signal.SIGKILL
        seen.append(path.read_bytes())
    assert seen == [b"old" * 1000] * 2 + [b"new" * 1000] * 2


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "quota"),
        (errno.EACCES, "no permission"),
        (errno.EROFS, "read-only"),
        (errno.ENAMETOOLONG, "name is too long"),
        (errno.EIO, "check the disk"),
    ],
)
def test_every_fault_has_its_sentence(number: int, words: str, tmp_path: Path) -> None:
    """One line with the path, the reason, and what to do; the system's own error is kept as the cause."""
    with pytest.raises(BadOutput, match=words) as caught, store.writing(tmp_path / "x"):
        fails_with(number)()
    assert repr(str(tmp_path / "x")) in str(caught.value)
    assert ";" in str(caught.value)
    assert isinstance(caught.value.__cause__, OSError)


def test_a_file_where_a_folder_should_be(tmp_path: Path) -> None:
    """Real faults of a real file system, for a file and for a folder in the wrong place."""
    (tmp_path / "file").write_bytes(b"mine")
    for write in (
        lambda: store.write_bytes(tmp_path / "file/a.bin", b""),
        lambda: store.write_bytes(tmp_path / "file/deeper/a.bin", b""),
        lambda: store.begin(tmp_path / "file"),
        lambda: store.check_output(tmp_path / "file", 0),
    ):
        with pytest.raises(BadOutput, match="there is a file where a folder should be"):
            write()
    (tmp_path / "folder").mkdir()
    with pytest.raises(BadOutput, match="there is a folder where a file should be"):
        store.write_bytes(tmp_path / "folder", b"")
    with pytest.raises(BadOutput, match="the name is too long"):
        store.write_bytes(tmp_path / ("x" * 300), b"")
    assert (tmp_path / "file").read_bytes() == b"mine"


def test_no_permission(tmp_path: Path) -> None:
    """A folder without the right to write is named before any work; root gives its rights away first."""
    script = (
        "import os, sys; from pathlib import Path; from pipeline import errors, store\n"
        "os.chdir(sys.argv[1])\n"
        "if os.geteuid() == 0: os.setuid(65534)\n"
        "try: store.check_output(Path('out'), 0)\n"
        "except errors.BadOutput as error: sys.exit(str(error))\n"
    )
    tmp_path.chmod(0o500)
    command = [sys.executable, "-c", script, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": ROOT})
    assert done.stderr == "cannot write 'out': there is no permission to write there; choose another folder\n"


def test_a_file_over_the_systems_limit_is_one_sentence(tmp_path: Path) -> None:
    """A real fault in the middle of a write (a limit of 64 KB a file): one sentence, nothing left."""
    script = (
        "import resource, signal, sys; from pathlib import Path; from pipeline import errors, store\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))\n"
        "try: store.write_bytes(Path(sys.argv[1]), bytes(10**6))\n"
        "except errors.BadOutput as error: sys.exit(str(error))\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "a.bin")]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": ROOT})
    assert "the file is larger than allowed there" in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_check_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A good folder can be made, and is not yet; one without room says how much there is and how much is needed."""
    store.check_output(tmp_path / "new/out", 1)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(BadOutput, match="are needed"):
        store.check_output(tmp_path / "new/out", 1e12)
    (tmp_path / "here").mkdir()
    store.check_output(tmp_path / "here", 1)
    assert [path.name for path in tmp_path.rglob("*")] == ["here"]
    with pytest.raises(BadOutput, match=r"free of the 1000000000000 MB that are needed; free some space"):
        store.check_output(tmp_path, 1e12)
    monkeypatch.setattr(store.shutil, "disk_usage", lambda _: SimpleNamespace(free=7_400_000))
    with pytest.raises(BadOutput, match=r"has 7 MB free of the 8 MB"):
        store.check_output(tmp_path, 8)
    store.check_output(tmp_path, 7)
