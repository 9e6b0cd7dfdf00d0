"""One job's story, on one page: pack and photos in; style, captions, drafts and stickers out.

Owns the order of the stages, what each leaves behind, and when a stage need not run again. Knows neither queue nor
Telegram; how a stage works is the stage's own affair. Heavy: loads torch through the stages.

A stage's folder counts as done once its card is in it, made from the very same inputs and settings; whatever was
interrupted goes on from there: training from its checkpoint, drawing from its last finished batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from PIL import Image

from pipeline import store
from pipeline.caption import CaptionConfig, CaptionInputs, caption
from pipeline.domain import Draft, Json, Pack, Picture, Report, ShouldStop, Skipped, Stage
from pipeline.draw import DRAWN, Drawing, draw_drafts, fitting_card
from pipeline.errors import BadOutput
from pipeline.finish import CUT, Finishing, cut_out_drafts
from pipeline.gpu import choose_device
from pipeline.intake import load_pack, load_photos
from pipeline.learn import learn_style
from pipeline.measure import Measured
from pipeline.models import Models
from pipeline.options import Options
from pipeline.settings import Settings
from pipeline.sheet import SheetRow, draw_sheet
from pipeline.style import read_card

Watch = Callable[[Stage], Report]  # a Report for each stage
NEED_MB = 50  # of free space, checked before hours of work
WORK = Path(".work")  # in the output folder: what a resumed job needs and a person does not
CAPTIONS = WORK / "captions"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a command made."""

    out: Path
    stickers: tuple[Path, ...] = ()  # or drafts, where the command ends there
    sheet: Path | None = None
    report: Json
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()


def make(
    pack: Path,
    photos: Sequence[Path],
    out: Path,
    options: Options,
    settings: Settings,
    *,
    watch: Watch,
    should_stop: ShouldStop,
) -> Outcome:
    """The whole job: learn the pack, then draw each photo in its style and cut it out.

    Raises:
        StickerError: one of its classes, with a sentence for a person.
    """
    _keep_apart([pack / "any", *photos], out / "drafts", out / "stickers", out / "style")
    _keep_apart([pack / "any"], out)
    store.check_output(out, NEED_MB)
    measured = Measured(out / WORK / "measured.json", choose_device(settings.device))
    with measured.stage(Stage.INTAKE):
        the_pack = load_pack(pack, report=watch(Stage.INTAKE), should_stop=should_stop)
        pictures, skipped = load_photos(photos)
    models = Models(options.profile, measured.device)
    with measured.stage(Stage.TRAIN, out / "style" / store.ARTEFACT):
        _learn(the_pack, out / "style", out, options, settings, models, watch(Stage.TRAIN), should_stop)
    with measured.stage(Stage.CAPTION, out / CAPTIONS / store.ARTEFACT):
        captions = _captions(pictures, out, models, watch(Stage.CAPTION), should_stop)
    with measured.stage(Stage.GENERATE, out / "drafts" / DRAWN):
        job = Drawing(photos=pictures, captions=captions, style=out / "style", folder=out / "drafts", options=options)
        drafts = draw_drafts(job, models, report=watch(Stage.GENERATE), should_stop=should_stop)
    with measured.stage(Stage.CUTOUT, out / "stickers" / CUT):
        finishing = Finishing(drafts=drafts, folder=out / "stickers", options=options)
        stickers, notes = cut_out_drafts(finishing, models, report=watch(Stage.CUTOUT), should_stop=should_stop)
    report = measured.report(options) | {
        "pack": _pack_facts(the_pack),
        "photos": _rows(pictures, drafts, stickers, out),
        "skipped": [asdict(entry) for entry in the_pack.skipped + skipped],
        "models": {role: models.fingerprint(role) for role in options.profile.models.by_role()},
        **_style_facts(out / "style"),
    }
    store.write_json(out / "report.json", report)
    _sheet(out / "sheet.png", the_pack, pictures, drafts, stickers)
    return Outcome(
        out=out,
        stickers=tuple(stickers.values()),
        sheet=out / "sheet.png",
        report=report,
        skipped=the_pack.skipped + skipped,
        notes=notes,
    )


def learn(
    pack: Path, out: Path, options: Options, settings: Settings, *, watch: Watch, should_stop: ShouldStop
) -> Outcome:
    """``stickers train``: a pack in, a style's folder out."""
    _keep_apart([pack / "any"], out)
    store.check_output(out, NEED_MB)
    measured = Measured(out / WORK / "measured.json", choose_device(settings.device))
    with measured.stage(Stage.INTAKE):
        the_pack = load_pack(pack, report=watch(Stage.INTAKE), should_stop=should_stop)
    with measured.stage(Stage.TRAIN, out / store.ARTEFACT):
        models = Models(options.profile, measured.device)
        _learn(the_pack, out, out, options, settings, models, watch(Stage.TRAIN), should_stop)
    return Outcome(out=out, report=measured.report(options) | _style_facts(out), skipped=the_pack.skipped)


def describe(
    photos: Sequence[Path], options: Options, settings: Settings, *, watch: Watch, should_stop: ShouldStop
) -> tuple[dict[str, str], tuple[Skipped, ...]]:
    """``stickers caption``: photos in, a caption for each name."""
    pictures, skipped = load_photos(photos)
    models = Models(options.profile, choose_device(settings.device))
    inputs = CaptionInputs(photos=pictures, captioner=models.caption)
    return caption(inputs, CaptionConfig(), report=watch(Stage.CAPTION), should_stop=should_stop), skipped


def draw(
    style: Path,
    photos: Sequence[Path],
    out: Path,
    options: Options,
    settings: Settings,
    *,
    watch: Watch,
    should_stop: ShouldStop,
) -> Outcome:
    """``stickers generate``: photos and a learned style in, drafts (not cut out) in ``out``."""
    fitting_card(style, options.profile.name)  # before the models are loaded for nothing
    _keep_apart(photos, out)
    store.check_output(out, NEED_MB)
    measured = Measured(out / WORK / "measured.json", choose_device(settings.device))
    pictures, skipped = load_photos(photos)
    models = Models(options.profile, measured.device)
    with measured.stage(Stage.CAPTION, out / CAPTIONS / store.ARTEFACT):
        captions = _captions(pictures, out, models, watch(Stage.CAPTION), should_stop)
    with measured.stage(Stage.GENERATE, out / DRAWN):
        job = Drawing(photos=pictures, captions=captions, style=style, folder=out, options=options)
        drafts = draw_drafts(job, models, report=watch(Stage.GENERATE), should_stop=should_stop)
    files = tuple(out / f"{draft.name}.png" for draft in drafts)
    report = measured.report(options) | {"photos": _rows(pictures, drafts, {}, out)}
    store.write_json(out / "report.json", report)
    return Outcome(out=out, stickers=files, report=report, skipped=skipped)


def cut(
    images: Sequence[Path],
    out: Path,
    options: Options,
    settings: Settings,
    *,
    mask: bool,
    watch: Watch,
    should_stop: ShouldStop,
) -> Outcome:
    """``stickers cutout``: any pictures in, stickers (and masks at the pictures' own size) in ``out``."""
    _keep_apart(images, out)
    store.check_output(out, NEED_MB)
    measured = Measured(out / WORK / "measured.json", choose_device(settings.device))
    pictures, skipped = load_photos(images, max_side_px=None)
    models = Models(options.profile, measured.device)
    with measured.stage(Stage.CUTOUT, out / CUT):
        finishing = Finishing(drafts=pictures, folder=out, options=options, masks=mask)
        stickers, notes = cut_out_drafts(finishing, models, report=watch(Stage.CUTOUT), should_stop=should_stop)
    return Outcome(
        out=out, stickers=tuple(stickers.values()), report=measured.report(options), skipped=skipped, notes=notes
    )


def _keep_apart(inputs: Sequence[Path], *folders: Path) -> None:
    """Refuse inputs in a folder that is written to: what is made of a picture bears its name and would replace it."""
    places = {folder.resolve() for folder in folders}
    for path in inputs:
        if path.resolve().parent in places:
            raise BadOutput(f"the results would lie among the pictures in {str(path.parent)!r}; choose another folder")


def _learn(
    pack: Pack,
    style: Path,
    out: Path,
    options: Options,
    settings: Settings,
    models: Models,
    report: Report,
    should_stop: ShouldStop,
) -> None:
    work = out / WORK / "train"
    learned = learn_style(
        pack, options, style, work, settings.cache_dir, models, report=report, should_stop=should_stop
    )
    if learned is None:
        report(options.train_steps, options.train_steps)


def _captions(
    photos: Sequence[Picture], out: Path, models: Models, report: Report, should_stop: ShouldStop
) -> dict[str, str]:
    """The captions, read where an earlier run found them."""
    folder, how = out / CAPTIONS, CaptionConfig()
    config = {
        "model": models.fingerprint("caption"),
        "config": asdict(how),
        "photos": [[photo.name, photo.sha256] for photo in photos],
    }
    if not store.is_complete(folder, store.fingerprint(config)):
        store.begin(folder)
        inputs = CaptionInputs(photos=photos, captioner=models.caption)
        found = caption(inputs, how, report=report, should_stop=should_stop)
        store.write_json(folder / "captions.json", found)
        store.complete(folder, config)
    captions: dict[str, str] = store.read_json(folder / "captions.json")
    report(len(photos), len(photos))
    return captions


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
