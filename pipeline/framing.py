"""Pictures as the models take them: square, and on a ground.

Owns how a picture is trimmed, made square and laid on a plain colour. Knows no model. Light: Pillow, numpy and
scikit-image.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageOps
from skimage.restoration import denoise_tv_chambolle

MARGIN = 0.06  # of the square's side, left free around a cut-out drawing; stickers are drawn with about as much
SEEN = 8  # alpha from which a pixel belongs to the drawing
# Plain grounds for a transparent picture: white first, then tones that no drawing fills with.
GROUNDS = ((255, 255, 255), (176, 214, 232), (244, 214, 160), (120, 120, 128))
BORDER_SPREAD = 14.0  # levels of 255, standard deviation along the border from which a ground is no plain one
BADGE_EXPONENT = 4.0  # of the superellipse |x|^n + |y|^n = 1: 2 is a circle, 10 nearly a square
BADGE_SIDE = 0.92  # of the square's side
POSES = ((0, False), (10, False), (0, True), (-10, True))  # degrees to the left, mirrored: of variants, in turn
CLEARANCE = 60.0  # Euclidean distance in RGB (0..441) below which a drawing's edge melts into the ground


def has_ground(picture: Image.Image) -> bool:
    """Whether the picture fills its frame: less than one pixel in a hundred is transparent."""
    alpha = np.asarray(picture.convert("RGBA").getchannel("A"))
    return bool((alpha < 128).mean() < 0.01)


def trimmed(picture: Image.Image) -> Image.Image:
    """The drawing without the empty space around it. A picture that fills its frame comes back whole."""
    rgba = picture.convert("RGBA")
    box = rgba.getchannel("A").point(lambda alpha: 255 if alpha >= SEEN else 0).getbbox()
    return rgba.crop(box) if box else rgba


def squared(picture: Image.Image) -> Image.Image:
    """A square RGBA picture: a drawing trimmed and given an even margin, a photo cropped to its middle."""
    rgba = picture.convert("RGBA")
    if has_ground(rgba):
        side = min(rgba.size)
        left, top = (rgba.width - side) // 2, (rgba.height - side) // 2
        return rgba.crop((left, top, left + side, top + side))
    drawing = trimmed(rgba)
    side = round(max(drawing.size) / (1 - 2 * MARGIN))
    square = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    square.paste(drawing, ((side - drawing.width) // 2, (side - drawing.height) // 2))
    return square


def ground_for(picture: Image.Image) -> tuple[int, int, int]:
    """The first of ``GROUNDS`` that the drawing's rim stands out from; the clearest where none does well."""
    rgba = np.asarray(picture.convert("RGBA").resize((64, 64), Image.Resampling.BOX)).astype(np.float32)
    solid = rgba[..., 3] > 200
    inner = solid.copy()
    inner[1:-1, 1:-1] &= solid[:-2, 1:-1] & solid[2:, 1:-1] & solid[1:-1, :-2] & solid[1:-1, 2:]
    rim = rgba[solid & ~inner][:, :3] if (solid & ~inner).any() else rgba[solid][:, :3]
    if not len(rim):
        return GROUNDS[0]
    # The tenth part of the rim that is nearest to the ground decides: one melting side spoils a cut-out.
    clearances = [float(np.quantile(np.linalg.norm(rim - np.array(ground), axis=1), 0.1)) for ground in GROUNDS]
    for ground, clearance in zip(GROUNDS, clearances, strict=True):
        if clearance >= CLEARANCE:
            return ground
    return GROUNDS[int(np.argmax(clearances))]


def has_busy_ground(picture: Image.Image) -> bool:
    """Whether a picture fills its frame with more than one colour along the border, as photographs do."""
    if not has_ground(picture):
        return False
    rgb = np.asarray(picture.convert("RGB").resize((32, 32), Image.Resampling.BOX)).astype(np.float32)
    border = np.concatenate([rgb[0], rgb[-1], rgb[1:-1, 0], rgb[1:-1, -1]])
    return bool(border.std(axis=0).max() > BORDER_SPREAD)


def badged(picture: Image.Image) -> Image.Image:
    """The middle of a square picture as a badge: inside a superellipse (Lamé 1818), transparent outside.

    What fills its frame has no outline of its own to cut along; this gives it one. Returns RGBA of the same size.
    """
    rgba = squared(picture)
    scale = 4  # drawn larger and shrunk, for a smooth rim
    along = (np.arange(rgba.width * scale) + 0.5) / (rgba.width * scale) * 2 - 1
    reach = np.abs(along / BADGE_SIDE) ** BADGE_EXPONENT
    inside = (reach[:, None] + reach[None, :] <= 1).astype(np.uint8) * 255
    mask = Image.fromarray(inside).resize(rgba.size, Image.Resampling.BOX)
    rgba.putalpha(mask)
    return rgba


def posed(picture: Image.Image, variant: int) -> Image.Image:
    """A drawing (RGBA) as its variants have it: the first as it is, the next ones tilted, mirrored, or both.

    Where little is changed besides, another seed alone gives a picture that nobody can tell from the first.
    """
    degrees, mirrored = POSES[variant % len(POSES)]
    turned = ImageOps.mirror(picture) if mirrored else picture
    return turned.rotate(degrees, Image.Resampling.BICUBIC, expand=True) if degrees else turned


def flattened(picture: Image.Image, weight: float) -> Image.Image:
    """A photo with its texture smoothed away and its edges kept, so that it is nearer to a drawing.

    Total-variation denoising (Chambolle 2004). A model that has seen drawings only takes fur for lines.

    Args:
        picture: RGB.
        weight: 0 = unchanged; 0.2 leaves patches of one tone.
    """
    if weight == 0:
        return picture
    smooth = denoise_tv_chambolle(np.asarray(picture) / 255, weight=weight, channel_axis=-1, max_num_iter=100)
    return Image.fromarray(np.rint(np.clip(smooth, 0, 1) * 255).astype(np.uint8))


def on_ground(picture: Image.Image, size_px: int, ground: tuple[int, int, int] | None = None) -> Image.Image:
    """The picture squared, ``size_px`` wide, RGB, on ``ground`` (chosen by ``ground_for`` where None)."""
    square = squared(picture).resize((size_px, size_px), Image.Resampling.LANCZOS)
    plain = Image.new("RGBA", square.size, (*(ground or ground_for(square)), 255))
    plain.alpha_composite(square)
    return plain.convert("RGB")
