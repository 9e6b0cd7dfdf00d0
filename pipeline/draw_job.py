"""The stages of a job that draws: what is on the photos, the drafts, the stickers.

Owns what they take from ``Files`` and leave there. Knows no queue; the work is that of ``pipeline.caption``, ``draw``
and ``finish``. Heavy: loads torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path

from PIL import Image

from pipeline import store
from pipeline.bench import AT_WORK, Bench, Job, memory_facts
from pipeline.caption import CaptionConfig, CaptionInputs, caption
from pipeline.card import check_weights, fitting_card
from pipeline.domain import Draft, Json, no_report
from pipeline.draw import Drawing, Shared, draw_drafts
from pipeline.emoji import emoji_of_photos
from pipeline.finish import Finishing, cut_out_drafts
from pipeline.memory import DRAW_LADDER, LOOK_LADDER, Attempt
from pipeline.workplace import skipped_rows

CAPTIONS, EMOJI, DRAFTS, STICKERS, INDEX = "captions.json", "emoji.json", "drafts", "stickers", "drafts.json"
LOOKERS = ("caption", "clip")  # the roles of models that look at photos


def describe(job: Job, bench: Bench) -> Json:
    """A caption for each photo, and proposals of emoji where the profile has a model for them."""
    photos, skipped = job.place.photos(job.should_stop)
    how = CaptionConfig()

    def work(attempt: Attempt) -> tuple[dict[str, str], Mapping[str, list[Json]]]:
        size = 1 if attempt.economy.one_by_one else how.batch_size
        with bench.drawing(job, attempt, *LOOKERS):
            inputs = CaptionInputs(photos=photos, captioner=job.models.caption, judge=job.models.clip)
            found = caption(inputs, replace(how, batch_size=size), report=job.report, should_stop=job.should_stop)
            folder, cache = job.place.folder / "emoji", bench.settings.cache_dir
            emoji = emoji_of_photos(photos, folder, job.models, cache, report=no_report, should_stop=job.should_stop)
            return found, emoji

    done = bench.memory.within(
        job.need("caption", how.batch_size),
        LOOK_LADDER,
        work,
        free=lambda: bench.free(job.models, *LOOKERS),
        turn=bench.looking(job),
    )
    captions, emoji = done.value
    job.place.write(EMOJI, dict(emoji))
    job.place.write(CAPTIONS, captions)
    return {"captions": captions, "emoji": dict(emoji), "skipped": skipped_rows(skipped)} | memory_facts(done)


def generate(job: Job, bench: Bench, preview_every: int) -> Json:
    """The drafts of all photos in the style, a batch at each turn."""
    place, options = job.place, job.options
    photos, _ = place.photos(job.should_stop)
    captions, style = place.read(CAPTIONS), place.style()
    fitting_card(style, options.profile.name)
    check_weights(style)

    def work(attempt: Attempt) -> list[Draft]:
        def turn() -> AbstractContextManager[None]:
            return bench.drawing(job, attempt, *AT_WORK)

        shared = Shared(
            turn=turn,
            styled=partial(bench.residents.styled, known_as=place.style_mark),
            batch_size=1 if attempt.economy.one_by_one else None,
            preview_every=preview_every,
        )
        drawing = Drawing(
            photos=photos, captions=captions, style=style, folder=place.folder / DRAFTS, options=options, shared=shared
        )
        return draw_drafts(drawing, job.models, report=job.report, should_stop=job.should_stop)

    done = bench.memory.within(
        job.need("generate", options.profile.generate.batch_size),
        DRAW_LADDER,
        work,
        free=partial(bench.free, job.models),
        turn=bench.looking(job),
    )
    rows = [row_of(draft) for draft in done.value]
    store.write_json(place.folder / DRAFTS / INDEX, rows)
    place.put_folder(DRAFTS)
    return {"drafts": [place.key(DRAFTS, f"{draft.name}.png") for draft in done.value]} | memory_facts(done)


def row_of(draft: Draft) -> Json:
    """What is to be known of a draft besides its pixels."""
    return {
        "name": draft.name,
        "photo": draft.photo,
        "caption": draft.caption,
        "prompt": draft.prompt,
        "seed": draft.seed,
    }


def cut_out(job: Job, bench: Bench) -> Json:
    """The stickers, each a file under ``stickers/``; the job is done with this machine."""
    folder = job.place.get_folder(DRAFTS)
    rows = store.read_json(folder / INDEX)
    drafts = [Draft(image=Image.open(folder / f"{row['name']}.png").convert("RGB"), **row) for row in rows]

    def work(attempt: Attempt) -> tuple[dict[str, Path], tuple[str, ...]]:
        finishing = Finishing(
            drafts=drafts,
            folder=job.place.folder / STICKERS,
            options=job.options,
            batch_size=1 if attempt.economy.one_by_one else None,
            turn=lambda: bench.drawing(job, attempt, "segmentation"),
        )
        return cut_out_drafts(finishing, job.models, report=job.report, should_stop=job.should_stop)

    done = bench.memory.within(
        job.need("cutout", 1),
        LOOK_LADDER,
        work,
        free=lambda: bench.free(job.models, "segmentation"),
        turn=bench.looking(job),
    )
    stickers, notes = done.value
    job.place.put_folder(STICKERS)
    told = {"stickers": _stickers(job, rows, stickers), "notes": list(notes)} | memory_facts(done)
    job.place.clear()
    return told


def _stickers(job: Job, rows: Sequence[Json], stickers: Mapping[str, Path]) -> list[Json]:
    """A row for each sticker, in the order of the photos."""
    told, emoji = [], job.place.read(EMOJI)
    for row in rows:
        path = stickers[row["name"]]
        with Image.open(path) as picture:
            size = {"width_px": picture.width, "height_px": picture.height, "bytes": path.stat().st_size}
        told.append(row | {"key": job.place.key(STICKERS, path.name), "emoji": emoji.get(row["photo"], [])} | size)
    return told
