"""Moving stickers (``.tgs``, ``.webm``) → one good frame each, decoded by a child process that has next to nothing.

Owns the child's life: when it starts, how long a file may take, and what its death means. Knows no decoder: what runs
in the child is ``moving_child``. Loads Pillow and the standard library, neither PyAV nor rlottie.

Both decoders can be crashed, or kept busy for ever, by a file of some hundred bytes. The child is a fresh interpreter
in a session of its own, without our environment (so without any secret), which gives up all it could still open
before it is shown the first byte. It takes one file after another, for to start it takes longer than to decode; one
that dies over a file is replaced, and where it had decoded others before, the file gets a second chance: what becomes
of a file never depends on those before it.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from PIL import Image

from pipeline.errors import BadInput, BadPicture, PictureTooLarge

MAX_TGS_KB = 64  # of the file; what Telegram allows
MAX_WEBM_KB = 1024  # Telegram allows 256; what a person has not sent there yet may be larger
MAX_SIDE_PX = 512
CPU_S = 10  # for one file
WALL_S = 20.0  # for one file; more than CPU_S, for the machine may be busy
START_S = 60.0  # for the child to load its decoders
PATIENCE_S = 60.0  # for all files of a pack together that killed their child

REQUEST = struct.Struct(">4sI")  # kind and size, then as many bytes of the file
REPLY = struct.Struct(">cHHI")  # GOOD, BAD or LARGE, width and height of a picture, and size, then as many bytes
READY, GOOD, BAD, LARGE = b"!", b"+", b"-", b">"
EXIT_MEMORY = 12  # the child says that way that memory ran out

_LIMIT_KB = {"TGS": MAX_TGS_KB, "WEBM": MAX_WEBM_KB}
_KINDS = {"TGS": ".tgs sticker", "WEBM": ".webm sticker"}
_MOST_WORDS = 400
_ROOT = Path(__file__).resolve().parent.parent
_KEPT = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL")  # of the environment
_SPARING = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}  # threads take address space


class Refused(Exception):
    """Why a moving sticker is not decoded, in words that finish the sentence "it …"."""


class TooMuch(Refused):
    """It has more bytes or pixels than are looked at."""


class _Died(Exception):
    """The child is gone; says why."""


class _TooSlow(_Died):
    """The child is given up; that does not depend on the files before."""


def check_size(size_bytes: int, kind: str, shown: str) -> None:
    """Refuse a file that is larger than its kind may be.

    Raises:
        PictureTooLarge: it is.
    """
    if size_bytes > _LIMIT_KB[kind] * 1024:
        limit = f"{size_bytes / 1024:.0f} KB; a .{kind.lower()} sticker may have {_LIMIT_KB[kind]} KB at most"
        raise PictureTooLarge(f"{shown!r} has {limit}")


class MovingDecoder:
    """Decodes moving stickers, for the length of a ``with``. The child starts with the first file, ends with the last.

    Not for several threads at once.
    """

    def __init__(self) -> None:
        self._child: Child | None = None
        self._lost_s = 0.0

    def __enter__(self) -> MovingDecoder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._drop()

    def frame(self, data: bytes, kind: str, shown: str) -> Image.Image:
        """The best frame of a sticker: RGBA, at the file's own size, at most ``MAX_SIDE_PX`` a side.

        Args:
            data: the file.
            kind: "TGS" or "WEBM", as ``headers.moving_kind_of`` tells.
            shown: what errors call it.

        Raises:
            BadPicture: damaged, against the limits of such stickers, empty, or its decoder died over it.
            PictureTooLarge: the file is larger than its kind may be.
            BadInput: the child does not start on this machine.
        """
        check_size(len(data), kind, shown)
        try:
            width, height, answer = self.ask(data, kind, shown)
        except Refused as refusal:
            raise BadPicture(f"{shown!r} is a .{kind.lower()} sticker that {refusal}; send or save it again") from None
        return Image.frombytes("RGBA", (width, height), answer)

    def ask(self, data: bytes, kind: str, shown: str) -> tuple[int, int, bytes]:
        """Width, height and RGBA bytes, as the child has them.

        Raises:
            Refused: the child gives a reason.
            BadPicture: the child died over it, or too many of these files did that before.
            BadInput: the child does not start on this machine.
        """
        if self._lost_s > PATIENCE_S:
            raise BadPicture(
                f"{shown!r} is not looked at: too many of these files stopped their decoder; leave them out"
            )
        try:
            return self._answer(data, kind)
        except _Died as death:
            words = f"cannot be decoded: its decoder {death}"
            raise BadPicture(f"{shown!r} is a {_KINDS.get(kind, 'file')} that {words}; leave it out") from None

    def _answer(self, data: bytes, kind: str) -> tuple[int, int, bytes]:
        """Width, height and pixels; a file over which a used child died is given to a fresh one."""
        used = self._child is not None
        started = time.monotonic()
        try:
            if self._child is None:
                self._child = self._started()
                started = time.monotonic()
            return self._child.ask(data, kind)
        except _Died as death:
            self._drop()
            self._lost_s += time.monotonic() - started
            if not used or isinstance(death, _TooSlow):
                raise
        except Refused:
            raise
        except BaseException:  # Ctrl-C while the child decodes: its answer would be taken for that of the next file
            self._drop()
            raise
        return self._answer(data, kind)

    def _started(self) -> Child:
        return Child()

    def _drop(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.kill()


class Child:
    """A started child that waits for files."""

    def __init__(self, *mode: str, most_side_px: int = MAX_SIDE_PX, wall_s: float | None = None) -> None:
        """``mode``: what ``moving_child`` is told; ``wall_s``: for one file, ``WALL_S`` if not given."""
        self._most_side_px, self._wall_s = most_side_px, wall_s
        if sys.platform == "win32":
            raise BadInput("moving stickers (.tgs, .webm) are read on Linux and macOS only; send a picture of it")
        self._ours, theirs = socket.socketpair()
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
        command = [sys.executable, "-P", "-s", "-m", "pipeline.moving_child", *mode]
        with theirs:
            self._process = subprocess.Popen(
                command,
                stdin=theirs.fileno(),  # the only way in and out
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env=environment | _SPARING | {"PYTHONPATH": str(_ROOT)},
                start_new_session=True,  # a group of its own: killed as a whole, spared the terminal's Ctrl-C
            )
        try:
            self._receive(len(READY), time.monotonic() + START_S)
        except _Died as death:
            self.kill()
            rule = "`python -m pipeline.moving_child` says why"
            raise BadInput(f"moving stickers cannot be read on this machine: the decoder {death}; {rule}") from None
        except BaseException:
            self.kill()
            raise

    def ask(self, data: bytes, kind: str) -> tuple[int, int, bytes]:
        """Width, height and RGBA bytes of a file's best frame.

        Raises:
            Refused: the child gives a reason.
            _Died: the child gives no answer any more. It is to be killed.
        """
        deadline = time.monotonic() + self._patience_s
        self._send(REQUEST.pack(kind.encode(), len(data)) + data, deadline)
        verdict, width, height, size = REPLY.unpack(self._receive(REPLY.size, deadline))
        if verdict in (BAD, LARGE) and size <= _MOST_WORDS:
            words = _words(self._receive(size, deadline))
            raise TooMuch(words) if verdict == LARGE else Refused(words)
        most = self._most_side_px
        if verdict != GOOD or not (0 < width <= most and 0 < height <= most and size == width * height * 4):
            raise _Died("gave an answer that makes no sense")  # nothing it says is believed
        return width, height, self._receive(size, deadline)

    @property
    def _patience_s(self) -> float:
        return WALL_S if self._wall_s is None else self._wall_s

    def _send(self, data: bytes, deadline: float) -> None:
        try:
            self._ours.settimeout(max(0.001, deadline - time.monotonic()))
            self._ours.sendall(data)
        except TimeoutError:
            raise _TooSlow(f"took more than {self._patience_s:.0f} s") from None
        except OSError:
            raise self._death() from None

    def _receive(self, size: int, deadline: float) -> bytes:
        data = bytearray()
        while len(data) < size:
            try:
                self._ours.settimeout(max(0.001, deadline - time.monotonic()))
                piece = self._ours.recv(size - len(data))
            except TimeoutError:
                raise _TooSlow(f"took more than {self._patience_s:.0f} s") from None
            except OSError:
                piece = b""
            if not piece:
                raise self._death()
            data += piece
        return bytes(data)

    def _death(self) -> _Died:
        """What ended the child, once it has closed its end."""
        with suppress(subprocess.TimeoutExpired):
            code = self._process.wait(timeout=1)
            if code in (EXIT_MEMORY, -signal.SIGABRT):  # C++ aborts where memory runs out
                return _Died("ran out of memory")
            if code == -signal.SIGXCPU:
                return _TooSlow(f"took more than {CPU_S} s")
            return _Died(f"crashed ({signal.Signals(-code).name})" if code < 0 else f"ended (exit code {code})")
        return _Died("fell silent")

    def kill(self) -> None:
        """End the child with all that it may have started, and leave no zombie."""
        with suppress(ProcessLookupError, PermissionError):  # macOS says the latter of a group of zombies
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._ours.close()


def _words(data: bytes) -> str:
    """The child's reason, as one plain line."""
    text = data.decode("utf-8", "replace")
    return "".join(char if char.isprintable() else " " for char in text).strip() or "is damaged"
