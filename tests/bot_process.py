"""A bot as a process for the tests: the real one, with a few more answers in front of its table.

``count`` changes the person's state and says what it is now, ``draw`` submits a job and speaks of it, ``progress N``
changes a status message N times, ``sticker`` sends the file of that name, ``poison`` breaks, ``die`` kills the process,
``slow`` takes its time. So it also shows how answers are written.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

from bot.app import ROUTES, run
from bot.effects import Button
from bot.errors import OtherBot
from bot.rates import Priority
from bot.redact import quieten
from bot.routes import Route, pressed
from bot.settings import bot_settings, token_of
from pipeline.files import job_key
from pipeline.jobs.queue import Jobs, Limits
from pipeline.jobs.words import Kind
from pipeline.sealed_files import files_of
from pipeline.settings import Settings
from pipeline.vault import vault_of
from pipeline.worker.logs import Form, to_stderr

PICTURE = "sticker.webp"  # put there by the test


def said(word):
    """A message that begins with this word."""
    return lambda event: bool(event.update.message and (event.update.message.text or "").split()[:1] == [word])


def rest(event):
    return event.update.message.text.partition(" ")[2]


async def echo(event, talk):
    talk.say(f"echo {rest(event)}")


async def count(event, talk):
    now = talk.person.state.get("count", 0) + 1
    talk.put_state(count=now)
    talk.say(f"{rest(event)} is number {now}")


async def draw(event, talk):
    view = await talk.submit(Kind.DRAW, profile="embedded", style="s", photos=["photo"])
    talk.say(f"job {view.job_id}", slot=f"status:{view.job_id}")
    talk.edit(f"status:{view.job_id}", f"job {view.job_id} waits")


def status_slot(talk):
    """The person's status message. A slot is one message of the whole bot: shared, one's would be changed in another's
    chat.
    """
    return f"status:{talk.person.id}"


async def progress(event, talk):
    talk.say("progress 0", slot=status_slot(talk))
    for number in range(1, int(rest(event)) + 1):
        talk.edit(status_slot(talk), f"progress {number}", priority=Priority.PROGRESS)


async def status(event, talk):
    talk.edit(status_slot(talk), rest(event))


async def result(event, talk):
    talk.priority = Priority.RESULT
    talk.say(f"result {rest(event)}")


async def sticker(event, talk):
    key = job_key("shared", "test", rest(event) or PICTURE)
    talk.sticker(key, emoji="🙂", buttons=[[Button(text="more", action="more", id="a")]], slot=f"sticker:{talk.origin}")
    talk.document(key, name="sticker.webp", caption="the file")


async def shared_button(event, talk):
    talk.say("press", buttons=[[Button(text="mine", action="more", id="a")]])


async def more(event, talk):
    talk.answer("more!")
    talk.say(f"more of {event.pressed.id}")


async def poison(event, talk):
    await talk.submit(Kind.DRAW, profile="embedded", style="s", photos=["photo"])
    talk.say("never seen")
    raise RuntimeError(f"poison with the words of a person: {rest(event)}")


async def die(event, talk):
    talk.say("never seen")
    os.kill(os.getpid(), signal.SIGKILL)


async def slow(event, talk):
    await asyncio.sleep(float(rest(event)))
    talk.say("slow")


async def leak(event, talk):
    """What a careless library would do: show the whole address."""
    raise RuntimeError(f"GET {event.services.bot.base_url}/getMe failed")


ANSWERS = (echo, count, draw, progress, status, result, sticker, poison, die, slow, leak)
MORE = (
    *(Route(wants=said(answer.__name__), answer=answer, why="of the tests") for answer in ANSWERS),
    Route(wants=lambda event: event.command == "button", answer=shared_button, why="of the tests"),
    Route(wants=pressed("more"), answer=more, updates=("callback_query",), why="of the tests"),
)


def nurse():
    """Make a bot of each line of JSON (its environment and its log), as a fork of this process, whose modules are warm.

    It is a process like any other, but for a second of imports before each of many deaths.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    for line in sys.stdin:
        wanted = json.loads(line)
        pid = os.fork()
        if pid == 0:
            log = os.open(wanted["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            for number in (1, 2):
                os.dup2(log, number)
            os.environ.update(wanted["environment"])
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            code = 1
            try:
                code = ended(main)
            finally:
                Path(wanted["log"]).with_suffix(".code").write_text(str(code))
                os._exit(code)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def ended(act):
    """The exit code, as the command would have it."""
    try:
        act()
        return 0
    except SystemExit as error:
        return error.code or 0
    except OtherBot as error:
        sys.stderr.write(f"{error}\n")
        sys.stderr.flush()
        return 69


def main():
    settings, own = Settings(), bot_settings()
    to_stderr("bot", Form.JSON)
    quieten([token_of(own)])
    with Jobs(settings.queue, limits=Limits(open_jobs=1000), vault=vault_of(settings)) as jobs:
        run(own, jobs, files_of(settings), data_dir=settings.data_dir, routes=(*MORE, *ROUTES))


if __name__ == "__main__":
    sys.exit(nurse() if sys.argv[1:] == ["nurse"] else main())
