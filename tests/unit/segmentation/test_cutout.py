"""The stage, with a tiny SegFormer: random where weights do not matter, hand-set where they do."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from transformers import SegformerConfig, SegformerForSemanticSegmentation, SegformerImageProcessorPil

from segmentation.cutout import Cutout, CutoutConfig, CutoutInputs, CutoutStopped, cut_out, probability

CONFIG = CutoutConfig(side_px=96, batch_size=2)


def network(seed: int = 0, *, labels: int = 2) -> SegformerForSemanticSegmentation:
    torch.manual_seed(seed)
    config = SegformerConfig(
        depths=[1, 1, 1, 1],
        hidden_sizes=[8, 8, 8, 8],
        num_attention_heads=[1, 1, 1, 1],
        decoder_hidden_size=8,
        num_labels=labels,
    )
    return SegformerForSemanticSegmentation(config)


def constant(logit: float) -> SegformerForSemanticSegmentation:
    """A network that gives class 1 the same logit everywhere."""
    model = network()
    head = model.decode_head.classifier
    with torch.no_grad():
        head.weight.zero_()
        head.bias.copy_(torch.tensor([0.0, logit]))
    return model


class FindsDark(SegformerForSemanticSegmentation):
    """The real interface over a rule: what is darker than the ground is the sticker."""

    def forward(self, pixel_values: torch.Tensor, **kwargs: object):
        output = super().forward(pixel_values)
        dark = torch.nn.functional.avg_pool2d(-pixel_values.mean(dim=1, keepdim=True), 4) * 8  # (B, 1, h/4, w/4)
        output.logits = torch.cat([-dark, dark], dim=1)
        return output


def finder() -> FindsDark:
    return FindsDark(network().config)


def processor() -> SegformerImageProcessorPil:
    return SegformerImageProcessorPil(size={"height": 64, "width": 64})


def thing(size: tuple[int, int] = (80, 60)) -> Image.Image:
    image = Image.new("RGB", size, "#ffffff")
    ImageDraw.Draw(image).ellipse([size[0] // 4, 10, 3 * size[0] // 4, size[1] - 10], fill="#301060")
    return image


class Steps(list[tuple[int, int]]):
    def __call__(self, done: int, total: int, preview: Image.Image | None = None) -> None:
        assert preview is not None
        self.append((done, total))


def run(
    pictures: list[tuple[str, Image.Image]],
    model: SegformerForSemanticSegmentation,
    config: CutoutConfig = CONFIG,
    steps: Steps | None = None,
) -> list[Cutout]:
    inputs = CutoutInputs(pictures=pictures, model=model, processor=processor(), device="cpu")
    return cut_out(inputs, config, report=steps if steps is not None else Steps(), should_stop=lambda: False)


def pixels(cutout: Cutout) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(cutout.data)).convert("RGBA"))


def test_probabilities_come_at_each_pictures_own_size() -> None:
    images = [thing((80, 60)), thing((33, 97)), Image.new("RGB", (1, 1))]
    maps = probability(images, network(), processor(), "cpu", 2)
    assert [p.shape for p in maps] == [(60, 80), (97, 33), (1, 1)]
    assert all(p.min() >= 0 and p.max() <= 1 for p in maps)


def test_probability_is_the_softmax_of_class_one() -> None:
    """Logits 0 and 1.5 give 1 / (1 + exp(-1.5))."""
    (p,) = probability([thing()], constant(1.5), processor(), "cpu", 1)
    np.testing.assert_allclose(p, 1 / (1 + np.exp(-1.5)), rtol=1e-5)


def test_the_batch_size_changes_nothing() -> None:
    images = [thing(), thing((40, 90)), Image.new("RGB", (20, 20), "#228844")]
    model = network()
    for one, many in zip(
        probability(images, model, processor(), "cpu", 1),
        probability(images, model, processor(), "cpu", 3),
        strict=True,
    ):
        np.testing.assert_allclose(one, many, atol=1e-5)


def test_the_thing_is_cut_out_of_its_ground() -> None:
    """Dark ellipse on white: mask by ellipse area, transparent corners, no white left at the edge."""
    (cutout,) = run([("cat", thing())], finder())
    assert not cutout.empty
    assert cutout.mask.shape == (60, 80)
    assert cutout.mask.dtype == np.uint8
    assert cutout.mask.sum() / 255 == pytest.approx(np.pi / 4 * 41 * 41, rel=0.04)
    image = pixels(cutout)
    assert image[0, 0, 3] == 0
    seen = image[image[..., 3] > 8][:, :3].astype(int)
    assert (seen - [0x30, 0x10, 0x60]).max() <= 8
    assert np.abs(seen - [0x30, 0x10, 0x60]).mean() < 3


@pytest.mark.parametrize("outline_px", [0, 5])
def test_one_side_is_exact_with_and_without_outline(outline_px: int) -> None:
    (cutout,) = run([("cat", thing((120, 60)))], finder(), replace(CONFIG, outline_px=outline_px))
    assert max(cutout.width_px, cutout.height_px) == 96
    assert pixels(cutout).shape[:2] == (cutout.height_px, cutout.width_px)


def test_the_outline_has_its_colour() -> None:
    (cutout,) = run([("cat", thing())], finder(), replace(CONFIG, outline_px=6, outline_colour="#00ff00"))
    middle = pixels(cutout)[cutout.height_px // 2]
    assert middle[3].tolist() == [0, 255, 0, 255]


def test_where_nothing_is_found_the_whole_picture_is_kept_and_said_so() -> None:
    (cutout,) = run([("fog", thing())], constant(-9), replace(CONFIG, outline_px=4))
    assert cutout.empty
    assert not cutout.mask.any()
    assert (cutout.width_px, cutout.height_px) == (96, 72)
    assert pixels(cutout)[..., 3].min() == 255


def test_a_picture_with_a_transparent_ground_brings_its_own_mask() -> None:
    """The network would find nothing; the alpha is used all the same, see-through parts included."""
    image = Image.new("RGBA", (64, 64))
    ImageDraw.Draw(image).rectangle([10, 20, 49, 39], fill=(200, 30, 40, 255))
    ImageDraw.Draw(image).rectangle([30, 20, 49, 39], fill=(0, 0, 255, 100))
    (cutout,) = run([("own", image)], constant(-9))
    assert not cutout.empty
    np.testing.assert_array_equal(cutout.mask, np.asarray(image.getchannel("A")))
    assert (cutout.width_px, cutout.height_px) == (96, 48)
    assert pixels(cutout)[24, 20].tolist() == [200, 30, 40, 255]
    assert pixels(cutout)[24, 75].tolist() == [0, 0, 255, 100]


def test_a_little_transparency_is_no_mask() -> None:
    """Rounded corners, under 1 % of the pixels: the network is asked."""
    image = thing((64, 64)).convert("RGBA")
    image.putpixel((0, 0), (0, 0, 0, 0))
    (cutout,) = run([("corners", image)], finder())
    assert not cutout.empty
    assert cutout.mask[0, 0] == 0
    assert cutout.mask[5, 32] == 0


def test_a_fully_transparent_picture_does_not_crash() -> None:
    (cutout,) = run([("void", Image.new("RGBA", (30, 20)))], finder())
    assert cutout.empty


@pytest.mark.parametrize("mode", ["L", "P", "LA", "CMYK", "1"])
def test_other_modes_are_taken(mode: str) -> None:
    (cutout,) = run([("odd", thing().convert(mode))], finder())
    assert not cutout.empty


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (2500, 7)])
def test_extreme_shapes_do_not_crash(size: tuple[int, int]) -> None:
    (cutout,) = run([("thin", Image.new("RGB", size, "#102030"))], constant(9))
    assert max(cutout.width_px, cutout.height_px) == 96
    assert cutout.mask.shape == (size[1], size[0])


def test_names_order_and_progress() -> None:
    steps = Steps()
    cutouts = run([(name, thing()) for name in "abcde"], network(), steps=steps)
    assert [cutout.name for cutout in cutouts] == list("abcde")
    assert steps == [(k, 5) for k in range(1, 6)]


def test_no_pictures_give_no_cutouts() -> None:
    assert run([], network()) == []


def test_the_same_inputs_give_the_same_bytes() -> None:
    first, second = (run([("cat", thing())], finder())[0] for _ in range(2))
    assert first.data == second.data
    np.testing.assert_array_equal(first.mask, second.mask)


def test_it_stops_when_asked() -> None:
    """Asked to stop after the first sticker, it raises and does not go on."""
    steps = Steps()
    inputs = CutoutInputs(
        pictures=[(name, thing()) for name in "abc"], model=network(), processor=processor(), device="cpu"
    )
    with pytest.raises(CutoutStopped):
        cut_out(inputs, CONFIG, report=steps, should_stop=lambda: len(steps) == 1)
    assert steps == [(1, 3)]


def test_a_network_of_other_classes_is_refused() -> None:
    with pytest.raises(ValueError, match="3 classes"):
        run([("cat", thing())], network(labels=3))


@pytest.mark.parametrize(
    ("change", "words"),
    [({"outline_px": 60}, "no room"), ({"batch_size": 0}, "batch_size 0"), ({"threshold": 2.0}, "2.0")],
)
def test_settings_out_of_range_are_refused(change: dict[str, float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        run([("cat", thing())], finder(), replace(CONFIG, **change))
