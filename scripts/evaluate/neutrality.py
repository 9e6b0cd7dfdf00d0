"""Does the structure map give the style away? How well a classifier tells the art set from the map alone.

Owns the classifiers and the split. The map should tell little more than chance; the pictures themselves tell how much
there is to be told. Loads torch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.domain import Report, ShouldStop
from pipeline.errors import Stopped
from pipeline.structure import structure_map
from scripts.evaluate.features import as_tensor, resized
from scripts.evaluate.parts import EvaluateConfig
from scripts.evaluate.plan import SOURCES
from scripts.evaluate.result import Figure, FigureRow, PartResult, Row
from scripts.evaluate.statistics import share_row
from scripts.evaluate.subject import HELD_OUT, Subject, on_white, shuffled

STYLES = (*SOURCES, "emojione", HELD_OUT)
SIDE_PX = 64  # at which a classifier sees
TEST_SHARE = 0.3  # of the things
SHOWN = 6


@dataclass(frozen=True, kw_only=True)
class Data:
    """Pictures (N, 3, side, side) in [0, 1], and the number of the set that each comes from."""

    pictures: Tensor
    labels: Tensor


def logistic(side_px: int = 16) -> nn.Module:
    """Logistic regression on small pictures."""
    return nn.Sequential(nn.AdaptiveAvgPool2d(side_px), nn.Flatten(), nn.Linear(3 * side_px**2, len(STYLES)))


def convolutional() -> nn.Module:
    """A small convolutional network that looks for textures wherever they are."""
    widths = (3, 16, 32, 48)
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[-1], len(STYLES)))


CLASSIFIERS: dict[str, Callable[[], nn.Module]] = {
    "logistic regression": logistic,
    "small convolutional network": convolutional,
}
EPOCHS = 12
BATCH = 32


def measure(subject: Subject, config: EvaluateConfig, *, report: Report, should_stop: ShouldStop) -> PartResult:
    """The accuracy of each classifier, on maps and on the pictures themselves, over things that it did not learn from.

    Raises:
        Stopped: ``should_stop`` said so.
    """
    codes = common_codes(subject, config)
    tests = set(codes[: max(1, round(TEST_SHARE * len(codes)))])
    total = len(codes) + len(CLASSIFIERS) * 2
    kinds: dict[str, list[Tensor]] = {"the structure map": [], "the picture itself": []}
    for done, code in enumerate(codes):
        if should_stop():
            raise Stopped()
        pictures = [on_white(subject.drawing(style, code), subject.models.profile.size_px) for style in STYLES]
        maps = [structure_map(picture, subject.models.profile.size_px) for picture in pictures]
        for found, images in zip(kinds.values(), (maps, pictures), strict=True):
            found.append(resized(as_tensor(images), SIDE_PX))
        report(done + 1, total)
    is_test = [code in tests for code in codes for _ in STYLES]
    rows: list[Row] = []
    for kind, parts in kinds.items():
        seen, unseen = split(torch.cat(parts), is_test)
        for name, build in CLASSIFIERS.items():
            hits = accuracy_of(build, seen, unseen, config.seed, should_stop)
            by_thing = np.asarray(hits).reshape(-1, len(STYLES))
            rows.append(share_row(f"told from {kind}, by {name}", by_thing, seed=config.seed))
            report(len(codes) + len(rows), total)
    rows.append(Row(metric="by chance", value=1 / len(STYLES), unit="%"))
    note = f"Five art sets, {len(codes)} things that all of them have drawn; the classifier learns from other things."
    return PartResult(rows=rows, figures=[figure_of(subject, codes[:SHOWN])], notes=[note])


def common_codes(subject: Subject, config: EvaluateConfig) -> list[str]:
    """Things that every set has."""
    everywhere = set.intersection(*(set(subject.place(style)) for style in STYLES))
    return shuffled(list(everywhere), config.seed)[: config.count]


def split(pictures: Tensor, is_test: Sequence[bool]) -> tuple[Data, Data]:
    """What is learned from, and what is asked; pictures stand in the order of ``STYLES``, thing by thing."""
    labels = torch.arange(len(STYLES)).repeat(len(pictures) // len(STYLES))
    test = torch.tensor(is_test)
    return (
        Data(pictures=pictures[~test], labels=labels[~test]),
        Data(pictures=pictures[test], labels=labels[test]),
    )


def accuracy_of(
    build: Callable[[], nn.Module], seen: Data, unseen: Data, seed: int, should_stop: ShouldStop
) -> list[bool]:
    """Train a classifier, and ask it; the same seed gives the same answers on the same machine."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = build()
    generator = torch.Generator().manual_seed(seed)
    steps = EPOCHS * -(-len(seen.labels) // BATCH)
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=3e-3, total_steps=steps)
    for _ in range(EPOCHS):
        for part in torch.randperm(len(seen.labels), generator=generator).split(BATCH):
            if should_stop():
                raise Stopped()
            loss = F.cross_entropy(model(seen.pictures[part] - 0.5), seen.labels[part])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    model.eval()
    with torch.no_grad():
        said = torch.cat([model(part - 0.5) for part in unseen.pictures.split(BATCH)]).argmax(dim=1)
    hits: list[bool] = (said == unseen.labels).tolist()
    return hits


def figure_of(subject: Subject, codes: Sequence[str]) -> Figure:
    """The maps of some things in every set."""
    rows = []
    for code in codes:
        pictures = [on_white(subject.drawing(style, code), subject.models.profile.size_px) for style in STYLES]
        maps = [structure_map(picture, SIDE_PX * 2) for picture in pictures]
        rows.append(FigureRow(label=subject.name(HELD_OUT, code), pictures=maps))
    return Figure(title="Structure maps of the same things", columns=STYLES, rows=rows)
