"""The sandbox's page in a real browser, with a bot that says what the test wants: what is in view, and how it looks."""

import secrets
import time
import types

import pytest

from pipeline.settings import CONFIGS
from scripts.sandbox import town
from scripts.sandbox.emulator import UNLIMITED, Emulator
from scripts.sandbox.page import Page
from tests.unit.scripts.sandbox.client import Api

PATIENCE_MS = 30_000
DESK, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 800}
PICTURES = [path.read_bytes() for path in sorted((CONFIGS / "demo" / "photos").glob("*.png"))]
FROM_END = "node => node.scrollHeight - node.scrollTop - node.clientHeight"
# What of a chat's head lies over something else of it, or outside: [name, name], "head" for the outside.
COVERED = """head => {
  const boxes = [["head", head.getBoundingClientRect()]];
  for (const node of head.querySelectorAll(".who strong, .doing, .person, button")) {
    if (!node.checkVisibility()) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const whole = node.matches(".doing, button"); // what the bot does may be cut, with three dots; its text is longer
    boxes.push([node.textContent, (whole ? node : range).getBoundingClientRect()]);
  }
  const [[, all], ...rest] = boxes;
  const apart = (a, b) => a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
  const found = rest.filter(([, a]) => a.left < all.left || a.right > all.right).map(([name]) => [name, "head"]);
  rest.forEach(([name, a], at) => rest.slice(at + 1).forEach(([other, b]) => apart(a, b) || found.push([name, other])));
  return found;
}"""
# Whenever the page has scrolled, and before it hears of that, the newest message grows: as when its picture arrives.
GROWING = """() => addEventListener("scroll", (event) => {
  const last = event.target.querySelector(".message:last-child .bubble");
  if (last && !last.style.paddingBottom) last.style.paddingBottom = "300px";
}, true)"""


@pytest.fixture
def place():
    """Anna and Boris, who have pressed Start, the demo pack, and the bot as a client of HTTP."""
    with Emulator(limits=UNLIMITED) as emulator, Page(emulator) as page:
        people = [emulator.person(name, language_code=language) for name, language in town.PEOPLE]
        emulator.add_sticker_set("pack", [path.read_bytes() for path in sorted(town.PACK.glob("*.png"))[:4]])
        for one in people:
            one.start()
        with (api := Api(emulator)).http:
            yield types.SimpleNamespace(emulator=emulator, people=people, page=page, api=api)


def shown(chromium, page, size):
    """The page in a tab, its first chats drawn."""
    tab = chromium.new_page(viewport=size)
    tab.set_default_timeout(PATIENCE_MS)
    tab.goto(page.url)
    tab.locator(".chat .mine").first.wait_for()
    return tab


def until(true):
    """Asked from here: the page's policy lets nobody wait for a script inside it."""
    until_s = time.monotonic() + PATIENCE_MS / 1000
    while not true():
        assert time.monotonic() < until_s
        time.sleep(0.02)


def settle(tab, person, text):
    """Until the person's message, or the bot's, is drawn with all its pictures, and some frames after that."""
    chat = tab.locator(f"#chat-{person.id}")
    chat.locator(".message").filter(has_text=text).last.wait_for(state="attached")
    until(lambda: tab.evaluate("[...document.images].every(picture => picture.complete)"))
    for _ in range(5):
        tab.evaluate("() => new Promise(requestAnimationFrame)")
    return chat.locator(".scroll").evaluate(FROM_END)


def album(person, caption):
    name = secrets.token_hex(4)
    for number, content in enumerate(PICTURES[:4]):
        person.photo(content, caption="" if number else caption, album=name)


def talk(tab, person, api, round):
    """A sticker, a question below, an album: how far from the end the chat is after each."""
    for index in range(3):
        person.sticker("pack", index)
        api.result("sendMessage", chat_id=person.id, text=f"question {round}.{index}\n" + "and more\n" * 6)
        yield settle(tab, person, f"question {round}.{index}")
    album(person, f"album {round}")
    yield settle(tab, person, f"album {round}")
    api.result("sendMessage", chat_id=person.id, text=f"answer {round}")
    yield settle(tab, person, f"answer {round}")


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_new_messages_stay_in_view_while_their_pictures_arrive(place, chromium, size):
    """Stickers, questions and an album: content that grows behind a scroll of the page's own is no reader who left."""
    anna, page, api = place.people[0], place.page, place.api
    tab = shown(chromium, page, size)
    tab.evaluate(GROWING)
    left_px = [left for round in range(2) for left in talk(tab, anna, api, round)]
    assert max(left_px) <= 1, left_px
    tab.close()


def test_a_chat_in_a_hidden_tab_is_at_its_end_when_it_is_opened(place, chromium):
    """On a phone, from one person to the other and back, with news for whoever is not shown."""
    people, page, api = place.people, place.page, place.api
    tab = shown(chromium, page, PHONE)
    tab.evaluate(GROWING)
    for round in range(2):
        for one, (name, _) in zip(people, town.PEOPLE, strict=True):
            tab.get_by_role("tab", name=name).click()
            assert settle(tab, one, "start") <= 1
            for hidden in people:
                list(talk(tab, hidden, api, round))
            assert settle(tab, one, f"answer {round}") <= 1
    tab.close()


def test_who_reads_older_messages_is_left_alone_until_they_write_or_come_back(place, chromium):
    """The wheel up ends the following, the wheel down begins it again, and so does a message of one's own."""
    anna, page, api, emulator = place.people[0], place.page, place.api, place.emulator
    tab = shown(chromium, page, DESK)
    list(talk(tab, anna, api, 0))
    chat = tab.locator(f"#chat-{anna.id} .scroll")
    chat.hover()

    def up():
        tab.mouse.wheel(0, -600)
        until(lambda: chat.evaluate(FROM_END) > 590)

    up()
    before = chat.evaluate("node => node.scrollTop")
    api.result("sendMessage", chat_id=anna.id, text="news " * 200)
    settle(tab, anna, "news")
    assert chat.evaluate("node => node.scrollTop") == pytest.approx(before, abs=1)
    tab.mouse.wheel(0, 5000)
    until(lambda: chat.evaluate(FROM_END) <= 1)
    api.result("sendMessage", chat_id=anna.id, text="more " * 200)
    assert settle(tab, anna, "more") <= 1
    up()
    with emulator.world.changed:  # both are drawn at once
        anna.send("mine")
        emulator.world.post(anna.chat, emulator.bot.user, {"text": "and what the bot says to it"})
    assert settle(tab, anna, "what the bot says") <= 1
    tab.close()


@pytest.mark.parametrize("width_px", [360, 390, 820, 830, 1000, 1280, 1600])
def test_nothing_in_a_chats_head_lies_over_its_neighbour(place, chromium, width_px):
    """With the developer's drawer open and without; the Russian button is the longer one."""
    tab = shown(chromium, place.page, {"width": width_px, "height": 800})
    heads = tab.locator(".head:visible")
    assert heads.count() == (1 if width_px <= 820 else 2)
    for _ in range(2):
        assert [heads.nth(at).evaluate(COVERED) for at in range(heads.count())] == [[]] * heads.count()
        tab.locator("#developer-key").click()
    if width_px <= 820:
        tab.get_by_role("tab", name="Борис").click()
        assert heads.evaluate(COVERED) == []
    tab.close()


def test_the_size_of_a_file_is_told_in_its_readers_language(place, chromium):
    """In a message and in the tray, as words and with the decimal point of each."""
    tab = shown(chromium, place.page, DESK)
    for one, sizes in zip(place.people, (["500 B", "57 KB", "1.5 MB"], ["500 Б", "57 КБ", "1,5 МБ"]), strict=True):
        for count in (500, 57 << 10, 3 << 19):
            one.document(bytes(count), name=f"{count}.bin")
        about = tab.locator(f"#chat-{one.id} .about span")
        until(lambda found=about: found.count() == 3)
        assert [text.partition(" ·")[0] for text in about.all_inner_texts()] == sizes
        tray = tab.locator(f"#chat-{one.id} input[type=file]")
        tray.set_input_files({"name": "a.bin", "mimeType": "application/octet-stream", "buffer": bytes(57 << 10)})
        tab.locator(f"#chat-{one.id} .tray small").filter(has_text=sizes[1]).wait_for()
    tab.close()
