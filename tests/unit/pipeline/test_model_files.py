"""Which files a model is made of, and how damage is told."""

import hashlib
import json
import os
import struct

import pytest

from pipeline.errors import BadSetting
from pipeline.families import FAMILIES
from pipeline.model_files import BASES, choose, fingerprint, inspect, needs, safetensors_fault, weights_sha256
from tests.tiny_models import write_segformer

SD = ["scheduler/scheduler_config.json", "text_encoder/config.json", "text_encoder/model.safetensors"]
SD += ["tokenizer/tokenizer_config.json", "tokenizer/tokenizer.json", "unet/config.json", "vae/config.json"]
SD += ["unet/diffusion_pytorch_model.safetensors", "vae/diffusion_pytorch_model.safetensors"]


def safetensors(values=b"\0" * 8, **header):
    head = json.dumps(header or {"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
    return struct.pack("<Q", len(head)) + head + values


def test_light_and_heavy_tables_name_the_same_families():
    assert set(BASES) == set(FAMILIES)


def test_unknown_family_is_refused_with_those_that_there_are():
    with pytest.raises(BadSetting, match=r"family = 'flux'.*sd"):
        needs("base", "flux")


def test_a_whole_base_lacks_nothing_and_takes_no_pickle():
    choice = choose(needs("base", "sd"), {*SD, "unet/diffusion_pytorch_model.bin", "model.ckpt", "x.py"}, None)
    assert set(choice.wanted) == set(SD)
    assert choice.missing == ()


@pytest.mark.parametrize("name", SD)
def test_each_missing_file_is_named(name):
    lacking = choose(needs("base", "sd"), {*SD} - {name}, None).missing
    assert lacking == (name,)


def test_words_may_come_as_one_file_or_as_two():
    old = {*SD, "tokenizer/vocab.json", "tokenizer/merges.txt"} - {"tokenizer/tokenizer.json"}
    assert choose(needs("base", "sd"), old, None).missing == ()
    assert choose(needs("base", "sd"), old - {"tokenizer/merges.txt"}, None).missing == ("tokenizer/tokenizer.json",)


def test_a_variant_is_taken_alone_and_its_absence_is_told():
    part = needs("controlnet", "sd")
    names = {"config.json", "diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.fp16.safetensors"}
    assert choose(part, names, "fp16").weights == ("diffusion_pytorch_model.fp16.safetensors",)
    assert choose(part, names, None).weights == ("diffusion_pytorch_model.safetensors",)
    assert choose(part, names, "bf16").missing == ("diffusion_pytorch_model.bf16.safetensors",)


@pytest.mark.parametrize(
    ("variant", "index", "shard"),
    [
        (None, "model.safetensors.index.json", "model-{}-of-00003.safetensors"),
        ("fp16", "model.safetensors.index.fp16.json", "model.fp16-{}-of-00003.safetensors"),
        ("fp16", "model.safetensors.index.fp16.json", "model-{}-of-00003.fp16.safetensors"),
    ],
)
def test_shards_are_needed_all_with_their_index(variant, index, shard):
    shards = [shard.format(f"0000{number}") for number in (1, 2, 3)]
    names = {"config.json", "preprocessor_config.json", index, *shards}
    whole = choose(needs("segmentation", "sd"), names, variant)
    assert whole.weights == tuple(shards)
    assert index in whole.wanted
    assert whole.missing == ()
    for lost in (index, *shards):
        assert choose(needs("segmentation", "sd"), names - {lost}, variant).missing == (lost,)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (safetensors(), None),
        (safetensors()[:-3], "promises"),
        (safetensors() + b"x", "promises"),
        (safetensors()[:20], "cut short"),
        (b"", "cut short"),
        (b"\x80\x04N.", "cut short"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "cut short"),
        (struct.pack("<Q", 4) + b"[1]x", "header"),
        (struct.pack("<Q", 8) + b'{"w": 1}', "header"),
    ],
    ids=["whole", "short", "long", "header cut", "empty", "pickle", "lfs pointer", "no json", "no tensors"],
)
def test_a_file_that_is_no_whole_safetensors_file_is_told_from_its_header(tmp_path, data, complaint):
    (tmp_path / "w.safetensors").write_bytes(data)
    fault = safetensors_fault(tmp_path / "w.safetensors")
    assert fault is None if complaint is None else complaint in str(fault)


def test_a_real_model_folder_is_ready_and_a_cut_one_is_not(tmp_path):
    folder = write_segformer(tmp_path / "segmentation")
    found = inspect(folder, needs("segmentation", "sd"), None)
    assert found.ready
    assert found.size_bytes == sum(path.stat().st_size for path in folder.iterdir())
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    found = inspect(folder, needs("segmentation", "sd"), None)
    assert not found.ready
    assert str(found.broken).startswith("model.safetensors:")


def test_a_folder_that_is_not_there_lacks_everything(tmp_path):
    found = inspect(tmp_path / "nowhere", needs("segmentation", "sd"), None)
    assert found.choice.missing == ("config.json", "preprocessor_config.json", "model.safetensors")


def test_fingerprint_changes_with_a_single_weight_and_not_with_the_place(tmp_path):
    part = needs("segmentation", "sd")
    prints = []
    for place, values in (("a", b"\0" * 8), ("b", b"\0" * 8), ("c", b"\0" * 7 + b"\1")):
        (tmp_path / place).mkdir()
        (tmp_path / place / "model.safetensors").write_bytes(safetensors(values))
        names = {"model.safetensors", "config.json", "preprocessor_config.json"}
        prints.append(fingerprint(tmp_path / place, choose(part, names, None)))
    assert prints[0] == prints[1] != prints[2]


def test_a_file_rewritten_in_place_is_hashed_anew(tmp_path):
    path = tmp_path / "w"
    path.write_bytes(b"one")
    assert weights_sha256(path) == hashlib.sha256(b"one").hexdigest()
    path.write_bytes(b"two")
    os.utime(path, ns=(1, 1))
    assert weights_sha256(path) == hashlib.sha256(b"two").hexdigest()
