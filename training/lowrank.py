"""A full fine-tune as a low-rank adapter: the truncated singular value decomposition of what the tuning changed.

Owns the decomposition and the measure of what it loses. Knows no family of models and no file. Loads torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from training.errors import TrainingStopped
from training.modules import Report, ShouldStop


@dataclass(frozen=True, kw_only=True)
class LowRank:
    """An adapter that stands for a full fine-tune, and how far from it that is.

    Distances are Frobenius norms of what is missing, relative to the norm of all that the tuning changed: 0 = the
    same, 1 = nothing of it is left.
    """

    tensors: dict[str, Tensor]  # "PART.LAYER.lora_A.weight" and "....lora_B.weight", alpha = rank, float32
    rank: int
    distance: float  # of all weights, those that no adapter can carry included
    worst_layer: str  # the adapted layer that lost the largest share of its own change; "" if none changed
    worst_distance: float  # that share
    uncovered: float  # the share of the change in biases, norms, embeddings and grouped convolutions, which is lost


def adaptable(module: nn.Module) -> dict[str, nn.Module]:
    """Name → layer, of the layers that a plain adapter fits: linear layers and ungrouped 2-D convolutions."""
    return {
        name: layer
        for name, layer in module.named_modules()
        if isinstance(layer, nn.Linear) or (isinstance(layer, nn.Conv2d) and layer.groups == 1)
    }


def largest_rank(modules: Iterable[nn.Module]) -> int:
    """The largest rank whose adapter has fewer numbers than the modules themselves; 0 where none has.

    A layer's factors have rank * (in * kh * kw + out) numbers.
    """
    whole, a_rank = 0, 0
    for module in modules:
        whole += sum(parameter.numel() for parameter in module.parameters())
        weights = [layer.get_parameter("weight") for layer in adaptable(module).values()]
        a_rank += sum(weight.shape[0] + weight[0].numel() for weight in weights)
    return (whole - 1) // a_rank if a_rank else 0


def factors(change: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """The best approximation of ``change`` of this rank in the Frobenius norm (Eckart & Young 1936), as factors.

    Args:
        change: (out, in) of a linear layer, or (out, in, kh, kw) of a convolution, which is decomposed as
            (out, in·kh·kw): a convolution to ``rank`` channels, then one of 1 x 1.
        rank: of the factors; where it exceeds that of the change they are padded with zeros, so that all layers of an
            adapter have one rank (loaders take alpha = rank, one number for the whole file).

    Returns:
        A (rank, in) or (rank, in, kh, kw), and B (out, rank) or (out, rank, 1, 1), both float32 and equally large:
        A = √S Vᵀ, B = U √S.
    """
    u, s, vh = torch.linalg.svd(change.flatten(1).float(), full_matrices=False)
    kept = min(rank, len(s))
    root = s[:kept].sqrt()
    first = change.new_zeros((rank, vh.shape[1]), dtype=torch.float32)
    second = change.new_zeros((u.shape[0], rank), dtype=torch.float32)
    first[:kept] = root[:, None] * vh[:kept]
    second[:, :kept] = u[:, :kept] * root
    if change.ndim == 2:
        return first, second
    return first.reshape(rank, *change.shape[1:]), second[:, :, None, None]


def product(first: Tensor, second: Tensor) -> Tensor:
    """The change of weights that the factors A and B stand for: B·A, in the layer's own shape."""
    return (second.flatten(1) @ first.flatten(1)).reshape(second.shape[0], *first.shape[1:])


@torch.no_grad()
def export_low_rank(
    base: Mapping[str, nn.Module],
    tuned: Mapping[str, Tensor],
    rank: int,
    *,
    report: Report,
    should_stop: ShouldStop,
) -> LowRank:
    """Decompose what full fine-tuning changed, layer by layer.

    Args:
        base: part → module as it was before ("unet", perhaps "text_encoder").
        tuned: "PART.NAME" → value afterwards, as in ``LearnedStyle.tensors``.
        rank: of the adapter, >= 1.

    Raises:
        ValueError: the rank is no positive number, or a tuned value has no counterpart in ``base``.
        TrainingStopped: ``should_stop`` said so, asked at every tensor.
    """
    if rank < 1:
        raise ValueError(f"rank = {rank!r}: must be 1 or more")
    before = {f"{part}.{name}": value for part, module in base.items() for name, value in module.state_dict().items()}
    layers = {f"{part}.{name}.weight" for part, module in base.items() for name in adaptable(module)}
    tensors: dict[str, Tensor] = {}
    lost_squares, all_squares, uncovered_squares = 0.0, 0.0, 0.0
    worst_layer, worst_distance = "", 0.0
    for done, (name, value) in enumerate(tuned.items()):
        if should_stop():
            raise TrainingStopped(done, len(tuned))
        change = changed(name, value, before)
        square = float(change.double().square().sum())
        all_squares += square
        if name not in layers:
            uncovered_squares += square
        elif square > 0:
            layer = name.removesuffix(".weight")
            first, second = factors(change, rank)
            lost = float((change - product(first, second)).double().square().sum())
            lost_squares += lost
            if lost / square > worst_distance**2:
                worst_layer, worst_distance = layer, (lost / square) ** 0.5
            tensors |= {f"{layer}.lora_A.weight": first.cpu(), f"{layer}.lora_B.weight": second.contiguous().cpu()}
        report(done + 1, len(tuned))
    whole = all_squares or 1.0
    return LowRank(
        tensors=tensors,
        rank=rank,
        distance=((lost_squares + uncovered_squares) / whole) ** 0.5,
        worst_layer=worst_layer,
        worst_distance=worst_distance,
        uncovered=(uncovered_squares / whole) ** 0.5,
    )


def changed(name: str, after: Tensor, before: Mapping[str, Tensor]) -> Tensor:
    """``after`` minus its counterpart, float32; raises ``ValueError`` where there is none of its shape."""
    counterpart = before.get(name)
    if counterpart is None or counterpart.shape != after.shape:
        was = None if counterpart is None else tuple(counterpart.shape)
        raise ValueError(f"tuned weight {name!r} of shape {tuple(after.shape)} does not fit the base model's {was!r}")
    return after.to(counterpart.device).float() - counterpart.float()
