"""The card of the embedded models: written from the figures of the runs that made them, never by hand."""

from __future__ import annotations

import re
from pathlib import Path

from scripts.embedded import glyphs
from scripts.embedded import photographs as ph
from scripts.embedded.art import HELD_OUT_SET, TRAINING_SETS, ArtSet

ROLES = {
    "vae": ("`vae/`", "AutoencoderKL, 128 px pictures to 16 x 16 latents of 8 channels"),
    "unet": ("`unet/`, `controlnet/`", "UNet and ControlNet, v-prediction"),
    "clip": ("`text_encoder/`", "CLIP, both towers; its text tower conditions the UNet"),
    "blip": ("`caption/`", "BLIP: a picture in, the name of the thing out"),
    "segformer": ("`segmentation/`", "SegFormer: sticker or ground, for every pixel"),
}
MEASURED = ("vae", "unet", "clip", "sight", "blip", "segformer")  # in the order of the card
MEANING = {
    "samples": "pictures seen in training",
    "psnr_db": "PSNR in dB of held-out drawings at 128 px",
    "top_1_learned_names": "share of held-out drawings whose own name is nearest, of things learned in other styles",
    "top_5_learned_names": "among the five nearest, of things learned in other styles",
    "top_1_new_names": "share of held-out drawings whose own name is nearest, of things never seen",
    "top_5_new_names": "among the five nearest, of things never seen",
    "named_learned_names": "share of held-out drawings named, of things learned in other styles",
    "named_new_names": "share of held-out drawings named, of things never seen",
    "iou_plain": "IoU of masks on plain grounds",
    "iou_gradient": "IoU of masks on gradients",
    "iou_texture": "IoU of masks on textures",
    "iou_photograph": "IoU of masks on photographs",
    "loss": "mean loss of the last 20 s",
}
TEXT = """# The embedded models

Small models of the real architectures, trained from random initialisation by this project's own recipe
(`python -m scripts.embedded`) on openly licensed emoji art. They are here so that everything runs on a bare laptop
without a download. They learned at 128 px, draw at 256 px, and know little of the world beyond emoji: expect the
manner, the colours and the outline of your pack, not its finest lines.

The weights are licensed CC BY 4.0; see `LICENSE.md` beside this file. Code: Apache-2.0.

## Files

safetensors in half precision, {total_mb:.1f} MB in all, in the layout of diffusers and transformers.

| folder | what it is |
|---|---|
{roles}

## Learned from

| set | artist | licence | package |
|---|---|---|---|
{sets}

One name in twenty was held out in every set. Skin-colour copies and most flags were left out. The autoencoder, UNet,
ControlNet and SegFormer of today also saw some 600 drawings without a code point, most of them fxemoji's, whose own
names hid that a few show things held out: its `dragonside` is a dragon, its `pray` folded hands. They saw some 30
skin-colour copies, too. The recipe leaves both out now; CLIP, BLIP and the eyes never had the former.
Photographs behind drawings: {photographs} of scikit-image (public domain or CC0);
for SegFormer also {old_photographs} (1865 to 1940, of the
Getty's Open Content Program, out of copyright; packages `{old_package}`) and panoramas of Poly Haven (CC0):
{panoramas} (package `{panorama_package}`), all of them in pieces, tinted and laid over each other, and collages of the
drawings themselves. CLIP's eyes also learned from the glyphs of Google's Noto Emoji font (SIL Open Font License 1.1;
package `{font_package}`), which draws in ink alone.

**Never learned from:** {held_out} by {held_out_author} ({held_out_licence}). It is the unseen style by which the
figures below were measured, and the pack of the demo.

## Measured

On {held_out} (not learned from), at the end of the run that made these weights. The losses are those of training.
What flatters the figures: designs were chosen by looking at these very ones, and the two photographs behind which
masks were measured ({held_out_photographs}) still were grounds for the first 28 000 of SegFormer's pictures; a run from
nothing never sees them. "sight" are CLIP's eyes, taught further. These weights come from
stretches of training between which the recipe changed (the pictures seen are those of all stretches): UNet and
ControlNet learned their first 126 000 pictures on the latents of earlier autoencoders and with a text tower of their
own; SegFormer's first 96 000 pictures and the autoencoder's first 112 000 crops are of the first five sets only. How
the pack's line is drawn, and the strength after it, were chosen on half of the things by which styles are judged.
{eyes}

| model | figure | value |
|---|---|---|
{figures}

## Tried

On a CPU; "names" is the share of {held_out}'s drawings, of things learned in other styles, whose caption says what they
are, "top-1" the share whose thing is found among 1683.

| what | gave |
|---|---|
{tried}
"""
TRIED = {
    "VAE (24, 48, 96, 160), 8 latent channels, 44 000 crops": "20.0 dB",
    "the same, 112 000 crops": "22.5 dB",
    "BLIP at 128 px, patches of 16, from captions alone, 60 000 pictures": "names 0.5 %",
    "BLIP at 64 px, patches of 16, with a head for the caption's words, 300 000 pictures": "names 5 %",
    "BLIP at 48 px, patches of 8, learning from the residual network below, 260 000 pictures": "names 4 %",
    "a vision transformer as a classifier, 64 px, patches of 16, 36 000 pictures (4 min)": "top-1 0.2 %",
    "a residual network as a classifier, 32 px, 190 000 pictures (5 min)": "top-1 16 %",
    "the same with ink and tone as augmentation, 600 000 pictures (22 min)": "top-1 46 %, top-5 67 %",
    "BLIP's tower with the whole picture as one patch, learning from it, 39 000 pictures (3 min)": "top-1 2.4 %",
    "BLIP's tower with patches of 8, learning from it, 260 000 pictures": "top-1 0.7 %",
    "four more art sets, 800 000 pictures of 32 px (35 min)": "top-1 49 %, top-5 72 %",
    "the same, then 200 000 pictures of 48 px (18 min): the eyes of today": "top-1 51 %, top-5 73 %",
    "a hybrid: three blocks of convolutions, then a transformer of 2 layers, 48 px, 26 000 pictures": "top-1 0.1 %",
    "BLIP with those eyes, locked, 160 000 pictures": "names 44 %",
    "the same, of six things that it could say the one that fits in CLIP's eyes": "of 200: 49.5 to 60.5 %",
    "CLIP with those eyes, locked; text tower by contrast alone, 100 000 pictures": (
        "the right emoji of 1923 first: 45 %, among five 72 %"
    ),
    "the same, and names pulled to the eyes' directions of things, 20 000 pictures": "the same: 52 %, 76 %",
    "the same, each picture looked at as it is and smaller, and mirrored": "the same: 54.5 %, 76.5 %",
    "the same, and each emoji known by the mean of its drawings in CLIP's eyes, too (not kept)": (
        "of all 1604: 49.7 to 50.9 %, 73.4 to 75.1 %; of 78 things that nothing taught 5 to 0 %, 15 to 0 %"
    ),
    "the same, then the eyes taught further against CLIP's own words, locked: 320 000 pictures bent, sketched, tinted "
    "and of 40 to 56 px, a font's drawings in ink among them": (
        "of all 1604: 47.6 %, 70.9 %; the mean of the weights before and after 50.4 %, 73.8 %"
    ),
    "the same, 480 000 more: the eyes of CLIP today": (
        "of all 1604: 49.6 to 50.7 %, 73.1 to 73.4 %; looked at once, at 40 / 48 / 56 / 64 px, among five 69, 72, 71, "
        "68 % (45, 71, 44, 56 %); the mean with the weights before 49.5 %, 73.3 % (not kept)"
    ),
    "VAE, 32 000 further crops from the sets of today": "23.0 dB",
    "UNet with CLIP's text tower, more sets, and every drawing paired with an inked one, 38 000 pictures": (
        "of 12 things at strength 0.4 / 0.6 / 0.7 / 0.8 / 0.95: nearer to the truth than untouched, by CLIP's layers, "
        "50, 58, 58, 33, 0 %; style passes by line and colour 0, 8, 50, 83, 33 %; content 92, 92, 75, 75, 75 %"
    ),
    "SegFormer, 28 000 pictures of 128 px": "IoU 0.88 plain, 0.81 texture",
    "the same and 68 000 more of 64 to 128 px, with ink and tone": "IoU 0.92 plain, 0.87 texture, 0.72 photograph",
    "36 000 pictures at the recipe's rate, photographs mirrored, tinted and mixed; by mistake from nothing": (
        "IoU 0.89 plain, 0.89 texture, 0.63 photograph: thrown away"
    ),
    "the 96 000 and 90 000 more at a rate of 3e-4": "IoU 0.93 plain, 0.91 texture, 0.72 photograph",
    "31 000 more, most brought to 192 px, where the masks come at 96 px; collages of drawings as grounds, too": (
        "IoU 0.94 plain, 0.95 gradient, 0.93 texture, 0.80 photograph"
    ),
    "the same weights, asked at 256 px": "IoU 0.95 plain, 0.97 gradient, 0.94 texture, 0.79 photograph",
    "32 000 more at 4e-4, with nine more photographs, all in pieces, tinted and laid over each other": (
        "IoU 0.95 plain, 0.97 gradient, 0.95 texture, 0.80 photograph"
    ),
    "56 000 more at 6e-4, without dropout and stochastic depth, pieces of eighteen panoramas, all grounds turned": (
        "IoU 0.96 plain, 0.98 gradient, 0.96 texture, 0.87 photograph (before, 0.90 on photographs that it had learned "
        "from, 0.83 on others: it lacked photographs)"
    ),
    "a U-Net of nearly as many weights for the masks, from nothing, 28 512 pictures (not shipped; "
    "by `stickers evaluate`)": (
        "IoU 0.94 plain, 0.91 texture, 0.60 photograph; the SegFormer before the 31 000 there 0.94, 0.83, 0.72"
    ),
    "the same U-Net from nothing, 16 000 pictures with the SegFormer's scenes of today (not shipped)": (
        "IoU 0.93 plain, 0.93 gradient, 0.90 texture, 0.81 photograph; asked at 192 px instead of 128 worse, 0.74 there"
    ),
    "no model, the pack's line alone on the picture (30 things)": (
        "style passes by line and colour 100 %, by CLIP's layers 100 %; content 80 % (untouched 70 %); nearer 37 %"
    ),
    "the line, then DreamBooth at strength 0.15 / 0.25 / 0.35 / 0.75 (the same)": (
        "style by line and colour 97, 93, 90, 87 %, by CLIP's layers 97, 93, 93, 93 %; content 83, 77, 77, 70 %; "
        "nearer 33, 40, 33, 13 %"
    ),
    "the line, then DreamBooth at strength 0.2, drawn at 256 px; in brackets at the 128 px of learning (60)": (
        "style by line and colour 98 % (93), by CLIP's layers 97 % (95); content 72 % (68; untouched 72, 70); nearer "
        "30 % (35); by eye far better: eyes, teeth and crumbs survive"
    ),
    "the pack's main colours laid over the picture's nearest ones, before the line; no model (60 things; not kept)": (
        "nearer 32 to 38 % (the line alone 40 %), content 70 to 73 % (77 %); both stretched into the truth's frame, "
        "nearer 42 to 47 % (the line alone 43 %); without the line nearer 58 %, style by line and colour 3 %"
    ),
    "the untouched picture stretched into the truth's frame, its style unchanged (60 things)": (
        "nearer to the truth by CLIP's layers 72 %: this distance is of places more than of style"
    ),
    "the untouched picture with 90 / 80 / 60 % of its colour, its style unchanged (60 things)": (
        "nearer to the truth by CLIP's layers 88, 87, 83 %: the share counts the smallest gain"
    ),
    "learning a pack of 24 in bf16, attention in plain products, AdamW fused (2 cores that multiply bf16)": (
        "a step in 0.28 to 0.38 s instead of 0.47 to 0.56 s; the demo's drawings look the same"
    ),
    "photographs in fourteen even colours with lines along a smoothed copy's edges, instead of smoothed": (
        "by eye far better: eyes, nose and shapes survive; drawn at 384 px instead of 256, no better, 2.3 times as long"
    ),
}


def write_card(out: Path, figures: dict[str, dict[str, float]]) -> None:
    """Write ``out/README.md`` from the figures of the run."""
    total = sum(path.stat().st_size for path in out.rglob("*.safetensors"))
    text = TEXT.format(
        total_mb=total / 1e6,
        roles="\n".join(f"| {folder} | {what} |" for folder, what in ROLES.values()),
        sets="\n".join(_row(art) for art in TRAINING_SETS),
        photographs=", ".join(ph.PHOTOGRAPHS),
        old_photographs=", ".join(ph.OLD_PHOTOGRAPHS),
        old_package=ph.OLD_PACKAGE.format("…"),
        panoramas=", ".join(ph.PANORAMAS),
        panorama_package=f"{ph.PANORAMA_PACKAGE} {ph.PANORAMA_VERSION}",
        font_package=f"{glyphs.PACKAGE} {glyphs.VERSION}",
        held_out=HELD_OUT_SET.style,
        held_out_author=HELD_OUT_SET.author,
        held_out_licence=HELD_OUT_SET.licence,
        held_out_photographs=", ".join(ph.HELD_OUT_PHOTOGRAPHS),
        eyes=_teacher(figures.get("eyes", {})),
        tried="\n".join(f"| {what} | {gave} |" for what, gave in TRIED.items()),
        figures="\n".join(
            f"| {model} | {MEANING[name]} | {_shown(value)} |"
            for model in MEASURED
            for name, value in figures.get(model, {}).items()
            if not (model == "clip" and name.startswith("top_") and "sight" in figures)  # of eyes that it has no more
        ),
    )
    (out / "README.md").write_text(text, encoding="utf-8")


def figures_on(card: Path) -> dict[str, dict[str, float]]:
    """The figures that a card tells, so that models which are not trained anew keep theirs; none without a card."""
    names = {meaning: name for name, meaning in MEANING.items()}
    found: dict[str, dict[str, float]] = {}
    text = card.read_text(encoding="utf-8") if card.is_file() else ""
    for model, meaning, value in re.findall(r"^\| (\w+) \| (.+?) \| ([\d.,]+) \|$", text, flags=re.MULTILINE):
        if meaning in names:
            found.setdefault(model, {})[names[meaning]] = float(value.replace(",", ""))
    eyes = re.search(r"find the thing in (\d+)% .*among the first five in (\d+)%", text)
    if eyes:
        found["eyes"] = {"top_1": int(eyes[1]) / 100, "top_5": int(eyes[2]) / 100}
    return found


def _teacher(figures: dict[str, float]) -> str:
    """A sentence about the network that CLIP and BLIP see with."""
    if "top_1" not in figures:
        return ""
    return (
        "The eyes of BLIP, which CLIP's began as, as a classifier of 1683 things, find the thing in "
        f"{figures['top_1']:.0%} of {HELD_OUT_SET.style}'s drawings at once, and among the first five in "
        f"{figures['top_5']:.0%}."
    )


def _row(art: ArtSet) -> str:
    return f"| {art.style} | {art.author} | {art.licence} | `{art.package}` {art.version} |"


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
