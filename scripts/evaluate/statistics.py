"""The evaluation's arithmetic: bootstrap intervals, order of sets, separation, and a linear judge.

Owns formulas. Knows no picture and no model. Light: numpy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from scripts.evaluate.result import SHARE, Row

Vector = NDArray[np.float64]
Indices = NDArray[np.int64]

ROUNDS = 2000  # bootstrap samples
LEVEL = 0.95
SHRINKAGE = 0.3  # of the judge's covariance towards the unit matrix; a pack has fewer pictures than features


def resamples(count: int, rounds: int, seed: int) -> Indices:
    """Indices of ``rounds`` samples with replacement. Returns (rounds, count)."""
    return np.random.default_rng(seed).integers(0, count, (rounds, count))


def ends(values: Vector) -> tuple[float, float]:
    """The percentile interval of bootstrap values (Efron 1979), without those that are no number."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return float("nan"), float("nan")
    tail = 50 * (1 - LEVEL)
    low, high = np.percentile(finite, [tail, 100 - tail])
    return float(low), float(high)


def mean_interval(values: Sequence[float] | Vector, seed: int) -> tuple[float, float, float]:
    """The mean of at least one value, and its bootstrap interval."""
    array = np.asarray(values, dtype=np.float64)
    low, high = ends(array[resamples(len(array), ROUNDS, seed)].mean(axis=1))
    return float(array.mean()), low, high


def mean_row(
    metric: str, values: Sequence[float] | Sequence[bool] | Vector, *, seed: int, unit: str = "", note: str = ""
) -> Row:
    """A row that tells the mean of ``values`` with its interval; one that says so where there are none."""
    if not len(values):
        return Row(metric=metric, value=None, unit=unit, n=0, note="no picture of this kind")
    mean, low, high = mean_interval(np.asarray(values, dtype=np.float64), seed)
    return Row(metric=metric, value=mean, low=low, high=high, unit=unit, n=len(values), note=note)


def share_row(metric: str, hits: Sequence[bool] | NDArray[np.bool_], *, seed: int, note: str = "") -> Row:
    """A row that tells the share of hits.

    Args:
        hits: (N,), or (N, K) where K pictures show one thing: they resemble each other, and are one draw.
    """
    draws = np.asarray(hits, dtype=np.float64)
    row = mean_row(metric, draws.mean(axis=1) if draws.ndim == 2 else draws, seed=seed, unit=SHARE, note=note)
    if row.value not in (0.0, 1.0):
        return row
    # Of equal values every resample is the same; one picture more could still have differed.
    low, high = wilson(row.value, len(hits))
    return replace(row, low=low, high=high)


def wilson(share: float, count: int) -> tuple[float, float]:
    """The score interval of Wilson 1927 of a share among ``count`` pictures."""
    z = NormalDist().inv_cdf((1 + LEVEL) / 2)
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * (share * (1 - share) / count + z * z / (4 * count * count)) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)


def kendall_tau(values: Sequence[float]) -> float:
    """Kendall's τ (1938) between ``values`` and a strictly falling order: 1 where each is above the next, -1 reversed.

    A tie counts for neither side (τ-a). Needs at least two values; not a number where one of them is none.
    """
    if not all(np.isfinite(values)):
        return float("nan")
    signs = [np.sign(first - second) for first, second in combinations(values, 2)]
    return float(np.sum(signs) / len(signs))


def auc(above: Vector, below: Vector) -> float:
    """How often a value of ``above`` is larger than one of ``below``, ties half (Mann-Whitney U over the pairs)."""
    order = np.sort(below)
    smaller, up_to = np.searchsorted(order, above, "left"), np.searchsorted(order, above, "right")
    return float((smaller + up_to).mean() / 2 / len(below))


def separation(sets: Sequence[Vector]) -> float:
    """Mean AUC over all pairs of sets, the first meant to be the highest: 1 = perfectly ordered, 0.5 = by chance."""
    return float(np.mean([auc(above, below) for above, below in combinations(sets, 2)]))


@dataclass(frozen=True, kw_only=True)
class Judge:
    """A line through statistics: positive scores are on the side of the second set."""

    weights: Vector  # (D,)
    middle: Vector  # (D,)

    def __call__(self, statistics: Vector) -> Vector:
        """(N, D) → (N,)."""
        return np.asarray((statistics - self.middle) @ self.weights)


def fitted_judge(first: Vector, second: Vector, shrinkage: float = SHRINKAGE) -> Judge:
    """Fisher's linear discriminant with a covariance shrunk towards the unit matrix, on standardised statistics.

    Args:
        first, second: (N, D) and (M, D); N and M may be smaller than D.
    """
    centred = np.concatenate([first - first.mean(0), second - second.mean(0)])
    scale = centred.std(0) + 1e-8
    covariance = (1 - shrinkage) * np.cov((centred / scale).T, bias=True) + shrinkage * np.eye(first.shape[1])
    direction = np.linalg.solve(covariance, (second.mean(0) - first.mean(0)) / scale)
    return Judge(weights=direction / scale, middle=(first.mean(0) + second.mean(0)) / 2)


def bootstrap(sizes: Sequence[int], of: Callable[[Sequence[Indices]], Vector], rounds: int, seed: int) -> Vector:
    """``of`` the resampled indices of each set, ``rounds`` times. Returns (rounds, …)."""
    drawn = [resamples(size, rounds, seed + number) for number, size in enumerate(sizes)]
    return np.stack([of([indices[number] for indices in drawn]) for number in range(rounds)])
