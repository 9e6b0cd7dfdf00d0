"""``python -m scripts.sandbox.portrait``: the README's picture of a chat, taken from the real bot in a real browser.

Owns what is said in it. A build-time tool: what it writes is committed. Loads Playwright (the ``dev`` extra) and drives
the system's Chromium.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any

import typer
from PIL import Image
from playwright.sync_api import Page as Tab
from playwright.sync_api import ViewportSize, sync_playwright

from pipeline.settings import CONFIGS
from pipeline.store import write_image
from scripts.sandbox import home, serve, town
from scripts.sandbox.page import Page

PHONE: ViewportSize = {"width": 400, "height": 940}
SCALE = 1.5  # device pixels of one of the page's
GAP_PX, GROUND = 24, (235, 236, 240)
PATIENCE_MS = 600_000
PHOTO = CONFIGS / "demo" / "photos" / "orca.png"


def main(out: Annotated[Path, typer.Option(help="Where it goes.")] = CONFIGS / "demo" / "chat.png") -> None:
    """Start a sandbox, talk to it, and keep what is seen."""
    with tempfile.TemporaryDirectory() as folder, town.built() as emulator, Page(emulator) as page:
        children = serve._children(home.opened(Path(folder) / "box"), emulator)
        try:
            _wait(lambda: _ready(children), "bot and worker")
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
                tab = browser.new_page(viewport=PHONE, device_scale_factor=SCALE)
                tab.set_default_timeout(PATIENCE_MS)
                tab.goto(page.url)
                shots = _talk(tab)
                browser.close()
        finally:
            for child in children:
                if child.process is not None:
                    child.process.terminate()
                    child.process.wait(60)
    write_image(out, _side_by_side(shots))
    typer.echo(str(out))


def _ready(children: list[serve.Logged]) -> bool:
    for child in children:
        child.look(time.monotonic())
    return all(child.is_ready for child in children)


def _talk(tab: Tab) -> list[Image.Image]:
    """From the first word to a pack of one's own."""
    chat, shots = tab.locator(".chat").nth(0), []

    def said(text: str) -> Any:
        return chat.locator(".theirs").filter(has_text=text).last

    def press(text: str) -> None:
        chat.get_by_role("button", name=text).last.click()

    def shoot() -> None:
        tab.wait_for_timeout(1200)
        shots.append(Image.open(BytesIO(tab.screenshot())).convert("RGB"))

    chat.get_by_role("button", name="Start", exact=True).click()
    said("Hi, ").wait_for()
    chat.get_by_role("button", name="Send the sticker").first.click()
    press("Learn it")
    said("Before I learn").wait_for()
    shoot()
    press("I agree")
    said("▰▰▰▰").wait_for()
    shoot()
    said("Done! I know").wait_for()
    chat.locator("input[type=file]").set_input_files([str(PHOTO)])
    chat.get_by_role("button", name="Send", exact=True).click()
    said("Your first sticker").wait_for()
    shoot()
    press("New pack")
    said("t.me/addstickers/").wait_for()
    chat.locator("textarea").fill("a cat")
    chat.locator("textarea").press("Enter")
    _wait(lambda: chat.locator(".theirs .sticker img").count() >= 2, "the second sticker")
    press("➕")
    said("now has 2 stickers").wait_for()
    tab.wait_for_timeout(5000)  # until the notice of the press is gone
    shoot()
    return shots


def _wait(true: Callable[[], bool], what: str) -> None:
    until_s = time.monotonic() + PATIENCE_MS / 1000
    while not true():
        if time.monotonic() > until_s:
            raise TimeoutError(f"{what}: not there after {PATIENCE_MS // 1000} s")
        time.sleep(0.5)


def _side_by_side(shots: list[Image.Image]) -> Image.Image:
    width = sum(shot.width for shot in shots) + GAP_PX * (len(shots) + 1)
    picture = Image.new("RGB", (width, shots[0].height + 2 * GAP_PX), GROUND)
    left = GAP_PX
    for shot in shots:
        picture.paste(shot, (left, GAP_PX))
        left += shot.width + GAP_PX
    return picture


if __name__ == "__main__":
    typer.run(main)
