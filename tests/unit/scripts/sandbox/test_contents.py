"""Files are told by their bytes: synthetic ones measure as they were made, broken ones are not readable."""

import gzip
import io

import av
import pytest

from scripts.sandbox.emulator import seed
from scripts.sandbox.emulator.contents import Container, Unreadable, has_alpha, measured, sniffed

MADE = {
    Container.PNG: seed.png(),
    Container.WEBP: seed.webp(),
    Container.JPEG: seed.jpeg(),
    Container.GIF: seed.encoded(seed.picture(), "GIF"),
    Container.TGS: seed.tgs(),
    Container.WEBM: seed.webm(),
    Container.MP4: b"\0\0\0\x18ftypisom" + b"\0" * 20,
    Container.OTHER: b"hello",
}


@pytest.mark.parametrize("kind", Container, ids=lambda kind: kind.name)
def test_each_container_is_told_by_its_bytes(kind):
    assert sniffed(MADE[kind]) is kind


def test_pictures_animations_and_video_are_measured():
    assert (measured(seed.png(0, (512, 300))).width, measured(seed.png(0, (512, 300))).height) == (512, 300)
    lottie = measured(seed.tgs(seconds=2.5, fps=60))
    assert (lottie.width, lottie.height, lottie.duration_s, lottie.fps) == (512, 512, 2.5, 60)
    video = measured(seed.webm(0, (512, 400), seconds=1.5, audio=True))
    assert (video.width, video.height, video.duration_s, video.fps) == (512, 400, 1.5, 25)
    assert (video.codec, video.has_audio) == ("V_VP9", True)


@pytest.mark.parametrize(
    "content",
    [
        seed.png()[:20],
        b"hello",
        seed.tgs()[:100],
        gzip.compress(b"[]"),
        gzip.compress(b"[" * 100_000),
        gzip.compress(b" " * (9 << 20)),
        seed.webm()[:40],
        b"\x1a\x45\xdf\xa3" + b"\0" * 40,
    ],
    ids=["cut png", "text", "cut tgs", "no scene", "deep json", "gzip bomb", "cut webm", "no ebml"],
)
def test_what_is_broken_is_unreadable(content):
    with pytest.raises(Unreadable):
        measured(content)


def test_transparency_is_seen():
    assert has_alpha(seed.webp())
    assert not has_alpha(seed.jpeg())


def test_a_video_by_a_real_encoder_is_measured():
    out = io.BytesIO()
    with av.open(out, "w", format="webm") as container:
        stream = container.add_stream("libvpx-vp9", rate=25)
        stream.width, stream.height, stream.pix_fmt = 512, 256, "yuv420p"
        for _ in range(5):
            for packet in stream.encode(av.VideoFrame(512, 256, "yuv420p")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    one = measured(out.getvalue())
    assert (one.width, one.height, one.codec, one.has_audio) == (512, 256, "V_VP9", False)
    assert one.duration_s == pytest.approx(0.2, abs=0.05)
