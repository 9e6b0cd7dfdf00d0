"""What people send by mistake or malice: each gets one sentence, nobody else notices, and the bot stays as it is."""

import gzip
import io
import random
import zipfile

import psutil
import pytest

from bot.effects import MOST_TEXT
from bot.texts import MOST_OF_VALUE, Words
from scripts.sandbox.emulator.errors import Refused
from scripts.sandbox.emulator.seed import jpeg, png, webp
from tests.chat_desk import SET, zipped
from tests.end_to_end.bad_files import BAD_PHOTOS, long_gif
from tests.unit.pipeline.stickers import layer, lottie, sound_only, starry, tgs, webm
from tests.unit.pipeline.test_lottie import chain, nested

BOUND_MB = 300.0  # that the bot may grow by at most, whatever it is sent: one large picture at a time
UNREADABLE = "I can't draw from this file"
MISCHIEF = (
    "<b>bold</b> [link](tg://x) & \u202egnp.exe\u202c Z\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308algo\u0000"
)
MOVING = {
    "a gzip bomb": gzip.compress(b" " * (64 << 20)),
    "a star of a thousand million points": starry(1e9),
    "groups in groups": tgs(lottie([layer([nested(40)])])),
    "compositions that show each other": tgs(chain(3, circle=True)),
    "half a .tgs": tgs()[:-20],
    "half a .webm": webm()[:2000],
    "a .webm of sound": sound_only(),
    "a .webm of 2000 pixels": webm(size=(2000, 2000), frames=1),
}


@pytest.fixture(autouse=True)
def unharmed(studio):
    """The bot lives, and has not grown by more than one picture takes."""
    (bot,) = studio.bots
    process = psutil.Process(bot.pid)
    before = process.memory_info().rss
    yield
    studio.until(studio.settled)
    assert process.is_running()
    assert (process.memory_info().rss - before) / 1e6 < BOUND_MB
    assert '"parked"' not in studio.output()


def answer_to(studio, person, sent):
    """What came of a message, once nothing is under way any more: all that the bot has said since."""
    studio.until(lambda: any(one.id > sent.id for one in person.see().from_bot))
    studio.quiet()
    return [one for one in person.see().from_bot if one.id > sent.id]


# ── files ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


FILES = {name: make for name, (make, _) in BAD_PHOTOS.items() if name not in ("a folder", "an empty file")}


def content(name, tmp_path):
    path = tmp_path / "bad.png"
    FILES[name](path)
    return path.read_bytes()


@pytest.mark.parametrize("name", FILES)
def test_a_bad_picture_gets_one_sentence_with_its_reason(studio, anna, tmp_path, name):
    sent = anna.document(content(name, tmp_path), name="bad.png")
    (said,) = answer_to(studio, anna, sent)
    assert UNREADABLE in said.text or "too large" in said.text
    assert "bad.png" in said.text
    assert studio.files.list(f"people/tg{anna.id}/jobs/u") == []


def test_what_a_client_would_send_as_a_photo_is_drawn_or_refused_in_one_sentence(studio, anna, tmp_path):
    """Telegram takes neither texts nor torn files for a photo; what it takes is a JPEG then."""
    for name in FILES:
        try:
            sent = anna.photo(content(name, tmp_path))
        except Refused:
            continue
        said = answer_to(studio, anna, sent)
        assert (len(said) == 1 and UNREADABLE in said[0].text) or {"sticker", "document"} == {one.kind for one in said}


def test_a_set_of_bad_stickers_is_learned_from_the_good_ones_and_the_bad_are_counted(studio, tmp_path):
    small = {name for name in FILES if "200 MB" not in name}
    bad = [content(name, tmp_path) for name in sorted(small)]
    studio.emulator.add_sticker_set("Bad_set", [*bad, *(webp(n) for n in range(4))], title="Bad", checked=False)
    boris = studio.emulator.person("Boris")
    boris.start()
    boris.sticker("Bad_set", len(bad))
    studio.press(boris, "Learn it")
    studio.press(boris, "I agree")
    view = studio.waits(boris, lambda view: view.find("I've learned “Bad” from 4 pictures."))
    assert f"{len(bad)} files were left out" in view.find("I've learned “Bad”").text


def test_a_zip_of_everything_bad_is_learned_from_what_is_good(studio, tmp_path):
    names = [name for name in FILES if "200 MB" not in name]
    files = {f"{number}.png": content(name, tmp_path) for number, name in enumerate(names)}
    files |= {f"{name}.tgs": data for name, data in MOVING.items()} | {f"good{n}.png": png(n) for n in range(4)}
    files |= {"../../up.png": png(9), "long.gif": long_gif(2000)}
    boris = studio.emulator.person("Boris")
    boris.start()
    boris.document(zipped(files), name="all.zip", mime="application/zip")
    studio.press(boris, "Learn it")
    studio.press(boris, "I agree")
    studio.waits(boris, lambda view: view.find("I've learned “all” from") or view.find("can't open that zip"), 120.0)


def bomb():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", bytes(60_000_000))
    return out.getvalue()


def test_a_name_that_points_outside_a_zip_costs_that_file_alone_and_is_told(studio):
    boris = studio.emulator.person("Boris")
    boris.start()
    files = {f"cat {n}.png": png(n) for n in range(4)} | {"../evil.png": png(5), "2: cat.png": png(6)}
    boris.document(zipped(files), name="odd.zip", mime="application/zip")
    studio.press(boris, "Learn it")
    studio.press(boris, "I agree")
    learned = "I've learned “odd” from 5 pictures"
    status = studio.waits(boris, lambda view: view.find(learned)).find(learned)
    assert "• ../evil.png – its name points outside the zip" in status.text


@pytest.mark.parametrize("data", [bomb(), b"PK\x03\x04", zipped({}), zipped({"a/": b""})])
def test_a_bad_zip_is_told(studio, data):
    boris = studio.emulator.person("Boris")
    boris.start()
    boris.document(data, name="bomb.zip", mime="application/zip")
    studio.press(boris, "Learn it")
    studio.press(boris, "I agree")
    studio.waits(boris, lambda view: view.find("can't open that zip") or view.find("I can't use any"))


@pytest.mark.slow
def test_hostile_moving_stickers_as_files_end_their_decoder_alone(studio, anna):
    for name, data in MOVING.items():
        sent = anna.document(data, name=f"{name}.tgs" if "webm" not in name else f"{name}.webm")
        said = answer_to(studio, anna, sent)
        assert [UNREADABLE in one.text for one in said] == [True], (name, said)
    studio.draws(anna, jpeg(1))  # and goes on as if nothing had been


@pytest.mark.slow
@pytest.mark.parametrize("thumbnail", [b"", webp(5, (128, 128))])
def test_hostile_moving_stickers_of_a_set_are_left_out_or_replaced_by_their_thumbnails(studio, thumbnail):
    name = f"Hostile_{len(thumbnail)}"
    stickers = [*MOVING.values(), *(webp(n) for n in range(4))]
    studio.emulator.add_sticker_set(name, stickers, title="Hostile", checked=False, thumbnail=thumbnail)
    boris = studio.emulator.person("Boris")
    boris.start()
    boris.send(name)
    studio.press(boris, "Learn it")
    studio.press(boris, "I agree")
    used = len(stickers) if thumbnail else 4
    studio.waits(boris, lambda view: view.find(f"I've learned “Hostile” from {used} pictures."), 120.0)


# ── words ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def literal(said):
    """No markup came of it, no direction is turned, no towers stand, and it is there as it was written."""
    assert "<b>bold</b>" in said.text
    assert {one["type"] for one in said.entities} <= {"bot_command", "url"}  # what every client marks by itself
    assert not {"\u202e", "\u0000"} & {*said.text}
    assert "\u0304\u0305\u0306\u0307\u0308" not in said.text


def test_mischief_in_names_titles_and_captions_comes_out_as_it_was_written(studio):
    studio.emulator.add_sticker_set("Odd_set", [webp(n) for n in range(20, 24)], title=MISCHIEF[:64])
    boris = studio.emulator.person(MISCHIEF)
    boris.start()
    literal(studio.waits(boris, lambda view: view.from_bot).from_bot[0])
    boris.send("Odd_set")
    studio.press(boris, "Learn it")
    studio.press(boris, "I agree")
    studio.waits(boris, lambda view: view.find("Done! I know"))
    for said in boris.see().from_bot[1:]:
        literal(said)
    sticker, _ = studio.draws(boris, jpeg(1), caption=f"{MISCHIEF} {{caption}} {{token}}")
    boris.press("New pack", on=sticker)
    literal(studio.waits(boris, lambda view: view.find("t.me/addstickers/")).find("t.me/addstickers/"))
    boris.document(zipped({"a.png": png(1)}), name=f"{MISCHIEF}.zip", mime="application/zip")
    literal(studio.waits(boris, lambda view: view.last.button("Learn it")).last)


def test_words_of_any_length_get_one_short_answer(studio, anna):
    for text in (
        "я" * MOST_TEXT,
        "𝔘" * (MOST_TEXT // 2),
        "/start " + "x" * 4000,
        "/" + "y" * 4000,
        "\u0301" * MOST_TEXT,
    ):
        (said,) = answer_to(studio, anna, anna.send(text))
        assert len(said.text) < MOST_TEXT
    long = studio.emulator.person("N" * 4000)
    (hello,) = answer_to(studio, long, long.start())
    assert hello.text.count("N") <= MOST_OF_VALUE
    sent = anna.document(png(1), name="f" * 3000 + ".txt", caption="c" * 1024)
    assert {one.kind for one in answer_to(studio, anna, sent)} == {"sticker", "document"}


# ── many, and nothing ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
def test_two_hundred_stickers_at_once_hold_up_nobody_and_are_not_answered_one_by_one(studio):
    """Of somebody who sends nothing else: for a second or two, more from them would be left out."""
    anna, boris = studio.emulator.person("Anna"), studio.emulator.person("Boris")
    anna.start()
    studio.waits(anna, lambda view: view.from_bot)
    before = len(anna.see().messages)
    asked = studio.emulator.record.count("sendMessage")
    for number in range(200):
        anna.sticker(SET, number % 8)
    sent = boris.start()
    studio.waits(boris, lambda view: any(one.id > sent.id for one in view.from_bot))
    waiting = [row for row in studio.rows("inbox") if row["state"] in ("new", "taken") and row["person"] == anna.id]
    served_first = len(waiting)
    studio.quiet()
    assert studio.emulator.record.count("sendMessage") - asked <= 60
    assert len(anna.see().messages) - before - 200 <= 60
    assert served_first > 0 or len(anna.see().messages) > before


def test_a_set_without_stickers_and_one_that_is_deleted_meanwhile_are_told(studio):
    boris = studio.emulator.person("Boris")
    studio.emulator.add_sticker_set("Empty_set", [], title="Empty")
    (said,) = answer_to(studio, boris, boris.send("Empty_set"))
    assert "“Empty” has only 0 stickers" in said.text
    owner = studio.emulator.person("Olga")
    studio.emulator.add_sticker_set("Brief_set", [webp(n) for n in range(30, 34)], title="Brief", owner=owner)
    boris.send("Brief_set")
    studio.press(boris, "Learn it")
    studio.waits(boris, lambda view: view.find("Before I learn"))
    owner.delete_set("Brief_set")
    studio.press(boris, "I agree")
    studio.waits(boris, lambda view: view.find("That pack is gone"))


# ── buttons ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_buttons_that_nobody_made_are_answered_and_do_nothing(studio, anna):
    """Random data, real data with another action, somebody else's, and one on a message that is deleted."""
    sticker, _ = studio.draws(anna, jpeg(2))
    chance, real = random.Random(5), sticker.button("New pack").data
    boris = studio.emulator.person("Boris")
    boris.start()
    studio.waits(boris, lambda view: view.from_bot)
    made, jobs = len(studio.made()), len(studio.rows("errand"))
    spoofed = ["".join(chr(chance.randrange(33, 127)) for _ in range(chance.randint(1, 64))) for _ in range(20)]
    spoofed += [
        real.replace("add-new", "another"),
        real[:-1],
        real + "A",
        "v1:::",
        ":" * 64,
        "\u202e",
        "v1:delete-yes::",
    ]
    presses = [boris.press(data=data) for data in [*spoofed, real]]
    studio.until(lambda: all(one.answered for one in presses))
    assert {one.text for one in presses} <= {"I don't know this button.", "This button isn't yours."}
    studio.quiet()
    assert (len(studio.made()), len(studio.rows("errand"))) == (made, jobs)
    anna.delete(sticker)
    late = anna.press(data=sticker.button("Emoji").data, on=sticker.id)
    studio.until(lambda: late.answered)


def test_a_foreign_press_in_a_group_changes_nothing(studio):
    anna, boris = studio.emulator.person("Anna"), studio.emulator.person("Boris")
    group = studio.emulator.group("All of us", anna, boris)
    anna.send("/settings@stickersmith_bot", group=group)
    asked = Words("en")("settings")
    studio.hears(anna, asked, group=group)
    seen = anna.see(group=group).find(asked)
    pressed = [boris.press(data=button.data, on=seen.id, group=group) for row in seen.buttons for button in row]
    studio.until(lambda: all(one.answered for one in pressed))
    assert {one.text for one in pressed} == {"This button isn't yours."}
    studio.quiet()
    assert anna.see(group=group).find(asked).buttons == seen.buttons
