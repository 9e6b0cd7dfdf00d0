"""The losses of a run, and the alarm where one is no number.

Owns that list. Knows no model. Loads torch.
"""

from __future__ import annotations

import torch
from torch import Tensor

from training.errors import LossNotFinite
from training.learner import LearnerConfig


class LossCurve:
    """The losses so far; kept on the device and looked at now and then, for each look waits for it."""

    def __init__(self, known: Tensor, config: LearnerConfig, look_every: int) -> None:
        self.known, self.pending = known.tolist(), list[Tensor]()
        self.config, self.look_every = config, look_every

    def record(self, loss: Tensor) -> None:
        """Note a step's loss; raises ``LossNotFinite`` some steps late at most."""
        self.pending.append(loss.detach())
        if len(self.pending) >= self.look_every:
            self.look()

    def look(self) -> list[float]:
        """All losses, after making sure that they are numbers."""
        fresh = torch.stack(self.pending).tolist() if self.pending else []
        for value in fresh:
            self.known.append(value)
            if not abs(value) < float("inf"):
                raise LossNotFinite(
                    len(self.known), value, learning_rate=self.config.learning_rate, precision=self.config.precision
                )
        self.pending = []
        return self.known
