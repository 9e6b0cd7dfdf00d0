"""A photograph as patches of few even colours, as somebody with scissors and coloured paper would make it.

A model that has seen drawings only makes mud of a photograph's thousand tones; from patches it begins with what a
drawing is made of. Owns how colours are chosen and how patches get their smooth rims. Knows no model. Light: numpy,
scipy, scikit-image, Pillow.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from scipy.cluster.vq import kmeans2, vq
from skimage.color import lab2rgb, rgb2lab

from pipeline.framing import flattened, trimmed

Array = NDArray[np.float64]

SMOOTHED = 0.07  # weight of the smoothing before: fur goes, eyes stay
LIGHT = (5.0, 97.0)  # of 100, CIE L*: nearer to these come the levels below and above which a hundredth lies
STRETCH = 1.6  # the most that its contrast grows by: a thing of light colours only stays one
VIVID = 1.2  # times its chroma: drawings are more coloured than what they show
BIN = 10.0, 20.0, 20.0  # of L*, a*, b*: tones within one are alike
SAMPLES = 4000  # pixels that the colours are found by
EVEN = 2  # levels of 255 to the next pixel: up to here nothing changes
SHARP = 40  # and from here on it is an edge
SOFT = 0.5  # share of a picture that changes softly: from here on it is a photograph
LOOKED_AT_PX, LEAST_PX = 96, 50  # side at which that is seen, and pixels that must be there
FINE = 2  # patches are cut so many times larger and shrunk, for a smooth rim
ROUND_PX = 2.0  # standard deviation by which their corners are rounded, of the larger picture


def in_patches(picture: Image.Image, tones: int) -> Image.Image:
    """The picture in patches of at most so many even colours, well exposed; rims are blends of two.

    The colours are centres of k-means in CIE L*a*b* (MacQueen 1967; seeded as by Arthur & Vassilvitskii 2007), found
    by pixels of which rare tones give more than their share: an eye counts beside the fur around it.

    Args:
        picture: RGB.
        tones: 1 or more.
    """
    smooth = flattened(exposed(picture), SMOOTHED)
    lab = rgb2lab(np.asarray(smooth) / 255)  # (H, W, 3)
    pixels = lab.reshape(-1, 3)
    of = nearest(pixels, palette(pixels, tones)).reshape(lab.shape[:2])
    return cut(lab, of)


def is_photographic(picture: Image.Image) -> bool:
    """Whether a picture (RGBA) changes softly nearly everywhere, as photographs do.

    A drawing is even, and changes at its edges; its shades, and what JPEG leaves, are soft in less than half of it.
    """
    small = trimmed(picture)
    small.thumbnail((LOOKED_AT_PX, LOOKED_AT_PX), Image.Resampling.BOX)
    rgba = np.asarray(small, dtype=np.int64)
    inner = ndimage.binary_erosion(rgba[..., 3] > 250, iterations=2, border_value=1)
    if inner.sum() < LEAST_PX:
        return False
    calm = ndimage.median_filter(rgba[..., :3], size=(3, 3, 1))
    down = np.abs(np.diff(calm, axis=0, prepend=calm[:1])).max(axis=-1)
    across = np.abs(np.diff(calm, axis=1, prepend=calm[:, :1])).max(axis=-1)
    step = np.maximum(down, across)[inner]
    return bool(((step > EVEN) & (step < SHARP)).mean() > SOFT)


def on_its_mean(picture: Image.Image) -> Image.Image:
    """What is transparent in the mean colour of what is not: RGB."""
    rgba = np.asarray(picture.convert("RGBA"), dtype=np.float64)
    alpha = rgba[..., 3:] / 255
    mean = (rgba[..., :3] * alpha).sum(axis=(0, 1)) / max(alpha.sum(), 1e-6)
    return Image.fromarray((rgba[..., :3] * alpha + mean * (1 - alpha)).round().astype(np.uint8))


def exposed(picture: Image.Image) -> Image.Image:
    """Its light brought nearer to the whole range, and its colours a little stronger."""
    lab = rgb2lab(np.asarray(picture.convert("RGB")) / 255)
    low, high = np.percentile(lab[..., 0], (1, 99))
    reach = max(high - low, min((high - low) * STRETCH, LIGHT[1] - LIGHT[0]))
    middle = np.clip((low + high) / 2, min(LIGHT[0] + reach / 2, 50), max(LIGHT[1] - reach / 2, 50))
    # What lies beyond the two levels, an eye or a moon, keeps its place between them and black or white.
    levels, become = (0, low, high, 100), (0, max(middle - reach / 2, 0), min(middle + reach / 2, 100), 100)
    lab[..., 0] = np.interp(lab[..., 0], levels, become)
    lab[..., 1:] *= VIVID
    return _image(lab)


def palette(pixels: Array, tones: int) -> Array:
    """The centres (at most tones, 3) of pixels (N, 3) in CIE L*a*b*; the same for the same pixels."""
    _, where, count = np.unique(np.floor(pixels / BIN), axis=0, return_inverse=True, return_counts=True)
    weight = 1 / np.sqrt(count[where.ravel()])
    random = np.random.default_rng(0)
    taken = random.choice(len(pixels), SAMPLES, p=weight / weight.sum())
    distinct = np.unique(pixels[taken], axis=0)
    if len(distinct) <= tones:
        return np.asarray(distinct)
    centres, _ = kmeans2(pixels[taken], tones, minit="++", missing="warn", rng=random)
    return np.asarray(centres)


def nearest(pixels: Array, centres: Array) -> NDArray[np.intp]:
    """The number of the centre that each pixel is nearest to. (N, 3), (K, 3) → (N,)."""
    return np.asarray(vq(pixels, centres)[0], dtype=np.intp)


def cut(lab: Array, of: NDArray[np.intp]) -> Image.Image:
    """Every patch in the mean colour of its pixels, its rim smooth.

    Args:
        lab: (H, W, 3), CIE L*a*b*.
        of: (H, W), which patch each pixel belongs to.
    """
    height, width = of.shape
    large = (width * FINE, height * FINE)
    most, drawn = np.full((height * FINE, width * FINE), -1.0, dtype=np.float32), np.zeros((*large[::-1], 3))
    for number in np.unique(of):
        mask = of == number
        cover = np.asarray(Image.fromarray(mask.astype(np.float32)).resize(large, Image.Resampling.BICUBIC))
        cover = ndimage.gaussian_filter(cover, ROUND_PX)
        wins = cover > most
        most[wins] = cover[wins]
        drawn[wins] = lab[mask].mean(axis=0)
    return _image(drawn).resize((width, height), Image.Resampling.BOX)


def _image(lab: Array) -> Image.Image:
    """From CIE L*a*b*; what no screen shows becomes the nearest that one does."""
    bluest = 200 * (lab[..., 0] + 16) / 116  # of b*: there Z of CIE XYZ is 0
    rgb = lab2rgb(np.stack([lab[..., 0], lab[..., 1], np.minimum(lab[..., 2], bluest)], axis=-1))
    return Image.fromarray((np.clip(rgb, 0, 1) * 255).round().astype(np.uint8))
