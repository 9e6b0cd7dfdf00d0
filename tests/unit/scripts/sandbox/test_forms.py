"""A body of several parts is read as it was written, to the byte; one that is torn is refused."""

import pytest
from httpx import Request

from scripts.sandbox.emulator.errors import Malformed
from scripts.sandbox.emulator.forms import parts_of
from scripts.sandbox.emulator.parameters import Upload

AWKWARD = b"\r\n--\r\n\x00\xff\r\r\n\n--almost the boundary\r\n"


def sent(**parts):
    """As httpx writes it."""
    request = Request("POST", "http://x/", **parts)
    return request.read(), request.headers["content-type"]


def test_words_and_files_come_as_they_were_sent():
    files = {"photo": ("a \u201cname\u201d.png", AWKWARD, "image/png"), "empty": ("e.bin", b"")}
    found = parts_of(*sent(data={"chat_id": "7", "text": "\u043f\u0440\u0438\u0432\u0435\u0442\r\n\r\n"}, files=files))
    assert (found["chat_id"], found["text"]) == ("7", "\u043f\u0440\u0438\u0432\u0435\u0442\r\n\r\n")
    assert found["photo"] == Upload(name="a \u201cname\u201d.png", content=AWKWARD, mime="image/png")
    assert found["empty"].content == b""


@pytest.mark.parametrize("cut", [5, 60, 10_000])
def test_a_torn_body_is_refused(cut):
    body, kind = sent(files={"photo": ("a.png", AWKWARD)})
    with pytest.raises(Malformed):
        parts_of(body[:-cut], kind)


def test_a_body_without_a_boundary_or_a_name_is_refused():
    with pytest.raises(Malformed, match="no boundary"):
        parts_of(b"", "multipart/form-data")
    with pytest.raises(Malformed, match="no name"):
        parts_of(b"--b\r\nX: y\r\n\r\nz\r\n--b--\r\n", "multipart/form-data; boundary=b")
