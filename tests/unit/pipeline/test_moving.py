"""The child that decodes moving stickers: what it may, what becomes of it, and that a file costs only itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest

from pipeline import moving
from pipeline.errors import BadInput, BadPicture, PictureTooLarge
from pipeline.lottie import MAX_JSON_MB
from pipeline.moving import MAX_TGS_KB, MAX_WEBM_KB, MovingDecoder
from tests.unit.pipeline.stickers import endless, greedy, layer, lottie, sound_only, square, starry, tgs, webm
from tests.unit.pipeline.test_lottie import BAD as BAD_TGS

ROOT = Path(__file__).resolve().parents[3]
GOOD_TGS, GOOD_WEBM = tgs(), webm()
linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@pytest.fixture
def decoder() -> Iterator[MovingDecoder]:
    """A decoder that leaves no process behind, a zombie neither."""
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    with MovingDecoder() as decoder:
        yield decoder
    assert {child.pid for child in psutil.Process().children(recursive=True)} <= before


def child() -> psutil.Process:
    """The one that is running."""
    (found,) = [one for one in psutil.Process().children() if "pipeline.moving_child" in one.cmdline()]
    return found


def is_good(decoder: MovingDecoder) -> bool:
    """A good sticker comes out as it should."""
    return decoder.frame(GOOD_TGS, "TGS", "good").getpixel((256, 256)) == (255, 127, 0, 255)


def test_both_kinds(decoder: MovingDecoder) -> None:
    """Colour and alpha of a Lottie and of a video, from one child."""
    assert is_good(decoder)
    first = child().pid
    video = decoder.frame(GOOD_WEBM, "WEBM", "v")
    assert (video.mode, video.size) == ("RGBA", (512, 512))
    assert [video.getpixel(at)[3] for at in ((20, 20), (120, 370))] == [0, 255]
    assert abs(video.getpixel((200, 240))[3] - 128) <= 2
    assert child().pid == first


HOSTILE: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "gzip bomb": (lambda: BAD_TGS["a bomb of spaces"][0], "TGS", f"unpacks to more than {MAX_JSON_MB} MB"),
    "200 000 groups": (lambda: BAD_TGS["200 000 groups"][0], "TGS", "is nested deeper than 64 levels"),
    "star 1e9": (lambda: starry(1e9), "TGS", "asks for 1e+09 points"),
    "star 1e38": (lambda: starry(1e38), "TGS", "asks for 1e+38 points"),
    "circle": (lambda: BAD_TGS["a circle of three"][0], "TGS", "in a circle"),
    "truncated": (lambda: GOOD_TGS[:-9], "TGS", "is cut short"),
    "trailing": (lambda: GOOD_TGS + b"x", "TGS", "has 1 more bytes behind its end"),
    "layers of no kind": (lambda: tgs(lottie([{"ks": None}])), "TGS", "."),
    "nothing to see": (lambda: tgs(lottie([])), "TGS", "shows next to nothing"),
    "dashes": (greedy, "TGS", "cannot be decoded: its decoder ran out of memory"),
    "truncated video": (lambda: GOOD_WEBM[:-9], "WEBM", "is cut short"),
    "sound only": (sound_only, "WEBM", "holds audio where one video is due"),
    "too long": (lambda: webm(frames=100, size=(64, 64)), "WEBM", "lasts 3.3 s"),
    "too large": (lambda: webm(frames=1, size=(514, 514)), "WEBM", "is 514 x 514 px"),
    "tgs as webm": (lambda: GOOD_TGS, "WEBM", "is damaged"),
    "webm as tgs": (lambda: GOOD_WEBM, "TGS", "is damaged"),
}


def test_each_hostile_file_costs_itself_only(decoder: MovingDecoder) -> None:
    """All in a row, a good one after each: every bad one gets one sentence with its name, our memory stays flat."""
    files = {case: (make(), kind, words) for case, (make, kind, words) in HOSTILE.items()}
    assert is_good(decoder)
    tracemalloc.start()
    try:
        for case, (data, kind, words) in files.items():
            with pytest.raises(BadPicture) as caught:
                decoder.frame(data, kind, case)
            message = str(caught.value)
            assert message.startswith(f"{case!r} is a .{kind.lower()} sticker that ")
            assert words in message
            assert "\n" not in message
            assert is_good(decoder)
        assert tracemalloc.get_traced_memory()[1] < 10e6  # some copies of a picture of 1 MB
    finally:
        tracemalloc.stop()


def test_a_crash_has_its_cause_and_the_next_file_a_new_child(decoder: MovingDecoder) -> None:
    """A decoder that runs out of memory takes its process with it; a used and a fresh one give the same verdict."""
    for _ in range(2):  # the first one fresh, the second one used
        with pytest.raises(
            BadPicture, match=r"^'x' is a \.tgs sticker .*: its decoder ran out of memory; leave it out$"
        ):
            decoder.frame(greedy(), "TGS", "x")
        assert is_good(decoder)


def test_a_child_that_died_between_two_files_costs_none(decoder: MovingDecoder) -> None:
    """Whatever killed it, the next file gets a second chance."""
    assert is_good(decoder)
    first = child()
    first.send_signal(signal.SIGKILL)
    assert is_good(decoder)
    assert not first.is_running()


def test_a_file_that_never_ends_is_given_up(decoder: MovingDecoder, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the time for one file its child is killed, once, without a second chance."""
    assert is_good(decoder)
    first = child()
    with monkeypatch.context() as patch:
        patch.setattr(moving, "WALL_S", 0.5)
        with pytest.raises(BadPicture, match=r"its decoder took more than 0 s; leave it out"):
            decoder.frame(endless(), "TGS", "x")
    assert not first.is_running()
    assert is_good(decoder)


def test_patience_has_an_end(decoder: MovingDecoder, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pack of files that kill the decoder cannot hold us for minutes: the rest is not looked at."""
    monkeypatch.setattr(moving, "PATIENCE_S", 0.0)
    with pytest.raises(BadPicture, match="ran out of memory"):
        decoder.frame(greedy(), "TGS", "x")
    with pytest.raises(BadPicture, match="'y' is not looked at: too many of these files stopped their decoder"):
        decoder.frame(GOOD_TGS, "TGS", "y")


@linux
def test_the_child_has_next_to_nothing(decoder: MovingDecoder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three open files and never a fourth, bounds on memory, time and writing, and none of our environment."""
    monkeypatch.setenv("STICKERS_BOT_TOKEN", "123:secret")
    with Path("/dev/null").open("rb") as held:
        os.set_inheritable(held.fileno(), True)
        assert is_good(decoder)
    proc = Path(f"/proc/{child().pid}")
    assert sorted(path.name for path in (proc / "fd").iterdir()) == ["0", "1", "2"]
    assert {os.readlink(proc / "fd" / name) for name in "12"} == {"/dev/null"}
    limits = {line[:26].strip(): line[26:].split()[:2] for line in (proc / "limits").read_text().splitlines()}
    assert limits["Max open files"] == ["3", "3"]
    assert limits["Max file size"] == limits["Max core file size"] == ["0", "0"]
    assert int(limits["Max cpu time"][0]) <= 15
    assert int(limits["Max cpu time"][1]) == 120
    assert 768 << 20 < int(limits["Max address space"][1]) < 2 << 30
    assert b"secret" not in (proc / "environ").read_bytes()
    assert os.getsid(child().pid) != os.getsid(0)
    assert "NoNewPrivs:\t1" in (proc / "status").read_text()


@linux
def test_the_child_has_no_network_where_the_system_lets_it_leave(decoder: MovingDecoder) -> None:
    """In a network of its own, with no interface but a loopback that is down."""
    unshared = subprocess.run(["unshare", "--user", "--net", "true"], capture_output=True, check=False)
    if unshared.returncode != 0:
        pytest.skip("this system lets nobody but root leave the network")
    assert is_good(decoder)
    assert os.readlink(f"/proc/{child().pid}/ns/net") != os.readlink("/proc/self/ns/net")


def test_it_ends_when_we_are_gone() -> None:
    """A parent that is killed leaves no child behind."""
    program = """
import os, signal, sys
from pipeline.moving import MovingDecoder
decoder = MovingDecoder()
decoder.frame(bytes.fromhex(sys.argv[1]), "TGS", "x")
print(decoder._child._process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", program, GOOD_TGS.hex()], cwd=ROOT, capture_output=True, text=True)
    orphan = int(done.stdout)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and psutil.pid_exists(orphan) and is_alive(orphan):
        time.sleep(0.01)
    assert not is_alive(orphan)


def is_alive(pid: int) -> bool:
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE  # an orphan's zombie is for init to take
    return False


def test_ctrl_c_while_it_decodes(decoder: MovingDecoder) -> None:
    """Nothing is left running, and no late answer is taken for that of the next file."""
    assert is_good(decoder)
    first = child()
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        decoder.frame(endless(), "TGS", "x")
    assert not first.is_running()
    assert is_good(decoder)


@pytest.mark.parametrize(
    "said",
    [b"+\x01", b"?" + bytes(8), moving.REPLY.pack(b"+", 600, 600, 1_440_000), moving.REPLY.pack(b"-", 0, 0, 1 << 31)],
)
def test_an_answer_that_makes_no_sense_is_not_believed(said: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that a file has taken over can say what it likes: it gets no memory of ours for it."""
    program = f"import os, sys; os.write(0, b'!'); os.read(0, 9999); os.write(0, {said!r}); sys.exit(3)"
    real = subprocess.Popen

    def taken_over(command: list[str], **options: object) -> object:
        return real([sys.executable, "-c", program], **options)

    monkeypatch.setattr(moving.subprocess, "Popen", taken_over)
    with MovingDecoder() as decoder, pytest.raises(BadPicture, match=r"its decoder (gave an answer|ended|fell silent)"):
        decoder.frame(GOOD_TGS, "TGS", "x")


def test_a_child_that_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not the file's fault, and the sentence says how to find out."""
    monkeypatch.setattr(moving, "_ROOT", Path("/nowhere"))
    monkeypatch.setattr(moving, "_SPARING", {"PYTHONHOME": "/nowhere"})
    with MovingDecoder() as decoder, pytest.raises(BadInput, match=r"on this machine: .* says why$") as caught:
        decoder.frame(GOOD_TGS, "TGS", "x")
    assert not isinstance(caught.value, BadPicture)


@pytest.mark.parametrize(("kind", "most_kb"), [("TGS", MAX_TGS_KB), ("WEBM", MAX_WEBM_KB)])
def test_a_large_file_starts_nothing(kind: str, most_kb: int, decoder: MovingDecoder) -> None:
    """The size is looked at first."""
    with pytest.raises(
        PictureTooLarge, match=rf"^'x' has {most_kb + 1} KB; a \.{kind.lower()} sticker may have {most_kb} KB"
    ):
        decoder.frame(bytes((most_kb + 1) * 1024), kind, "x")
    assert [one for one in psutil.Process().children() if "pipeline.moving_child" in one.cmdline()] == []


def test_broken_bytes_never_leak_another_error(decoder: MovingDecoder) -> None:
    """Cut and overwritten files either give a picture or a ``BadPicture``, and the decoder lives on."""
    random = np.random.default_rng(0)
    text = tgs(lottie([layer(square(), opacity=70)]))
    for turn in range(120):
        kind, data = ("WEBM", GOOD_WEBM) if turn % 2 else ("TGS", text)
        broken = bytearray(data[: random.integers(20, len(data) + 1)] if turn % 3 == 0 else data)
        for at in random.integers(0, len(broken), 3):
            broken[at] = random.integers(0, 256)
        with suppress(BadPicture):
            assert decoder.frame(bytes(broken), kind, "x").mode == "RGBA"
    assert is_good(decoder)


def test_our_side_is_light() -> None:
    """Whoever hands a sticker over loads neither of the decoders, and no torch."""
    program = "import sys, pipeline.images; print({'av', 'rlottie_python', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
