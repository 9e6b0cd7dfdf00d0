"""A day of many people while the bot is killed again and again, and the count at the end.

``python -m tests.bot_soak --people 20 --kills 50 --seed 1``: the real bot and the real worker (with stages that draw
without a model) before the emulator of the Bot API, within Telegram's limits. At random moments, most of them right
after a call of the bot's reached Telegram, the bot gets SIGKILL; now and then the worker does. Prints a table; ends
with 1 where anything was lost, or done twice without saying so.
"""

import argparse
import json
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from scripts.sandbox.emulator import FaultKind, Limits
from tests.bot_desk import Nursery
from tests.chat_desk import Studio
from tests.soak_day import Day, marked

PATIENCE_S = 300.0  # of a person, for one thing
MOMENTS = (  # after which a death is the worst
    "sendMessage",
    "sendSticker",
    "sendDocument",
    "editMessageText",
    "answerCallbackQuery",
    "getFile",
    "uploadStickerFile",
    "createNewStickerSet",
    "addStickerToSet",
    "deleteStickerFromSet",
)
EVERY_WORKER = 8  # kills of the bot to one of the worker
EARLY = 10  # of so many kills one comes while the bot begins
MOST_CALLS, MOST_WAIT_S = 25, 3.0  # from a start to a kill; for a call of one kind
SHORT_LIFE_S, LONG_LIFE_S = 10.0, 60.0


class Reaper(threading.Thread):
    """Kills the bot, and starts it again, until it is stopped; by what the bot has done since, for machines differ."""

    def __init__(self, studio, *, kills, seed, most_calls):
        super().__init__(name="reaper", daemon=True)
        self.studio, self.wanted, self.most_calls = studio, kills, most_calls
        self.chance, self.over = random.Random(f"reaper {seed}"), threading.Event()
        self.kills = self.of_worker = self.held = 0

    def run(self):
        process = self.studio.bot()
        while self.kills < self.wanted and not self.over.is_set():
            if self.kills % EARLY == EARLY - 1:
                self.over.wait(self.chance.uniform(0.0, 0.5))  # perhaps before it has begun
            else:
                self._lives(self.chance.randint(0, self.most_calls))
                if self.chance.random() < 0.6:
                    self._moment(self.chance.choice(MOMENTS))
            self.studio.kill(process)
            self.kills += 1
            if self.kills % EVERY_WORKER == 0:
                self.studio.kill_worker()
                self.of_worker += 1
            process = self.studio.bot(wait=self.kills % EARLY != EARLY - 1)

    def _lives(self, count):
        """The bot has made so many calls; in every third life it has shown people as much, however slow the machine is:
        else it would begin the same work for ever."""
        record, shown = self.studio.emulator.record, self.kills % 3 == 2
        since, until_s = len(record.requests), time.monotonic() + (LONG_LIFE_S if shown else SHORT_LIFE_S)
        while time.monotonic() < until_s and not self.over.is_set():
            made = [one.method for one in record.requests[since:]]
            if sum(method.startswith(("send", "edit")) or not shown for method in made) >= count:
                return
            time.sleep(0.005)

    def _moment(self, method):
        """The next call of this kind is carried out, and its answer held back until the bot is dead."""
        emulator, until_s = self.studio.emulator, time.monotonic() + MOST_WAIT_S
        with emulator.world.changed:
            fault = emulator.faults.add(FaultKind.TIMEOUT_AFTER_EFFECT, method, seconds=1.0)
        while not fault.met and time.monotonic() < until_s and not self.over.is_set():
            time.sleep(0.001)
        if fault.met:
            self.held += 1
            time.sleep(self.chance.uniform(0.0, 0.05))
        with emulator.world.changed:
            emulator.faults.clear()


class Hours:
    """Lets the emulator's clock run on by an hour, but never under a press that waits for its answer."""

    def __init__(self, emulator, hour_s):
        self.emulator, self.hour_s, self.passed = emulator, hour_s, 0
        self._last_s = time.monotonic()

    def __call__(self):
        world = self.emulator.world
        with world.changed:
            if time.monotonic() - self._last_s < self.hour_s or any(
                one.answer is None for one in world.queries.values()
            ):
                return
            self._last_s = time.monotonic()
            self.passed += 1
            self.emulator.clock.advance(3600.0)


def soak(studio, *, people, kills, seed=0, most_calls=MOST_CALLS, whole=True, patience_s=PATIENCE_S):
    """Returns what was counted, and what went wrong in words; every figure from ``lost updates`` on must be 0."""
    began_s = time.monotonic()
    studio.emulator.world.callback_expires_s = 86_400.0  # a slow machine is not what is tried here
    hours = Hours(studio.emulator, 10.0)
    days = [Day(studio, n, seed=seed, patience_s=patience_s, whole=whole, hour=hours) for n in range(people)]
    stranger = studio.emulator.person("Stranger")  # presses what others were shown, and never asks for anything
    group = studio.emulator.group("Friends", stranger, *(one.person for one in days[::3]))
    for one in days[::3]:
        one.group, one.stranger = group, stranger
    reaper = Reaper(studio, kills=kills, seed=seed, most_calls=most_calls)
    for one in days:
        one.enough = lambda: reaper.kills >= reaper.wanted
    reaper.start()
    for one in days:
        one.start()
        time.sleep(0.05)
    for one in days:
        one.join()
    late = reaper.wanted - reaper.kills
    reaper.over.set()
    reaper.join()
    told = [said for one in days for said in one.missed]
    unended = 0
    try:
        studio.quiet(patience_s)
    except AssertionError:
        unended = 1
        told += [f"still under way: {row['key']} {row['kind']} {row['state']}" for row in studio.rows("errand")]
    figures = {
        "people": people,
        "kills of the bot": reaper.kills,
        "… while an answer was on its way": reaper.held,
        "kills of the worker": reaper.of_worker,
        "hours": hours.passed,
        "seconds": round(time.monotonic() - began_s),
        "repeats, marked as such": sum(map(marked, _said(days))),
    }
    figures |= counted(studio, days, told) | {"kills too few": max(0, late), "never quiet": unended}
    return figures, told


def counted(studio, days, told):
    """What is wrong."""
    inbox, sent = studio.rows("inbox"), studio.emulator.bot.updates.all
    broken = studio.emulator.check(outputs=[studio.output()])
    told += [f"{one.rule}: {one.text}" for one in broken]
    errors = [line for line in studio.output().splitlines() if '"ERROR"' in line or "Traceback" in line]
    told += errors
    lost = {update.id for update in sent} - {row["update_id"] for row in inbox if row["state"] == "done"}
    told += [f"update {number} was not answered" for number in sorted(lost)]
    figures = {
        "updates": len(sent),
        "messages": len(_said(days)),
        "lost updates": len(lost),
        "people who missed something": sum(bool(day.missed) for day in days),
        "lost messages": _lost_messages(studio, days, told),
        "messages doubled, unmarked": _doubled(studio, days, told),
        "results not as many as asked for": _results(studio, days, told),
        "given up": sum(row["state"] == "unknown" for row in studio.rows("outbox")),
        "rules broken": len(broken),
        "errors logged": len(errors),
        "files with the token": len(_with_token(studio, told)),
    }
    return figures


def _said(days):
    """All that the bot has sent to them, deleted or not."""
    return [one for day in days for one in day.person.chat.messages.values() if one.sender.is_bot]


def _made(studio):
    """Rows of the outbox that made a message, by chat; those of who left are gone."""
    rows = [row for row in studio.rows("outbox") if row["message_id"] is not None and row["state"] == "sent"]
    found = {}
    for row in rows:
        found.setdefault(row["chat"], []).append(row["message_id"])
    return found


def _lost_messages(studio, days, told):
    made, lost = _made(studio), 0
    for day in days:
        missing = {*made.get(day.person.id, [])} - {*day.person.chat.messages}
        told += [f"{day.person.user.first_name}'s message {number} is nowhere" for number in missing]
        lost += len(missing)
    return lost


def _doubled(studio, days, told):
    """Each decision to send is one row, and each row at most one message that does not say it is a repeat."""
    made, count = _made(studio), 0
    with studio.emulator.world.changed:
        for day in (one for one in days if not one.left):
            plain = [one for one in _said([day]) if not marked(one)]
            more = len(plain) - len(made.get(day.person.id, []))
            if more > 0:
                unknown = [one.id for one in plain if one.id not in made.get(day.person.id, [])]
                told.append(f"{day.person.user.first_name} has {more} messages too many, among {unknown}")
                told.append(str(day.person.see()))
                count += more
    return count


def _results(studio, days, told):
    """As many stickers and files as drawings, each once; as many jobs as were asked for."""
    wrong = 0
    with studio.jobs() as jobs:
        for day in (one for one in days if not one.left and not one.missed):
            done = Counter(
                job.spec.kind.value for job in jobs.list(person=f"tg{day.person.id}") if job.status == "done"
            )
            right = (done["draw"], done["learn"]) == (day.drawn, day.learned) and len(day.files()) == day.drawn
            plain = [one.content for one in _said([day]) if not marked(one)]
            files = Counter(
                one[kind]["file_unique_id"] for one in plain for kind in ("sticker", "document") if kind in one
            )
            if not right or any(count > 1 for count in files.values()):
                wrong += 1
                told.append(f"{day.person.user.first_name} asked for {day.drawn} drawings; {done}, {len(day.files())}")
    return wrong


def _with_token(studio, told):
    secret = studio.emulator.token.partition(":")[2].encode()
    found = [path for path in studio.folder.rglob("*") if path.is_file() and secret in path.read_bytes()]
    told += [f"the token stands in {path.name}" for path in found]
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--patience", type=float, default=PATIENCE_S, help="seconds that a person waits for one thing")
    parser.add_argument("--json", action="store_true", help="the figures as JSON")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="stickers-bot-soak-") as folder:
        nursery = Nursery()
        studio = Studio(Path(folder), nursery, limits=Limits())
        try:
            figures, told = soak(
                studio, people=given.people, kills=given.kills, seed=given.seed, patience_s=given.patience
            )
        finally:
            studio.close()
            nursery.close()
    for said in told[:40]:
        sys.stderr.write(f"{said}\n")
    lines = [f"{name:<36} {value:>8}\n" for name, value in figures.items()]
    sys.stdout.write(json.dumps(figures) + "\n" if given.json else "".join(lines))
    names = list(figures)
    sys.exit(any(figures[name] for name in names[names.index("lost updates") :]))


if __name__ == "__main__":
    main()
