"""The emulator from other processes: ``POST /__control/<action>`` with a JSON object, answered by JSON.

Owns the table of actions; bytes travel as base64. Only a client on this machine that says so in its Host header is
served, and only JSON is read, so that no page of a browser can reach it. Loads aiohttp.

| action | takes | gives |
|---|---|---|
| ``bot`` | | username, token, base_url, base_file_url |
| ``person`` | first_name, language_code, last_name, username | id |
| ``people`` | | the people |
| ``group`` | title, people | id |
| ``send`` | person, text, group?, reply_to? | message_id |
| ``photo`` | person, content, caption?, album?, group? | message_id |
| ``document`` | person, content, name?, caption?, album?, group? | message_id |
| ``sticker`` | person, set and index, or content; group? | message_id |
| ``press`` | person, button or data, on?, group? | query id |
| ``answer`` | query | answered, text |
| ``block``, ``unblock``, ``deactivate`` | person | |
| ``see`` | person, group? | messages, keyboard, action |
| ``sticker_set`` | name, and stickers (to add one) or nothing (to see it) | the set |
| ``fault`` | kind, method, times, after, seconds, code, description, where | |
| ``clear_faults`` | | |
| ``clock`` | advance, jump, freeze or thaw | now, ticks |
| ``record`` | method?, since? (number) | requests |
| ``check`` | outputs?, finals? (list of texts that must have been sent exactly once) | violations |
"""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aiohttp import web

from scripts.sandbox.emulator.errors import Refused, WrongUse
from scripts.sandbox.emulator.person import Person

if TYPE_CHECKING:
    from scripts.sandbox.emulator.emulator import Emulator

Json = dict[str, Any]
HOSTS = ("127.0.0.1", "localhost")


class Actions:
    """Each method is an action; its keyword arguments are the JSON object's members."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    def _person(self, person: int) -> Person:
        found = self._emulator.people.get(person)
        if found is None:
            raise WrongUse(f"there is no person {person!r}; the action person makes one")
        return found

    def _where(self, where: Json) -> Json:
        """The group that is named by its id."""
        named = where.pop("group", None)
        return where | ({"group": self._emulator.groups[named]} if named is not None else {})

    def bot(self) -> Json:
        one = self._emulator
        return {"username": one.bot.user.username, "token": one.token, "base_url": one.base_url} | {
            "base_file_url": one.base_file_url
        }

    def person(self, **names: Any) -> Json:
        return {"id": self._emulator.person(**names).id}

    def people(self) -> list[Json]:
        return [one.user.to_json() for one in self._emulator.people.values()]

    def group(self, title: str, people: list[int]) -> Json:
        return {"id": self._emulator.group(title, *map(self._person, people)).id}

    def send(self, person: int, text: str, **where: Any) -> Json:
        return {"message_id": self._person(person).send(text, **self._where(where)).id}

    def photo(self, person: int, content: str, **where: Any) -> Json:
        return {"message_id": self._person(person).photo(base64.b64decode(content), **self._where(where)).id}

    def document(self, person: int, content: str, **where: Any) -> Json:
        return {"message_id": self._person(person).document(base64.b64decode(content), **self._where(where)).id}

    def sticker(self, person: int, content: str = "", index: int = 0, **where: Any) -> Json:
        of = base64.b64decode(content) if content else where.pop("set")
        return {"message_id": self._person(person).sticker(of, index, **self._where(where)).id}

    def press(self, person: int, button: str = "", **where: Any) -> Json:
        return {"query": self._person(person).press(button, **self._where(where)).query.id}

    def answer(self, query: str) -> Json:
        answer = self._emulator.world.queries[query].answer
        return {"answered": answer is not None} | (answer or {})

    def block(self, person: int) -> None:
        self._person(person).block()

    def unblock(self, person: int) -> None:
        self._person(person).unblock()

    def deactivate(self, person: int) -> None:
        self._person(person).deactivate()

    def see(self, person: int, **where: Any) -> Json:
        return dataclasses.asdict(self._person(person).see(**self._where(where)))

    def sticker_set(self, name: str, stickers: list[str] | None = None, **rest: Any) -> Json:
        if stickers is not None:
            self._emulator.add_sticker_set(name, [base64.b64decode(one) for one in stickers], **rest)
        return dataclasses.asdict(self._emulator.sticker_set(name))

    def fault(self, **rule: Any) -> None:
        with self._emulator.world.changed:
            self._emulator.faults.add(**rule)

    def clear_faults(self) -> None:
        with self._emulator.world.changed:
            self._emulator.faults.clear()

    def clock(self, advance: float = 0, jump: float = 0, freeze: bool = False, thaw: bool = False) -> Json:
        clock = self._emulator.clock
        if freeze:
            clock.freeze()
        if thaw:
            clock.thaw()
        clock.advance(advance)
        clock.jump(jump)
        return {"now": clock.now(), "ticks": clock.ticks()}

    def record(self, method: str = "", since: int = 0) -> list[Json]:
        requests = self._emulator.record.of(method) if method else self._emulator.record.requests
        return [one.to_json() for one in requests if one.number > since]

    def check(self, outputs: list[str] | None = None, finals: list[str] | None = None) -> list[Json]:
        wanted = set(finals or ())
        found = self._emulator.check(
            outputs=outputs or (),
            final_key=(lambda seen: next((one for one in wanted if one in seen.text), None)) if wanted else None,
            expected=wanted,
        )
        return [dataclasses.asdict(one) for one in found]


def _plain(value: Any) -> Any:
    """What JSON does not know: bytes as base64."""
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)


def routes(emulator: Emulator) -> Callable[[web.Application], None]:
    """Adds the control surface to a server's addresses."""
    actions = Actions(emulator)
    known = {name: getattr(actions, name) for name in vars(Actions) if not name.startswith("_")}

    async def act(request: web.Request) -> web.Response:
        action = known.get(request.match_info["action"])
        if (request.url.host or "") not in HOSTS or request.content_type != "application/json":
            return _answer(403, {"error": "only JSON from this machine is served"})
        if action is None:
            return _answer(404, {"error": f"no such action; there are {', '.join(known)}"})
        try:
            given = json.loads(await request.read() or b"{}")
            return _answer(200, {"result": action(**given)})
        except (WrongUse, Refused, TypeError, ValueError, KeyError, IndexError) as failure:
            return _answer(400, {"error": f"{type(failure).__name__}: {failure}"})

    def add(app: web.Application) -> None:
        app.router.add_post("/__control/{action}", act)

    return add


def _answer(status: int, body: Json) -> web.Response:
    return web.Response(status=status, body=json.dumps(body, default=_plain).encode(), content_type="application/json")
