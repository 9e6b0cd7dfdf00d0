"""The sandbox as people meet it: the page in a real browser with the real bot behind, and the command as a process."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from pipeline.settings import CONFIGS
from scripts.sandbox import home, serve, town
from scripts.sandbox.page import Page

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE_MS = 60_000
PATIENCE_S = PATIENCE_MS / 1000
WHOLE_S = 240.0  # until a worker has woken on a busy machine


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    """Everything but a worker."""
    box = home.opened(tmp_path_factory.mktemp("sandbox"))
    with town.built() as emulator, Page(emulator) as page:
        bot, _worker = serve._children(box, emulator)
        try:
            until_s = time.monotonic() + PATIENCE_S
            while not bot.is_ready:
                bot.look(time.monotonic())
                assert time.monotonic() < until_s, bot.said()
                time.sleep(0.05)
            yield emulator, page, box
        finally:
            bot.process.send_signal(signal.SIGTERM)
            assert bot.process.wait(PATIENCE_S) == 0, bot.said()
    assert emulator.check(outputs=[bot.said()]) == []


@pytest.fixture
def screen(sandbox, chromium):
    """The page on a desktop; whatever happens, no script fails and nothing is blocked or fetched from elsewhere."""
    page = sandbox[1]
    tab = chromium.new_page(viewport={"width": 1280, "height": 860})
    tab.set_default_timeout(PATIENCE_MS)
    trouble, addresses = [], []
    tab.on("pageerror", lambda error: trouble.append(str(error)))
    tab.on("console", lambda message: trouble.append(message.text) if message.type == "error" else None)
    tab.on("request", lambda request: addresses.append(request.url))
    tab.goto(page.url)
    yield tab
    tab.close()
    assert trouble == []
    assert [one for one in addresses if not one.startswith((page.url, f"blob:{page.url}"))] == []


def test_from_start_to_the_question_about_a_pack(sandbox, screen):
    """Two people at once, each answered in their language; a sticker by a tap, and its button pressed."""
    emulator = sandbox[0]
    anna, boris = screen.locator(".chat").nth(0), screen.locator(".chat").nth(1)
    anna.get_by_role("button", name="Start", exact=True).click()
    anna.locator(".theirs").filter(has_text="Hi, Anna!").wait_for()
    boris.get_by_role("button", name="Начать", exact=True).click()
    boris.locator(".theirs").filter(has_text="Привет, Борис!").wait_for()
    anna.get_by_role("button", name=re.compile("^Send the sticker")).first.click()
    anna.locator(".hint").filter(has_text="answer the bot with one of the buttons").wait_for()
    assert anna.locator(".hint .pick").count() == 0  # a photo now would come before its question is answered
    anna.get_by_role("button", name="Learn it").click()
    anna.locator(".theirs").filter(has_text="Before I learn").wait_for()
    anna.get_by_role("button", name="Not now").click()
    anna.locator(".theirs").filter(has_text="I won't learn anything").wait_for()
    anna.locator(".hint").filter(has_text="send a photo").wait_for()
    assert anna.locator(".mine .sticker img").evaluate("picture => picture.naturalWidth") == 512
    assert anna.locator('[aria-busy="true"]').count() == 0
    person = next(iter(emulator.people.values()))
    assert [one.kind for one in person.see().messages if one.mine] == ["text", "sticker"]


@pytest.fixture
def worker(sandbox, tmp_path):
    """The real worker with stages that draw without a model: the page and the chat are what is looked at."""
    box, emulator = sandbox[2], sandbox[0]
    (stages := tmp_path / "stages").mkdir()
    command = [sys.executable, "-W", "ignore", str(ROOT / "tests" / "sticker_worker.py"), str(stages)]
    environment = serve.environment_of(box, emulator) | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with (tmp_path / "worker.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    yield stages
    process.kill()
    process.wait()


def test_from_start_to_a_pack_of_ones_own(sandbox, screen, worker):
    """Consent, a pack sent and learned under one's eyes, a photo, words, a pack with both; in Russian."""
    emulator = sandbox[0]
    boris, person = screen.locator(".chat").nth(1), list(emulator.people.values())[1]

    def theirs(text):
        return boris.locator(".theirs").filter(has_text=text).last

    def press(name):
        boris.get_by_role("button", name=name).last.click()

    def write(text):
        boris.locator("textarea").fill(text)
        boris.locator("textarea").press("Enter")

    write("/start")
    theirs("Привет, Борис!").wait_for()
    (worker / "hold").touch()
    boris.get_by_role("button", name=re.compile("^Отправить стикер")).first.click()
    press("Выучить")
    press("Даю согласие, учи")
    theirs("▱").wait_for()
    assert boris.get_by_role("button", name="Отменить").last.is_visible()
    (worker / "hold").unlink()
    theirs("Готово! Теперь я знаю стиль «OpenMoji (demo)»").wait_for()
    boris.locator("input[type=file]").set_input_files(str(CONFIGS / "demo" / "photos" / "orca.png"))
    boris.get_by_role("button", name="Отправить", exact=True).click()
    theirs("Ваш первый стикер").wait_for()
    press("Новый набор")
    person.wait(lambda view: view.find("Ваш новый набор"), timeout_s=PATIENCE_S)
    write("рыжий кот в шляпе")
    boris.get_by_role("button", name=re.compile("🐈")).last.wait_for()
    press(re.compile("^➕"))
    person.wait(lambda view: [one for one in view.from_bot if one.button("Открыть набор")][1:], timeout_s=PATIENCE_S)
    (made,) = emulator.world.sets.made_by(emulator.bot.id)
    assert (len(made.stickers), made.owner_id) == (2, person.id)
    stickers = boris.locator(".theirs .sticker img")
    assert stickers.count() == 2
    assert stickers.last.evaluate("picture => picture.naturalWidth") == 512


def test_words_are_shown_as_they_were_typed(sandbox, screen):
    """Markup in a message is text for everybody: neither a tag nor a script comes of it."""
    boris = screen.locator(".chat").nth(1)
    started = boris.get_by_role("button", name="Начать", exact=True)
    if started.is_visible():
        started.click()
    words = "<img src=x onerror=document.title='taken'> <b>не жирно</b>"
    boris.locator("textarea").fill(words)
    boris.locator("textarea").press("Enter")
    boris.locator(".mine .text").filter(has_text=words).wait_for()
    person = list(sandbox[0].people.values())[1]
    person.wait(lambda view: not view.messages[-1].mine, timeout_s=PATIENCE_S)
    assert screen.title() == "StickerSmith sandbox"
    assert boris.locator(".mine .text b, .mine .text img").count() == 0


def test_the_input_field_has_no_bars_until_it_is_full(sandbox, screen):
    """Empty, with some lines, emptied again: it is as high as what is in it, borders included."""
    boris = screen.locator(".chat").nth(1)
    started = boris.get_by_role("button", name="Начать", exact=True)
    if started.is_visible():
        started.click()
    field = boris.locator("textarea")
    look = "field => [field.scrollHeight - field.clientHeight, getComputedStyle(field).overflowY]"
    for text in ("", "hello", "a\nb\nc", ""):
        field.fill(text)
        assert field.evaluate(look) == [0, "hidden"], text
    field.fill("a\n" * 40)
    hidden, bars = field.evaluate(look)
    assert (hidden > 0, bars) == (True, "auto")
    field.fill("")


def test_files_are_handed_in_with_a_caption_and_commands_chosen_from_the_menu(sandbox, screen):
    """Two pictures are an album of photos; '/' lists the commands in the person's language."""
    emulator = sandbox[0]
    boris = screen.locator(".chat").nth(1)
    person = list(emulator.people.values())[1]
    if not person.see().messages:
        boris.get_by_role("button", name="Начать", exact=True).click()
    photos = [str(CONFIGS / "demo" / "photos" / name) for name in ("orca.png", "cat.jpg")]
    boris.locator("input[type=file]").set_input_files(photos)
    boris.locator("textarea").fill("два")
    boris.get_by_role("button", name="Отправить", exact=True).click()
    boris.locator(".mine .grid img").nth(1).wait_for()
    first, second = [one for one in person.see().messages if one.mine and one.kind == "photo"][-2:]
    assert first.album == second.album != ""
    assert first.text == "два"
    boris.locator("textarea").fill("/he")
    boris.locator(".command").filter(has_text="/help").click()
    boris.locator(".theirs").filter(has_text="/deletedata").wait_for()


def test_a_phone_shows_one_chat_at_a_time_within_its_width(sandbox, screen):
    """Tabs change between people; nothing has to be moved sideways."""
    screen.set_viewport_size({"width": 360, "height": 640})
    assert [screen.locator(".chat").nth(place).is_visible() for place in (0, 1)] == [True, False]
    screen.get_by_role("tab", name="Борис").click()
    assert [screen.locator(".chat").nth(place).is_visible() for place in (0, 1)] == [False, True]
    assert screen.evaluate("document.documentElement.scrollWidth") <= 360
    assert screen.locator(".top").evaluate("bar => bar.scrollWidth <= bar.clientWidth")


@pytest.mark.slow
def test_the_command_starts_everything_and_leaves_nothing_behind(tmp_path):
    """Bot and worker are ready when the address is printed; after SIGTERM all are gone, with exit code 0."""
    command = [sys.executable, "-m", "scripts.cli", "sandbox", "--no-browser", "--port", "0", "--folder", "box"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
    said = tmp_path / "said.txt"
    with said.open("wb") as out:
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=out, stderr=out)
    try:
        until_s = time.monotonic() + WHOLE_S
        while not (found := re.search(r"http://127\.0\.0\.1:\d+/", said.read_text())):
            assert process.poll() is None, said.read_text()
            assert time.monotonic() < until_s, said.read_text()
            time.sleep(0.2)
        assert "StickerSmith" in httpx.get(found[0]).text
        assert re.search(r"… the (bot|worker) is there after \d+ s; ", said.read_text())
        logs = {path.stem: path.read_text() for path in (tmp_path / "box" / "logs").iterdir()}
        assert {name: sign in logs[name] for name, sign in serve.READY.items()} == {"bot": True, "worker": True}
        children = _children_of(process.pid)
        assert len(children) == 2
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
        assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]
        assert "Traceback" not in said.read_text()
    finally:
        process.kill()
        process.wait()


def _children_of(pid):
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
