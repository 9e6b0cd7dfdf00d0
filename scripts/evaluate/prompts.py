"""The search for a prompt by which a scorer puts the four sets in their order.

Owns the prompts and their ranking. Knows no model: a scorer is handed in. Loads numpy.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from scripts.evaluate.clip import Scorer
from scripts.evaluate.features import Array
from scripts.evaluate.result import Row
from scripts.evaluate.statistics import Indices, separation

BEST_OF_2023 = "a telegram sticker"
WORST_OF_2023 = "a painted beautiful pretty sticker on monotonous black background"
MANNERS = ("", "painted ", "hand drawn ", "cute ", "beautiful ", "flat ", "high quality ", "painted beautiful pretty ")
NOUNS = ("telegram sticker", "sticker", "emoji", "drawing", "cartoon", "icon")
GROUNDS = (
    "",
    " on white background",
    " on transparent background",
    " on monotonous black background",
    " with outlines",
)
TOLD = 5  # best and worst ones


def prompts() -> list[str]:
    """240 of them, those of 2023 included."""
    return [f"a {manner}{noun}{ground}" for manner, noun, ground in product(MANNERS, NOUNS, GROUNDS)]


def ranked(scores: Array, owners: Indices, sets: int) -> list[tuple[float, int]]:
    """Separation and number of each prompt, the best first.

    Args:
        scores: (P, N).
        owners: (N,), which set each picture is of; 0 is meant to score highest.
    """
    found = [separation([row[owners == number] for number in range(sets)]) for row in scores]
    return sorted(((value, number) for number, value in enumerate(found)), key=lambda pair: (-pair[0], pair[1]))


def search(scorer: Scorer, pictures: Array, owners: Indices, sets: int) -> list[Row]:
    """The best, the worst, and where those of 2023 stand. ``pictures`` (N, D): the scorer's features."""
    words = prompts()
    order = ranked(scorer.scores(scorer.of_words(words), pictures), owners, sets)
    place = {words[number]: rank for rank, (_, number) in enumerate(order)}
    told = dict.fromkeys(
        [*range(TOLD), place[BEST_OF_2023], place[WORST_OF_2023], *range(len(order) - TOLD, len(order))]
    )
    return [
        Row(
            metric=f"{scorer.name}, prompt “{words[order[rank][1]]}”",
            value=float(np.round(order[rank][0], 4)),
            note=f"rank {rank + 1} of {len(order)} by how well it separates the sets; by chance 0.5",
        )
        for rank in sorted(told)
    ]
