"""The die-cut outline: constant width, soft edge, nothing clipped."""

from __future__ import annotations

import numpy as np
import pytest

from segmentation.outline import add_outline, margin_px, parse_colour


def red_disc(radius_px: float, side_px: int) -> np.ndarray:
    y, x = np.mgrid[:side_px, :side_px] - (side_px - 1) / 2
    alpha = np.clip(radius_px + 0.5 - np.hypot(y, x), 0, 1)
    red = np.zeros((side_px, side_px, 4), dtype=np.float32)
    red[..., 0], red[..., 3] = 1, alpha
    return red


@pytest.mark.parametrize("radius_px", [20.0, 20.3, 20.8])
@pytest.mark.parametrize("width_px", [1, 4, 9])
def test_the_outline_of_a_disc_is_a_disc(radius_px: float, width_px: int) -> None:
    """Its radius is r + width within 0.3 px by area, and in every direction within 0.6 px."""
    outlined = add_outline(red_disc(radius_px, 44), width_px, "#ffffff")
    alpha = outlined[..., 3]
    assert np.sqrt(alpha.sum() / np.pi) == pytest.approx(radius_px + width_px, abs=0.3)
    y, x = np.mgrid[: alpha.shape[0], : alpha.shape[1]] - (alpha.shape[0] - 1) / 2
    exact = np.clip(radius_px + width_px + 0.5 - np.hypot(y, x), 0, 1)
    assert np.abs(alpha - exact).max() < 0.6


def test_the_canvas_grows_so_that_nothing_is_clipped() -> None:
    square = np.ones((10, 12, 4), dtype=np.float32)
    outlined = add_outline(square, 5, "#00ff00")
    assert outlined.shape == (10 + 2 * margin_px(5), 12 + 2 * margin_px(5), 4)
    border = np.concatenate([outlined[0], outlined[-1], outlined[:, 0], outlined[:, -1]])
    assert not border[:, 3].any()
    assert outlined[1, 10, 3] == 1


def test_the_ring_has_the_colour_and_the_inside_keeps_its_own() -> None:
    outlined = add_outline(red_disc(15, 40), 6, "#0080ff")
    centre = outlined.shape[0] // 2
    np.testing.assert_allclose(outlined[centre, centre], [1, 0, 0, 1])
    np.testing.assert_allclose(outlined[centre, centre - 18], [0, 128 / 255, 1, 1])


def test_between_thing_and_ring_there_is_no_gap() -> None:
    outlined = add_outline(red_disc(15.5, 40), 6, "#ffffff")
    centre = outlined.shape[0] // 2
    assert outlined[centre, centre - 20 : centre, 3].min() == 1


def test_no_width_changes_nothing() -> None:
    disc = red_disc(5, 20)
    assert add_outline(disc, 0, "#ffffff") is disc


def test_an_empty_picture_gets_no_outline() -> None:
    assert not add_outline(np.zeros((9, 9, 4), dtype=np.float32), 3, "#ffffff")[..., 3].any()


def test_colours_by_hand() -> None:
    np.testing.assert_allclose(parse_colour("#ff8000"), [1, 128 / 255, 0])


@pytest.mark.parametrize("colour", ["white", "#fff", "#gggggg", "ffffff", "#ffffff\n"])
def test_what_is_no_colour_is_refused(colour: str) -> None:
    with pytest.raises(ValueError, match="#rrggbb"):
        add_outline(red_disc(5, 20), 2, colour)


def test_a_negative_width_is_refused() -> None:
    with pytest.raises(ValueError, match="-1"):
        add_outline(red_disc(5, 20), -1, "#ffffff")
