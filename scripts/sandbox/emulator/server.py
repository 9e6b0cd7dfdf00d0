"""The Bot API over real HTTP on loopback.

Owns addresses, the reading of requests, true statuses, and the thread that serves. Knows no method; loads aiohttp.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Callable
from typing import Any

from aiohttp import web

from scripts.sandbox.emulator import dispatch, webhooks, wire
from scripts.sandbox.emulator.errors import Malformed, Refused
from scripts.sandbox.emulator.faults import FILES, Fault, FaultKind
from scripts.sandbox.emulator.forms import parts_of
from scripts.sandbox.emulator.people import Bot
from scripts.sandbox.emulator.polling import Changes, get_updates
from scripts.sandbox.emulator.record import Request
from scripts.sandbox.emulator.spec import bot_api
from scripts.sandbox.emulator.world import World

MOST_BODY_BYTES = 60 << 20
NEVER_SENT = {FaultKind.TIMEOUT_AFTER_EFFECT, FaultKind.ERROR_AFTER_EFFECT, FaultKind.TRUNCATED, FaultKind.WRONG_LENGTH}
OF_UPDATES = {FaultKind.REDELIVER, FaultKind.OUT_OF_ORDER}
AT_ONCE = {FaultKind.RESET}
OTHERS = set(FaultKind) - OF_UPDATES - AT_ONCE


async def read(request: web.Request) -> dict[str, Any]:
    """The parameters of a request: of its address, and of its body as form, multipart or JSON."""
    given: dict[str, Any] = dict(request.query)
    if request.method != "POST":
        return given
    if request.content_type == "application/json":
        body = await request.read()
        try:
            parsed = json.loads(body) if body.strip() else {}
        except ValueError:
            raise Malformed("can't parse the request's JSON") from None
        if not isinstance(parsed, dict):
            raise Malformed("the request's JSON is no object")
        return given | parsed
    if request.content_type == "multipart/form-data":
        return given | parts_of(await request.read(), request.headers["Content-Type"])
    return given | {name: str(value) for name, value in (await request.post()).items()}


class Server:
    """Serves one world, in a thread of its own, until it is stopped."""

    def __init__(self, world: World, port: int = 0) -> None:
        self.world, self.port = world, port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="bot-api-emulator", daemon=True)
        self._extra: list[Callable[[web.Application], None]] = []
        self._tasks: dict[int, asyncio.Task[None]] = {}

    def extend(self, add_routes: Callable[[web.Application], None]) -> None:
        """Serve more addresses beside the Bot API's; before the start."""
        self._extra.append(add_routes)

    # ── life ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def start(self) -> None:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(timeout=30)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(timeout=30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=30)
        self._loop.close()

    async def _open(self) -> None:
        self.changes = Changes(self.world, self._loop)
        self.world.listeners.append(self.changes.ring)
        self.world.clock.on_change(self.world.tell)
        app = web.Application(client_max_size=MOST_BODY_BYTES)
        app.router.add_route("*", "/bot{token:[^/]+}/{method}", self._api)
        app.router.add_get("/file/bot{token:[^/]+}/{path:.+}", self._file)
        for add_routes in self._extra:
            add_routes(app)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2, handle_signals=False)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def _close(self) -> None:
        self.changes.closing = True
        self.changes.ring()
        for task in self._tasks.values():
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self._runner.cleanup()
        left = asyncio.all_tasks() - {asyncio.current_task()}  # requests that a fault still holds back
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    # ── requests ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _api(self, request: web.Request) -> web.StreamResponse:
        bot = self.world.bots.get(request.match_info["token"])
        if bot is None:
            return _refusal(Refused(401, "Unauthorized: invalid token specified"))
        method = bot_api().names.get(request.match_info["method"].lower())
        if method is None or request.method not in ("GET", "POST"):
            self.world.violate("unknown", f"there is no method {request.match_info['method'][:80]!r}")
            return _refusal(Refused(404, "Not Found: method not found"))
        if self.world.faults.next_for(method, dict(request.query), only=AT_ONCE):
            self.world.record.begin(self.world.clock.ticks(), bot.id, method, {}).fault = FaultKind.RESET.value
            return await wire.reset_midway(request)
        return await self._serve(request, bot, method)

    async def _serve(self, request: web.Request, bot: Bot, method: str) -> web.StreamResponse:
        """Read, carry out, answer; with the fault that meets the request."""
        try:
            given = await read(request)
        except web.HTTPRequestEntityTooLarge:
            return _refusal(Refused(413, "Request Entity Too Large"))
        except ConnectionResetError:  # whoever asked is dead
            return web.Response()
        except Malformed as refusal:
            self.world.violate("malformed", refusal.description)
            return _refusal(refusal)
        with self.world.changed:
            record = self.world.record.begin(self.world.clock.ticks(), bot.id, method, given)
            fault = self.world.faults.next_for(method, given, only=OTHERS)
        if fault is not None:
            record.fault = fault.kind.value
        if fault is not None and fault.kind is FaultKind.BAD_GATEWAY:
            record.status = 502
            return await wire.send(request, fault, 502, b"")
        self._deliver_webhooks(bot)
        body = await self._answer(request, bot, record, given, fault)
        status = record.status
        if fault is not None and fault.kind in NEVER_SENT:
            record.status = 0
        self.world.tell()
        return await wire.send(request, fault, status, json.dumps(body).encode())

    async def _answer(
        self, request: web.Request, bot: Bot, record: Request, given: dict[str, Any], fault: Fault | None
    ) -> dict[str, Any]:
        """The body of the answer; the record gets its status."""
        try:
            with self.world.changed:
                call = dispatch.prepare(self.world, bot, record.method, given)
                if fault is not None:
                    dispatch.inject(fault, call)
                if record.method != "getUpdates":
                    return dispatch.answered(record, dispatch.carry_out(call))
            updates = await get_updates(call, self.changes, lambda: _is_gone(request))
            return dispatch.answered(record, updates)
        except Refused as refusal:
            with self.world.changed:
                return dispatch.refused(self.world, record, refusal)
        except Exception as failure:  # a bug of the emulator must not pass for a fault of Telegram's
            self.world.violate("emulator", f"{record.method}: {type(failure).__name__}: {failure}")
            raise

    def _deliver_webhooks(self, bot: Bot) -> None:
        """Begin a bot's deliveries with its first request; they wait until it sets a webhook."""
        if bot.id not in self._tasks:
            self._tasks[bot.id] = webhooks.start(self.world, bot, self.changes)

    async def _file(self, request: web.Request) -> web.StreamResponse:
        bot = self.world.bots.get(request.match_info["token"])
        if bot is None:
            return _refusal(Refused(401, "Unauthorized: invalid token specified"))
        with self.world.changed:
            path = request.match_info["path"]
            record = self.world.record.begin(self.world.clock.ticks(), bot.id, FILES, {"path": path})
            stored = self.world.files.linked(bot.id, path)
            fault = self.world.faults.next_for(FILES, {"path": path})
        record.status = 200 if stored is not None else 404
        record.fault = fault.kind.value if fault is not None else ""
        if stored is None:
            return _refusal(Refused(404, "Not Found"))
        if fault is not None and fault.kind is FaultKind.RESET:
            return wire.reset(request)
        if fault is not None and fault.kind is FaultKind.SERVER_ERROR:
            return _refusal(Refused(500, "Internal Server Error"))
        return await wire.send(request, fault, 200, stored.content, "application/octet-stream")


def _is_gone(request: web.Request) -> bool:
    """Has the client closed its connection?"""
    return request.transport is None or request.transport.is_closing()


def _refusal(refusal: Refused) -> web.Response:
    body = json.dumps(refusal.to_json()).encode()
    return web.Response(status=refusal.code, body=body, content_type="application/json")
