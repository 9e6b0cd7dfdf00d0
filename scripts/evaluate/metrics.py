"""The metric study of 2023, again: which metric puts painted, good, bad and trash in this order?

Owns the metrics and their orders. How the sets come to be is ``sets``' affair. Loads torch and torchmetrics.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torchmetrics.functional.image import error_relative_global_dimensionless_synthesis as ergas
from torchmetrics.image.fid import (
    FrechetInceptionDistance,
)  # torchmetrics.image offers these only beside torch-fidelity
from torchmetrics.image.inception import InceptionScore
from torchmetrics.image.kid import KernelInceptionDistance

from pipeline.domain import Json, Report, ShouldStop
from pipeline.errors import Stopped
from scripts.evaluate import clip
from scripts.evaluate.features import Array, as_tensor, distances, feature_network, lpips_lack
from scripts.evaluate.parts import EvaluateConfig
from scripts.evaluate.plan import plan_of
from scripts.evaluate.prompts import BEST_OF_2023, search
from scripts.evaluate.restyle import Work
from scripts.evaluate.result import Figure, FigureRow, PartResult, Row, skipped
from scripts.evaluate.sets import ORDER, PAINTED, Sets, class_embeddings, sets_of
from scripts.evaluate.statistics import ROUNDS, Indices, bootstrap, ends, kendall_tau
from scripts.evaluate.subject import Subject

SET_ROUNDS = 100  # bootstrap samples of a metric that looks at a whole set: each costs an eigenvalue problem
LOGIT_SCALE = 16.0  # of the cosines that stand for a classifier's logits
SHOWN = 10


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A metric with its values on the sets: one a picture, or a function of which pictures of the set are taken."""

    name: str
    high_is_good: bool
    values: dict[str, Array]  # (N,) a set, or (N, D) what ``of`` takes
    of: Callable[[Array], float] = np.mean
    rounds: int = ROUNDS
    note: str = ""


def facts(subject: Subject) -> Json:
    """Which of the models that would have to be downloaded are here."""
    return {"lpips": lpips_lack(), "clip": clip.lacks(subject.models)}


def measure(subject: Subject, config: EvaluateConfig, *, report: Report, should_stop: ShouldStop) -> PartResult:
    """Every metric on every set, and whether it orders them.

    Raises:
        Stopped: ``should_stop`` said so; what was learned and drawn stays.
    """
    plan = plan_of(subject, config.count, config.seed)
    sets = sets_of(Work(subject=subject, plan=plan, seed=config.seed, report=report, should_stop=should_stop))
    metrics = [*picture_metrics(subject, sets), *set_metrics(subject, sets, config.seed)]
    scorers = clip.scorers(subject.models)
    metrics += [scorer_metric(scorer, sets) for scorer in scorers]
    rows: list[Row] = []
    for done, metric in enumerate(metrics):
        if should_stop():
            raise Stopped()
        rows += rows_of(metric, config.seed)
        report(done + 1, len(metrics))
    for scorer in scorers:
        features = [scorer.of_pictures(sets.pictures[name]) for name in ORDER]
        owners = np.repeat(np.arange(len(ORDER)), [len(part) for part in features])
        rows += search(scorer, torch.cat(features), owners, len(ORDER))
    rows += lacking(subject)
    shown = [FigureRow(label=name, pictures=sets.pictures[name][:SHOWN]) for name in ORDER]
    figure = Figure(title="The four sets", columns=[""] * min(SHOWN, len(plan.things)), rows=shown)
    return PartResult(rows=rows, figures=[figure], notes=[sets.note])


def lacking(subject: Subject) -> list[Row]:
    """What was not measured, and why."""
    rows = [skipped("LPIPS", why)] if (why := lpips_lack()) else []
    lacks = clip.lacks(subject.models)
    return rows + [skipped(f"{name}, and its prompt search", why) for name, why in lacks.items() if why]


def picture_metrics(subject: Subject, sets: Sets) -> list[Metric]:
    """Distances to the truth, a value a picture. The painted set is the truth, and left out."""
    paired = [name for name in ORDER if name != PAINTED]
    truth = sets.pictures[PAINTED]
    note = "paired with the truth; painted is the truth itself and left out"
    found = [
        Metric(
            name=name,
            high_is_good=False,
            values={part: far(sets.pictures[part], truth) for part in paired},
            note=note,
        )
        for name, far in distances(subject).items()
    ]
    values = {part: ergas_of(sets.pictures[part], truth) for part in paired}
    return [*found, Metric(name="ERGAS", high_is_good=False, values=values, note=note)]


def ergas_of(pictures: Sequence[Image.Image], truths: Sequence[Image.Image]) -> Array:
    """ERGAS of each pair; made for aligned satellite pictures, which drawings of the same thing are not."""
    black = 1 / 255  # a colour that is nowhere in the truth would divide by zero
    values = ergas(as_tensor(pictures) + black, as_tensor(truths) + black, reduction="none")
    return np.asarray(values.double().numpy())


def set_metrics(subject: Subject, sets: Sets, seed: int) -> list[Metric]:
    """FID, KID and IS on the features of a network that knows sticker art."""
    network = feature_network(subject)
    features = {name: network.embeddings(sets.pictures[name]) for name in ORDER}
    reference = network.embeddings(sets.reference)
    logits = {name: logits_of(found, class_embeddings(subject, network)) for name, found in features.items()}
    against = f"features of {network.name}'s vision tower; against {len(reference)} other OpenMoji drawings"
    of_set = partial(Metric, rounds=SET_ROUNDS)
    return [
        of_set(name="FID", high_is_good=False, values=features, of=partial(fid, reference), note=against),
        of_set(name="KID", high_is_good=False, values=features, of=partial(kid, reference, seed=seed), note=against),
        of_set(
            name="IS",
            high_is_good=True,
            values=logits,
            of=partial(inception_score, seed=seed),
            note="classes: the things that the recipe teaches, by the cosine of embeddings",
        ),
    ]


def scorer_metric(scorer: clip.Scorer, sets: Sets) -> Metric:
    """A scorer with the best prompt of 2023."""
    words = scorer.of_words([BEST_OF_2023])
    values = {name: scorer.scores(words, scorer.of_pictures(sets.pictures[name]))[0] for name in ORDER}
    return Metric(name=scorer.name, high_is_good=True, values=values, note=f"prompt “{BEST_OF_2023}”")


class Given(nn.Module):
    """Stands where torchmetrics would ask a network: the features are there already."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features

    def forward(self, features: Tensor) -> Tensor:
        """The features."""
        return features


def fid(reference: Array, features: Array) -> float:
    """Fréchet distance of two normal distributions (Heusel et al. 2017); biased upward for few pictures."""
    metric = FrechetInceptionDistance(feature=Given(features.shape[1]))
    metric.update(torch.from_numpy(reference), real=True)
    metric.update(torch.from_numpy(features), real=False)
    return float(metric.compute())


def kid(reference: Array, features: Array, seed: int) -> float:
    """Squared maximum mean discrepancy with a cubic kernel (Bińkowski et al. 2018)."""
    with _dice(seed):
        size = min(len(reference), len(features))
        metric = KernelInceptionDistance(feature=Given(features.shape[1]), subsets=10, subset_size=size)
        metric.update(torch.from_numpy(reference), real=True)
        metric.update(torch.from_numpy(features), real=False)
        return float(metric.compute()[0])


def inception_score(logits: Array, seed: int) -> float:
    """Salimans et al. 2016, eq. 1, over the whole set at once."""
    with _dice(seed):
        metric = InceptionScore(feature=Given(logits.shape[1]), splits=1)
        metric.update(torch.from_numpy(logits))
        return float(metric.compute()[0])


@contextmanager
def _dice(seed: int) -> Iterator[None]:
    """torchmetrics draws from the global dice and warns of its buffers and of a deviation of one value."""
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        torch.manual_seed(seed)
        yield


def logits_of(embeddings: Array, classes: Array) -> Array:
    """Scaled cosines after the classes' mean is taken off. (N, D) and (K, D) → (N, K)."""
    middle = classes.mean(axis=0)
    a, b = (x / (np.linalg.norm(x, axis=1, keepdims=True) + 1e-12) for x in (embeddings - middle, classes - middle))
    return LOGIT_SCALE * (a @ b.T)


def rows_of(metric: Metric, seed: int) -> list[Row]:
    """The metric on each set, then Kendall's τ between its order and the one that people see.

    A sample with repetitions is poorer than the set, and FID, KID and IS notice: the samples' values are moved so that
    their mean is the set's own value (bootstrap with its bias taken off, Efron & Tibshirani 1993, chapter 10).
    """
    names = list(metric.values)
    sign = 1 if metric.high_is_good else -1
    found = {name: metric.of(metric.values[name]) for name in names}

    def again(indices: Sequence[Indices]) -> Array:
        return np.array([metric.of(metric.values[name][i]) for name, i in zip(names, indices, strict=True)])

    drawn = bootstrap([len(metric.values[name]) for name in names], again, metric.rounds, seed)  # (rounds, sets)
    drawn += np.array(list(found.values())) - drawn.mean(axis=0)
    rows = []
    for place, name in enumerate(names):
        low, high = ends(drawn[:, place])
        count = len(metric.values[name])
        rows.append(Row(metric=f"{metric.name}, {name}", value=found[name], low=low, high=high, n=count))
    taus = np.array([kendall_tau(list(sign * one)) for one in drawn])
    low, high = ends(taus)
    tau = kendall_tau([sign * value for value in found.values()])
    order = " > ".join(names)
    note = f"1 = {order}; in {np.mean(taus == 1):.0%} of the bootstrap samples. {metric.note}"
    return [*rows, Row(metric=f"{metric.name}, Kendall τ", value=tau, low=low, high=high, note=note)]
