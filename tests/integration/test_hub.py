"""The profile ``sd15`` against a hub on the loopback: fetching, resuming, checking, and at last drawing with it."""

import signal
import subprocess
import time
from pathlib import Path

import pytest
import torch
from diffusers import DPMSolverMultistepScheduler, StableDiffusionControlNetImg2ImgPipeline
from huggingface_hub import hf_hub_download
from PIL import Image

from pipeline import hub
from pipeline.download import Patience
from pipeline.errors import ModelBroken, ModelMissing, Stopped
from pipeline.gpu import choose_device
from pipeline.models import Models
from tests.hub_server import Fault, git_sha1, sha256
from tests.integration.pulling import HASTE, ROOT, UNET, command, environment, run


def blobs(cache):
    return [path for path in cache.rglob("blobs/*") if path.is_file()]


def test_exactly_the_needed_files_are_fetched_and_then_all_is_ready(profile, served, here):
    seen = []
    before = {status.role: status for status in hub.status(profile)}
    assert not before["base"].ready
    assert UNET in before["base"].missing
    assert before["segmentation"].ready
    assert not before["segmentation"].on_hub

    hub.pull(profile, report=lambda done, total, preview=None: seen.append((done, total)), patience=HASTE)

    assert all(status.ready for status in hub.status(profile))
    fetched = {asked.path for asked in served.asked}
    assert UNET in fetched
    assert "tokenizer/vocab.json" in fetched
    assert "vocab.txt" in fetched
    assert not [path for path in fetched if not path.endswith((".safetensors", ".json", ".txt"))]
    assert "unet/diffusion_pytorch_model.safetensors" not in fetched  # the profile says variant fp16
    assert not [path for path in fetched if path.startswith(("safety_checker", "feature_extractor"))]
    assert len({(asked.repo, asked.path) for asked in served.asked}) == len(served.asked)  # each once
    assert seen == sorted(seen)
    assert seen[-1] == (sum(asked.sent for asked in served.asked), seen[0][1])
    assert seen[-1][0] == seen[-1][1]


def test_a_second_pull_asks_the_hub_nothing(profile, served, here):
    hub.pull(profile, patience=HASTE)
    served.asked.clear()
    served.faults.append(Fault(kind="busy", path="*", times=99))
    hub.pull(profile, patience=Patience(retries=0))
    assert served.asked == []


def test_a_cut_is_resumed_where_it_happened(profile, served, here):
    served.faults.append(Fault(kind="cut", path=UNET, after_bytes=150_000))
    hub.pull(profile, patience=HASTE)
    first, second = served.asked_for(UNET)
    assert (first.range, first.sent) == (None, 150_000)
    assert (second.range, second.status) == ("bytes=150000-", 206)
    assert first.sent + second.sent == (served.repos[0].folder / UNET).stat().st_size


def test_a_hub_that_stalls_is_left_and_asked_again_for_the_rest(profile, served, here):
    served.faults.append(Fault(kind="stall", path=UNET, after_bytes=150_000))
    hub.pull(profile, patience=HASTE)
    assert [asked.range for asked in served.asked_for(UNET)] == [None, "bytes=150000-"]
    assert hub.local_folder(profile, "base").is_dir()


def test_a_killed_download_is_resumed_by_the_next_process(profile, served, tmp_path):
    """kill -9 in the middle of a file; the next run asks for the rest of it and for no byte twice."""
    served.faults.append(Fault(kind="stall", path=UNET, after_bytes=150_000))
    code = "from pipeline import hub\nhub.pull(profile)"
    with subprocess.Popen(command(profile, code), env=environment(served.endpoint, tmp_path), cwd=ROOT) as first:
        part = tmp_path / "home" / "hub"
        deadline = time.monotonic() + 60
        while not any(path.stat().st_size == 150_000 for path in part.rglob("*.incomplete")):
            assert time.monotonic() < deadline
            assert first.poll() is None
            time.sleep(0.02)
        first.send_signal(signal.SIGKILL)
    second = run(profile, code, served.endpoint, tmp_path)
    assert second.returncode == 0, second.stderr
    size = (served.repos[0].folder / UNET).stat().st_size
    assert [(asked.range, asked.sent) for asked in served.asked_for(UNET)] == [
        (None, 150_000),
        ("bytes=150000-", size - 150_000),
    ]


@pytest.mark.parametrize("path", [UNET, "tokenizer/vocab.json"], ids=["large file", "small file"])
def test_wrong_bytes_are_refused_and_not_kept(profile, served, here, path):
    served.faults.append(Fault(kind="wrong", path=path))
    with pytest.raises(ModelBroken, match=rf"{path}.*stable-diffusion-v1-5.*checksum.*announces.*thrown away.*again"):
        hub.pull(profile, patience=HASTE)
    assert all(blob.name in (sha256(blob.read_bytes()), git_sha1(blob.read_bytes())) for blob in blobs(here))
    assert not list(here.rglob(f"snapshots/*/{path}"))
    assert not list(here.rglob("*.incomplete"))
    with pytest.raises(ModelMissing, match="stickers models pull sd15"):
        hub.local_folder(profile, "base")
    hub.pull(profile, patience=HASTE)  # and the same command again mends it
    assert hub.local_folder(profile, "base").is_dir()


def test_a_stopped_pull_keeps_what_came(profile, served, here):
    asked = iter([False] * 5)
    with pytest.raises(Stopped, match="again to go on"):
        hub.pull(profile, should_stop=lambda: next(asked, True), patience=HASTE)
    kept = sum(asked.sent for asked in served.asked)
    hub.pull(profile, patience=HASTE)
    whole = [asked for asked in served.asked if asked.range is None]
    assert kept > 0
    assert len({(asked.repo, asked.path) for asked in whole}) == len(whole)


def test_huggingface_hub_finds_what_was_left_without_asking(profile, served, here):
    hub.pull(profile, patience=HASTE)
    source = profile.models.base
    found = hf_hub_download(source.repo, UNET, revision=source.revision, cache_dir=here, local_files_only=True)
    assert Path(found).read_bytes() == (served.repos[0].folder / UNET).read_bytes()
    other = hf_hub_download(
        source.repo, "README.md", revision=source.revision, cache_dir=here, endpoint=served.endpoint
    )
    assert Path(other).read_text(encoding="utf-8").startswith("# Stable Diffusion")


def test_a_model_of_the_hub_is_known_by_the_same_fingerprint_as_a_local_copy(profile, served, here, tmp_path):
    hub.pull(profile, patience=HASTE)
    of_hub = hub.model_fingerprint(profile, "base")
    local = profile.models.base.model_copy(update={"repo": None, "path": str(tmp_path / "served" / "base")})
    models = profile.models.model_copy(update={"base": local})
    assert of_hub == hub.model_fingerprint(profile.model_copy(update={"models": models}), "base")
    assert of_hub != hub.model_fingerprint(profile, "controlnet")


def test_the_profile_loads_from_the_hub_and_draws(profile, served, here):
    """From an empty cache to a picture, a caption and a mask, by the code that every profile takes."""
    hub.pull(profile, patience=HASTE)
    models = Models(profile, choose_device("cpu"))
    photo = Image.new("RGB", (32, 32), (200, 30, 30))

    pipeline = models.img2img_pipeline()
    assert isinstance(pipeline, StableDiffusionControlNetImg2ImgPipeline)
    assert isinstance(pipeline.scheduler, DPMSolverMultistepScheduler)
    assert pipeline.unet is models.base.unet
    assert models.base.unet.dtype == torch.float32
    words = {"prompt": "a cat", "num_inference_steps": 4, "strength": 0.8, "guidance_scale": 5.0}
    random = torch.Generator().manual_seed(1)
    draft = pipeline(image=photo, control_image=photo, generator=random, **words).images[0]
    assert draft.size == (32, 32)
    assert len(draft.getcolors(2000)) > 50

    pixels = models.caption.processor(images=photo, return_tensors="pt")
    tokens = models.caption.model.generate(**pixels, max_new_tokens=3, do_sample=False)
    assert isinstance(models.caption.processor.decode(tokens[0], skip_special_tokens=True), str)
    mask = models.segmentation.model(**models.segmentation.processor(images=photo, return_tensors="pt")).logits
    assert mask.shape == (1, 2, 8, 8)
