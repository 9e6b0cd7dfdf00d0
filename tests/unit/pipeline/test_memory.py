"""The plan of memory: admitted by the peak, down the ladder once a rung, alone in failing, and nothing is held."""

from __future__ import annotations

import multiprocessing
import resource
import weakref
from pathlib import Path

import pytest
import torch

from pipeline import memory
from pipeline.errors import ModelBroken, OutOfMemory
from pipeline.gpu import choose_device
from pipeline.memory import DRAW_LADDER, LEARN_LADDER, Memory, Need, is_out_of_memory
from tests.taken_memory import take

NEED = Need(profile="tiny", work="generate", size_px=32, batch_size=4)
NAMES = [rung.name for rung in LEARN_LADDER]


@pytest.fixture
def plan(tmp_path):
    return Memory(choose_device("cpu"), tmp_path / "peaks.json")


@pytest.fixture
def free_mb(monkeypatch):
    """What the device says it has free; as much as the test sets."""
    told = [1e6]
    monkeypatch.setattr(memory, "free_memory_mb", lambda device: told[0])
    return told


class Failing:
    """Work that runs out of memory ``times`` times, holding a tensor each time; it is known which ones still live."""

    def __init__(self, times: int, error: Exception | None = None) -> None:
        self.left, self.error, self.rungs, self.held, self.freed = times, error, [], [], 0

    def __call__(self, attempt):
        held = torch.zeros(1000)
        self.held.append(weakref.ref(held))
        self.rungs.append(attempt.economy)
        with attempt.measured():
            if self.left:
                self.left -= 1
                raise self.error or torch.OutOfMemoryError("injected")
        return "made"

    def free(self) -> None:
        self.freed += 1
        assert all(one() is None for one in self.held), "a failed attempt is still held"


def test_what_fits_is_done_as_usual(plan):
    work = Failing(0)
    done = plan.within(NEED, LEARN_LADDER, work, free=work.free)
    assert (done.value, done.rung, work.freed) == ("made", "as usual", 0)


@pytest.mark.parametrize("times", range(1, len(LEARN_LADDER)))
def test_each_rung_is_tried_once_and_nothing_of_a_failed_one_is_held(plan, times):
    """The rungs in order; before each the caches are freed, and by then the failed attempt's tensors are gone."""
    work = Failing(times)
    done = plan.within(NEED, LEARN_LADDER, work, free=work.free)
    assert (done.value, done.rung) == ("made", NAMES[times])
    assert work.rungs == [rung.economy for rung in LEARN_LADDER[: times + 1]]
    assert work.freed == times


def test_below_the_last_rung_it_fails_with_a_sentence_and_without_a_trace(plan):
    work = Failing(99)
    with pytest.raises(OutOfMemory, match=r"not enough memory on CPU.* for generate at 32 px .*'tiny'") as raised:
        plan.within(NEED, LEARN_LADDER, work, free=work.free)
    assert len(work.rungs) == len(LEARN_LADDER)
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None
    assert all(one() is None for one in work.held)


def test_the_ladder_of_drawing_spares_what_only_training_has():
    assert [rung.name for rung in DRAW_LADDER] == [name for name in NAMES if name != "gradient checkpointing"]


@pytest.mark.parametrize(
    ("error", "ran_out"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), True),
        (MemoryError(), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"), True),
        (RuntimeError("size mismatch"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_what_counts_as_out_of_memory(plan, error, ran_out):
    """Also as the cause of another error; everything else goes its way at once."""
    assert is_out_of_memory(error) is ran_out
    broken = ModelBroken("cannot be loaded")
    broken.__cause__ = error
    assert is_out_of_memory(broken) is ran_out
    if not ran_out:
        work = Failing(1, error)
        with pytest.raises(type(error)):
            plan.within(NEED, LEARN_LADDER, work, free=work.free)
        assert len(work.rungs) == 1


def test_a_peak_is_measured_kept_and_read_again(plan, tmp_path):
    """64 MB that are taken within the block, and given back before its end, are its peak; another run knows it."""

    def work(attempt):
        with attempt.measured():
            take(64)

    done = plan.within(NEED, LEARN_LADDER, work, free=lambda: None)
    assert 60 < done.peak_mb < 200
    known = Memory(plan.device, tmp_path / "peaks.json").peaks_mb
    assert known == {"tiny/generate/32/4/as usual": pytest.approx(done.peak_mb, abs=0.1)}


def test_what_is_done_between_two_steps_is_another_one_s_peak(plan):
    """A drawing's 128 MB within a training of some 64 MB count for the drawing alone."""
    peaks = {}

    def draw(attempt):
        with attempt.measured():
            take(128)

    def learn(attempt):
        with attempt.measured():
            take(64)
            other = Need(profile="tiny", work="other", size_px=32, batch_size=4)
            peaks["draw"] = plan.within(other, DRAW_LADDER, draw, free=lambda: None).peak_mb
            take(64)

    peaks["learn"] = plan.within(NEED, LEARN_LADDER, learn, free=lambda: None).peak_mb
    assert peaks["draw"] > 120
    assert 48 < peaks["learn"] < 120


def test_work_is_admitted_on_the_rung_that_its_peak_leaves(plan, free_mb):
    """100 MB are free and the usual way took 500: it begins with freed caches, or further down if that took as much."""
    usual, sliced = NEED.on(LEARN_LADDER[0]), NEED.on(LEARN_LADDER[2])
    plan._known, free_mb[0] = {usual: {"peak_mb": 500.0}}, 100
    assert plan.within(NEED, LEARN_LADDER, Failing(0), free=lambda: free_mb.__setitem__(0, 600)).rung == "caches freed"
    free_mb[0] = 100
    plan._known = {usual: {"peak_mb": 500.0}}
    assert plan.within(NEED, LEARN_LADDER, Failing(0), free=lambda: None).rung == "VAE in slices"
    plan._known = {usual: {"peak_mb": 500.0}, sliced: {"peak_mb": 400.0}}
    assert plan.within(NEED, LEARN_LADDER, Failing(0), free=lambda: None).rung == "one picture at a time"
    plan._known = {NEED.on(rung): {"peak_mb": 500.0} for rung in LEARN_LADDER}
    assert plan.within(NEED, LEARN_LADDER, Failing(0), free=lambda: None).rung == LEARN_LADDER[-1].name


def test_where_memory_ran_out_the_next_job_begins_further_down_for_a_while(plan, free_mb, monkeypatch):
    """With as little free; with more, or an hour later, the usual way is tried again."""
    assert plan.within(NEED, LEARN_LADDER, Failing(3), free=lambda: None).rung == "one picture at a time"
    assert plan.within(NEED, LEARN_LADDER, Failing(0), free=lambda: None).rung == "one picture at a time"
    free_mb[0] *= 2
    assert plan.within(NEED, LEARN_LADDER, Failing(0), free=lambda: None).rung == "as usual"
    free_mb[0] = 1e6
    plan._note(NEED.on(LEARN_LADDER[0]), lacked_mb=2e6, at=0.0)
    assert plan.within(NEED, LEARN_LADDER, Failing(0), free=lambda: None).rung == "as usual"


def test_an_exceptional_peak_is_forgotten_in_time(plan):
    name = NEED.on(LEARN_LADDER[0])
    plan._known = {name: {"peak_mb": 1000.0}}
    for _ in range(20):
        plan._note(name, peak_mb=100.0)
    assert 100 <= plan.peaks_mb[name] < 115
    plan._note(name, peak_mb=900.0)
    assert plan.peaks_mb[name] == 900


def test_a_damaged_or_unwritable_file_of_peaks_is_no_matter(tmp_path):
    path = tmp_path / "peaks.json"
    path.write_text("[1, 2")
    assert Memory(choose_device("cpu"), path).peaks_mb == {}
    (tmp_path / "file").write_text("")
    plan = Memory(choose_device("cpu"), tmp_path / "file" / "peaks.json")
    assert plan.within(NEED, LEARN_LADDER, Failing(0), free=lambda: None).value == "made"


def _starved(folder) -> None:
    """In a process of its own that may take 300 MB more: 800 MB at once are too many, one picture's 100 MB are not."""
    torch.set_num_threads(1)
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + 300 * 2**20, resource.getrlimit(resource.RLIMIT_AS)[1]))
    plan = Memory(choose_device("cpu"), folder / "peaks.json")

    def work(attempt):
        with attempt.measured():
            return [torch.ones((100 if attempt.economy.one_by_one else 800) * 2**18).sum().item() for _ in range(5)]

    assert plan.within(NEED, DRAW_LADDER, work, free=lambda: None).rung == "one picture at a time"
    assert plan.within(NEED, DRAW_LADDER, work, free=lambda: None).rung == "one picture at a time"


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="only Linux tells and caps a process's memory")
def test_under_a_real_cap_the_work_is_done_in_what_there_is(tmp_path):
    """The allocator's own refusal, not an injected one; the second time it is not run into."""
    process = multiprocessing.get_context("fork").Process(target=_starved, args=(tmp_path,))
    process.start()
    process.join(120)
    assert process.exitcode == 0
