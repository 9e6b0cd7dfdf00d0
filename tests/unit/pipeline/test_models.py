"""Loading through the one door, from a local folder as the embedded models lie."""

import pytest
import torch
from diffusers import StableDiffusionControlNetImg2ImgPipeline, StableDiffusionImg2ImgPipeline
from PIL import Image
from safetensors.torch import load_file, save_file

from pipeline.errors import BadSetting, ModelBroken, ModelMissing
from pipeline.families import FAMILIES
from pipeline.gpu import choose_device
from pipeline.models import Models
from pipeline.settings import Models as Sources
from pipeline.settings import ModelSource, Profile
from pipeline.towers import ResidualClip
from tests.tiny import tiny_parts
from tests.tiny_models import write_blip_repo, write_segformer
from tests.tiny_towers import write_clip

ROLES = {"base": ".", "controlnet": "controlnet", "caption": "caption", "segmentation": "segmentation"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Tiny models in fp16, the UNet in shards, in the layout of configs/embedded."""
    folder = tmp_path_factory.mktemp("embedded")
    for name, part in tiny_parts(controlnet=True, prediction_type="v_prediction").items():
        if isinstance(part, torch.nn.Module):
            part.half().save_pretrained(folder / name, max_shard_size="200KB")
        else:
            part.save_pretrained(folder / name)
    write_blip_repo(folder / "caption")
    write_segformer(folder / "segmentation")
    return folder


def profile_of(folder, roles=ROLES):
    sources = {role: ModelSource(path=path) for role, path in roles.items()}
    facts = {"title": "tiny", "family": "sd", "licence": "CC0", "size_px": 32}
    return Profile(name="tiny", folder=folder, models=Sources(**sources), **facts)


@pytest.fixture(scope="module")
def models(folder):
    return Models(profile_of(folder), choose_device("cpu"))


def test_base_is_loaded_once_whole_frozen_and_in_the_device_s_precision(folder, models):
    base = models.base
    assert base is models.base
    assert base.family is FAMILIES["sd"]
    assert len(list((folder / "unet").glob("*.safetensors"))) > 1
    stored = {}
    for shard in (folder / "unet").glob("*.safetensors"):
        stored |= load_file(shard)
    for name, tensor in base.unet.state_dict().items():
        assert tensor.dtype == torch.float32, name
        assert torch.equal(tensor, stored[name].float()), name
    for module in (base.unet, base.vae, base.text_encoder, models.controlnet):
        assert not module.training
        assert not any(weight.requires_grad for weight in module.parameters())


def test_the_noise_schedule_is_that_of_the_training(models):
    assert models.base.scheduler_config["prediction_type"] == "v_prediction"
    assert models.parts["scheduler"].config.prediction_type == "v_prediction"
    assert models.parts["scheduler"].config.beta_schedule == "scaled_linear"


def test_pipeline_is_built_of_the_resident_modules(models):
    pipeline = models.img2img_pipeline("euler")
    assert isinstance(pipeline, StableDiffusionControlNetImg2ImgPipeline)
    assert pipeline.unet is models.base.unet
    assert pipeline.vae is models.base.vae
    assert pipeline.controlnet is models.controlnet
    assert pipeline.safety_checker is None
    assert pipeline.scheduler.config.prediction_type == "v_prediction"
    assert models.img2img_pipeline("euler").scheduler is not pipeline.scheduler  # its steps are its own


def test_a_profile_without_controlnet_draws_without(folder):
    roles = {role: path for role, path in ROLES.items() if role != "controlnet"}
    models = Models(profile_of(folder, roles), choose_device("cpu"))
    pipeline = models.img2img_pipeline()
    assert models.controlnet is None
    assert "controlnet" not in models.parts
    assert isinstance(pipeline, StableDiffusionImg2ImgPipeline)
    photo = Image.effect_noise((32, 32), 80).convert("RGB")
    steps = {"num_inference_steps": 2, "strength": 1.0, "generator": torch.Generator().manual_seed(0)}
    assert pipeline(prompt="a cat", image=photo, **steps).images[0].size == (32, 32)


def test_unknown_scheduler_is_refused(models):
    with pytest.raises(BadSetting, match="'warp9'"):
        models.img2img_pipeline("warp9")


def test_the_family_serves_the_training_loop(models):
    """The parts go through the training side of the family: conditioning, posterior, prediction, target."""
    family, parts = models.base.family, models.parts
    conditioning = family.encode_prompts(parts, ["a cat", "a dog"])
    latents = family.encode_pictures(parts, torch.zeros(2, 3, 32, 32)).mean  # (2, 4, 16, 16)
    timesteps = torch.tensor([10, 900])
    answer = family.predict(parts, latents, timesteps, conditioning, torch.zeros(2, 3, 32, 32))
    target = family.objective(parts, 5.0).target(latents, torch.ones_like(latents), timesteps)
    assert answer.shape == target.shape == latents.shape == (2, 4, 16, 16)


def test_captions_and_masks_come_without_torchvision(models):
    assert type(models.caption.processor.image_processor).__name__ == "BlipImageProcessorPil"
    photo = Image.effect_noise((40, 30), 80).convert("RGB")
    pixels = models.caption.processor(images=[photo, photo], return_tensors="pt")
    assert models.caption.model.generate(**pixels, max_new_tokens=3).shape[0] == 2
    inputs = models.segmentation.processor(images=photo, return_tensors="pt")
    assert models.segmentation.model(**inputs).logits.shape[:2] == (1, 2)


@pytest.mark.parametrize("residual", [True, False])
def test_clip_is_loaded_by_the_class_that_its_eyes_ask_for(tmp_path, residual):
    """Whole, frozen, with what prepares pictures and cuts words; and told among the fingerprints."""
    write_clip(tmp_path / "clip", residual=residual)
    models = Models(profile_of(tmp_path, ROLES | {"clip": "clip"}), choose_device("cpu"))
    clip = models.clip
    assert (type(clip.model) is ResidualClip) is residual
    assert not clip.model.training
    assert not any(weight.requires_grad for weight in clip.model.parameters())
    stored = load_file(tmp_path / "clip" / "model.safetensors")
    assert all(torch.equal(clip.model.state_dict()[name], tensor) for name, tensor in stored.items())
    pixels = clip.processor(images=[Image.new("RGB", (50, 40), "red")], return_tensors="pt").pixel_values
    ids = clip.tokenizer(["a red circle"], return_tensors="pt").input_ids
    assert clip.model(pixel_values=pixels, input_ids=ids).logits_per_image.shape == (1, 1)
    assert len(models.fingerprint("clip")) == 64
    models.release()
    assert models.clip is not clip


def test_a_profile_without_clip_has_none(models):
    assert models.clip is None
    with pytest.raises(ModelMissing, match="no 'clip' model"):
        models.fingerprint("clip")


def test_released_models_are_loaded_anew(folder):
    models = Models(profile_of(folder), choose_device("cpu"))
    first = models.segmentation
    models.release()
    assert models.segmentation is not first


def test_fingerprints_tell_the_roles_apart(models):
    assert len({models.fingerprint(role) for role in ROLES}) == 4


@pytest.fixture
def broken(tmp_path):
    write_segformer(tmp_path / "segmentation")
    roles = {"base": "base", "caption": "caption", "segmentation": "segmentation"}
    return tmp_path / "segmentation", Models(profile_of(tmp_path, roles), choose_device("cpu"))


def test_missing_files_are_named_with_what_to_do(broken):
    folder, models = broken
    (folder / "config.json").unlink()
    with pytest.raises(ModelMissing, match=r"the segmentation model .* lacks config\.json; copy the whole model to"):
        _ = models.segmentation


def test_a_cut_file_is_told(broken):
    folder, models = broken
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    with pytest.raises(ModelBroken, match=r"model\.safetensors: .*bytes"):
        _ = models.segmentation


def test_weights_with_a_gap_are_refused_and_not_filled_with_noise(broken):
    folder, models = broken
    tensors = load_file(folder / "model.safetensors")
    tensors.pop("decode_head.classifier.weight")
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelBroken, match=r"segmentation: the weights lack 'decode_head\.classifier\.weight'"):
        _ = models.segmentation


def test_weights_of_another_shape_are_refused(broken):
    folder, models = broken
    tensors = load_file(folder / "model.safetensors")
    tensors["decode_head.classifier.weight"] = torch.zeros(7, 7, 1, 1)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelBroken, match="cannot be loaded"):
        _ = models.segmentation


def test_a_damaged_config_is_told_with_its_folder(broken):
    folder, models = broken
    (folder / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(ModelBroken, match=r"segmentation: cannot be loaded \(.*fetch it again"):
        _ = models.segmentation
