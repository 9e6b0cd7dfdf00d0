"""The photographs behind drawings: which teach, which are held out, and how one becomes many."""

from __future__ import annotations

import base64
import json
from io import BytesIO
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image

from scripts.embedded import photographs as P


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def exr(light: np.ndarray) -> bytes:
    """(H, W, 3) as an OpenEXR picture of half floats."""
    height, width, _ = light.shape
    frame = av.VideoFrame(width, height, "gbrpf32le")
    for plane, channel in zip(frame.planes, (1, 2, 0), strict=True):
        rows = np.zeros((height, plane.line_size // 4), dtype="<f4")
        rows[:, :width] = light[..., channel]
        plane.update(rows.tobytes())
    written = BytesIO()
    with av.open(written, "w", format="image2pipe") as container:
        stream = container.add_stream("exr", rate=1, options={"format": "half"})
        stream.width, stream.height, stream.pix_fmt = width, height, "gbrpf32le"
        for packet in [*stream.encode(frame), *stream.encode()]:
            container.mux(packet)
    return written.getvalue()


def art_with_panoramas(folder: Path) -> Path:
    """Where npm would have put them: a dark half and, behind a sun that no screen shows, a light one."""
    light = np.full((32, 64, 3), 0.1, dtype=np.float32)
    light[:, 32:] = 0.8
    light[0, 63] = 5000
    place = folder / "node_modules" / P.PANORAMA_PACKAGE
    (place / "hdri").mkdir(parents=True)
    (place / "package.json").write_text(json.dumps({"version": P.PANORAMA_VERSION}), encoding="utf-8")
    text = f'export default "data:image/x-exr;base64,{base64.b64encode(exr(light)).decode()}"'
    for name in P.PANORAMAS:
        (place / "hdri" / f"{name}.exr.js").write_text(text, encoding="utf-8")
    return folder


def art_with_photographs(folder: Path) -> Path:
    """Where npm would have put them; the old ones are wide pictures, each of its own grey."""
    for number, name in enumerate(P.OLD_PHOTOGRAPHS):
        place = folder / "node_modules" / P.OLD_PACKAGE.format(name)
        (place / "data").mkdir(parents=True)
        (place / "package.json").write_text(json.dumps({"version": P.OLD_VERSION}), encoding="utf-8")
        Image.new("RGB", (96, 64), (20 * number,) * 3).save(place / "data" / "image.jpg")
    return art_with_panoramas(folder)


def test_the_photographs_of_the_figures_are_none_of_the_grounds() -> None:
    assert not {*P.PHOTOGRAPHS, *P.OLD_PHOTOGRAPHS} & set(P.HELD_OUT_PHOTOGRAPHS)
    taught, held_out = P.photographs(), P.photographs(P.HELD_OUT_PHOTOGRAPHS, side_px=64)
    assert taught.shape == (len(P.PHOTOGRAPHS), 3, P.SIDE_PX, P.SIDE_PX)
    assert held_out.shape == (len(P.HELD_OUT_PHOTOGRAPHS), 3, 64, 64)
    nearest = torch.cdist(held_out.flatten(1), P.photographs(side_px=64).flatten(1)).min()
    assert nearest > 10  # 0 would be the same picture


def test_every_photograph_that_teaches_gives_several_pieces(tmp_path: Path) -> None:
    pieces = P.pieces(art_with_photographs(tmp_path), side_px=32)
    assert len(pieces) >= 5 * (len(P.PHOTOGRAPHS) + len(P.OLD_PHOTOGRAPHS)) + P.PIECES_AROUND * len(P.PANORAMAS)
    assert pieces.shape[1:] == (3, 32, 32)
    assert pieces.min() >= 0
    assert pieces.max() <= 1
    greys = {round(float(piece.mean() * 255)) for piece in pieces if piece.std() < 0.004}
    assert greys >= {20 * number for number in range(len(P.OLD_PHOTOGRAPHS))}  # none is left out


def test_a_panorama_is_exposed_for_what_is_light_in_it_and_its_sun_is_white(tmp_path: Path) -> None:
    picture = P.panorama(P.PANORAMAS[0], art_with_panoramas(tmp_path))
    assert picture.shape == (1, 3, 32, 64)
    assert picture[0, :, 16, 40].tolist() == pytest.approx([0.8 ** (1 / P.GAMMA)] * 3, abs=0.01)
    assert picture[0, :, 16, 8].tolist() == pytest.approx([0.1 ** (1 / P.GAMMA)] * 3, abs=0.01)
    assert picture[0, :, 0, 63].tolist() == [1, 1, 1]


def test_colours_of_a_panorama_come_in_their_order() -> None:
    light = np.zeros((4, 8, 3), dtype=np.float32)
    light[...] = (0.25, 0.5, 2.0)
    assert P.linear_light(exr(light))[2, 3].tolist() == [0.25, 0.5, 2.0]


def test_squares_of_a_panorama_go_all_around_and_leave_the_poles_out() -> None:
    picture = torch.arange(100.0)[:, None].expand(1, 1, 100, 200) + torch.arange(200.0) * 1000
    found = P.around(picture)
    assert [one.shape[-2:] for one in found] == [(65, 65)] * P.PIECES_AROUND
    columns = [int(one[0, 0, 0, 0]) // 1000 for one in found]
    assert columns[0] == 0
    assert columns[-1] == 200 - 65
    assert {int(one[0, 0, 0, 0]) % 1000 for one in found} == {20}


def test_a_package_without_a_picture_is_told(tmp_path: Path) -> None:
    module = art_with_panoramas(tmp_path) / "node_modules" / P.PANORAMA_PACKAGE / "hdri" / f"{P.PANORAMAS[0]}.exr.js"
    module.write_text("export default 1", encoding="utf-8")
    with pytest.raises(ValueError, match="holds no picture; delete the package"):
        P.panorama(P.PANORAMAS[0], tmp_path)


def test_squares_reach_both_ends_and_come_from_near_and_afar() -> None:
    wide = torch.arange(60.0).expand(1, 3, 40, 60)
    found = P.squares(wide)
    assert {one.shape[-1] for one in found} == {40, 20}
    assert min(float(one.min()) for one in found) == 0
    assert max(float(one.max()) for one in found) == 59
    assert all(one.shape[-2] == one.shape[-1] for one in found)


def test_a_tint_changes_colours_and_keeps_what_is_dark_and_light() -> None:
    picture = torch.linspace(0, 1, 24).expand(40, 3, 24, 24)
    tinted = P.tinted(picture, generator(), share=1.0)
    assert tinted.min() >= 0
    assert tinted.max() <= 1
    spread = (tinted.amax(dim=1) - tinted.amin(dim=1)).amax(dim=(1, 2))
    assert (spread > 0.1).float().mean() > 0.6  # grey became coloured
    same = P.tinted(picture, generator(), share=0.0)
    assert torch.equal(same, picture)


def test_a_blend_keeps_one_side_and_takes_the_other_from_another_picture() -> None:
    pictures = torch.stack([torch.zeros(3, 32, 32), torch.ones(3, 32, 32)]).repeat(8, 1, 1, 1)
    blended = P.blended(pictures, generator(), share=1.0)
    both = [(one.min() < 0.1) and (one.max() > 0.9) for one in blended]
    assert sum(map(bool, both)) > 8
    assert torch.equal(P.blended(pictures, generator(), share=0.0), pictures)
