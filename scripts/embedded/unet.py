"""The embedded UNet and ControlNet, trained together as latent diffusion with v-prediction; the words come from CLIP.

Owns their architecture, the training pairs (a drawing's latents, its structure map, its prompt) and the loss on names
that were held out. Loads torch, diffusers and transformers.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, ControlNetModel, DDPMScheduler, UNet2DConditionModel
from PIL import Image
from torch import Generator, Tensor, nn
from transformers import CLIPTextModel, CLIPTokenizer

from pipeline.structure import structure_map
from scripts.embedded import clip
from scripts.embedded import pictures as P
from scripts.embedded.art import Gallery
from scripts.embedded.clip import CLASS_PROMPT
from scripts.embedded.loop import Schedule, device_here, fit, world
from scripts.embedded.photographs import photographs
from scripts.embedded.words import CLIP_LENGTH
from segmentation import learn
from training.objective import DiffusionObjective, diffusion_objective

SIDE_PX = 128
CHANNELS = (96, 160, 192)
VARIANTS = 3  # renderings of each drawing: ground, size, turn and thickness of the map differ
# The last one with dark lines around: a style of which every set's drawings are pairs, the map taken without the lines.
INK_VARIANT, INK_STYLE = 2, "ink"
CLUTTERED = (
    0.25  # share of maps taken from a drawing on a busy ground, though the drawing to learn stands on a plain one
)
INKED = 0.4  # share of maps taken from a drawing with an outline that the drawing to learn has not: lines tell less
SNR_GAMMA = 5.0
SCHEDULE = Schedule(samples=126_000, batch_size=16, learning_rate=6e-4)
SAVED = {"unet.": "unet", "controlnet.": "controlnet"}  # prefix of the names in the trained module → folder


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """What the diffusion model learns from."""

    latents: Tensor  # (N, 8, 16, 16), scaled to unit variance
    maps: Tensor  # (N, 1, 128, 128) uint8
    names: list[str]
    styles: list[str]


class Diffusion(nn.Module):
    """The modules that are trained together, and the frozen text tower that they listen to."""

    def __init__(self, text_encoder: CLIPTextModel, latent_channels: int) -> None:
        super().__init__()
        self.unet = UNet2DConditionModel(
            sample_size=SIDE_PX // 8,
            in_channels=latent_channels,
            out_channels=latent_channels,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
            block_out_channels=CHANNELS,
            layers_per_block=1,
            cross_attention_dim=text_encoder.config.hidden_size,
            attention_head_dim=8,
        )
        self.controlnet = ControlNetModel.from_unet(
            self.unet, conditioning_embedding_out_channels=(8, 16, 32, 64), conditioning_channels=3
        )
        self.text_encoder = text_encoder.requires_grad_(False)

    def forward(self, noisy: Tensor, timesteps: Tensor, ids: Tensor, maps: Tensor, use_map: Tensor) -> Tensor:
        """Predict v. ``maps`` (B, 3, H, W) in [0, 1]; ``use_map`` (B,) in {0, 1} switches the ControlNet off."""
        words = self.text_encoder(ids).last_hidden_state  # (B, L, D)
        down, middle = self.controlnet(noisy, timesteps, words, controlnet_cond=maps, return_dict=False)
        keep = use_map[:, None, None, None]
        return self.unet(
            noisy,
            timesteps,
            words,
            down_block_additional_residuals=[block * keep for block in down],
            mid_block_additional_residual=middle * keep,
        ).sample


def noise_schedule() -> DDPMScheduler:
    """The schedule of Stable Diffusion 1.x, with v-prediction (Salimans & Ho 2022)."""
    return DDPMScheduler(
        num_train_timesteps=1000,
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        prediction_type="v_prediction",
    )


def composites(art: P.Art, variant: int, photos: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Drawings on plain grounds, and what their maps are taken from. Both (N, H, W, 3) uint8."""
    wanted: list[np.ndarray] = []
    seen: list[np.ndarray] = []
    for start in range(0, len(art), 256):
        generator = torch.Generator().manual_seed(variant * 1_000_003 + start)
        rgba = art.rgba[start : start + 256].float() / 255
        count = len(rgba)
        if variant % 2:
            rgba = rgba.flip(-1)
        rgba = P.turned(rgba, generator, degrees=8, scale=(0.75, 1.08))
        rgba = torch.cat([P.recoloured(rgba[:, :3], generator, share=0.15), rgba[:, 3:]], dim=1)
        drawing = P.inked(rgba, generator, share=1.0) if variant == INK_VARIANT else rgba
        on_plain = P.over(drawing, P.plain_grounds(count, generator, white_share=0.6))
        other = P.inked(rgba, generator, share=INKED)
        busy = P.over(other, learn.mixed_grounds(count, SIDE_PX, generator, photos))
        other = P.over(other, P.plain_grounds(count, generator, white_share=0.6))
        cluttered = torch.rand(count, 1, 1, 1, generator=generator) < CLUTTERED
        for kept, pictures in ((wanted, on_plain), (seen, torch.where(cluttered, busy, other))):
            kept.append((pictures * 255).round().byte().permute(0, 2, 3, 1).numpy())
    return np.concatenate(wanted), np.concatenate(seen)


def _maps_of(task: tuple[np.ndarray, int]) -> np.ndarray:
    pictures, seed = task
    random = np.random.default_rng(seed)
    drawn = [
        structure_map(
            Image.fromarray(picture),
            SIDE_PX,
            edge_share=random.uniform(0.1, 0.24),
            closing_px=int(random.integers(3, 6)),
            line_px=random.uniform(0.7, 1.3),
        ).getchannel(0)
        for picture in pictures
    ]
    return np.stack([np.asarray(one) for one in drawn])


def prepared(art: P.Art, work: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """Per variant the pictures (N, H, W, 3) and their maps (N, H, W), both uint8; made once, then read from disk."""
    photos = photographs()
    facts = [*art.names, *art.styles, f"{INKED} {CLUTTERED} {INK_VARIANT}"]
    mark = hashlib.sha256("\n".join(facts).encode()).hexdigest()[:8]
    variants = []
    for variant in range(VARIANTS):
        path = work / f"pairs-{variant}-{mark}.npz"
        if not path.is_file():
            wanted, seen = composites(art, variant, photos)
            parts = [(seen[start : start + 256], variant * 1_000_003 + start) for start in range(0, len(seen), 256)]
            with ProcessPoolExecutor() as pool:
                maps = np.concatenate(list(pool.map(_maps_of, parts)))
            temporary = path.with_suffix(".tmp.npz")
            np.savez(temporary, pictures=wanted, maps=maps)
            temporary.replace(path)
        with np.load(path) as stored:
            variants.append((stored["pictures"], stored["maps"]))
    return variants


@torch.no_grad()
def pairs(art: P.Art, vae: AutoencoderKL, work: Path) -> Pairs:
    """Latents and maps of every variant of every drawing; the latents are cached per autoencoder."""
    weights = np.concatenate([p.detach().float().cpu().numpy().ravel()[:64] for p in vae.parameters()])
    mark = hashlib.sha256(weights.tobytes() + "\n".join(art.names).encode()).hexdigest()[:12]
    latents, maps = [], []
    for variant, (pictures, its_maps) in enumerate(prepared(art, work)):
        path = work / f"latents-{variant}-{mark}.npy"
        if not path.is_file():
            encoded = []
            for start in range(0, len(pictures), 32):
                part = torch.from_numpy(pictures[start : start + 32]).permute(0, 3, 1, 2).to(vae.device)
                with torch.autocast(vae.device.type, torch.bfloat16):
                    mode = vae.encode(part.float() / 127.5 - 1).latent_dist.mode()
                encoded.append((mode.float() * vae.config.scaling_factor).cpu())
            temporary = path.with_suffix(".tmp.npy")
            np.save(temporary, torch.cat(encoded).half().numpy())
            temporary.replace(path)
        latents.append(torch.from_numpy(np.load(path)).float())
        maps.append(torch.from_numpy(its_maps)[:, None])
    styles = [INK_STYLE if v == INK_VARIANT else style for v in range(VARIANTS) for style in art.styles]
    return Pairs(latents=torch.cat(latents), maps=torch.cat(maps), names=art.names * VARIANTS, styles=styles)


def prompts_of(data: Pairs, index: list[int], generator: Generator) -> list[str]:
    """The prompt of each drawing; now and then less of it, so that every part can be left out."""
    drawn = torch.rand(len(index), generator=generator).tolist()
    prompts = []
    for i, chance in zip(index, drawn, strict=True):
        if chance < 0.1:
            prompts.append("")
        elif chance < 0.15:
            prompts.append(CLASS_PROMPT)
        elif chance < 0.3:
            prompts.append(f"{CLASS_PROMPT} of {data.names[i]}")
        else:
            prompts.append(f"{CLASS_PROMPT} of {data.names[i]}, {data.styles[i]} style")
    return prompts


def token_ids(tokenizer: CLIPTokenizer, prompts: list[str]) -> Tensor:
    """(B, L) ids, padded to the model's length as the pipelines do."""
    return tokenizer(
        prompts, padding="max_length", max_length=CLIP_LENGTH, truncation=True, return_tensors="pt"
    ).input_ids


def diffusion_loss(
    model: Diffusion,
    data: Pairs,
    index: Tensor,
    tokenizer: CLIPTokenizer,
    objective: DiffusionObjective,
    generator: Generator,
) -> Tensor:
    """Min-SNR weighted MSE of v (Hang et al. 2023) on the drawings of ``index``."""
    device = model.unet.device
    latents = data.latents[index].to(device)  # (B, 8, 16, 16)
    noise = torch.randn(latents.shape, generator=generator).to(device)
    timesteps = objective.timesteps(len(index), generator).to(device)
    ids = token_ids(tokenizer, prompts_of(data, index.tolist(), generator)).to(device)
    maps = (data.maps[index].float() / 255).expand(-1, 3, -1, -1).to(device)
    use_map = (torch.rand(len(index), generator=generator) > 0.1).float().to(device)
    noisy = objective.noisy(latents, noise, timesteps)
    predicted = model(noisy, timesteps, ids, maps, use_map).float()
    target = objective.target(latents, noise, timesteps)
    error = F.mse_loss(predicted, target, reduction="none").mean(dim=(1, 2, 3))
    return (error * objective.weights(timesteps)).mean()


def train(art: P.Art, held_out: Gallery, work: Path, out: Path, minutes: float | None) -> dict[str, float]:
    """Train, measure and save UNet, ControlNet and scheduler to ``out``, where CLIP lies already."""
    art = P.coloured(art)
    device = device_here()
    vae = AutoencoderKL.from_pretrained(out / "vae", torch_dtype=torch.float32).to(device)
    if world()[0] == 0:
        pairs(art, vae, work)  # made by one process, read by all
    if world()[1] > 1:
        torch.distributed.barrier()
    data = pairs(art, vae, work)
    tokenizer = CLIPTokenizer.from_pretrained(out / "tokenizer", local_files_only=True)
    words = CLIPTextModel.from_pretrained(out / clip.FOLDER, dtype=torch.float32, local_files_only=True)
    model = Diffusion(words, vae.config.latent_channels).to(device)
    schedule = noise_schedule()
    objective = diffusion_objective(schedule.config, snr_gamma=SNR_GAMMA)

    def loss_of(net: Diffusion, generator: Generator) -> Tensor:
        index = torch.randint(0, len(data.names), (SCHEDULE.batch_size,), generator=generator)
        return diffusion_loss(net, data, index, tokenizer, objective, generator)

    figures = fit("unet", model, loss_of, SCHEDULE, work, minutes=minutes)
    if world()[0] > 0:  # one of the processes writes
        return figures
    for name in ("unet", "controlnet"):
        getattr(model, name).half().save_pretrained(out / name, max_shard_size="15MB")
    schedule.save_pretrained(out / "scheduler")
    return figures
