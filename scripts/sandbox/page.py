"""The page of the sandbox over HTTP on the loopback: its own files, what it shows, as it changes, and who may ask.

Owns the server, its thread, and the door: only this page itself may drive it, no other website that the same browser
shows. What people may do is in ``acts``, what they see in ``shown``. Loads aiohttp.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import re
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Self

from aiohttp import web

from pipeline.errors import BadInput
from pipeline.moving import MovingDecoder
from scripts.sandbox.acts import EXAMPLES, MOST_FILE_BYTES, Acts, add_routes, example
from scripts.sandbox.emulator import Emulator
from scripts.sandbox.shown import parts, served_as

STATIC = Path(__file__).resolve().parent / "static"
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
MOST_BODY_BYTES = MOST_FILE_BYTES + (1 << 20)
ID = re.compile(r"[A-Za-z0-9_-]{4,64}")
FRAME_S = 0.05  # between two looks at what has changed: a burst is told at once
LOOK_S = 1.0  # without a change: what a bot is doing fades by itself
BEAT_S = 15.0
READY_S = 30.0
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
IN_A_FILE = {"Content-Security-Policy": "default-src 'none'; sandbox", "Cache-Control": "private, max-age=86400"}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Page:
    """Serves the page of one emulator, in a thread of its own, from ``start`` to ``stop``. ``port`` 0: a free one."""

    def __init__(self, emulator: Emulator, port: int = 0) -> None:
        self.emulator, self.port = emulator, port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="sandbox-page", daemon=True)
        self._waiting: set[asyncio.Event] = set()
        self._frames: dict[str, bytes] = {}  # of moving stickers, by id
        self._closing = False

    # ── life ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def start(self) -> Self:
        """Begin to serve. Raises OSError where the port is taken."""
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(timeout=READY_S)
        except BaseException:
            self._end_thread()
            raise
        return self

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(timeout=READY_S)
        self._end_thread()

    def _end_thread(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=READY_S)
        self._loop.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def _open(self) -> None:
        self.emulator.world.listeners.append(self._ring)
        app = web.Application(client_max_size=MOST_BODY_BYTES, middlewares=[self._door])
        app.router.add_get("/", self._static)
        app.router.add_get("/static/{name}", self._static)
        app.router.add_get("/events", self._events)
        app.router.add_get("/files/{id}", self._file)
        app.router.add_get("/frames/{id}", self._frame)
        app.router.add_get("/examples/{name}", self._example)
        add_routes(app, Acts(self.emulator, self._changed))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2, handle_signals=False)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        except OSError:
            await self._runner.cleanup()
            raise
        self.port = self._runner.addresses[0][1]

    async def _close(self) -> None:
        self._closing = True
        self.emulator.world.listeners.remove(self._ring)
        self._wake()
        await self._runner.cleanup()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    # ── the door ─────────────────────────────────────────────────────────────────────────────────────────────────────

    @web.middleware
    async def _door(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse what does not come from the page itself; add what keeps others out to what goes out."""
        if not self._is_ours(request):
            return web.Response(status=403, text="only the sandbox's own page is served", headers=HEADERS)
        try:
            response = await handler(request)
        except web.HTTPRequestEntityTooLarge:
            error = {"error": f"too large: files of at most {MOST_FILE_BYTES >> 20} MB together"}
            response = web.json_response(error, status=413)
        except web.HTTPException as failure:
            response = web.Response(status=failure.status, text=failure.text)
        if not response.prepared:
            for name, value in HEADERS.items():
                response.headers.setdefault(name, value)
        return response

    def _is_ours(self, request: web.Request) -> bool:
        """By name: another's name for this address (DNS rebinding), another's page (Origin, Sec-Fetch-Site)."""
        hosts = [f"{name}:{self.port}" for name in ("127.0.0.1", "localhost")]
        origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site", "none")
        if request.headers.get("Host", "") not in hosts or site not in ("none", "same-origin"):
            return False
        if origin is None:
            return request.method in ("GET", "HEAD")
        return origin in [f"http://{host}" for host in hosts]

    # ── what changes ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _ring(self) -> None:
        """The world has changed; called from any thread."""
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        for event in self._waiting:
            event.set()

    @contextlib.contextmanager
    def _listening(self) -> Iterator[asyncio.Event]:
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            yield event
        finally:
            self._waiting.discard(event)

    async def _changed(self, at_most_s: float) -> None:
        """Until something changes, or the time is over."""
        with self._listening() as event, contextlib.suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), at_most_s)
        if self._closing:
            raise web.HTTPServiceUnavailable(text="the sandbox is being stopped")

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: every part as it is, then each that has changed."""
        headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-store"} | HEADERS
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        told: dict[str, str] = {}
        silent_s = 0.0
        with self._listening() as event, contextlib.suppress(ConnectionResetError):
            while not self._closing:
                event.clear()
                news = await asyncio.to_thread(self._news, told)
                silent_s = 0.0 if news else silent_s + LOOK_S
                if news or silent_s >= BEAT_S:
                    await response.write("".join(news or [": still here\n\n"]).encode())
                    silent_s = 0.0
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(event.wait(), LOOK_S)
                await asyncio.sleep(FRAME_S)
        return response

    def _news(self, told: dict[str, str]) -> list[str]:
        """The events of the parts that are not as they were told."""
        now = {name: json.dumps(part) for name, part in parts(self.emulator, list(EXAMPLES))}
        news = [
            f"event: {name.partition(':')[0]}\nid: {name}\ndata: {text}\n\n"
            for name, text in now.items()
            if told.get(name) != text
        ]
        told.update(now)
        return news

    # ── files ────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _static(self, request: web.Request) -> web.Response:
        """The page's own files, by a list of their names: no path is ever made of what was asked for."""
        known = {path.name: path for path in STATIC.iterdir() if path.suffix in TYPES}
        path = known.get(request.match_info.get("name", "index.html"))
        if path is None:
            raise web.HTTPNotFound(text="there is no such file")
        headers = {"Cache-Control": "no-cache"}
        return web.Response(body=path.read_bytes(), content_type=TYPES[path.suffix], charset="utf-8", headers=headers)

    def _content(self, request: web.Request) -> bytes:
        identity = request.match_info["id"]
        try:
            return self.emulator.file(identity)
        except KeyError:
            raise web.HTTPNotFound(text="there is no such file") from None

    async def _file(self, request: web.Request) -> web.Response:
        """A file of a chat. What is neither a picture nor a video is saved, never shown: it might be a page."""
        content = self._content(request)
        kind = served_as(content)
        shown = {} if kind else {"Content-Disposition": "attachment"}
        return web.Response(body=content, content_type=kind or "application/octet-stream", headers=IN_A_FILE | shown)

    async def _frame(self, request: web.Request) -> web.Response:
        """A frame of an animated sticker, which browsers cannot show by themselves."""
        identity, content = request.match_info["id"], self._content(request)
        if identity not in self._frames:
            try:
                self._frames[identity] = await asyncio.to_thread(_frame_of, content)
            except BadInput:
                raise web.HTTPNotFound(text="it has no frame that can be drawn") from None
        return web.Response(body=self._frames[identity], content_type="image/png", headers=IN_A_FILE)

    async def _example(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in EXAMPLES:
            raise web.HTTPNotFound(text="there is no such example")
        content = await asyncio.to_thread(example, name)
        return web.Response(body=content, content_type="image/jpeg", headers=IN_A_FILE)


def _frame_of(content: bytes) -> bytes:
    """A frame of a TGS as PNG. Raises BadInput."""
    out = io.BytesIO()
    with MovingDecoder() as decoder:
        decoder.frame(content, "TGS", "the sticker").save(out, "PNG")
    return out.getvalue()
