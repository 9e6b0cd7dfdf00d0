"""The cut-out stage of a job: drafts (or any pictures) in, sticker files out.

Owns the stickers' files. Knows no mask; cutting out is ``segmentation.cutout``. Heavy: loads torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from PIL import Image

from pipeline import store
from pipeline.domain import Draft, Picture, Report, ShouldStop
from pipeline.errors import BadSetting, Stopped
from pipeline.models import Models
from pipeline.options import Options
from segmentation.cutout import Cutout, CutoutConfig, CutoutInputs, CutoutStopped, cut_out


@dataclass(frozen=True, kw_only=True)
class Finishing:
    """What is to be cut out, and where to."""

    drafts: Sequence[Draft] | Sequence[Picture]
    folder: Path
    options: Options
    masks: bool = False  # also write NAME_mask.png, at the picture's own size


def cut_out_drafts(
    job: Finishing, models: Models, *, report: Report, should_stop: ShouldStop
) -> tuple[dict[str, Path], tuple[str, ...]]:
    """Cut every draft out into ``job.folder``.

    Returns: name → file, in order; and a sentence for each picture in which nothing was found.

    Raises:
        Stopped: ``should_stop`` said so.
        BadSetting: a setting is out of range.
    """
    config = cutout_config(job.options)
    inputs = CutoutInputs(
        pictures=[(draft.name, draft.image) for draft in job.drafts],
        model=models.segmentation.model,
        processor=models.segmentation.processor,
        device=models.device.torch_device,
    )
    facts = {
        "model": models.fingerprint("segmentation"),
        "config": asdict(config),
        "masks": job.masks,
        "pictures": [[draft.name, store.image_sha256(draft.image)] for draft in job.drafts],
    }
    try:
        cutouts = cut_out(inputs, config, report=report, should_stop=should_stop)
    except CutoutStopped as error:
        raise Stopped() from error
    except ValueError as error:
        raise BadSetting(str(error)) from error
    store.begin(job.folder)
    written = {cutout.name: _write(job, cutout) for cutout in cutouts}
    store.complete(job.folder, facts)
    notes = tuple(
        f"{cutout.name}: nothing stood out from its ground, so the whole picture was kept"
        for cutout in cutouts
        if cutout.empty
    )
    return written, notes


def _write(job: Finishing, cutout: Cutout) -> Path:
    path = job.folder / f"{cutout.name}{cutout.suffix}"
    store.write_bytes(path, cutout.data)
    other = path.with_suffix(".webp" if cutout.suffix == ".png" else ".png")
    other.unlink(missing_ok=True)  # of an earlier run whose sticker needed the other format
    if job.masks:
        store.write_image(job.folder / f"{cutout.name}_mask.png", Image.fromarray(cutout.mask))
    return path


def cutout_config(options: Options) -> CutoutConfig:
    """The profile's settings with the person's options over them."""
    cutout = options.profile.cutout
    return CutoutConfig(threshold=cutout.threshold, outline_px=options.outline_px, outline_colour=cutout.outline_colour)
