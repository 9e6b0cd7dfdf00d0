"""Memory is planned: what work of a kind took at most, whether that fits now, and what is tried where it did not.

Owns the measured peaks, the ladder and who goes down it. Knows no stage; the switches are ``training.economy``. Heavy:
reads the device through torch.

Work begins on the first rung on which it is known to fit, or not known not to. Where memory runs out all the same, what
was taken is given back, and the next rung is tried, each once; below the last one the work fails alone, with a sentence
for its owner. No exception is kept meanwhile: its traceback would hold every tensor of the failed attempt.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import torch

from pipeline import store
from pipeline.domain import Json
from pipeline.errors import BadInput, OutOfMemory, StickerError
from pipeline.gpu import Device, empty_caches, free_memory_mb, peak_since_mb, restart_peak, taken_memory_mb
from training.economy import LAVISH, Economy

T = TypeVar("T")
LACKING_S = 3600.0  # how long a rung that ran out of memory is not tried with as little again
FORGET = 0.2  # of a known peak, at every smaller one: what was an exception is forgotten in time
TEXTS = ("can't allocate memory", "not enough memory", "out of memory", "ALLOC_FAILED")  # of a RuntimeError


@dataclass(frozen=True, kw_only=True)
class Rung:
    """A step of the ladder. On every one but the first the caches are freed beforehand."""

    name: str  # for people
    economy: Economy


_FREED = (Rung(name="as usual", economy=LAVISH), Rung(name="caches freed", economy=LAVISH))
_SLICED = Rung(name="VAE in slices", economy=Economy(vae_sliced=True))
_SINGLE = Rung(name="one picture at a time", economy=Economy(vae_sliced=True, one_by_one=True))
LEARN_LADDER = (
    *_FREED,
    _SLICED,
    _SINGLE,
    Rung(
        name="gradient checkpointing",
        economy=Economy(vae_sliced=True, one_by_one=True, checkpointed=True),
    ),
    Rung(
        name="attention in slices",
        economy=Economy(vae_sliced=True, one_by_one=True, checkpointed=True, attention_sliced=True),
    ),
)
DRAW_LADDER = (
    *_FREED,
    _SLICED,
    _SINGLE,
    Rung(name="attention in slices", economy=Economy(vae_sliced=True, one_by_one=True, attention_sliced=True)),
)
LOOK_LADDER = (*_FREED, Rung(name="one picture at a time", economy=Economy(one_by_one=True)))  # captions, cut-outs


@dataclass(frozen=True, kw_only=True)
class Need:
    """What a peak depends on."""

    profile: str
    work: str  # "generate", "learn lora" …
    size_px: int
    batch_size: int

    def on(self, rung: Rung) -> str:
        """The name of the peak on this rung."""
        on = "+".join(name for name, value in vars(rung.economy).items() if value) or "as usual"
        return f"{self.profile}/{self.work}/{self.size_px}/{self.batch_size}/{on}"


class Attempt:
    """One go at the work on one rung."""

    def __init__(self, economy: Economy, measured: Callable[[Attempt], AbstractContextManager[None]]) -> None:
        self.economy, self._measured = economy, measured
        self.peak_mb = 0.0

    def measured(self) -> AbstractContextManager[None]:
        """Measure the block, in which the device is the work's own; of several the largest peak counts."""
        return self._measured(self)


@dataclass(frozen=True, kw_only=True)
class Done(Generic[T]):
    """What came of it."""

    value: T
    peak_mb: float  # beyond what was taken before
    rung: str


class Memory:
    """The memory of one device, and what is known of who needs how much; safe to use from several threads."""

    def __init__(self, device: Device, path: Path) -> None:
        """``path``: of the peaks' file, kept from one run to the next; whatever is wrong with it, it is begun anew."""
        self.device, self.path = device, path
        self._lock = threading.RLock()
        self._open: list[tuple[Attempt, float]] = []  # with what was taken before
        try:
            known = store.read_json(path)
        except BadInput:
            known = {}
        self._known: dict[str, Json] = known if isinstance(known, dict) else {}

    @property
    def peaks_mb(self) -> dict[str, float]:
        """What is known, for metrics and for people."""
        with self._lock:
            return {name: facts["peak_mb"] for name, facts in self._known.items() if "peak_mb" in facts}

    def within(
        self,
        need: Need,
        ladder: Sequence[Rung],
        work: Callable[[Attempt], T],
        *,
        free: Callable[[], object],
        turn: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> Done[T]:
        """Do the work on the first rung on which it fits.

        Args:
            work: called anew on each rung; it opens ``Attempt.measured`` around what takes memory.
            free: lets go of what can be had again.
            turn: the device to ourselves, while it is looked at.

        Raises:
            OutOfMemory: it fits on none.
        """
        with turn():
            first, had_mb = self._admitted(need, ladder, free)
        for rung in ladder[first:]:
            if rung is not ladder[first]:
                with turn():
                    had_mb = self._freed_mb(free)
            done = self._tried(need, rung, work)
            if done is not None:
                return done
            self._note(need.on(rung), lacked_mb=had_mb, at=time.time())
        with turn():
            self._freed_mb(free)
        raise OutOfMemory(
            f"there is not enough memory on {self.device.description} for {need.work} at {need.size_px} px with "
            f"profile {need.profile!r}, even {ladder[-1].name}; nothing else is affected: ask for less at once, or "
            "choose a smaller profile"
        )

    def _tried(self, need: Need, rung: Rung, work: Callable[[Attempt], T]) -> Done[T] | None:
        """The work's outcome, or None where memory ran out; by then nothing holds what it took."""
        attempt = Attempt(rung.economy, self._measuring)
        try:
            value = work(attempt)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            return None
        self._note(need.on(rung), peak_mb=attempt.peak_mb)
        return Done(value=value, peak_mb=round(attempt.peak_mb, 1), rung=rung.name)

    def _admitted(self, need: Need, ladder: Sequence[Rung], free: Callable[[], object]) -> tuple[int, float]:
        """The first rung on which the work is not known not to fit, or the last one; and what is free for it."""
        free_mb = free_memory_mb(self.device)
        if self._fits(need.on(ladder[0]), free_mb):
            return 0, free_mb
        free_mb = self._freed_mb(free)
        fitting = (place for place, rung in enumerate(ladder) if place and self._fits(need.on(rung), free_mb))
        return next(fitting, len(ladder) - 1), free_mb

    def _freed_mb(self, free: Callable[[], object]) -> float:
        """What is free once all is let go of that can be had again."""
        free()
        empty_caches()
        return free_memory_mb(self.device)

    def _fits(self, name: str, free_mb: float) -> bool:
        with self._lock:
            known = self._known.get(name, {})
        lacked = time.time() - known.get("at", 0.0) < LACKING_S and free_mb <= known.get("lacked_mb", 0.0)
        return not lacked and known.get("peak_mb", 0.0) < free_mb

    def _note(self, name: str, **facts: float) -> None:
        """Keep what was learned; a peak that cannot be written is kept for this run."""
        with self._lock:
            known = self._known.setdefault(name, {})
            if "peak_mb" in facts:
                before = known.get("peak_mb", 0.0)
                facts["peak_mb"] = max(facts["peak_mb"], before - FORGET * (before - facts["peak_mb"]))
                known.pop("lacked_mb", None)
            known.update({key: round(value, 1) for key, value in facts.items()})
            with suppress(StickerError):
                store.write_json(self.path, self._known)

    @contextmanager
    def _measuring(self, attempt: Attempt) -> Iterator[None]:
        """The peak of the block; where it lies within another's (a drawing between two steps), it is not that one's."""
        with self._lock:
            self._fold()
            self._open.append((attempt, taken_memory_mb(self.device)))
        try:
            yield
        finally:
            with self._lock:
                self._fold()
                self._open = [entry for entry in self._open if entry[0] is not attempt]

    def _fold(self) -> None:
        """Give the peak since the last look to whoever is measured now, and start a new one."""
        if self._open:
            attempt, before_mb = self._open[-1]
            attempt.peak_mb = max(attempt.peak_mb, peak_since_mb(self.device) - before_mb)
        restart_peak(self.device)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether this says that memory ran out, of the device or of the machine, also where it is another one's cause."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    if isinstance(error, RuntimeError) and any(text in str(error) for text in TEXTS):
        return True
    return error.__cause__ is not None and is_out_of_memory(error.__cause__)
