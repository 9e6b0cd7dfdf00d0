"""Ways to need less memory, each at a price in time: what they are, and how they are put on modules and taken off.

Owns the switches. Knows no loop, no device and no amount of memory. Loads torch through diffusers' modules.

None of them changes what is computed, but the order in which it is: results differ by rounding at most.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from training.modules import Parts


@dataclass(frozen=True, kw_only=True)
class Economy:
    """What is on."""

    vae_sliced: bool = False  # the VAE sees one picture at a time; never in tiles, which would change the picture
    one_by_one: bool = False  # the denoiser sees one picture; in training the gradients of a step are summed
    checkpointed: bool = False  # training only: activations are computed twice instead of being kept
    attention_sliced: bool = False  # the heads of an attention one after the other


LAVISH = Economy()


def economise(parts: Parts, economy: Economy) -> None:
    """Switch the modules that are there; ``one_by_one`` is up to who makes the batches."""
    vae = parts.get("vae")
    if economy.vae_sliced and vae is not None:
        vae.enable_slicing()
    for part in parts.values():
        if economy.checkpointed and part is not vae and hasattr(part, "enable_gradient_checkpointing"):
            part.enable_gradient_checkpointing()  # diffusers' own; the text encoders are small
        if economy.attention_sliced and hasattr(part, "set_attention_slice"):
            part.set_attention_slice("max")


@contextmanager
def economised(parts: Parts, economy: Economy) -> Iterator[None]:
    """``economise`` while the block runs; afterwards the modules, which serve others, are as before."""
    vae = parts.get("vae")
    sliced = vae is not None and vae.use_slicing
    processors = {name: dict(part.attn_processors) for name, part in parts.items() if hasattr(part, "attn_processors")}
    try:
        economise(parts, economy)
        yield
    finally:
        if vae is not None:
            vae.use_slicing = sliced
        for name, known in processors.items():
            if economy.attention_sliced:
                parts[name].set_attn_processor(dict(known))
