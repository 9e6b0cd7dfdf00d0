"""One job's story, on one page: pack and photos in; style, captions, drafts and stickers out.

Owns the order of the stages, what each leaves behind, and when a stage need not run again. Knows neither queue nor
Telegram; how a stage works is the stage's own affair. Heavy: loads torch through the stages. The first stage, intake,
is over by then: ``pipeline.request`` reads the pictures and refuses what can be refused before torch is loaded.

A stage's folder counts as done once its card is in it, made from the very same inputs and settings; whatever was
interrupted goes on from there: training from its checkpoint, drawing from its last finished batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from PIL import Image

from pipeline import record, store
from pipeline.caption import CaptionConfig, CaptionInputs, caption
from pipeline.card import read_card
from pipeline.domain import Draft, Json, Pack, Picture, Report, ShouldStop, Skipped, Stage, Watch, no_report
from pipeline.draw import DRAWN, Drawing, draw_drafts
from pipeline.emoji import emoji_of_photos
from pipeline.finish import CUT, Finishing, cut_out_drafts
from pipeline.gpu import choose_device
from pipeline.learn import learn_style, training_id
from pipeline.locks import locked
from pipeline.measure import Measured
from pipeline.models import Models
from pipeline.request import LOCK, Request
from pipeline.sheet import SheetRow, draw_sheet

WORK = Path(".work")  # in the output folder: what a resumed job needs and a person does not
CAPTIONS, EMOJI = WORK / "captions", WORK / "emoji"
DISPLACED = "a training for other settings had stopped at step {step}; this one starts anew"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a command made."""

    out: Path
    stickers: tuple[Path, ...] = ()  # or drafts, where the command ends there
    sheet: Path | None = None
    report: Json
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()


def make(request: Request, out: Path, *, watch: Watch, should_stop: ShouldStop) -> Outcome:
    """The whole job: learn the pack, then draw each photo in its style and cut it out.

    Raises:
        StickerError: one of its classes, with a sentence for a person.
    """
    options, photos = request.options, request.photos
    with _at_work(request, out) as (measured, models):
        measured.note(Stage.INTAKE, request.reading_s)
        learned = _learn(request, out / "style", out, measured, models, watch, should_stop)
        with measured.stage(Stage.CAPTION, out / CAPTIONS / store.ARTEFACT):
            captions = _captions(photos, out, models, watch(Stage.CAPTION), should_stop)
            proposed = _emoji(request, out, models, should_stop)
        with measured.stage(Stage.GENERATE, out / "drafts" / DRAWN):
            job = Drawing(photos=photos, captions=captions, style=out / "style", folder=out / "drafts", options=options)
            drafts = draw_drafts(job, models, report=watch(Stage.GENERATE), should_stop=should_stop)
        with measured.stage(Stage.CUTOUT, out / "stickers" / CUT):
            finishing = Finishing(drafts=drafts, folder=out / "stickers", options=options)
            stickers, notes = cut_out_drafts(finishing, models, report=watch(Stage.CUTOUT), should_stop=should_stop)
        notes = (*request.notes, *learned, *notes, *_older(out / "stickers" / CUT))
        report = measured.report(options) | {
            "pack": _pack_facts(request.pack),
            "photos": [row | {"emoji": proposed[row["photo"]]} for row in _rows(photos, drafts, stickers, out)],
            "skipped": [asdict(entry) for entry in request.skipped],
            "models": {role: models.fingerprint(role) for role in options.profile.models.by_role()},
            **_style_facts(out / "style"),
        }
        store.write_json(out / "report.json", report)
        _sheet(out / "sheet.png", request.pack, photos, drafts, stickers)
    return Outcome(
        out=out,
        stickers=tuple(stickers.values()),
        sheet=out / "sheet.png",
        report=report,
        skipped=request.skipped,
        notes=notes,
    )


def learn(request: Request, out: Path, *, watch: Watch, should_stop: ShouldStop) -> Outcome:
    """``stickers train``: a pack in, a style's folder out."""
    with _at_work(request, out) as (measured, models):
        measured.note(Stage.INTAKE, request.reading_s)
        notes = _learn(request, out, out, measured, models, watch, should_stop)
        report = measured.report(request.options) | _style_facts(out)
    return Outcome(out=out, report=report, skipped=request.skipped, notes=notes)


def describe(request: Request, *, watch: Watch, should_stop: ShouldStop) -> dict[str, str]:
    """``stickers caption``: photos in, a caption for each name."""
    models = Models(request.options.profile, choose_device(request.settings.device))
    inputs = CaptionInputs(photos=request.photos, captioner=models.caption, judge=models.clip)
    return caption(inputs, CaptionConfig(), report=watch(Stage.CAPTION), should_stop=should_stop)


def draw(request: Request, style: Path, out: Path, *, watch: Watch, should_stop: ShouldStop) -> Outcome:
    """``stickers generate``: photos and a learned style in, drafts (not cut out) in ``out``."""
    options, photos = request.options, request.photos
    with _at_work(request, out) as (measured, models):
        with measured.stage(Stage.CAPTION, out / CAPTIONS / store.ARTEFACT):
            captions = _captions(photos, out, models, watch(Stage.CAPTION), should_stop)
        with measured.stage(Stage.GENERATE, out / DRAWN):
            job = Drawing(photos=photos, captions=captions, style=style, folder=out, options=options)
            drafts = draw_drafts(job, models, report=watch(Stage.GENERATE), should_stop=should_stop)
        report = measured.report(options) | {"photos": _rows(photos, drafts, {}, out)}
        store.write_json(out / "report.json", report)
        notes = (*request.notes, *_older(out / DRAWN))
    files = tuple(out / f"{draft.name}.png" for draft in drafts)
    return Outcome(out=out, stickers=files, report=report, skipped=request.skipped, notes=notes)


def cut(request: Request, out: Path, *, mask: bool, watch: Watch, should_stop: ShouldStop) -> Outcome:
    """``stickers cutout``: any pictures in, stickers (and masks at the pictures' own size) in ``out``."""
    options = request.options
    with _at_work(request, out) as (measured, models):
        with measured.stage(Stage.CUTOUT, out / CUT):
            finishing = Finishing(drafts=request.photos, folder=out, options=options, masks=mask)
            stickers, notes = cut_out_drafts(finishing, models, report=watch(Stage.CUTOUT), should_stop=should_stop)
        report = measured.report(options)
        notes = (*request.notes, *notes, *_older(out / CUT))
    return Outcome(out=out, stickers=tuple(stickers.values()), report=report, skipped=request.skipped, notes=notes)


@contextmanager
def _at_work(request: Request, out: Path) -> Iterator[tuple[Measured, Models]]:
    """The output folder to ourselves, and what every stage needs; a device that is not here leaves no folder."""
    device = choose_device(request.settings.device)
    with locked(out, LOCK):
        yield Measured(out / WORK / "measured.json", device), Models(request.options.profile, device)


def _learn(
    request: Request, style: Path, out: Path, measured: Measured, models: Models, watch: Watch, should_stop: ShouldStop
) -> tuple[str, ...]:
    """Learn the style, or say that it is learned; returns what a person should know of it."""
    cache, options, pack = request.settings.cache_dir, request.options, request.pack
    with measured.stage(Stage.TRAIN, style / store.ARTEFACT, of=training_id(pack, options, models)):
        learned = learn_style(
            pack, options, style, out / WORK / "train", cache, models, watch=watch, should_stop=should_stop
        )
        if learned is None:
            watch(Stage.TRAIN)(options.train_steps, options.train_steps)
    if learned is None or learned.displaced_step is None:
        return ()
    return (DISPLACED.format(step=learned.displaced_step),)


def _older(record_path: Path) -> tuple[str, ...]:
    """A note where pictures lie beside those of this run: a person takes them for its own."""
    count, folder = record.older_pictures(record_path), str(record_path.parent)
    if count == 0:
        return ()
    one = count == 1
    return (
        f"{count} older {'picture' if one else 'pictures'} in {folder!r} {'is' if one else 'are'} not of this run; "
        "remove what you do not want",
    )


def _captions(
    photos: Sequence[Picture], out: Path, models: Models, report: Report, should_stop: ShouldStop
) -> dict[str, str]:
    """The captions, read where an earlier run found them."""
    folder, how = out / CAPTIONS, CaptionConfig()
    config = {
        "model": models.fingerprint("caption"),
        "judge": models.fingerprint("clip") if models.profile.models.clip else None,
        "config": asdict(how),
        "photos": [[photo.name, photo.sha256] for photo in photos],
    }
    if not store.is_complete(folder, store.fingerprint(config)):
        store.begin(folder)
        inputs = CaptionInputs(photos=photos, captioner=models.caption, judge=models.clip)
        found = caption(inputs, how, report=report, should_stop=should_stop)
        store.write_json(folder / "captions.json", found)
        store.complete(folder, config)
    captions: dict[str, str] = store.read_json(folder / "captions.json")
    report(len(photos), len(photos))
    return captions


def _emoji(request: Request, out: Path, models: Models, should_stop: ShouldStop) -> Mapping[str, list[Json]]:
    """Proposals for each photo; a moment's work, which has no bar of its own."""
    cache = request.settings.cache_dir
    return emoji_of_photos(request.photos, out / EMOJI, models, cache, report=no_report, should_stop=should_stop)


def _pack_facts(pack: Pack) -> Json:
    """Which pictures were learned from."""
    return {"name": pack.name, "pictures": {picture.name: picture.sha256 for picture in pack.pictures}}


def _style_facts(style: Path) -> Json:
    """What the report tells of the training."""
    card = read_card(style)
    losses = store.read_json(style / "losses.json")
    return {
        "train": {"method": card.method, "steps": card.steps, "seconds": round(card.seconds, 2), "losses": losses},
        "style": str(style.name),
    }


def _rows(photos: Sequence[Picture], drafts: Sequence[Draft], stickers: dict[str, Path], out: Path) -> list[Json]:
    """A row of the report for each draft."""
    sha256 = {photo.name: photo.sha256 for photo in photos}
    return [
        {
            "name": draft.name,
            "photo": draft.photo,
            "photo_sha256": sha256[draft.photo],
            "caption": draft.caption,
            "prompt": draft.prompt,
            "seed": draft.seed,
            "draft": f"{draft.name}.png" if not stickers else f"drafts/{draft.name}.png",
            "sticker": str(stickers[draft.name].relative_to(out)) if draft.name in stickers else None,
        }
        for draft in drafts
    ]


def _sheet(
    path: Path, pack: Pack, photos: Sequence[Picture], drafts: Sequence[Draft], stickers: dict[str, Path]
) -> None:
    """The contact sheet: the pack on top, then a row for each draft."""
    by_name = {photo.name: photo.image for photo in photos}
    rows = [
        SheetRow(
            photo=by_name[draft.photo],
            draft=draft.image,
            sticker=Image.open(stickers[draft.name]).convert("RGBA"),
            caption=draft.caption,
        )
        for draft in drafts
    ]
    store.write_image(path, draw_sheet(pack.name, [picture.image for picture in pack.pictures], rows))
