"""Answers on the wire, whole or broken as a fault says.

Owns how a fault is played on a connection. Knows nothing of methods; loads aiohttp.
"""

from __future__ import annotations

import asyncio
import socket
import struct

from aiohttp import web

from scripts.sandbox.emulator.faults import Fault, FaultKind

PAGE_502 = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><h1>502 Bad Gateway</h1></body>\r\n</html>\r\n"
)
DRIPS = 10
JSON = "application/json"


async def send(
    request: web.Request, fault: Fault | None, status: int, body: bytes, kind: str = JSON
) -> web.StreamResponse:
    """The answer, as it is or as the fault leaves it."""
    if fault is None:
        return web.Response(status=status, body=body, content_type=kind)
    if fault.kind is FaultKind.SLOW_BODY:
        return await _drip(request, fault.seconds, status, body, kind)
    if fault.kind is FaultKind.TRUNCATED:
        return await _raw(request, status, len(body), body[: len(body) // 2], kind)
    if fault.kind is FaultKind.WRONG_LENGTH:
        return await _raw(request, status, len(body) // 2, body, kind)
    if fault.kind is FaultKind.TIMEOUT_AFTER_EFFECT:
        await asyncio.sleep(fault.seconds)  # real seconds: the client's patience is real
        return reset(request)
    if fault.kind in (FaultKind.BAD_GATEWAY, FaultKind.ERROR_AFTER_EFFECT):
        return web.Response(status=502, body=PAGE_502, content_type="text/html")
    return web.Response(status=status, body=body, content_type=kind)


async def reset_midway(request: web.Request) -> web.Response:
    """Read the beginning of a request, then reset its connection."""
    await request.content.readany()
    return reset(request)


def reset(request: web.Request) -> web.Response:
    """Break the connection with an RST, so that the client meets a reset and not an end."""
    if request.transport is not None:
        sock = request.transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()
    return web.Response()  # never sent: the connection is gone


async def _drip(request: web.Request, seconds: float, status: int, body: bytes, kind: str) -> web.StreamResponse:
    response = web.StreamResponse(status=status, headers={"Content-Type": kind, "Content-Length": str(len(body))})
    await response.prepare(request)
    step = max(1, -(-len(body) // DRIPS))
    for begin in range(0, len(body), step):
        await asyncio.sleep(seconds / DRIPS)
        await response.write(body[begin : begin + step])
    await response.write_eof()
    return response


async def _raw(request: web.Request, status: int, length: int, body: bytes, kind: str) -> web.Response:
    """An answer whose length and body do not agree: written by hand, for the server would not write it."""
    head = f"HTTP/1.1 {status} OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    if request.transport is not None:
        request.transport.write(head.encode() + body)
        request.transport.close()
    return web.Response()  # never sent
