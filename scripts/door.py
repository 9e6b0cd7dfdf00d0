"""The door of the command line: what becomes of errors. One sentence and exit code 2, or a log file and exit code 1.

Owns exit codes and the log of what nobody foresaw. Knows no command. Light: typer.
"""

from __future__ import annotations

import errno
import json
import os
import platform
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from io import TextIOWrapper
from itertools import pairwise
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from pipeline.errors import StickerError
from scripts.stopping import Interrupted

PACKAGE = "stickersmith"
WRONG_REQUEST, BROKEN = 2, 1  # exit codes; a signal has its own, see ``Interrupted``
STOPPED_EARLY = 130  # as shells have it after Ctrl-C
ODD_PATHS = (errno.ENAMETOOLONG, errno.ELOOP)  # wrong on every system and in every command; told here, once


def program_version() -> str:
    """As installed; a checkout that is not installed has none."""
    try:
        return version(PACKAGE)
    except PackageNotFoundError:
        return "unknown (not installed)"


class Plain(TyperGroup):
    """Commands whose help shows no types of Python: a flag takes no value, an argument's words say what it is."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Its own options."""
        return [_plain(parameter) for parameter in super().get_params(ctx)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command below it, its options made plain, too."""
        command = super().get_command(ctx, cmd_name)
        for parameter in [] if command is None else command.get_params(ctx):
            _plain(parameter)
        return command


def _plain(parameter: Any) -> Any:
    if parameter.param_type_name == "argument" or parameter.is_flag:
        parameter.display_type_rich = lambda ctx: None  # typer would show <bool> and <list[Path]>
    return parameter


class Door(Plain):
    """The top command: every way out of the program leads through ``main``."""

    def main(self, args: Sequence[str] | None = None, *_: Any, **extra: Any) -> Any:
        """Run, tell what went wrong, and exit."""
        words = list(sys.argv[1:] if args is None else args)
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="replace")  # "→" on a terminal that knows ASCII only
        try:
            code = super().main(words, **(extra | {"standalone_mode": False}))
            if sys.stdout is not None:  # closed by whoever started us
                sys.stdout.flush()  # a closed pipe shows here, not after the last line of the program
        except typer.TyperException as error:
            code = _refuse(_misused(error, words), "usage", WRONG_REQUEST, words)
        except Interrupted as error:
            code = _refuse(str(error), error.code, error.exit_code, words)
        except StickerError as error:
            code = _refuse(str(error), error.code, WRONG_REQUEST, words)
        except BrokenPipeError:  # whoever read our output has enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = BROKEN
        except KeyboardInterrupt:  # before a command listens for it
            code = STOPPED_EARLY
        except OSError as error:
            code = _refuse(*_odd_path(error, words), words)
        except Exception as error:  # the last resort: nothing is lost, nothing is hidden
            code = _refuse(_unforeseen(error, words), "unforeseen", BROKEN, words)
        sys.exit(code or 0)


def _refuse(message: str, code: str, exit_code: int, words: Sequence[str]) -> int:
    """One sentence on stderr, and with --json the same as JSON on stdout."""
    typer.echo(message if code == "stopped" else f"error: {message}", err=True)
    if "--json" in words:
        typer.echo(json.dumps({"error": {"code": code, "message": message}}))
    return exit_code


def _odd_path(error: OSError, words: Sequence[str]) -> tuple[str, str, int]:
    """What to tell of an ``OSError`` that no room foresaw: message, code, exit code."""
    if error.errno in ODD_PATHS:
        return f"cannot use {str(error.filename)[:60]!r}…: {error.strerror}; give another path", "path", WRONG_REQUEST
    return _unforeseen(error, words), "unforeseen", BROKEN


def _misused(error: typer.TyperException, words: Sequence[str]) -> str:
    """What is wrong with the words of the command line, with the offending one, and where help is."""
    message, context = error.format_message().rstrip("."), getattr(error, "ctx", None)
    for option in getattr(getattr(error, "param", None), "opts", ()):
        given = [word for before, word in pairwise(words) if before == option]
        given += [word.partition("=")[2] for word in words if word.startswith(f"{option}=")]
        if given:
            message = f"{option} = {given[-1]!r}: {error.message.split(',')[0]}"
    if message.startswith("No such option"):
        message += _dashed_file(words)
    return message + (f"; see `{context.command_path} --help`" if context else "")


def _dashed_file(words: Sequence[str]) -> str:
    """What to do where the unknown option is a file's name."""
    name = next((word for word in words if word.startswith("-") and Path(word).exists()), None)
    return f": a file whose name begins with a dash goes behind `--`, or is written ./{name}" if name else ""


def _unforeseen(error: Exception, words: Sequence[str]) -> str:
    """Keep the traceback in a log file, and say where."""
    first_line = _masked((str(error).strip().splitlines() or [""])[0], words)
    kept = "what was finished is kept: run the same command again to go on"
    return f"unexpected {type(error).__name__}: {first_line}\n{kept}; details for a bug report: {_write_log(words)}"


def _masked(text: str, words: Sequence[str]) -> str:
    """Without the queue's address, which may carry a password."""
    given = [after for before, after in pairwise(words) if before == "--url"]
    given += [word.removeprefix("--url=") for word in words if word.startswith("--url=")]
    given += [word for word in words if "://" in word and not word.startswith("--url=")]
    given.append(os.environ.get("STICKERS_QUEUE_URL", ""))
    for address in sorted(filter(None, given), key=len, reverse=True):
        text = text.replace(address, "…")
    return text


def _write_log(words: Sequence[str]) -> Path:
    text = "\n".join(
        (
            f"stickers {' '.join(words)}",
            f"version {program_version()}, Python {platform.python_version()}, {platform.platform()}",
            traceback.format_exc(),
        )
    )
    text = _masked(text, words)
    stem = f"stickers-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
    try:
        from pipeline.settings import Settings

        folder = Settings().cache_dir / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{stem}.log"
        path.write_text(text, encoding="utf-8", errors="backslashreplace")
    except (OSError, ValueError):  # the cache cannot be written, or its setting is what is wrong
        path = Path(tempfile.gettempdir()) / f"{stem}.log"
        path.write_text(text, encoding="utf-8", errors="backslashreplace")
    return path
