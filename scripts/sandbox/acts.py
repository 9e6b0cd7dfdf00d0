"""What people do on the page: words, files, stickers, presses, blocking; and what a developer does to the clock.

Owns the table of acts and the limits of what is taken. Knows no address but its own; who may call is ``page``'s affair.
Loads aiohttp and Pillow.
"""

from __future__ import annotations

import asyncio
import io
import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.web_request import FileField
from PIL import Image

from pipeline.settings import CONFIGS
from scripts.sandbox.emulator import Emulator, Person
from scripts.sandbox.emulator.contents import sniffed
from scripts.sandbox.emulator.errors import Refused, WrongUse
from scripts.sandbox.emulator.methods.media import MOST_PHOTO_BYTES
from scripts.sandbox.emulator.people import Json
from scripts.sandbox.emulator.world import World
from scripts.sandbox.shown import PICTURES

PHOTOS = CONFIGS / "demo" / "photos"
EXAMPLES = ("pineapple.png", "orca.png", "coffee.jpg")  # to be sent by a tap
MOST_FILES = 10  # of an album
MOST_FILE_BYTES = 50 << 20  # as Telegram's clients and the emulator have it for bots
MOST_WORDS = 4096
ANSWER_S = 15.0  # how long a pressed button waits before it gives up
FAULTS = ("too_many_requests", "server_error", "bad_gateway", "reset", "timeout_after_effect")
MOST_ADVANCE_S = 7 * 86_400.0

Wait = Callable[[float], Awaitable[None]]  # until something changes, or so many seconds


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A file as it was handed in."""

    name: str
    content: bytes

    @property
    def is_photo(self) -> bool:
        """Whether clients send it as a photo unless told otherwise."""
        return sniffed(self.content) in PICTURES and not self.name.lower().endswith((".webp", ".gif"))


class Acts:
    """Each public method answers one address; what cannot be done raises WrongUse, Refused or ValueError."""

    def __init__(self, emulator: Emulator, wait: Wait) -> None:
        self._emulator, self._wait = emulator, wait

    def _person(self, request: web.Request) -> Person:
        found = self._emulator.people.get(int(request.match_info["person"]))
        if found is None:
            raise web.HTTPNotFound(text="there is no such person")
        return found

    async def send(self, request: web.Request) -> Json:
        """``text``, and ``reply_to`` where it answers a message."""
        given = await words_of(request)
        text = _text(given, "text").strip()
        if not text:
            raise WrongUse("there are no words to send")
        answered = given.get("reply_to")
        if answered is not None and not isinstance(answered, int):
            raise WrongUse(f"reply_to = {answered!r}: it is a message's number")
        return {"message_id": self._person(request).send(text, reply_to=answered).id}

    async def sticker(self, request: web.Request) -> Json:
        """``set`` and ``index``: a sticker of a pack."""
        given = await words_of(request)
        index = given.get("index")
        if not isinstance(index, int) or not 0 <= index < 1000:
            raise WrongUse(f"index = {index!r}: it is the sticker's place in its pack")
        return {"message_id": self._person(request).sticker(_text(given, "set"), index).id}

    async def example(self, request: web.Request) -> Json:
        """``name``: one of the example photos."""
        name = _text(await words_of(request), "name")
        if name not in EXAMPLES:
            raise WrongUse(f"name = {name!r}: the examples are {', '.join(EXAMPLES)}")
        content = await asyncio.to_thread(example, name)
        return {"message_id": self._person(request).photo(content).id}

    async def files(self, request: web.Request) -> Json:
        """A form with ``file`` once or more often, ``caption``, and ``as_files`` where nothing is made a photo."""
        if request.content_type != "multipart/form-data":
            raise WrongUse("files come as multipart/form-data")
        form = await request.post()
        sent = [_sent(one) for one in form.getall("file", [])]
        if not 1 <= len(sent) <= MOST_FILES:
            raise WrongUse(f"{len(sent)} files: an album has 1 to {MOST_FILES}")
        caption, person = str(form.get("caption", ""))[:1024], self._person(request)
        as_files, world = form.get("as_files") == "1", self._emulator.world
        return {"message_ids": await asyncio.to_thread(_posted, world, person, sent, caption, as_files)}

    async def press(self, request: web.Request) -> Json:
        """``message``, ``row`` and ``column`` of a button; waits for what the bot answers to it."""
        given, person = await words_of(request), self._person(request)
        places = [given.get(name) for name in ("message", "row", "column")]
        if not all(isinstance(place, int) and place >= 0 for place in places):
            raise WrongUse("a button is named by message, row and column")
        found = next((one for one in person.see().messages if one.id == places[0]), None)
        if found is None:
            raise WrongUse("that message is not there any more")
        pressed = person.press(found.buttons[int(places[1] or 0)][int(places[2] or 0)], on=found)
        loop = asyncio.get_running_loop()
        until_s = loop.time() + ANSWER_S
        while not pressed.answered and loop.time() < until_s:
            await self._wait(min(1.0, until_s - loop.time()))
        answer = pressed.query.answer or {}
        return {"answered": pressed.answered, "text": pressed.text, "alert": bool(answer.get("show_alert"))}

    async def block(self, request: web.Request) -> Json:
        self._person(request).block()
        return {}

    async def unblock(self, request: web.Request) -> Json:
        self._person(request).unblock()
        return {}

    # ── for a developer ───────────────────────────────────────────────────────────────────────────────────────────────

    async def clock(self, request: web.Request) -> Json:
        """``advance``: seconds that pass at once."""
        seconds = (await words_of(request)).get("advance")
        if not isinstance(seconds, int | float) or not 0 <= seconds <= MOST_ADVANCE_S:
            raise WrongUse(f"advance = {seconds!r}: it is 0 to {MOST_ADVANCE_S:.0f} seconds")
        self._emulator.clock.advance(seconds)
        return {"now": self._emulator.clock.now()}

    async def fault(self, request: web.Request) -> Json:
        """``kind``: what meets the bot's next call to send something; an empty one takes all rules back."""
        kind = _text(await words_of(request), "kind")
        if kind and kind not in FAULTS:
            raise WrongUse(f"kind = {kind!r}: the faults are {', '.join(FAULTS)}")
        with self._emulator.world.changed:
            if kind:
                self._emulator.faults.add(kind, when=lambda given: "chat_id" in given, seconds=3)
            else:
                self._emulator.faults.clear()
        self._emulator.world.tell()
        return {}


def add_routes(app: web.Application, acts: Acts) -> None:
    """Serve every act: ``POST /people/<id>/<act>``, and the developer's ``POST /developer/<act>``."""
    for act in (acts.send, acts.sticker, acts.example, acts.files, acts.press, acts.block, acts.unblock):
        app.router.add_post(f"/people/{{person:[0-9]{{1,15}}}}/{act.__name__}", _answering(act))
    for act in (acts.clock, acts.fault):
        app.router.add_post(f"/developer/{act.__name__}", _answering(act))


def _answering(act: Callable[[web.Request], Awaitable[Json]]) -> Callable[[web.Request], Awaitable[web.Response]]:
    """The act as a handler: JSON out, and what cannot be done as 400 with its reason."""

    async def answer(request: web.Request) -> web.Response:
        try:
            return web.json_response(await act(request))
        except Refused as refusal:
            return web.json_response({"error": refusal.description}, status=400)
        except (WrongUse, ValueError, IndexError) as failure:
            return web.json_response({"error": str(failure)}, status=400)

    return answer


async def words_of(request: web.Request) -> Json:
    """The JSON object of a request. Only JSON is read: a form of another page could be sent without asking us."""
    if request.content_type != "application/json":
        raise WrongUse("words come as application/json")
    given: Any = json.loads(await request.read() or b"{}")
    if not isinstance(given, dict):
        raise WrongUse("the request's JSON is no object")
    return given


def _text(given: Json, name: str) -> str:
    value = given.get(name, "")
    if not isinstance(value, str) or len(value) > MOST_WORDS:
        raise WrongUse(f"{name} is a text of at most {MOST_WORDS} characters")
    return value


def example(name: str) -> bytes:
    """An example as a camera would have it: on white, where the file is transparent; Telegram would make it black."""
    out = io.BytesIO()
    with Image.open(PHOTOS / name) as picture:
        whole = picture.convert("RGBA")
    Image.alpha_composite(Image.new("RGBA", whole.size, "white"), whole).convert("RGB").save(out, "JPEG", quality=92)
    return out.getvalue()


def _sent(field: object) -> Sent:
    """A file of a form, within the limits."""
    if not isinstance(field, FileField):
        raise WrongUse("file is a file, not words")
    content = field.file.read(MOST_FILE_BYTES + 1)
    name = Path(field.filename.replace("\\", "/")).name[:120] or "file"
    if not content:
        raise WrongUse(f"{name!r} is empty")
    if len(content) > MOST_FILE_BYTES:
        raise WrongUse(f"{name!r} is larger than {MOST_FILE_BYTES >> 20} MB")
    return Sent(name=name, content=content)


def _posted(world: World, person: Person, sent: list[Sent], caption: str, as_files: bool) -> list[int]:
    """Photos as photos, the rest as files; those of a kind are an album. The caption is the first one's.

    All are made ready, then sent under one lock: an album's messages follow each other, whatever the bot says, and
    where one picture is refused none is sent.
    """
    photos = [] if as_files else [one for one in sent if one.is_photo and len(one.content) <= MOST_PHOTO_BYTES]
    rest = [one for one in sent if one not in photos]
    words = [caption, *[""] * (len(sent) - 1)]
    pictures = [person.photo_of(one.content, caption=words.pop(0)) for one in photos]
    files = [person.document_of(one.content, name=one.name, caption=words.pop(0)) for one in rest]
    numbers: list[int] = []
    with world.changed:
        for group in (pictures, files):
            album = secrets.token_hex(4) if len(group) > 1 else ""
            numbers += [person.post(content, album=album).id for content in group]
    return numbers
