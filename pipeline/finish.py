"""The cut-out stage of a job: drafts (or any pictures) in, sticker files out.

Owns the stickers' files. Knows no mask; cutting out is ``segmentation.cutout``. Heavy: loads torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image

from pipeline import record, store
from pipeline.domain import Draft, Json, Picture, Report, ShouldStop
from pipeline.errors import BadSetting, Stopped
from pipeline.intake import unique_name
from pipeline.models import Models
from pipeline.options import Options
from pipeline.record import Made
from segmentation.cutout import Cutout, CutoutConfig, CutoutInputs, CutoutStopped, cut_out

EMPTY = "{name}: nothing stood out from its ground, so the whole picture was kept"
CUT = ".cutout.json"  # in the stickers' folder: which are cut out, and from what


@dataclass(frozen=True, kw_only=True)
class Finishing:
    """What is to be cut out, and where to."""

    drafts: Sequence[Draft] | Sequence[Picture]
    folder: Path
    options: Options
    masks: bool = False  # also write NAME_mask.png, at the picture's own size
    batch_size: int | None = None  # pictures the network sees at once, where memory is short; None = as usual
    turn: Callable[[], AbstractContextManager[object]] = nullcontext  # the device, for one answer of the network


def cut_out_drafts(
    job: Finishing, models: Models, *, report: Report, should_stop: ShouldStop
) -> tuple[dict[str, Path], tuple[str, ...]]:
    """Cut every draft out into ``job.folder``, unless that was done already.

    Returns: name → file, in order; and a sentence for each picture in which nothing was found.

    Raises:
        Stopped: ``should_stop`` said so.
        BadSetting: a setting is out of range.
    """
    config, path = cutout_config(job.options), job.folder / CUT
    facts = cutting_facts(job, config, models)
    store.sweep(job.folder)
    made = record.read_of(path, facts)
    if set(made) != {draft.name for draft in job.drafts}:
        cutouts = _cut(job, config, models, report, should_stop)
        before, made = record.read(path), _write(job, cutouts)
        record.write(path, facts, made)
        _remove_replaced(job.folder, before, made)
    report(len(job.drafts), len(job.drafts))
    stickers = {draft.name: job.folder / made[draft.name].files[0] for draft in job.drafts}
    return stickers, tuple(note for draft in job.drafts if (note := made[draft.name].note) is not None)


def cutting_facts(job: Finishing, config: CutoutConfig, models: Models) -> Json:
    """All that the stickers depend on."""
    return {
        "model": models.fingerprint("segmentation"),
        "config": asdict(config),
        "masks": job.masks,
        "pictures": [[draft.name, store.image_sha256(draft.image)] for draft in job.drafts],
    }


def _cut(job: Finishing, config: CutoutConfig, models: Models, report: Report, should_stop: ShouldStop) -> list[Cutout]:
    inputs = CutoutInputs(
        pictures=[(draft.name, draft.image) for draft in job.drafts],
        model=_InTurn(models.segmentation.model, job.turn),
        processor=models.segmentation.processor,
        device=models.device.torch_device,
    )
    try:
        how = replace(config, batch_size=job.batch_size or config.batch_size)
        return cut_out(inputs, how, report=report, should_stop=should_stop)
    except CutoutStopped as error:
        raise Stopped() from error
    except ValueError as error:
        raise BadSetting(str(error)) from error


class _InTurn:
    """A network that has the device while it answers, and leaves it to others while a sticker is cut and encoded."""

    def __init__(self, model: Any, turn: Callable[[], AbstractContextManager[object]]) -> None:
        self._model, self._turn = model, turn

    def __call__(self, **inputs: Any) -> Any:
        with self._turn():
            return self._model(**inputs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)


def _write(job: Finishing, cutouts: Sequence[Cutout]) -> dict[str, Made]:
    """Write the stickers, and the masks where they are wanted."""
    taken = {cutout.name.casefold() for cutout in cutouts}
    made = {}
    for cutout in cutouts:
        files = [f"{cutout.name}{cutout.suffix}"]
        store.write_bytes(job.folder / files[0], cutout.data)
        if job.masks:
            mask = unique_name(f"{cutout.name}_mask", taken)  # "cat_mask" may be another picture's name
            taken.add(mask.casefold())
            files.append(f"{mask}.png")
            store.write_image(job.folder / files[1], Image.fromarray(cutout.mask))
        made[cutout.name] = Made(files=files, note=EMPTY.format(name=cutout.name) if cutout.empty else None)
    return made


def _remove_replaced(folder: Path, before: Mapping[str, Made], made: Mapping[str, Made]) -> None:
    """Remove what an earlier run made of these pictures under another name: its sticker needed the other format."""
    kept = {file for one in made.values() for file in one.files}
    for name in before.keys() & made.keys():
        for file in set(before[name].files) - kept:
            (folder / file).unlink(missing_ok=True)


def cutout_config(options: Options) -> CutoutConfig:
    """The profile's settings with the person's options over them."""
    cutout = options.profile.cutout
    return CutoutConfig(threshold=cutout.threshold, outline_px=options.outline_px, outline_colour=cutout.outline_colour)
