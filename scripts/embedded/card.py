"""The card of the embedded models: written from the figures of the run that made them, never by hand."""

from __future__ import annotations

from pathlib import Path

from scripts.embedded.art import HELD_OUT_SET, TRAINING_SETS, ArtSet
from scripts.embedded.pictures import HELD_OUT_PHOTOGRAPHS, PHOTOGRAPHS

ROLES = {
    "vae": ("`vae/`", "AutoencoderKL, 128 px pictures to 16 x 16 latents of 8 channels"),
    "unet": ("`unet/`, `controlnet/`, `text_encoder/`", "UNet, ControlNet and CLIP text encoder, v-prediction"),
    "blip": ("`caption/`", "BLIP: a picture in, the name of the thing out"),
    "segformer": ("`segmentation/`", "SegFormer: sticker or ground, for every pixel"),
}
MEANING = {
    "samples": "pictures seen in training",
    "psnr_db": "PSNR in dB of held-out drawings at 128 px",
    "named_learned_names": "share of held-out drawings named, of things learned in other styles",
    "named_new_names": "share of held-out drawings named, of things never seen",
    "iou_plain": "IoU of masks on plain grounds",
    "iou_gradient": "IoU of masks on gradients",
    "iou_texture": "IoU of masks on textures",
    "iou_photograph": "IoU of masks on photographs",
    "loss": "mean loss of the last stretch",
}
TEXT = """# The embedded models

Small models of the real architectures, trained from random initialisation by this project's own recipe
(`python -m scripts.embedded`) on openly licensed emoji art. They are here so that everything runs on a bare laptop
without a download. They draw at 128 px and know little of the world beyond emoji: expect the manner, the colours and
the outline of your pack, not its finest lines.

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

One name in twenty was held out in every set. Skin-colour copies and most flags were left out. Photographs behind
drawings: {photographs} of scikit-image (public domain or CC0).

**Never learned from:** {held_out} by {held_out_author} ({held_out_licence}). It is the unseen style by which the
figures below were measured, and the pack of the demo.

## Measured

On {held_out} (not learned from), at the end of the run that made these weights. The losses are those of training.
What flatters the figures: designs were chosen by looking at these very ones, and the two photographs behind which
masks were measured ({held_out_photographs}) still were grounds for the first 28 000 of SegFormer's pictures; a run from
nothing never sees them. These weights come from stretches of training between which the recipe changed: UNet and
ControlNet learned their first 80 000 pictures on the latents of an earlier autoencoder.
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
    "SegFormer, 28 000 pictures of 128 px": "IoU 0.88 plain, 0.81 texture",
    "the same and 68 000 more of 64 to 128 px, with ink and tone": "IoU 0.92 plain, 0.87 texture",
}


def write_card(out: Path, figures: dict[str, dict[str, float]]) -> None:
    """Write ``out/README.md`` from the figures of the run."""
    total = sum(path.stat().st_size for path in out.rglob("*.safetensors"))
    text = TEXT.format(
        total_mb=total / 1e6,
        roles="\n".join(f"| {folder} | {what} |" for folder, what in ROLES.values()),
        sets="\n".join(_row(art) for art in TRAINING_SETS),
        photographs=", ".join(PHOTOGRAPHS),
        held_out=HELD_OUT_SET.style,
        held_out_author=HELD_OUT_SET.author,
        held_out_licence=HELD_OUT_SET.licence,
        held_out_photographs=", ".join(HELD_OUT_PHOTOGRAPHS),
        eyes=_teacher(figures.get("eyes", {})),
        tried="\n".join(f"| {what} | {gave} |" for what, gave in TRIED.items()),
        figures="\n".join(
            f"| {model} | {MEANING[name]} | {_shown(value)} |"
            for model in ROLES
            for name, value in figures.get(model, {}).items()
        ),
    )
    (out / "README.md").write_text(text, encoding="utf-8")


def _teacher(figures: dict[str, float]) -> str:
    """A sentence about the network that taught BLIP to see, and is not shipped."""
    if "top_1" not in figures:
        return ""
    return (
        f"The teacher of BLIP's vision tower, which is not among the files, finds the thing in {figures['top_1']:.0%} "
        f"of {HELD_OUT_SET.style}'s drawings at once, and among its first five in {figures['top_5']:.0%}."
    )


def _row(art: ArtSet) -> str:
    return f"| {art.style} | {art.author} | {art.licence} | `{art.package}` {art.version} |"


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
