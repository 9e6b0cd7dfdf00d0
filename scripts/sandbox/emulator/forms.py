"""The parts of a ``multipart/form-data`` body (RFC 7578), as bots upload files.

Owns that reading; a body is small enough to be read as a whole. Knows no method. Loads nothing but the
standard library.
"""

from __future__ import annotations

from email import message_from_string
from email.message import Message
from typing import Any

from scripts.sandbox.emulator.errors import Malformed
from scripts.sandbox.emulator.parameters import Upload

PLAIN = "application/octet-stream"


def parts_of(body: bytes, content_type: str) -> dict[str, Any]:
    """Name → a text, or a file with its name and type. Raises Malformed."""
    boundary = message_from_string(f"Content-Type: {content_type}\n\n").get_param("boundary")
    if not isinstance(boundary, str) or not boundary:
        raise Malformed("the request's multipart body names no boundary")
    mark = b"--" + boundary.encode()
    _, *rest = (b"\r\n" + body).split(b"\r\n" + mark)
    if not rest or rest[-1][:2] != b"--":
        raise Malformed("the request's multipart body is cut short")
    found: dict[str, Any] = {}
    for part in rest[:-1]:
        head, parted, content = part.partition(b"\r\n\r\n")
        if not parted:
            raise Malformed("a part of the request's multipart body has no end of its head")
        headers = message_from_string(head.lstrip(b"\r\n").decode("utf-8", "replace"))
        name = headers.get_param("name", header="content-disposition")
        if not isinstance(name, str):
            raise Malformed("a part of the request's multipart body has no name")
        found[name] = _value(headers, content)
    return found


def _value(headers: Message, content: bytes) -> Any:
    file_name = headers.get_filename()
    if file_name is None:
        return content.decode()
    return Upload(
        name=file_name, content=content, mime=headers.get_content_type() if "content-type" in headers else PLAIN
    )
