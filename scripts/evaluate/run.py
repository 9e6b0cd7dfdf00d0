"""The evaluation: part after part, each kept on disk as soon as it is there; then the table and the page.

Owns what a part's result depends on, and where it is kept. Knows no part by name. Heavy: loads torch.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType

from pipeline import store
from pipeline.domain import Json, Report, ShouldStop
from pipeline.gpu import choose_device
from pipeline.locks import locked
from pipeline.models import Models
from pipeline.settings import Profile, Settings
from scripts.embedded.baseline import WEIGHTS
from scripts.evaluate import result
from scripts.evaluate.page import page
from scripts.evaluate.parts import PARTS, EvaluateConfig, config_of
from scripts.evaluate.subject import SETS, Subject, check_art, made_by

JSON, PAGE = "evaluation.json", "evaluation.html"


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a person asked for."""

    profile: Profile
    parts: Sequence[str]
    art: Path
    work: Path
    out: Path
    count: int | None
    seed: int


def evaluate(order: Order, settings: Settings, *, bar: Callable[[str], Report], should_stop: ShouldStop) -> Json:
    """Measure what is asked for and write both files; parts that are there already are not measured again.

    Args:
        bar: begins a bar of progress, by its words.

    Raises:
        StickerError: one of its classes, with a sentence for a person.
    """
    check_art(order.art)
    folder = order.work / order.profile.name
    device = choose_device(settings.device)
    with locked(folder):
        subject = Subject(
            models=Models(order.profile, device),
            settings=settings,
            art=order.art,
            rendered=order.work / "art",
            work=folder,
            baseline=WEIGHTS,
        )
        parts = [_part(name, order, subject, bar, should_stop) for name in order.parts]
    document = {
        "profile": order.profile.name,
        "title": order.profile.title,
        "device": device.description,
        "made": time.strftime("%Y-%m-%d %H:%M %Z"),
        "seed": order.seed,
        "versions": made_by()["versions"],
        "art": {art.package: art.version for art in SETS.values()},
        "parts": parts,
    }
    store.write_json(order.out / JSON, document)
    store.write_bytes(order.out / PAGE, page(document, folder).encode())
    return document


def _part(name: str, order: Order, subject: Subject, bar: Callable[[str], Report], should_stop: ShouldStop) -> Json:
    """One part's result as JSON, measured where it is not on disk."""
    part, config = PARTS[name], config_of(PARTS[name], order.count, order.seed)
    module, folder = part.load(), subject.work / name
    report = bar(part.title.lower())
    depends = dependencies(name, module, subject, config)
    if not store.is_complete(folder, store.fingerprint(depends)):
        store.begin(folder)
        began = time.monotonic()
        found = module.measure(subject, config, report=report, should_stop=should_stop)
        result.save(found, folder)
        store.write_json(folder / "seconds.json", round(time.monotonic() - began, 1))
        store.complete(folder, depends)
    report(1, 1)
    facts = {"name": name, "title": part.title, "config": asdict(config)}
    return facts | {"seconds": store.read_json(folder / "seconds.json")} | store.read_json(folder / result.RESULT)


def dependencies(name: str, module: ModuleType, subject: Subject, config: EvaluateConfig) -> Json:
    """All that a part's result depends on."""
    models = subject.models
    own: Callable[[Subject], Json] = getattr(module, "facts", lambda _: {})
    return {
        "part": name,
        "config": asdict(config),
        "profile": models.profile.model_dump(mode="json", exclude={"folder"}),
        "models": {role: models.fingerprint(role) for role in models.profile.models.by_role()},
        "device": models.device.name,
        "art": {style: [art.package, art.version] for style, art in SETS.items()},
        **made_by(),
        "own": own(subject),
    }
