"""A chat from end to end: the Bot API's emulator, the real bot as a process, the real worker with plain stages."""

import io
import os
import signal
import subprocess
import sys
import time
import zipfile

from scripts.sandbox.emulator.seed import webp
from tests.bot_desk import PATIENCE_S, REPEAT, ROOT, Place

SET = "Cats_by_nobody"
WORDS = {
    "en": {
        "learn": "Learn it",
        "agree": "I agree, learn it",
        "these": "Learn these",
        "new": "New pack",
        "undo": "Undo",
        "cancel": "Cancel",
        "learned": "Done! I know the style",
        "retry": "Try again",
    },
    "ru": {
        "learn": "Выучить",
        "agree": "Даю согласие, учи",
        "these": "Выучить эти",
        "new": "Новый набор",
        "undo": "Вернуть как было",
        "cancel": "Отменить",
        "learned": "Готово! Теперь я знаю стиль",
        "retry": "Ещё раз",
    },
}


class Studio(Place):
    """A place with a worker."""

    def __init__(self, folder, nursery, **more):
        super().__init__(folder, nursery, **more)
        self.stages = folder / "stages"
        self.stages.mkdir()
        self.worker = self._worker()
        self.emulator.add_sticker_set(SET, [webp(n) for n in range(8)], title="Cats", emoji=("🐱",))

    def _worker(self):
        environment = os.environ | self.environment | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-W", "ignore", str(ROOT / "tests" / "sticker_worker.py"), str(self.stages)]
        with (self.folder / "worker.log").open("ab") as log:
            return subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def kill_worker(self):
        """With -9; another one takes its place."""
        self.worker.kill()
        self.worker.wait(PATIENCE_S)
        self.worker = self._worker()

    def hold(self, held=True):
        """The worker stays at its step."""
        (self.stages / "hold").touch() if held else (self.stages / "hold").unlink()

    def pause(self, stage=None, step=0, colour="-"):
        """The worker stays at this step of this stage, and shows a preview of this colour; None: it goes on."""
        place = self.stages / "pause"
        if stage is None:
            place.unlink()
            return
        beside = place.with_suffix(".fresh")
        beside.write_text(f"{stage} {step} {colour}")
        beside.replace(place)

    def refuse(self, kind):
        """The next stage fails with this error."""
        (self.stages / "refuse").write_text(kind)

    def close(self):
        self.worker.send_signal(signal.SIGKILL)
        self.worker.wait(PATIENCE_S)
        super().close()

    # ── what people do ────────────────────────────────────────────────────────────────────────────────────────────

    def waits(self, person, true, patience_s=PATIENCE_S):
        """Until the chat is so; a test that hangs shows it."""
        try:
            return person.wait(true, timeout_s=patience_s)
        except TimeoutError as error:
            raise AssertionError((str(error), self.output()[-3000:])) from None

    def press(self, person, text, **on):
        """Wait for a button, and press it."""
        self.waits(person, lambda view: any(seen.button(text) for seen in view.from_bot))
        return person.press(text, **on)

    def learns(self, person, language="en"):
        """A person with the style of the set."""
        person.start()
        self.teaches(person, language)
        return self.waits(person, lambda view: view.find(WORDS[language]["learned"]))

    def teaches(self, person, language="en"):
        """Somebody shows a sticker of the set, and says yes to everything; its learning begins."""
        person.sticker(SET)
        self.press(person, WORDS[language]["learn"])
        self.press(person, WORDS[language]["agree"])

    def draws(self, person, content, **more):
        """Its sticker and its file."""
        sent = person.photo(content, **more)

        def came(view, kind):
            return [one for one in view.of_kind(kind) if not one.mine and one.id > sent.id]

        view = self.waits(person, lambda view: came(view, "document") and view)
        return came(view, "sticker")[-1], came(view, "document")[-1]

    def made(self):
        """The sets that the bot made."""
        return self.emulator.world.sets.made_by(self.emulator.bot.id)

    def quiet(self, patience_s=PATIENCE_S):
        """Nothing is under way any more."""
        open_states = {"held", "open", "waiting", "stopping"}

        def under_way(row):
            return row["state"] in open_states and row["kind"] != "clean"  # that one waits for hours

        self.until(lambda: self.settled() and not any(map(under_way, self.rows("errand"))), patience_s)
        time.sleep(0.1)
        self.until(self.settled, patience_s)


def said(studio, person, text, times=1):
    """Wait until the bot has said so, so many times."""
    return studio.waits(person, lambda view: sum(text in one.text for one in view.from_bot) >= times)


def zipped(files):
    """Name → content, as a zip."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def final_of(seen):
    """The key of a message that is a final result: what it says, or the sticker; repeats are marked, and none."""
    marked = REPEAT in seen.text or any(REPEAT in button.text for row in seen.buttons for button in row)
    if seen.mine or marked:
        return None
    if seen.kind in ("sticker", "document"):
        return seen.kind, seen.file
    told = any(words in seen.text for words in ("Done! I know", "is ready, with this sticker", "which now has"))
    return ("said", seen.text) if told else None
