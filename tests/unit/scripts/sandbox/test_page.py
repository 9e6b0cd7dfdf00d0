"""The sandbox's page over real HTTP: who may drive it, what it serves, what it tells as things change."""

import contextlib
import http.client
import json
import re

import httpx
import pytest

from scripts.sandbox.emulator import seed
from scripts.sandbox.page import STATIC, Page
from tests.unit.scripts.sandbox.client import upload


def raw(page, path, method="GET", **headers):
    """A request whose path and headers go out as they are: status, headers, body."""
    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=10)
    connection.putrequest(method, path, skip_host="Host" in headers)
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    answer = connection.getresponse()
    found = answer.status, dict(answer.headers), answer.read()
    connection.close()
    return found


def events(page):
    """The stream's parts, as they come."""
    with httpx.stream("GET", f"{page.url}events", timeout=20) as stream:
        name = ""
        for line in stream.iter_lines():
            if line.startswith("id: "):
                name = line[4:]
            if line.startswith("data: "):
                yield name, json.loads(line[6:])


# ── the door ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("origin", ["https://evil.example", "http://127.0.0.1:1", "http://127.0.0.1", "null", ""])
def test_another_websites_request_changes_nothing(page, anna, origin):
    before = len(anna.see().messages)
    answer = httpx.post(f"{page.url}people/{anna.id}/send", json={"text": "forged"}, headers={"Origin": origin})
    assert answer.status_code == 403
    assert len(anna.see().messages) == before


def test_a_request_that_hides_where_it_comes_from_changes_nothing(page, anna):
    assert httpx.post(f"{page.url}people/{anna.id}/block", json={}).status_code == 403
    assert not anna.chat.blocked


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "localhost:1", "127.0.0.1.evil.example:{port}"]
)
def test_a_name_that_was_bent_to_this_address_is_refused(page, host):
    status, _, body = raw(page, "/", Host=host.format(port=page.port))
    assert status == 403
    assert b"<script" not in body


@pytest.mark.parametrize("path", ["/", "/events", "/examples/orca.png"])
def test_nothing_is_shown_to_another_site(page, path):
    status, _, _ = raw(page, path, Sec_Fetch_Site="cross-site")
    assert status == 403


def test_a_form_that_needs_no_leave_is_not_read(browser, anna):
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        answer = browser.post(f"/people/{anna.id}/send", content=b'{"text": "x"}', headers={"Content-Type": kind})
        assert answer.status_code == 400
    assert [seen.text for seen in anna.see().messages] == ["/start"]


@pytest.mark.parametrize(
    "path",
    [
        "/static/../page.py",
        "/static/..%2fpage.py",
        "/static/%2e%2e/page.py",
        "/static/..%5cpage.py",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/files/..%2f..%2fpage.py",
        "/frames/..%2fpage.py",
        "/examples/..%2fCREDITS.md",
        "/examples/cat.jpg",
        "/page.py",
    ],
)
def test_only_files_of_the_page_are_served(page, path):
    status, _, body = raw(page, path)
    assert status == 404
    assert len(body) < 100


def test_the_emulators_own_addresses_are_not_on_the_page(page, emulator):
    for path in (f"/bot{emulator.token}/getMe", "/__control/bot"):
        assert raw(page, path)[0] == 404


# ── what is served ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_page_is_whole_and_loads_nothing_from_elsewhere(browser):
    texts = [browser.get("/").text, *(browser.get(f"/static/{path.name}").text for path in STATIC.iterdir())]
    assert all(text == path.read_text() for text, path in zip(texts[1:], STATIC.iterdir(), strict=True))
    for text in texts:
        assert set(re.findall(r"(?:src|href|from|url\()\s*=?\s*[\"']((?:https?:)?//[^\"']+)", text)) == set()
        for name in re.findall(r"[\"'](?:/static|\.)/([a-z]+\.(?:js|css|svg))[\"']", text):
            assert (STATIC / name).is_file()
    policy = browser.get("/").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_words_of_people_never_become_html(browser):
    for path in STATIC.glob("*.js"):
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b", path.read_text()), path


def test_a_file_that_could_be_a_page_is_saved_and_not_shown(browser, anna):
    for name, content in (
        ("a.html", b"<script>alert(1)</script>"),
        ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
    ):
        assert upload(browser, anna, (name, content, "text/html")).status_code == 200
        sent = anna.chat.messages[anna.chat.last_id].content["document"]
        answer = browser.get(f"/files/{sent['file_unique_id']}")
        assert answer.content == content
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Content-Disposition"] == "attachment"
        assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_a_sticker_keeps_its_transparency(browser, page, emulator, anna):
    emulator.add_sticker_set("Cats", [seed.webp(1)])
    assert browser.post(f"/people/{anna.id}/sticker", json={"set": "Cats", "index": 0}).status_code == 200
    shown = next(part for name, part in events(page) if name == f"chat:{anna.id}")["messages"][-1]
    answer = browser.get(f"/files/{shown['file']['still']}")
    assert (answer.headers["Content-Type"], answer.content) == ("image/webp", seed.webp(1))


def test_an_animated_sticker_gets_a_frame_that_browsers_can_show(browser, page, emulator):
    emulator.add_sticker_set("Moving", [seed.tgs(1)])
    (sticker,) = next(part for name, part in events(page) if name == "packs")["packs"][0]["stickers"]
    assert sticker["as"] == "drawn"
    answer = browser.get(f"/frames/{sticker['id']}")
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.content.startswith(b"\x89PNG")


# ── what changes ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_edit_is_told_at_once_and_only_what_changed_is_told(page, api, emulator, anna):
    boris = emulator.person("Boris")
    boris.start()
    stream = events(page)
    begun = [next(stream)[0] for _ in range(5)]
    assert begun == ["about", f"chat:{anna.id}", f"chat:{boris.id}", "packs", "state"]
    sent = api.result("sendMessage", chat_id=anna.id, text="10 %")
    api.result("editMessageText", chat_id=anna.id, message_id=sent["message_id"], text="20 %")
    told = []
    while not told or told[-1][1].get("messages", [{"text": ""}])[-1]["text"] != "20 %":
        told.append(next(stream))
    assert f"chat:{boris.id}" not in [name for name, _ in told]
    assert told[-1][1]["messages"][-1]["edited"]
    stream.close()


def test_a_menu_shows_the_commands_of_the_persons_language(page, api, emulator, anna):
    boris = emulator.person("Boris", language_code="de")
    for language, words in (("", "Begin"), ("ru", "Начать")):
        commands = [{"command": "start", "description": words}]
        api.result("setMyCommands", commands=commands, language_code=language)
    api.result("sendChatAction", chat_id=anna.id, action="choose_sticker")
    stream = events(page)
    chats = dict(next(stream) for _ in range(5))
    stream.close()
    assert chats[f"chat:{anna.id}"]["commands"][0]["description"] == "Начать"
    assert chats[f"chat:{boris.id}"]["commands"][0]["description"] == "Begin"
    assert chats[f"chat:{anna.id}"]["action"] == "choose_sticker"


def test_the_page_stops_while_it_is_being_watched(emulator):
    page = Page(emulator).start()
    stream = events(page)
    assert next(stream)[0] == "about"
    page.stop()
    with contextlib.suppress(httpx.HTTPError):  # cut off, or ended
        assert len([*stream]) < 10
    with pytest.raises(httpx.ConnectError):
        httpx.get(page.url)
