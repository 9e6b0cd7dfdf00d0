"""``stickers sandbox``: an emulated Telegram, the page, the bot and a worker; started, kept running, stopped in order.

Owns the order of things and what the two processes are told. Knows no chat. Loads aiohttp through the emulator.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import webbrowser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import BadSetting, FolderBusy, JobError
from pipeline.locks import locked
from scripts import results
from scripts.door import WRONG_REQUEST
from scripts.sandbox.emulator import Emulator
from scripts.sandbox.home import Home, emptied, opened
from scripts.sandbox.page import Page
from scripts.sandbox.town import built
from scripts.service.serve import settings
from scripts.service.supervise import LOOK_EVERY_S, Child, end, keep

READY = {"bot": '"begun"', "worker": '"ready"'}  # what their logs say then
WAKING = {"bot": "starting the bot", "worker": "loading the models"}  # until then
READY_S = 300.0  # what they may take on a busy machine
TELL_EVERY_S = 15.0  # that they are not there yet
GRACE_S = 30.0  # what a stage has to stop in: a step of learning takes 20 s on a slow machine, loading anew a minute
LEAVE_S = GRACE_S + 10.0  # after Ctrl-C; whoever is still there then is killed
OTHERS = (  # settings of a bot and a queue that serve people: the sandbox has its own
    "BOT_TOKEN_FILE",
    "BOT_WEBHOOK_URL",
    "BOT_WEBHOOK_SECRET",
    "ADMINS",
    "BOT_PROFILE",
    "QUEUE_URL",
    "FILES_URL",
    "SECRET_KEY",
    "SECRET_KEY_FILE",
    "WORK_DIR",
)


@dataclass(kw_only=True)
class Logged(Child):
    """A process that is to be there, and that writes into a file; its terminal is the page."""

    log: Path

    def look(self, now_s: float) -> int | None:
        """As every child."""
        if self.process is None and now_s >= self.next_s:
            with self.log.open("ab") as file:
                self.process = subprocess.Popen(
                    self.command,
                    env=self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=file,
                    start_new_session=True,
                )
            self.began_s = now_s
            return None
        return super().look(now_s)

    @property
    def is_ready(self) -> bool:
        return READY[self.name] in self.said()

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""


@dataclass(kw_only=True)
class Telling:
    """How it goes until all are there: a line where one is, and now and then: on a slow machine it takes a minute."""

    began_s: float
    waited_for: list[str]  # names, when last told
    told_s: float = 0.0  # from the beginning on

    def look(self, names: list[str], now_s: float) -> None:
        """``names``: those that are not there yet."""
        after_s, come = now_s - self.began_s, [name for name in self.waited_for if name not in names]
        doing = " and ".join(WAKING[name] for name in names)
        if come and names:
            results.say(f"… the {' and the '.join(come)} is there after {after_s:.0f} s; {doing} …")
        elif names and after_s - self.told_s >= TELL_EVERY_S:
            results.say(f"… {after_s:.0f} s: still {doing} …")
        else:
            return
        self.waited_for, self.told_s = names, after_s


def serve(*, port: int, browser: bool, folder: Path | None, fresh: bool) -> int:
    """Until Ctrl-C or SIGTERM; a second one at once. Returns the exit code.

    Raises:
        BadSetting: the folder is somebody else's, or the port is taken.
        FolderBusy: another sandbox runs in the folder.
        JobError: the bot or the worker did not start.
    """
    home = opened(folder or settings().data_dir / "sandbox")
    with _alone(home), _listening() as (stop, hurry):
        if fresh:
            emptied(home)
        with built() as emulator, _page(emulator, port) as page:
            children = _children(home, emulator)
            try:
                results.say("starting the bot and a worker …")
                _until_ready(children, stop)
                if not stop.is_set():
                    _tell(page, home, browser=browser)
                code = keep(children, stop, tell=lambda line: results.warn((), [line]))
                if stop.is_set():
                    results.say("stopping: what is learned or drawn just now ends its step; Ctrl-C again stops at once")
            finally:
                end(children, hurry, until_s=time.monotonic() + LEAVE_S)
    return code


@contextmanager
def _alone(home: Home) -> Iterator[None]:
    try:
        with locked(home.folder, ".lock"):
            yield
    except FolderBusy:
        raise FolderBusy(
            f"another sandbox runs in {str(home.folder)!r}; stop that one, or give another --folder"
        ) from None


@contextmanager
def _page(emulator: Emulator, port: int) -> Iterator[Page]:
    page = Page(emulator, port)
    try:
        page.start()
    except OSError as error:
        raise BadSetting(f"port = {port!r}: {error.strerror}; give another --port, or 0 for any free one") from None
    try:
        yield page
    finally:
        page.stop()


def _children(home: Home, emulator: Emulator) -> list[Logged]:
    """The bot and the worker, not started; what they said in an earlier life is gone."""
    program, said = [sys.executable, "-m", "scripts.cli"], ["--with-parent", "--log", "json"]
    environment = environment_of(home, emulator)
    words = {"bot": ["bot", *said], "worker": ["worker", "--grace", str(GRACE_S), *said]}
    for name in words:
        home.log(name).unlink(missing_ok=True)
    return [
        Logged(name=name, command=[*program, *line], environment=environment, log=home.log(name))
        for name, line in words.items()
    ]


def environment_of(home: Home, emulator: Emulator) -> dict[str, str]:
    """Ours, without what is meant for a bot and a queue that serve people."""
    kept = {name: value for name, value in os.environ.items() if name not in {f"STICKERS_{one}" for one in OTHERS}}
    return kept | {
        "STICKERS_BOT_TOKEN": emulator.token,
        "STICKERS_BOT_API": emulator.url,
        "STICKERS_DATA_DIR": str(home.data),
    }


def _until_ready(children: Sequence[Logged], stop: threading.Event) -> None:
    """Raises JobError: one of them did not start."""
    began_s = time.monotonic()
    until_s, telling = began_s + READY_S, Telling(began_s=began_s, waited_for=[child.name for child in children])
    while not stop.is_set() and not all(child.is_ready for child in children):
        telling.look([child.name for child in children if not child.is_ready], time.monotonic())
        for child in children:
            code = child.look(time.monotonic())
            if code is not None and (code == WRONG_REQUEST or time.monotonic() > until_s):
                last = (child.said().strip().splitlines() or ["it said nothing"])[-1]
                raise JobError(f"the {child.name} did not start: {last}; its log is {str(child.log)!r}")
        if time.monotonic() > until_s:
            raise JobError(f"bot and worker are not ready after {READY_S:.0f} s; see {str(children[0].log.parent)!r}")
        stop.wait(LOOK_EVERY_S)


def _tell(page: Page, home: Home, *, browser: bool) -> None:
    results.say(f"the sandbox is ready: {page.url}", style="bold")
    results.say(f"logs: {home.folder / 'logs'}; Ctrl-C stops everything")
    if browser:
        webbrowser.open(page.url)


@contextmanager
def _listening() -> Iterator[tuple[threading.Event, threading.Event]]:
    """Ctrl-C and SIGTERM: the first asks to stop, the second to hurry."""
    stop, hurry = threading.Event(), threading.Event()

    def hear(_number: int, _frame: object) -> None:
        (hurry if stop.is_set() else stop).set()

    before = {number: signal.signal(number, hear) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop, hurry
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
