"""Step-level sharing: a training that gave way to drawings on the same models is as one that had them to itself."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest
import torch
from PIL import ImageChops

from pipeline.domain import Stage, never_stop, no_report
from pipeline.draw import Drawing, Shared, draw_drafts
from pipeline.learn import learn_style
from pipeline.options import options_of
from pipeline.residents import Residents
from pipeline.turns import Turns
from tests.unit.pipeline.variants import with_section
from training.checkpoint import FILE_NAME, step_of

STEPS, DRAWN_AFTER = 6, (1, 2, 4, 5)


@pytest.fixture
def models(tiny):
    """The tiny ones, the text encoder trained as well; checkpoints are rare, so that none is gone on from."""
    return with_section(tiny, "train", text_encoder_learning_rate=1e-3, checkpoint_every=100)


class Shop:
    """Drawings that come while somebody learns, each in a thread of its own."""

    def __init__(self, tiny, models, style, folder) -> None:
        self.tiny, self.models, self.style, self.folder = tiny, models, style, folder
        self.turns, self.residents = Turns(learn_share=0), Residents(100)
        self.threads: list[threading.Thread] = []
        self.raised: list[BaseException] = []

    def draw(self, folder, *, shared=None, should_stop=never_stop):
        """All photos in the style; unlike the training, with the base's own weights or those of a style."""
        options = options_of(self.models.profile, count=1)
        captions = {photo.name: "a thing" for photo in self.tiny.photos}
        job = Drawing(
            photos=self.tiny.photos,
            captions=captions,
            style=self.style,
            folder=folder,
            options=options,
            shared=shared or Shared(turn=self.turns.drawing, styled=self.residents.styled, preview_every=1),
        )
        return draw_drafts(job, self.models, report=no_report, should_stop=should_stop)

    def come(self, number: int, should_stop=never_stop) -> None:
        """A person comes; returns once they stand in the line."""

        def work() -> None:
            try:
                self.draw(self.folder / str(number), should_stop=should_stop)
            except BaseException as error:
                self.raised.append(error)

        self.threads.append(threading.Thread(target=work))
        self.threads[-1].start()
        deadline = time.monotonic() + 60
        while not self.turns._draws and self.threads[-1].is_alive():
            assert time.monotonic() < deadline
            time.sleep(0.001)

    def learn(self, folder, options, *, report=no_report, alone=False, should_stop=never_stop):
        """The style, and what came of it."""
        arguments = (self.tiny.pack, options, folder, folder.parent / "work", self.tiny.cache, self.models)

        def watch(stage):
            return report if stage is Stage.TRAIN else no_report

        if alone:
            return learn_style(*arguments, watch=watch, should_stop=should_stop)
        with self.turns.learning(should_stop) as asked:
            return learn_style(*arguments, watch=watch, should_stop=asked)


@pytest.fixture
def shop(tiny, models, style, tmp_path):
    return Shop(tiny, models, style, tmp_path / "drafts")


def learned_alone(shop, folder, options):
    torch.manual_seed(7)
    return shop.learn(folder / "style", options, alone=True)


@pytest.mark.parametrize("method", ["lora", "dreambooth"])
def test_an_interrupted_training_learns_the_very_same(shop, tmp_path, method):
    """Drawings after four of six steps, in another style on the same base: losses and weights are equal to the last
    bit, and each drawing is what it is when nobody learns."""
    options = options_of(shop.models.profile, method=method, train_steps=STEPS, seed=5)
    alone = learned_alone(shop, tmp_path / "alone", options)
    before = {name: value.clone() for name, value in shop.models.base.unet.named_parameters()}

    def report(done, total, preview=None):
        if done in DRAWN_AFTER:
            shop.come(done)

    shared = shop.learn(tmp_path / "shared" / "style", options, report=report)
    for thread in shop.threads:
        thread.join()
    assert shop.raised == []
    assert shop.turns.figures.gave_way >= len(DRAWN_AFTER)
    assert shared.losses == alone.losses
    assert shared.tensors.keys() == alone.tensors.keys()
    assert all(torch.equal(shared.tensors[name], value) for name, value in alone.tensors.items())
    assert all(torch.equal(before[name], value) for name, value in shop.models.base.unet.named_parameters())
    quiet = shop.draw(tmp_path / "quiet", shared=Shared())
    for number in DRAWN_AFTER:
        again = shop.draw(tmp_path / "drafts" / str(number), shared=Shared())
        assert [one.image.tobytes() for one in again] == [one.image.tobytes() for one in quiet]


@pytest.mark.parametrize("method", ["lora", "dreambooth"])
def test_interrupted_stopped_and_resumed_learns_the_very_same(shop, tmp_path, method):
    """Drawings before and after the worker was drained at step 3: the checkpoint is that of a quiet training."""
    options = options_of(shop.models.profile, method=method, train_steps=STEPS, seed=5)
    alone = learned_alone(shop, tmp_path / "alone", options)
    told = []

    def report(done, total, preview=None):
        told.append(done)
        if done in DRAWN_AFTER:
            shop.come(done)

    folder = tmp_path / "shared" / "style"
    with pytest.raises(Exception, match="stopped after step 3"):
        shop.learn(folder, options, report=report, should_stop=lambda: told == [1, 2, 3])
    assert step_of(folder.parent / "work") == 3
    assert (folder.parent / "work" / FILE_NAME).is_file()
    shared = shop.learn(folder, options, report=report)
    for thread in shop.threads:
        thread.join()
    assert (told, shop.raised) == ([1, 2, 3, 4, 5, 6], [])
    assert shared.losses == alone.losses
    assert all(torch.equal(shared.tensors[name], value) for name, value in alone.tensors.items())


def test_a_drawing_that_fails_disturbs_no_training(shop, tmp_path):
    """Its error is its own: the training ends at the same weights, and the next drawing is right."""
    options = options_of(shop.models.profile, train_steps=STEPS, seed=5)
    alone = learned_alone(shop, tmp_path / "alone", options)

    def report(done, total, preview=None):
        if done in DRAWN_AFTER:
            asked = iter([False, True])  # in the middle of a batch
            shop.come(done, should_stop=lambda: next(asked, True))

    shared = shop.learn(tmp_path / "shared" / "style", options, report=report)
    for thread in shop.threads:
        thread.join()
    assert len(shop.raised) == len(DRAWN_AFTER)
    assert all(torch.equal(shared.tensors[name], value) for name, value in alone.tensors.items())
    assert len(shop.draw(tmp_path / "after")) == 3


def test_drafts_of_a_small_batch_are_those_of_a_large_one(shop, tmp_path):
    """Where memory is short: the same pictures but for rounding, and what is finished is not drawn again."""
    usual = shop.draw(tmp_path / "usual", shared=Shared())
    single = shop.draw(tmp_path / "single", shared=Shared(batch_size=1))
    for first, second in zip(usual, single, strict=True):
        extrema = ImageChops.difference(first.image, second.image).getextrema()
        assert max(high for _, high in extrema) <= 2
    known = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "usual").iterdir()}
    shop.draw(tmp_path / "usual", shared=replace(Shared(), batch_size=1))
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "usual").iterdir()} == known
