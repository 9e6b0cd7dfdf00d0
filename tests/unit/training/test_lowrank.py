"""A full fine-tune as an adapter: the best there is of its rank, and an honest measure of the rest."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from tests.unit.training.runs import no_report
from training.errors import TrainingStopped
from training.lowrank import export_low_rank, factors, largest_rank, product


class Small(nn.Module):
    """One layer of each kind that matters."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.linear = nn.Linear(6, 5)
        self.conv = nn.Conv2d(3, 4, 3)
        self.grouped = nn.Conv2d(4, 4, 3, groups=2)
        self.norm = nn.LayerNorm(5)
        self.embedding = nn.Embedding(7, 5)


def tuned(module: nn.Module, **changes: torch.Tensor) -> dict[str, torch.Tensor]:
    """The module's weights as "unet.NAME", some of them changed."""
    return {
        f"unet.{name}": value + changes.get(name.replace(".", "_"), torch.zeros(()))
        for name, value in module.state_dict().items()
    }


def export(module, weights, rank):
    """Without a listener."""
    return export_low_rank({"unet": module}, weights, rank, report=no_report, should_stop=lambda: False)


@pytest.mark.parametrize("shape", [(12, 20), (20, 12), (8, 3, 3, 3)])
@pytest.mark.parametrize("rank", [1, 4, 8])
def test_eckart_young(shape, rank):
    """The squared error is the sum of the squares of numpy's singular values beyond the rank: no matrix does better."""
    change = torch.randn(shape, generator=torch.Generator().manual_seed(rank))
    first, second = factors(change, rank)
    values = np.linalg.svd(change.flatten(1).double().numpy(), compute_uv=False)
    lost = (change - product(first, second)).square().sum().item()
    assert lost == pytest.approx((values[rank:] ** 2).sum(), rel=1e-4, abs=1e-8)
    assert (first.shape[0], second.shape[1]) == (rank, rank)


def test_a_rank_beyond_the_matrix_is_padded():
    """All layers of a file have one rank; the surplus is zeros and nothing is lost."""
    change = torch.randn(3, 5)
    first, second = factors(change, 9)
    assert (first.shape, second.shape) == ((9, 5), (3, 9))
    torch.testing.assert_close(product(first, second), change)


def test_convolution_factors_convolve():
    """A convolution by A to ``rank`` channels and 1 x 1 by B is the convolution by the change."""
    change = torch.randn(4, 3, 3, 3)
    first, second = factors(change, 4)
    image = torch.randn(1, 3, 8, 8)
    through = nn.functional.conv2d(nn.functional.conv2d(image, first), second)
    torch.testing.assert_close(through, nn.functional.conv2d(image, change), atol=1e-4, rtol=1e-4)


def test_distances_by_hand():
    """Singular values 4 and 3 at rank 1, and a bias moved by 12: lost are 3 and 12 of a change of 13."""
    module = Small()
    change = torch.zeros(5, 6)
    change[0, 0], change[1, 1] = 4.0, 3.0
    bias = torch.zeros(5)
    bias[2] = 12.0
    made = export(module, tuned(module, linear_weight=change, linear_bias=bias), 1)
    assert made.distance == pytest.approx((9 + 144) ** 0.5 / 13)
    assert made.uncovered == pytest.approx(12 / 13)
    assert (made.worst_layer, made.worst_distance) == ("unet.linear", pytest.approx(3 / 5))
    assert set(made.tensors) == {"unet.linear.lora_A.weight", "unet.linear.lora_B.weight"}


def test_layers_without_a_plain_adapter_are_lost_and_counted():
    """Grouped convolutions, norms and embeddings."""
    module = Small()
    one = torch.ones(())
    made = export(module, tuned(module, grouped_weight=one, norm_weight=one, embedding_weight=one, conv_weight=one), 8)
    assert set(made.tensors) == {"unet.conv.lora_A.weight", "unet.conv.lora_B.weight"}
    lost, kept = module.grouped.weight.numel() + 5 + 35, module.conv.weight.numel()
    expected = pytest.approx((lost / (lost + kept)) ** 0.5, rel=1e-4)
    assert (made.uncovered, made.distance) == (expected, expected)


def test_nothing_changed_is_nothing_to_export():
    """No division by zero."""
    made = export(Small(), tuned(Small()), 2)
    assert (made.tensors, made.distance, made.worst_layer) == ({}, 0.0, "")


def test_what_does_not_fit_is_refused():
    """A rank of 0; weights of another model; a stop."""
    module = Small()
    with pytest.raises(ValueError, match="rank = 0"):
        export(module, tuned(module), 0)
    with pytest.raises(ValueError, match=r"'unet\.other'"):
        export(module, {"unet.other": torch.ones(2)}, 1)
    with pytest.raises(TrainingStopped):
        export_low_rank({"unet": module}, tuned(module), 1, report=no_report, should_stop=lambda: True)


def test_the_largest_rank_still_has_fewer_numbers_than_the_weights():
    """Counted on the tensors themselves; one rank more has no fewer."""
    module = nn.Sequential(nn.Linear(40, 30), nn.Conv2d(8, 12, 3), nn.LayerNorm(30))
    most, whole = largest_rank([module]), sum(value.numel() for value in module.parameters())

    def numbers(rank):
        pairs = [factors(layer.weight.detach(), rank) for layer in (module[0], module[1])]
        return sum(value.numel() for pair in pairs for value in pair)

    assert numbers(most) < whole <= numbers(most + 1)
    assert largest_rank([nn.LayerNorm(3)]) == 0
