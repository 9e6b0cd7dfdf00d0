"""What can go wrong while a style is learned. Knows nothing else; loads only the standard library.

A wrong setting or wrong data is a ``ValueError``; the classes here are the outcomes that a caller tells apart.
"""

from __future__ import annotations


class TrainingStopped(Exception):
    """Training was asked to stop; a checkpoint was saved if a step had been made."""

    def __init__(self, step: int, total: int) -> None:
        super().__init__(f"training stopped after step {step} of {total}; run again with the same settings to go on")
        self.step, self.total = step, total


class LossNotFinite(Exception):
    """The loss or a weight became NaN or infinite: nothing learned from there on can be used."""

    def __init__(self, step: int, value: float, *, learning_rate: float, precision: str) -> None:
        advice = f"lower the learning rate (now {learning_rate!r})"
        if precision == "fp16":
            advice += ", or use bf16 or full precision in place of fp16"
        super().__init__(f"the loss became {value!r} at step {step}; {advice}")
        self.step, self.value = step, value
