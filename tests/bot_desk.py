"""A Bot API on the loopback, real bot processes before it, and what became of what people sent."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from bot.desk import Desk
from bot.outbox import Outbox
from bot.settings import BotSettings, vault_of
from pipeline.files import Files, job_key
from pipeline.jobs.queue import Jobs
from scripts.sandbox.emulator import UNLIMITED, Emulator
from tests.bot_process import PICTURE

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_S = 60.0
HURRIED = {"STICKERS_BOT_PER_SECOND": "500", "STICKERS_BOT_CHAT_PER_SECOND": "50"}  # where nobody minds its pace
UNHURRIED = {"STICKERS_BOT_PER_SECOND": "25", "STICKERS_BOT_CHAT_PER_SECOND": "1"}  # as before Telegram
REPEAT = "↻"  # what marks a repeat, in every language


class Nursery:
    """A process from which bots are forked; see ``bot_process.nurse``."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", str(ROOT / "tests" / "bot_process.py"), "nurse"],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def bot(self, log, environment):
        self.process.stdin.write(json.dumps({"log": str(log), "environment": environment}) + "\n")
        self.process.stdin.flush()
        return Bot(int(self.process.stdout.readline()), log)

    def close(self):
        self.process.communicate(timeout=PATIENCE_S)


class Bot:
    """A bot process."""

    def __init__(self, pid, log):
        self.pid, self.log = pid, log

    def poll(self):
        """None while it lives, else its exit code; -1 where it was killed."""
        try:
            os.kill(self.pid, 0)
            return None
        except ProcessLookupError:
            code = self.log.with_suffix(".code")
            return int(code.read_text()) if code.exists() else -1

    def send_signal(self, number):
        os.kill(self.pid, number)

    def wait(self, patience_s):
        until_s = time.monotonic() + patience_s
        while self.poll() is None:
            assert time.monotonic() < until_s, self.log.read_text()
            time.sleep(0.002)
        return self.poll()


class Place:
    """An emulator, a data folder, and bots that come and go."""

    def __init__(self, folder, nursery, *, limits=UNLIMITED, url=None, **environment):
        self.folder, self.data, self.nursery = folder, folder / "data", nursery
        self.emulator = Emulator(limits=limits).start()
        self.bots, self.logs = [], []
        self.environment = (
            (HURRIED if limits is UNLIMITED else {})
            | environment
            | {
                "STICKERS_BOT_TOKEN": self.emulator.token,
                "STICKERS_BOT_API": self.emulator.url,
                "STICKERS_DATA_DIR": str(self.data),
            }
        )
        self.queue = url or f"sqlite:///{self.data}/queue.sqlite"
        self.environment["STICKERS_QUEUE_URL"] = self.queue
        self.vault = vault_of(BotSettings(), self.data)
        self.files = Files(self.data / "files", self.vault.sealer("files"))

    def put_picture(self, content):
        self.files.put(job_key("shared", "test", PICTURE), content)

    def bot(self, *, wait=True, **environment):
        """A bot process; ``wait``: until it has begun, or ended."""
        log = self.folder / f"bot-{len(self.bots)}.log"
        log.touch()
        self.logs.append(log)
        process = self.nursery.bot(log, self.environment | environment)
        self.bots.append(process)
        if wait:
            self.until(lambda: '"begun"' in log.read_text() or process.poll() is not None)
        return process

    def kill(self, process, number=signal.SIGKILL):
        process.send_signal(number)
        return process.wait(PATIENCE_S)

    def until(self, true, patience_s=PATIENCE_S):
        """Wait; a test that hangs says where."""
        until_s = time.monotonic() + patience_s
        while not true():
            assert time.monotonic() < until_s, self.told()
            time.sleep(0.01)

    def told(self):
        """For whoever looks why a test failed."""
        shown = {one.user.first_name: one.see() for one in self.emulator.people.values()}
        return shown, self.rows("inbox"), self.rows("outbox"), [log.read_text()[-3000:] for log in self.logs[-2:]]

    def rows(self, table):
        """What the bot's table has; of SQLite."""
        path = self.data / "queue.sqlite"
        if not path.exists():
            return []
        with closing(sqlite3.connect(path, timeout=30)) as connection:
            connection.row_factory = sqlite3.Row
            try:
                return [dict(row) for row in connection.execute(f"SELECT * FROM sticker_bot_{table}")]
            except sqlite3.OperationalError:
                return []

    def settled(self):
        """Nothing waits any more, in or out."""
        waits = {"new", "taken", "pending", "sending"}
        rows = self.rows("inbox") + self.rows("outbox")
        return bool(rows) and not any(row["state"] in waits for row in rows)

    def jobs(self):
        return Jobs(self.queue, vault=self.vault)

    def desk(self, jobs):
        """As the bot has it, in this process."""
        return Desk(jobs, self.vault)

    def outbox(self, jobs):
        desk = self.desk(jobs)
        return Outbox(desk.engine, desk.vault)

    def texts(self, person, **where):
        """What the bot has said to somebody, as it reads now."""
        return [seen.text for seen in person.see(**where).messages if not seen.mine]

    def hears(self, person, text, **where):
        """Wait until the bot has said this to somebody."""
        self.until(lambda: any(text in said for said in self.texts(person, **where)))

    def output(self):
        """All that the bots have printed."""
        return "\n".join(log.read_text() for log in self.logs)

    def close(self):
        for process in self.bots:
            if process.poll() is None:
                self.kill(process)
        self.emulator.stop()
