"""The stages of a job that learns: what the training starts from, then the training itself.

Owns what they take from ``Files`` and leave there. Knows no queue; learning is ``pipeline.learn``. Heavy: loads torch.
"""

from __future__ import annotations

import json
from pathlib import Path

from PIL import Image

from pipeline import store
from pipeline.bench import AT_WORK, Bench, Job, memory_facts
from pipeline.card import read_card
from pipeline.class_pictures import class_count, class_folder, class_pictures
from pipeline.copies import Copies
from pipeline.domain import Json, Pack, ShouldStop, Stage
from pipeline.errors import BadInput, StickerError
from pipeline.learn import FINDER, learn_style, pack_captions, style_config
from pipeline.memory import DRAW_LADDER, LEARN_LADDER, Attempt, Done
from pipeline.run import DISPLACED
from pipeline.workplace import skipped_rows
from training.dreambooth import LearnedStyle
from training.economy import economised

CAPTIONS = "captions.json"
# What ``prepare`` tells of: a caption takes another time than a denoising step, and foretells nothing of it.
PACK_CAPTIONS, CLASS_PICTURES = "pack-captions", "class-pictures"
ENCODE = "encode"  # and ``learn``, of what comes before the first step


def prepare(job: Job, bench: Bench) -> Json:
    """The pack's captions and the profile's class pictures: a training starts from the same ones on any machine."""
    pack = job.place.pack(job.should_stop)
    _fetch_class_pictures(job, bench)
    with bench.learning(job, *AT_WORK, "caption") as asked:
        need = job.need("prepare", job.options.profile.generate.batch_size)
        done = bench.memory.within(
            need,
            DRAW_LADDER,
            lambda attempt: _prepared(job, bench, pack, attempt, asked),
            free=lambda: bench.free(job.models, "caption"),
        )
    _share_class_pictures(job, bench)
    job.place.write(CAPTIONS, done.value)
    return {"pictures": len(pack.pictures), "skipped": skipped_rows(pack.skipped)} | memory_facts(done)


def _prepared(job: Job, bench: Bench, pack: Pack, attempt: Attempt, asked: ShouldStop) -> dict[str, str]:
    models, cache, told = job.models, bench.settings.cache_dir, job.place.report
    size = 1 if attempt.economy.one_by_one else FINDER.batch_size
    with attempt.measured(), economised(models.parts, attempt.economy):
        found = pack_captions(pack, models, report=told(PACK_CAPTIONS), should_stop=asked, batch_size=size)
        class_pictures(models, cache, report=told(CLASS_PICTURES), should_stop=asked)
    return found


def learn(job: Job, bench: Bench, checkpoint_every_s: float) -> Json:
    """The style, from the checkpoint that is furthest; nothing is learned where it is in ``Files`` already."""
    place, pack = job.place, job.place.pack(job.should_stop)
    folder = place.folder / "style"
    copies = Copies(bench.files, place.key("checkpoint"), place.folder / "train", every_s=checkpoint_every_s)
    if _published(job, pack):
        bench.files.get_folder(place.style_key, folder)
        done = Done[LearnedStyle | None](value=None, peak_mb=0.0, rung="not needed")
    else:
        done = _trained(job, bench, pack, folder, copies)
        bench.files.put_folder(place.style_key, folder)
    told = {"style": place.style_key} | _facts(folder, done) | memory_facts(done)
    copies.remove()
    place.clear()
    return told


def _trained(job: Job, bench: Bench, pack: Pack, folder: Path, copies: Copies) -> Done[LearnedStyle | None]:
    """The training, which offers the device at every step."""
    options, captions = job.options, job.place.read(CAPTIONS)
    copies.fetch()

    def told(done: int, total: int, preview: Image.Image | None = None) -> None:
        bench.learn_steps += 1
        copies.look()
        job.report(done, total, preview)

    def work(attempt: Attempt, asked: ShouldStop) -> LearnedStyle | None:
        with attempt.measured():
            return learn_style(
                pack, options, folder, copies.folder, bench.settings.cache_dir, job.models,
                watch=lambda stage: told if stage is Stage.TRAIN else job.place.report(ENCODE),
                should_stop=asked, captions=captions, economy=attempt.economy,
            )  # fmt: skip

    try:
        with bench.learning(job, *AT_WORK) as asked:
            need = job.need(f"learn {options.method}", options.profile.train.batch_size)
            return bench.memory.within(
                need, LEARN_LADDER, lambda attempt: work(attempt, asked), free=lambda: bench.free(job.models)
            )
    except StickerError:  # stopped, or failed: where it is requeued it goes on from there, for nothing stays here
        copies.end()
        raise


def _published(job: Job, pack: Pack) -> bool:
    """Whether this very style is in ``Files``."""
    files, key = job.place.files, job.place.style_key
    if files.manifest(key) is None:
        return False
    try:
        there = json.loads(files.read(f"{key}/{store.ARTEFACT}"))
    except (BadInput, ValueError, RecursionError):  # damaged: it is learned anew
        return False
    wanted = store.fingerprint(style_config(pack, job.options, job.models))
    return isinstance(there, dict) and there.get("fingerprint") == wanted


def _facts(folder: Path, done: Done[LearnedStyle | None]) -> Json:
    """What is to be told of the style."""
    card = read_card(folder)
    displaced = done.value.displaced_step if done.value else None
    return {
        "method": card.method,
        "steps": card.steps,
        "seconds": round(card.seconds, 2),
        "first_loss": card.first_loss,
        "last_loss": card.last_loss,
        "notes": [] if displaced is None else [DISPLACED.format(step=displaced)],
    }


def _class_key(job: Job, bench: Bench) -> str:
    return f"shared/class-pictures/{class_folder(job.models, bench.settings.cache_dir)[0].name}"


def _fetch_class_pictures(job: Job, bench: Bench) -> None:
    """Bring those that another machine drew: the same ones to the last bit, whatever its device."""
    cache, key = bench.settings.cache_dir, _class_key(job, bench)
    folder, fingerprint = class_folder(job.models, cache)
    wanted = class_count(job.models.profile) and not store.is_complete(folder, fingerprint)
    if wanted and bench.files.manifest(key) is not None:
        bench.files.get_folder(key, folder)


def _share_class_pictures(job: Job, bench: Bench) -> None:
    """Take ours to the others, who may have been sooner: then theirs stay."""
    key = _class_key(job, bench)
    if class_count(job.models.profile) and bench.files.manifest(key) is None:
        bench.files.put_folder(key, class_folder(job.models, bench.settings.cache_dir)[0])
