"""Learning a style, with the truth at hand: the same thing drawn by the artist whose style was learned.

Owns the scores. What is drawn is ``plan``'s affair, how ``restyle``'s. Loads torch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

from pipeline.domain import Json, Report, ShouldStop
from scripts.evaluate.features import Array, Distance, VisionTower, distances, feature_network, lpips_lack, strokes
from scripts.evaluate.parts import EvaluateConfig
from scripts.evaluate.plan import Plan, plan_of
from scripts.evaluate.restyle import ARMS, Work, through_vae
from scripts.evaluate.result import Figure, FigureRow, PartResult, Row, skipped
from scripts.evaluate.statistics import fitted_judge, mean_row, share_row
from scripts.evaluate.subject import HELD_OUT, Subject

Hits = NDArray[np.bool_]
Statistics = Callable[[Sequence[Image.Image]], Array]

SHOWN = 18
PALER = 0.9  # of its colour: nobody would call that a style


def facts(subject: Subject) -> Json:
    """Whether LPIPS can be measured."""
    return {"lpips": lpips_lack()}


def measure(subject: Subject, config: EvaluateConfig, *, report: Report, should_stop: ShouldStop) -> PartResult:
    """Distance to the truth, style and content of each way.

    Raises:
        Stopped: ``should_stop`` said so; what was learned and drawn stays.
        TrainingFailed: a style could not be learned.
    """
    plan = plan_of(subject, config.count, config.seed)
    work = Work(subject=subject, plan=plan, seed=config.seed, report=report, should_stop=should_stop)
    results = {name: arm(work) for name, arm in ARMS.items()}
    network = feature_network(subject)
    judges: dict[str, Statistics] = {"line and colour": strokes, f"{network.name}'s layers": network.style}
    rows = [
        row
        for name, pictures in results.items()
        for row in rows_of_arm(name, pictures, plan, distances(subject), judges, network, config.seed)
    ]
    rows += rows_of_trifles(plan, distances(subject), config.seed)
    rows += [row for name, judge in judges.items() for row in rows_of_judge(name, judge, subject, plan, config.seed)]
    if lack := lpips_lack():
        rows.append(skipped("LPIPS", lack))
    figure = Figure(
        title="What was sent, what came back, and how the pack's artist drew it",
        columns=[*ARMS, "truth"],
        rows=[
            FigureRow(label=thing.name, pictures=[*(pictures[i] for pictures in results.values()), thing.truth])
            for i, thing in list(enumerate(plan.things))[:SHOWN]
        ],
    )
    return PartResult(rows=rows, figures=[figure], notes=notes_of(plan))


def notes_of(plan: Plan) -> list[str]:
    """How it was measured."""
    new, count = sum(thing.new for thing in plan.things), len(plan.things)
    return [
        f"{count} things from {', '.join(sorted({t.source for t in plan.things}))}, restyled with a pack of "
        f"{len(plan.pack.pictures)} other OpenMoji drawings; the truth is OpenMoji's own drawing of the thing. "
        f"The names of {new} of them were held out of the training.",
        "Style: a line through statistics of the pack and of the same things in the source set; a result passes on the "
        "pack's side. Content: of all the things' true drawings, its own is the nearest by the embedding.",
    ]


def rows_of_arm(
    name: str,
    pictures: Sequence[Image.Image],
    plan: Plan,
    distance: dict[str, Distance],
    judges: dict[str, Statistics],
    network: VisionTower,
    seed: int,
) -> list[Row]:
    """The figures of one way."""
    truths, before = [t.truth for t in plan.things], [t.untouched for t in plan.things]
    rows = []
    for what, far in distance.items():
        to_truth = far(pictures, truths)
        rows.append(mean_row(f"{name}: distance to the truth, {what}", to_truth, seed=seed))
        if name != "untouched":
            nearer = to_truth < far(before, truths)
            rows.append(share_row(f"{name}: nearer to it than untouched, {what}", nearer, seed=seed))
    styles = {judge: in_style(pictures, plan, of) for judge, of in judges.items()}
    rows += [share_row(f"{name}: style passes, by {judge}", hits, seed=seed) for judge, hits in styles.items()]
    content = is_the_thing(network.embeddings(pictures), network.embeddings(truths))
    chance = f"chance {1 / len(truths):.1%}"
    rows.append(share_row(f"{name}: content passes", content, seed=seed, note=chance))
    both = next(iter(styles.values())) & content
    return [*rows, share_row(f"{name}: style and content pass", both, seed=seed, note=next(iter(judges)))]


def rows_of_trifles(plan: Plan, distance: dict[str, Distance], seed: int) -> list[Row]:
    """How often the untouched picture comes nearer by what is no style: by standing where the truth stands, and by
    being a little paler.

    These distances compare place by place, and count the smallest gain: these rows are what that makes of them.
    """
    truths, before, moved = ([getattr(t, which) for t in plan.things] for which in ("truth", "untouched", "moved"))
    paler = [ImageEnhance.Color(picture).enhance(PALER) for picture in before]
    trifles = {"moved into the truth's frame": moved, f"with {PALER:.0%} of its colour": paler}
    return [
        share_row(f"untouched, {what}: nearer to it, {which}", far(changed, truths) < far(before, truths), seed=seed)
        for which, far in distance.items()
        for what, changed in trifles.items()
    ]


def rows_of_judge(name: str, of: Statistics, subject: Subject, plan: Plan, seed: int) -> list[Row]:
    """Whether a judge of style can be believed: on true drawings of both sets, and on what the VAE makes of them.

    A score that cannot tell the true sets apart means nothing; one that fails on the VAE's pictures judges blur.
    """
    pairs = {"true drawings": ([t.untouched for t in plan.things], [t.truth for t in plan.things])}
    vae = {"their copies by the VAE": tuple(through_vae(subject, part) for part in pairs["true drawings"])}
    rows = []
    for what, (sources, truths) in (pairs | vae).items():
        right = np.stack([~in_style(sources, plan, of), in_style(truths, plan, of)], axis=1)
        metric = f"judge of style by {name}: right on {what}"
        rows.append(share_row(metric, right, seed=seed, note="chance 50 %"))
    return rows


def in_style(pictures: Sequence[Image.Image], plan: Plan, of: Statistics) -> Hits:
    """Whether each picture is on the pack's side, against the set that its thing came from."""
    found = of(pictures)
    pack = of(plan.references[HELD_OUT])
    hits = np.zeros(len(pictures), dtype=bool)
    for source in {thing.source for thing in plan.things}:
        own = np.array([thing.source == source for thing in plan.things])
        hits[own] = fitted_judge(of(plan.references[source]), pack)(found[own]) > 0
    return hits


def is_the_thing(found: Array, truths: Array) -> Hits:
    """Whether the nearest of all truths, by the cosine after the truths' mean is taken off, is the picture's own.

    Args:
        found, truths: (N, D), row by row the same thing.
    """
    middle = truths.mean(axis=0)
    a, b = (part / (np.linalg.norm(part, axis=1, keepdims=True) + 1e-12) for part in (found - middle, truths - middle))
    return np.asarray((a @ b.T).argmax(axis=1) == np.arange(len(found)))
