"""A worker process for the tests of the chat: the real worker and queue, with stages that draw without a model.

What they leave in ``Files`` and in their results has the form of the real ones'. While the file ``hold`` is in the
folder, they stay at the step that they are at; ``pause`` holds a stage, a step and a colour: there they stay, and show
a preview of that colour; ``refuse`` holds what the next one fails with.
"""

from __future__ import annotations

import json
import sys
import time
import zlib
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw, ImageOps

from pipeline import errors, workplace
from pipeline.domain import never_stop
from pipeline.errors import Stopped
from pipeline.files import job_key, style_key
from pipeline.jobs.queue import Jobs
from pipeline.jobs.words import Kind
from pipeline.sealed_files import files_of
from pipeline.settings import Settings, load_profile
from pipeline.vault import vault_of
from pipeline.worker.life import Timing
from pipeline.worker.worker import Identity, work
from pipeline.workplace import Workplace, options_for

STEPS = 20


class PlainStages:
    """A disc of the photo, on a transparent ground."""

    def __init__(self, settings, folder):
        self.files, self.work, self.folder = files_of(settings), settings.data_dir / "work", folder

    def names(self, spec):
        return {Kind.LEARN: ("prepare", "learn"), Kind.DRAW: ("caption", "generate", "cutout")}[spec.kind]

    def run(self, name, spec, *, tell, should_stop):
        options = options_for(spec, load_profile(spec.profile))
        place = Workplace(spec, self.files, self.work, tell)
        refusal = self.folder / "refuse"
        if refusal.exists():
            kind = refusal.read_text()
            refusal.unlink()
            raise getattr(errors, kind)()
        told = place.report(name)
        for step in range(STEPS):
            self._wait(name, step, told, should_stop)
            if should_stop():
                raise Stopped()
            told(step + 1, STEPS)
        return getattr(self, f"_{name}")(spec, place, options)

    def _wait(self, name, step, told, should_stop):
        """At every step while ``hold`` is there; at the one that ``pause`` names, with a preview in its colour."""
        pause, hold = self.folder / "pause", self.folder / "hold"
        while not should_stop():
            stage, at, colour = (pause.read_text() if pause.exists() else "- - -").split()
            if (stage, at) == (name, str(step)):
                told(step, STEPS, Image.new("RGB", (64, 64), colour))  # again and again: the worker tells now and then
                time.sleep(0.2)
            elif hold.exists():
                time.sleep(0.01)
            else:
                return

    def clear(self, spec):
        Workplace(spec, self.files, self.work, lambda _: None).clear()

    def forget(self, spec):
        self.files.delete(job_key(spec.person, spec.job_id))

    def figures(self):
        return {}

    def _prepare(self, spec, place, _):
        pack = place.pack(never_stop)
        return {"pictures": len(pack.pictures), "skipped": []}

    def _learn(self, spec, place, _):
        folder = place.folder / "style"
        folder.mkdir(parents=True)
        (folder / "style.json").write_text(json.dumps({"profile": spec.profile, "pack": spec.style, "line": None}))
        self.files.put_folder(style_key(spec.person, spec.style), folder)
        place.clear()
        return {"style": style_key(spec.person, spec.style), "notes": []}

    def _caption(self, spec, place, _):
        photos, _ = place.photos(never_stop)
        return {"captions": {photo.name: "a thing" for photo in photos}}

    def _generate(self, spec, place, _):
        assert place.style().is_dir()
        return {"drafts": []}

    def _cutout(self, spec, place, options):
        photos, _ = place.photos(never_stop)
        rows = []
        emoji = [{"emoji": sign, "name": sign, "probability": 0.5} for sign in ("🐱", "😀", "🌞")]
        for photo in photos:
            for variant in range(options.variant, options.variant + options.count):
                name = f"{photo.name}-{variant + 1}" if variant else photo.name
                key = job_key(spec.person, spec.job_id, "stickers", f"{name}.png")
                seed = zlib.crc32(f"{options.seed}/{photo.name}/{variant}".encode())
                self.files.put(key, _sticker(photo.image, options, seed))
                row = {"name": name, "photo": photo.name, "caption": "a thing", "prompt": options.template}
                rows.append(row | {"seed": seed, "key": key, "emoji": emoji, "width_px": 512, "height_px": 512})
        return {"stickers": rows, "notes": []}


def _sticker(image, options, seed):
    """512 px, transparent outside of a disc; every option shows."""
    picture = ImageOps.fit(image.convert("RGB"), (512, 512)).convert("RGBA")
    mask = Image.new("L", (512, 512), 0)
    ImageDraw.Draw(mask).ellipse((8, 8, 504, 504), fill=255)
    picture.putalpha(mask)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((200, 200, 230, 230), fill=(seed % 251, seed // 251 % 251, options.outline_px, 255))
    draw.rectangle((240, 200, 270, 230), fill=(int(255 * (options.strength or 0)), 0, 0, 255))
    file = BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def main():
    folder, settings = Path(sys.argv[1]), Settings()
    workplace.PREVIEW_EVERY_S = 0.0  # what is shown is for the test to say
    jobs = Jobs(settings.queue, vault=vault_of(settings))
    who = Identity(name="w1", locks=folder)
    timing = Timing(poll_s=0.05, lease_s=5.0, grace_s=5.0)
    work(jobs, who, lambda: PlainStages(settings, folder), timing=timing)


if __name__ == "__main__":
    main()
