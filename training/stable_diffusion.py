"""The family of Stable Diffusion 1.x and 2.x as the training loop sees it: UNet, one CLIP text encoder, ControlNet.

Owns how prompts and pictures become tensors and how the UNet is asked. Knows no data and no optimiser. Loads torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from training.modules import Conditioning, Objective, Parts, Posterior
from training.objective import diffusion_objective


def attention_layers() -> dict[str, tuple[str, ...]]:
    """The projections of every attention: where LoRA for diffusion models is put by custom."""
    return {
        "unet": ("to_q", "to_k", "to_v", "to_out.0"),
        "text_encoder": ("q_proj", "k_proj", "v_proj", "out_proj"),
    }


@dataclass(frozen=True, kw_only=True)
class StableDiffusion:
    """``training.modules.Family`` for models with the parts unet, vae, text_encoder, tokenizer and scheduler."""

    name: str = "sd"
    denoiser: str = "unet"
    text_encoders: tuple[str, ...] = ("text_encoder",)
    lora_targets: Mapping[str, tuple[str, ...]] = field(default_factory=attention_layers)

    def objective(self, parts: Parts, snr_gamma: float) -> Objective:
        """ε or v prediction, as the scheduler's configuration says."""
        return diffusion_objective(parts["scheduler"].config, snr_gamma=snr_gamma)

    def encode_prompts(self, parts: Parts, prompts: Sequence[str]) -> Conditioning:
        """``encoder_hidden_states`` (B, tokens, width): the last hidden states, as ``StableDiffusionPipeline`` does."""
        tokenizer, text_encoder = parts["tokenizer"], parts["text_encoder"]
        length = tokenizer.model_max_length
        tokens = tokenizer(
            list(prompts), padding="max_length", max_length=length, truncation=True, return_tensors="pt"
        ).to(text_encoder.device)
        mask = tokens.attention_mask if getattr(text_encoder.config, "use_attention_mask", False) else None
        return {"encoder_hidden_states": text_encoder(tokens.input_ids, attention_mask=mask)[0]}

    def encode_pictures(self, parts: Parts, pixels: Tensor) -> Posterior:
        """The posterior of ``AutoencoderKL``, times its scaling factor."""
        vae = parts["vae"]
        posterior = vae.encode(pixels.to(vae.device, vae.dtype)).latent_dist  # (B, C, H/8, W/8)
        shift, scale = vae.config.shift_factor or 0.0, vae.config.scaling_factor
        return Posterior(mean=(posterior.mean.float() - shift) * scale, std=posterior.std.float() * scale)

    def predict(
        self, parts: Parts, noisy: Tensor, timesteps: Tensor, conditioning: Conditioning, structure: Tensor | None
    ) -> Tensor:
        """The UNet's answer (B, C, h, w), with the ControlNet's residuals where a ``structure`` is given."""
        states = conditioning["encoder_hidden_states"]
        residuals = {}
        if structure is not None:
            down, middle = parts["controlnet"](noisy, timesteps, states, controlnet_cond=structure, return_dict=False)
            residuals = {"down_block_additional_residuals": down, "mid_block_additional_residual": middle}
        prediction: Tensor = parts["unet"](noisy, timesteps, states, return_dict=False, **residuals)[0]
        return prediction
