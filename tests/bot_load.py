"""A thousand people at once, and how long they wait: ``python -m tests.bot_load --people 1000 --minutes 15``.

The real bot, the real queue and real workers (with stages that draw without a model) before the emulator of the Bot
API, within Telegram's limits. People come at random (Poisson), learn a pack, draw a photo and press buttons. Prints how
long answers took, what the bot needed for them, and whether a limit was overstepped; ends with 1 where one was, or
where somebody got no answer.
"""

import argparse
import json
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil

from scripts.sandbox.emulator import Limits
from scripts.sandbox.emulator.methods import media
from scripts.sandbox.emulator.seed import jpeg
from tests.bot_desk import Nursery
from tests.chat_desk import Studio
from tests.load_people import Crowd

SHARES = (0.5, 0.95, 0.99, 1.0)
SAMPLE_S = 5.0


class Gauge:
    """The bot's memory and processor time, and how much waits, sampled while the people play."""

    def __init__(self, studio, bot):
        self.studio, self.process, self.next_s = studio, psutil.Process(bot.pid), 0.0
        self.rss_mb, self.waiting, self.others = [], [], []
        self.began_s = time.monotonic()
        psutil.cpu_percent()

    def __call__(self):
        if time.monotonic() < self.next_s:
            return
        self.next_s = time.monotonic() + SAMPLE_S
        self.rss_mb.append(self.process.memory_info().rss / 1e6)
        self.others.append(psutil.cpu_percent())
        with self.studio.jobs() as jobs:
            depth = jobs.depth()
        self.waiting.append(depth.get("queued", 0) + depth.get("running", 0))

    def figures(self, updates):
        seconds = time.monotonic() - self.began_s
        fifths = self._fifths()
        used = self.process.cpu_times()
        return {
            "seconds": round(seconds),
            "updates a second": round(updates / seconds, 1),
            "bot: share of a core, %": round(100 * (used.user + used.system) / seconds),
            "bot: memory first, MB": round(self.rss_mb[0]),
            "bot: memory last, MB": round(self.rss_mb[-1]),
            "bot: memory peak, MB": round(max(self.rss_mb)),
            "bot: memory, mean of each fifth, MB": " ".join(str(round(mean)) for mean in fifths),
            "bot: memory, grown in the second half, MB": round(fifths[4] - fifths[2], 1),  # warm by then
            "jobs under way, most": max(self.waiting),
            "machine: processors busy, by all, %": round(sum(self.others) / len(self.others)),
        }

    def _fifths(self):
        """What stays, told from what comes and goes with a picture that is being read."""
        size = max(1, len(self.rss_mb) // 5)
        parts = [self.rss_mb[start : start + size] or self.rss_mb[-1:] for start in range(0, 5 * size, size)]
        return [sum(part) / len(part) for part in parts]


def spread(values):
    """The median and what few exceed, in milliseconds."""
    ordered = sorted(values)
    return [round(1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]) for share in SHARES]


def load(studio, *, people, minutes, seed=0):
    """Returns what was counted, the waits by name, and what went wrong in words."""
    with studio.emulator.world.changed:
        photo = media.photo(studio.emulator.world, jpeg(1))
    bot = studio.bot()
    gauge = Gauge(studio, bot)
    crowd = Crowd(studio.emulator, people, minutes=minutes, photo=photo, seed=seed)
    crowd.run(tick=gauge)
    world, record = studio.emulator.world, studio.emulator.record
    figures = {"people": people, "minutes of coming": minutes} | gauge.figures(len(studio.emulator.bot.updates.all))
    studio.quiet(600.0)
    waits = {}
    for one in crowd.all:
        for name, seconds in one.took:
            waits.setdefault(name, []).append(seconds)
    waits["a press → answerCallbackQuery"] = [
        one.answered - one.ticks for one in world.queries.values() if one.answered is not None
    ]
    waits["an update → the bot has it"] = lags(studio)
    with studio.jobs() as jobs:
        done = [job for job in jobs.list(most=100_000) if job.status == "done"]
    waits["a job submitted → begun"] = [job.started_s - job.submitted_s for job in done]
    told = [f"{one.person.user.first_name} gave up on {one.gave_up!r}" for one in crowd.all if one.gave_up]
    broken = studio.emulator.check(outputs=[studio.output()])
    told += [f"{one.rule}: {one.text}" for one in broken]
    figures |= {
        "calls": len(record.requests),
        "messages a second, most in a minute": busiest(record),
        "jobs done": len(done),
        "people who gave up": sum(bool(one.gave_up) for one in crowd.all),
        "rules broken": len(broken),
        "429s": sum(one.status == 429 for one in record.requests),
    }
    return figures, {name: spread(values) for name, values in waits.items() if values}, told


def lags(studio):
    """Seconds from when Telegram had an update until it was written down; of those that are still remembered."""
    clock = studio.emulator.clock
    shift_s = clock.now() - clock.ticks()
    came = {update.id: update.ticks + shift_s for update in studio.emulator.bot.updates.all}
    return [max(0.0, row["received_ms"] / 1000 - came[row["update_id"]]) for row in studio.rows("inbox")]


def busiest(record):
    """Of what Telegram counts."""
    sent = Counter(int(one.ticks // 60) for one in record.requests if one.method.startswith(("send", "edit")))
    return round(max(sent.values()) / 60, 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=1000)
    parser.add_argument("--minutes", type=float, default=15.0, help="within which they come")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="the figures as JSON")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="stickers-bot-load-") as folder:
        nursery = Nursery()
        studio = Studio(Path(folder), nursery, limits=Limits())
        try:
            figures, waits, told = load(studio, people=given.people, minutes=given.minutes, seed=given.seed)
        finally:
            studio.close()
            nursery.close()
    for said in told[:40]:
        sys.stderr.write(f"{said}\n")
    if given.json:
        sys.stdout.write(json.dumps({"figures": figures, "waits_ms": waits}) + "\n")
    else:
        lines = [f"{name:<42} {value:>9}\n" for name, value in figures.items()]
        lines += [f"\n{'waits, ms':<40}" + "".join(f"{title:>9}" for title in ("p50", "p95", "p99", "most")) + "\n"]
        lines += [f"{name:<40}" + "".join(f"{value:>9}" for value in row) + "\n" for name, row in waits.items()]
        sys.stdout.write("".join(lines))
    sys.exit(bool(told))


if __name__ == "__main__":
    main()
