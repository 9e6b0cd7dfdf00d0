"""The pack's line: told from drawings whose line is known, and drawn where it belongs."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy import ndimage

from pipeline.domain import Picture
from pipeline.generate import GenerateConfig, starting_picture
from pipeline.line import Line, lifted, line_of, with_line

INK = (40, 20, 10)
CONFIG = {
    "scheduler": "ddim", "steps": 2, "strength": 0.5, "guidance": 1.0, "structure_scale": 1.0, "template": "{token}",
    "token": "sks", "negative": "", "seed": 0, "size_px": 128,
}  # fmt: skip


def drawing(fill, line_px=0, colour=INK, side_px=256, kind="ellipse"):
    """A shape on nothing; ``line_px`` of ``side_px``."""
    picture = Image.new("RGBA", (side_px, side_px))
    box = (20, 40, side_px - 20, side_px - 40)
    getattr(ImageDraw.Draw(picture), kind)(box, fill=fill, outline=colour if line_px else None, width=line_px or 1)
    return picture


FILLS = [(250, 200, 60), (90, 190, 240), (230, 90, 90), (200, 240, 200), (240, 240, 250)]


@pytest.mark.parametrize(("line_px", "colour"), [(8, INK), (14, (0, 0, 0)), (10, (60, 30, 90))])
def test_a_line_is_found_with_its_width_and_colour(line_px, colour):
    found = line_of([drawing(fill, line_px, colour) for fill in FILLS])
    assert found is not None
    assert found.colour == pytest.approx(colour, abs=12)
    assert found.width * 246 == pytest.approx(line_px, abs=3)  # the shape is 216 px long and fills 88 % of the square


@pytest.mark.parametrize("kind", ["ellipse", "rectangle"])
def test_drawings_without_a_line_have_none(kind):
    assert line_of([drawing(fill, kind=kind) for fill in FILLS]) is None


def test_a_light_line_is_none():
    assert line_of([drawing(fill, 8, (255, 255, 255)) for fill in FILLS[:3]]) is None


def test_half_of_the_drawings_decide():
    lined, plain = [drawing(fill, 10) for fill in FILLS], [drawing(fill) for fill in FILLS]
    assert line_of(lined[:4] + plain[:2]) is not None
    assert line_of(lined[:2] + plain[:4]) is None


def test_dark_things_and_photographs_tell_nothing():
    """A black cat has a line or has none: three that can be told from are wanted."""
    cats = [drawing((15, 15, 20), 8, (0, 0, 0)) for _ in range(9)]
    filling = [drawing(fill, 10).convert("RGB").convert("RGBA") for fill in FILLS]
    assert line_of([*cats, *filling, *(drawing(fill, 10) for fill in FILLS[:2])]) is None
    assert line_of([*cats, *filling, *(drawing(fill, 10) for fill in FILLS[:3])]) is not None


def test_a_line_runs_along_the_silhouette_and_leaves_the_middle():
    line = Line(colour=INK, width=0.04)
    before = drawing(FILLS[0])
    after = np.asarray(with_line(before, line)).astype(int)
    depth = ndimage.distance_transform_edt(np.asarray(before.getchannel("A")) > 127)
    around = ndimage.distance_transform_edt(np.asarray(before.getchannel("A")) <= 127)
    on_it = ((depth > 0) & (depth <= 3)) | ((around > 0) & (around <= 3))
    assert np.abs(after[on_it][:, :3] - INK).mean() < 12
    assert after[on_it][:, 3].mean() > 245
    away = (depth > 8) | (around > 8)
    assert np.abs(after[away] - np.asarray(before).astype(int)[away]).max() <= 1


def test_a_line_inside_is_thinner_than_the_one_around():
    picture = drawing(FILLS[0])
    ImageDraw.Draw(picture).rectangle((128, 60, 220, 190), fill=(20, 60, 220))
    after = np.asarray(with_line(picture, Line(colour=(0, 0, 0), width=0.06)).convert("RGB")).astype(int)
    inside = (after[128, 100:150].max(axis=-1) < 40).sum()
    around = (after[128, 5:40].max(axis=-1) < 40).sum() - 5  # of which five or so are nothing yet
    assert 0 < inside < around


def test_a_drawing_begins_with_the_packs_line_and_without_one_as_it_is():
    photo = Picture(name="a", image=drawing(FILLS[1]), sha256="0")
    plain = starting_picture(photo, GenerateConfig(**CONFIG))
    lined = starting_picture(photo, GenerateConfig(**CONFIG, line=Line(colour=INK, width=0.04)))
    dark = [(np.asarray(picture).max(axis=-1) < 60).mean() for picture in (plain, lined)]
    assert dark[0] == 0
    assert dark[1] > 0.05


def test_a_variant_begins_otherwise_from_a_drawing_and_from_a_picture_of_one():
    """Whether its ground is transparent or plain, with a line or without."""
    tall = Image.new("RGBA", (128, 128))
    ImageDraw.Draw(tall).polygon([(30, 10), (60, 10), (60, 90), (110, 90), (110, 118), (30, 118)], fill=FILLS[1])
    plain = Image.new("RGBA", tall.size, "white")
    plain.alpha_composite(tall)
    for image in (tall, plain):
        for line in (None, Line(colour=INK, width=0.04)):
            photo, config = Picture(name="a", image=image, sha256="0"), GenerateConfig(**CONFIG, line=line)
            first, second = (starting_picture(photo, config, variant) for variant in (0, 2))
            assert starting_picture(photo, config) == first
            changed = np.abs(np.asarray(first, dtype=int) - np.asarray(second, dtype=int)).max(axis=-1) > 60
            assert changed.mean() > 0.05


def test_a_photograph_that_is_no_badge_has_no_silhouette_to_draw():
    noise = np.random.default_rng(0).integers(0, 255, (128, 128, 3), dtype=np.uint8)
    photo = Picture(name="a", image=Image.fromarray(noise).convert("RGBA"), sha256="0")
    line = Line(colour=INK, width=0.04)
    assert starting_picture(photo, GenerateConfig(**CONFIG, line=line)) == starting_picture(
        photo, GenerateConfig(**CONFIG)
    )


@pytest.mark.parametrize(
    "raw",
    [{}, {"colour": [0, 0], "width": 0.1}, {"colour": [0, 0, 300], "width": 0.1}, {"colour": [0, 0, 0], "width": 9}],
)
def test_a_card_with_a_strange_line_is_told(raw):
    with pytest.raises((ValueError, KeyError)):
        Line.of(raw)


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (4000, 20)])
@pytest.mark.parametrize("alpha", [0, 110, 255])
def test_a_faint_or_tiny_or_thin_picture_tells_nothing_and_spoils_no_pack(size, alpha):
    odd = Image.new("RGBA", (size[0] + 2, size[1] + 2))
    odd.paste((10, 10, 10, alpha), (1, 1, size[0] + 1, size[1] + 1))
    lined = [drawing(fill, 10) for fill in FILLS]
    assert line_of([odd]) is None
    assert line_of([odd, *lined]) == line_of(lined)
    assert with_line(odd.resize((8, 8)), Line(colour=INK, width=0.01)).size == (8, 8)


def test_a_ring_of_one_pixel_tells_nothing():
    ring = Image.new("RGBA", (512, 512))
    ImageDraw.Draw(ring).ellipse((20, 20, 490, 490), outline=(0, 0, 0))
    assert line_of([ring] * 4) is None


def on_paper(picture, colour=(255, 255, 255)):
    """As a chat sends it: opaque, and through JPEG."""
    paper = Image.new("RGBA", picture.size, (*colour, 255))
    paper.alpha_composite(picture)
    file = BytesIO()
    paper.convert("RGB").save(file, "JPEG", quality=80)
    return Image.open(file).convert("RGBA")


def test_a_pack_of_opaque_pictures_tells_its_line_by_their_plain_ground():
    found = line_of([on_paper(drawing(fill, 10)) for fill in FILLS[:4]])
    whole = line_of([drawing(fill, 10) for fill in FILLS[:4]])
    assert found is not None
    assert found.colour == pytest.approx(whole.colour, abs=15)
    assert found.width == pytest.approx(whole.width, abs=0.012)
    assert line_of([on_paper(drawing(fill)) for fill in FILLS[:4]]) is None
    assert line_of([on_paper(drawing(fill, 10), (0, 0, 0)) for fill in FILLS]) is None  # ink on black: not to be seen


def test_an_opaque_drawing_begins_with_the_packs_line_and_a_busy_photograph_is_not_lifted():
    photo = Picture(name="a", image=on_paper(drawing(FILLS[1])), sha256="0")
    lined = starting_picture(photo, GenerateConfig(**CONFIG, line=Line(colour=INK, width=0.04)))
    assert (np.asarray(lined).max(axis=-1) < 70).mean() > 0.05
    noise = np.random.default_rng(0).integers(0, 255, (128, 128, 3), dtype=np.uint8)
    assert lifted(Image.fromarray(noise)) is None
    assert lifted(Image.new("RGB", (64, 64), "white")) is None
