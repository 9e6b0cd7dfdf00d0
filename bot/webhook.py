"""The door where Telegram brings updates: checked, kept, and only then thanked for.

Owns that server. Knows not what is in an update. Loads tornado.

It speaks plain HTTP and is meant to stand behind a proxy that speaks TLS. Whoever is not Telegram does not know the
secret in the header, and learns nothing from how long the comparison took. Telegram brings an update again until it is
thanked (200), so a database that is away is answered with 503, and a duplicate with thanks; one that cannot be kept for
what is in it, too: the inbox has parked it.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from collections.abc import Callable
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from bot.inbox import Inbox

LOG = logging.getLogger("stickers.bot.webhook")
PATH = "/"  # whatever path the proxy calls
HEADER = "X-Telegram-Bot-Api-Secret-Token"
MOST_BYTES = 1 << 20  # of an update; Telegram's are some kB
IDLE_S, BODY_S = 75.0, 30.0


class Door(RequestHandler):
    """One call."""

    def initialize(self, inbox: Inbox, secret: str, arrived: Callable[[], None]) -> None:
        """What tornado hands to each."""
        self.inbox, self.secret, self.arrived = inbox, secret.encode(), arrived

    def set_default_headers(self) -> None:
        self.clear_header("Server")

    async def post(self) -> None:
        """An update."""
        given = self.request.headers.get(HEADER, "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, self.secret):
            LOG.warning("a call without the secret was turned away")
            self.set_status(403)
            return
        try:
            update = json.loads(self.request.body)
        except (ValueError, RecursionError):
            update = None
        if not isinstance(update, dict) or not isinstance(update.get("update_id"), int):
            self.set_status(400)
            return
        try:
            await asyncio.to_thread(self.inbox.accept, [update])
        except Exception as error:  # the database is away, or a mistake of ours: unthanked, it comes again
            LOG.warning("an update could not be kept", extra={"error": type(error).__name__})
            self.set_status(503)
            return
        self.arrived()

    def write_error(self, status_code: int, **_: Any) -> None:
        """No words: whoever asks wrongly learns nothing."""
        self.finish()


class Webhook:
    """The server."""

    def __init__(self, inbox: Inbox, secret: str, arrived: Callable[[], None], *, host: str, port: int) -> None:
        """``arrived``: told when something came; ``port`` 0 takes any free one.

        Raises:
            OSError: the port is taken.
        """
        rules = [(r"/.*", Door, {"inbox": inbox, "secret": secret, "arrived": arrived})]
        self._server = HTTPServer(
            Application(rules, log_function=lambda _: None),
            max_body_size=MOST_BYTES,
            max_buffer_size=MOST_BYTES,
            idle_connection_timeout=IDLE_S,
            body_timeout=BODY_S,
        )
        sockets = bind_sockets(port, address=host)
        self.port: int = sockets[0].getsockname()[1]
        self._server.add_sockets(sockets)

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``."""
        LOG.info("listening", extra={"port": self.port})
        try:
            await stop.wait()
        finally:
            self._server.stop()
            await self._server.close_all_connections()
