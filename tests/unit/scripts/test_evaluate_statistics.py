"""The evaluation's arithmetic, by cases that can be worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torchmetrics", reason="the extra `evaluate` is not installed")

from scripts.evaluate import features, metrics, personalisation, statistics
from scripts.evaluate.boundaries import boundary, boundary_error_px, iou
from scripts.evaluate.prompts import BEST_OF_2023, WORST_OF_2023, prompts, ranked


def square(left: int, top: int, side: int, frame: int = 40) -> np.ndarray:
    mask = np.zeros((frame, frame), dtype=bool)
    mask[top : top + side, left : left + side] = True
    return mask


def test_equal_outlines_have_no_error_and_moved_ones_the_way_they_moved() -> None:
    """A long edge moved by 3 px: every pixel of it is 3 px from the other."""
    assert boundary_error_px(square(5, 5, 20), square(5, 5, 20)) == 0
    half, more = np.zeros((2, 50, 40), dtype=bool)
    half[:, :20], more[:, :23] = True, True
    inside = boundary_error_px(half, more)
    assert 0 < inside < 3  # the frame's own sides agree
    assert iou(half, more) == pytest.approx(20 / 23)


def test_the_outline_is_the_rim_of_the_mask() -> None:
    assert boundary(square(5, 5, 10)).sum() == 36
    assert boundary(square(0, 0, 40)).sum() == 4 * 39  # beyond the frame nothing is in the mask


def test_a_mask_around_another_is_as_far_as_the_ring_is_wide() -> None:
    """Squares of 20 and 24 px with one centre: sides are 2 px apart; the outer corners a little more."""
    error = boundary_error_px(square(10, 10, 20), square(8, 8, 24))
    assert 2 <= error < 2.2
    assert boundary_error_px(square(8, 8, 24), square(10, 10, 20)) == pytest.approx(error)


def test_a_lost_thing_costs_the_diagonal_and_two_empty_masks_agree() -> None:
    empty = np.zeros((30, 40), dtype=bool)
    assert boundary_error_px(empty, square(1, 1, 3, 40)[:30]) == 50
    assert boundary_error_px(empty, empty) == 0
    assert iou(empty, empty) == 1


def test_the_interval_holds_the_mean_and_narrows_with_more_pictures() -> None:
    few = statistics.mean_interval([0, 1] * 10, seed=0)
    many = statistics.mean_interval([0, 1] * 1000, seed=0)
    assert few[0] == many[0] == 0.5
    assert few[1] < 0.5 < few[2]
    assert (many[2] - many[1]) == pytest.approx(2 * 1.96 * 0.5 / math.sqrt(2000), rel=0.1)  # the normal one
    assert statistics.mean_interval([0, 1] * 10, seed=0) == few


def test_a_share_of_none_or_all_is_not_told_as_sure() -> None:
    """The ends are Wilson's, from a table: none of 78 may be up to 4.7 %."""
    none, all_ = (statistics.share_row("x", [hit] * 78, seed=0) for hit in (False, True))
    assert (none.low, none.high) == pytest.approx((0.0, 0.0469), abs=1e-4)
    assert (all_.low, all_.high) == pytest.approx((0.9531, 1.0), abs=1e-4)
    assert statistics.wilson(0.5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)


def test_pictures_of_one_thing_are_one_draw() -> None:
    """Eight copies of each of ten things tell no more than the ten."""
    ten = np.arange(10) < 5
    one, eight = (
        statistics.share_row("x", ten, seed=0),
        statistics.share_row("x", np.repeat(ten[:, None], 8, 1), seed=0),
    )
    assert one == eight
    assert one.n == 10


def test_the_interval_of_one_value_is_that_value_and_of_none_a_word() -> None:
    assert statistics.mean_interval([0.25] * 7, seed=3) == (0.25, 0.25, 0.25)
    assert statistics.mean_row("x", [], seed=0).note == "no picture of this kind"


@pytest.mark.parametrize(
    ("values", "tau"),
    [
        ([4, 3, 2, 1], 1),
        ([1, 2, 3, 4], -1),
        ([4, 3, 1, 2], 2 / 3),
        ([3, 4, 2, 1], 2 / 3),
        ([1, 1], 0),
        ([4, 1, 2, 3], 0),
    ],
)
def test_kendall_tau_counts_the_pairs_in_order(values: list[float], tau: float) -> None:
    assert statistics.kendall_tau(values) == pytest.approx(tau)


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=6, unique=True))
def test_kendall_tau_of_the_reverse_is_the_negative(values: list[float]) -> None:
    assert statistics.kendall_tau(values) == pytest.approx(-statistics.kendall_tau(values[::-1]))


def test_auc_counts_how_often_the_one_is_above_the_other() -> None:
    assert statistics.auc(np.array([3.0, 4]), np.array([1.0, 2])) == 1
    assert statistics.auc(np.array([1.0, 3]), np.array([2.0, 2])) == 0.5
    assert statistics.auc(np.array([2.0]), np.array([2.0, 1])) == 0.75
    assert statistics.separation([np.array([9.0]), np.array([5.0]), np.array([7.0])]) == pytest.approx(2 / 3)


def test_the_judge_tells_two_clouds_apart_with_fewer_pictures_than_features() -> None:
    dice = np.random.default_rng(0)
    shift = np.zeros(40)
    shift[:5] = 4
    first, second = dice.normal(size=(12, 40)), dice.normal(size=(12, 40)) + shift
    judge = statistics.fitted_judge(first, second)
    assert (judge(dice.normal(size=(200, 40))) < 0).mean() > 0.95
    assert (judge(dice.normal(size=(200, 40)) + shift) > 0).mean() > 0.95
    assert judge((first.mean(0) + second.mean(0))[None] / 2) == pytest.approx(0)


def test_the_layer_distance_follows_its_formula() -> None:
    """Unit vectors at a right angle are 2 apart, opposite ones 4; length does not count."""
    a, b = torch.zeros(2, 3, 4, 4), torch.zeros(2, 3, 4, 4)
    a[:, 0], b[0, 1], b[1, 0] = 5, 0.1, 7
    assert features.layer_distance([a], [b]).tolist() == pytest.approx([2, 0])
    assert features.layer_distance([a, a], [b, -a]).tolist() == pytest.approx([3, 2])


def test_channel_statistics_are_the_mean_and_the_deviation_of_each_channel() -> None:
    layer = torch.tensor([[[[1.0, 3.0]], [[5.0, 5.0]]]])
    assert features.channel_statistics(layer).tolist() == [[2, 5, 1, 0]]


def test_content_passes_where_the_own_truth_is_the_nearest() -> None:
    truths = np.eye(4)
    found = np.array([[1, 0.1, 0, 0], [0, 1, 0, 0.2], [0, 0.9, 0.1, 0], [0.1, 0, 0, 1]])
    assert personalisation.is_the_thing(found, truths).tolist() == [True, True, False, True]


def test_fid_and_kid_are_least_for_the_same_distribution() -> None:
    dice = np.random.default_rng(1)
    reference, same, other = (dice.normal(size=(80, 6)) + shift for shift in (0, 0, 2))
    assert metrics.fid(reference, same) < metrics.fid(reference, other)
    assert metrics.fid(reference, other) == pytest.approx(6 * 4, rel=0.25)  # ‖2·1‖² of six features
    assert metrics.kid(reference, same, seed=0) < metrics.kid(reference, other, seed=0)
    assert metrics.kid(reference, same, seed=0) == metrics.kid(reference, same, seed=0)


def test_the_inception_score_is_the_number_of_classes_that_are_surely_and_evenly_seen() -> None:
    assert metrics.inception_score(np.eye(5) * 50, seed=0) == pytest.approx(5, rel=1e-3)
    assert metrics.inception_score(np.zeros((5, 5)), seed=0) == pytest.approx(1)


def test_a_metric_that_orders_the_sets_has_tau_1_and_one_that_does_not_less() -> None:
    dice = np.random.default_rng(2)
    values = {name: dice.normal(size=30) + place * 9 for place, name in enumerate(("painted", "good", "bad", "trash"))}
    low_is_good = metrics.rows_of(metrics.Metric(name="M", high_is_good=False, values=values), seed=0)
    high_is_good = metrics.rows_of(metrics.Metric(name="M", high_is_good=True, values=values), seed=0)
    assert [row.metric for row in low_is_good][-1] == "M, Kendall τ"
    assert (low_is_good[-1].value, low_is_good[-1].low, low_is_good[-1].high) == (1, 1, 1)
    assert high_is_good[-1].value == -1


def test_there_are_200_prompts_with_those_of_2023_and_the_best_separates_most() -> None:
    words = prompts()
    assert len(set(words)) == len(words) >= 200
    assert {BEST_OF_2023, WORST_OF_2023} <= set(words)
    owners = np.array([0, 0, 1, 1, 2, 2])
    scores = np.array([[1.0, 1, 1, 1, 1, 1], [3, 3, 2, 2, 1, 1], [1, 1, 2, 2, 3, 3]])
    assert ranked(scores, owners, 3) == [(1.0, 1), (0.5, 0), (0.0, 2)]
