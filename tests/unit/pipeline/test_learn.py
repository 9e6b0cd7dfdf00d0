"""The train stage: a style is learned once, nothing half-done passes for one, and what it waits for is told."""

import json
from dataclasses import replace

import pytest
from PIL import Image
from safetensors.torch import load_file

from pipeline import learn, store
from pipeline.card import ADAPTER, read_card
from pipeline.domain import Method, Stage, never_stop, no_report
from pipeline.errors import BadSetting, Stopped, TrainingFailed
from pipeline.learn import dreambooth_config, learn_style, style_config, translated
from pipeline.options import options_of
from pipeline.settings import load_profile
from pipeline.style import read_tensors
from tests.tiny_profile import BATCH, CLASS_IMAGES, TRAIN_STEPS
from tests.unit.pipeline.variants import with_section
from training.checkpoint import FILE_NAME
from training.data import ENCODE_BATCH
from training.dreambooth import DreamBoothConfig
from training.errors import LossNotFinite, TrainingStopped
from training.lowrank import largest_rank


def learned(tiny, folder, options, *, report=no_report, should_stop=never_stop, pack=None):
    """Learn into ``folder``; the checkpoint lies beside it. ``report`` is told the steps of the training."""
    work = folder.parent / "work"
    return learn_style(
        pack or tiny.pack,
        options,
        folder,
        work,
        tiny.cache,
        tiny.models,
        watch=lambda stage: report if stage is Stage.TRAIN else no_report,
        should_stop=should_stop,
    )


def times(folder):
    """When each file was written."""
    return {path.name: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_a_style_is_learned_once(tiny, tmp_path):
    """Files, card and losses are there, the checkpoint is gone; a second run finds it all and does nothing."""
    told, folder, options = [], tmp_path / "style", options_of(tiny.profile, seed=3)
    first = learned(tiny, folder, options, report=lambda done, total, preview=None: told.append((done, total)))
    assert told == [(step, TRAIN_STEPS) for step in range(1, TRAIN_STEPS + 1)]
    assert first is not None
    card = read_card(folder)
    assert (card.profile, card.method, card.token) == ("tiny", Method.LORA, "sks")
    assert (card.pack, card.picture_count, card.steps, card.seed) == ("pack", 3, TRAIN_STEPS, 3)
    assert card.base_fingerprint == tiny.models.fingerprint("base")
    assert json.loads((folder / "losses.json").read_text()) == pytest.approx(first.losses)
    assert len(first.losses) == TRAIN_STEPS
    assert load_file(folder / ADAPTER).keys() == first.tensors.keys()
    assert not (tmp_path / "work" / FILE_NAME).exists()
    written = times(folder)
    assert learned(tiny, folder, options) is None
    assert times(folder) == written


def test_getting_ready_is_told_step_by_step_and_apart_from_the_training(tiny, tmp_path):
    """First use of a profile: the pack's captions, every denoising step of the class pictures, every batch of pictures
    that are encoded, then the training. With the class pictures in the cache, without their steps; with the style
    there, nothing."""
    told, options = [], options_of(tiny.profile, train_steps=1)

    def watch(stage):
        return lambda done, total, preview=None: told.append((str(stage), done, total))

    def learn_again(folder):
        told.clear()
        work, cache = tmp_path / "work", tmp_path / "cache"
        learn_style(tiny.pack, options, folder, work, cache, tiny.models, watch=watch, should_stop=never_stop)
        return list(told)

    pack, drawing = len(tiny.pack.pictures), -(-CLASS_IMAGES // BATCH) * tiny.profile.generate.steps
    variants = pack * DreamBoothConfig.variants
    batches = [min(done, variants) for done in range(ENCODE_BATCH, variants + ENCODE_BATCH, ENCODE_BATCH)]
    batches.append(variants + CLASS_IMAGES)
    for folder, steps in (("style", [*range(pack + 1, pack + drawing + 1)]), ("other", [])):
        before = pack + len(steps)
        counts = [0, pack, *steps, *(before + done for done in batches)]
        assert learn_again(tmp_path / folder) == [
            *(("prepare", done, before + variants + CLASS_IMAGES) for done in counts),
            ("train", 1, 1),
        ]
    assert learn_again(tmp_path / "style") == []


def test_what_a_style_depends_on(tiny):
    """Settings of the training and the pack; not the photos' prompt, nor how often a checkpoint is written."""
    options = options_of(tiny.profile)
    config = style_config(tiny.pack, options, tiny.models)
    same = [
        style_config(
            tiny.pack, options_of(tiny.profile, prompt="a hat", strength=0.5, count=3, outline=4), tiny.models
        ),
        style_config(replace(tiny.pack, name="other"), options, tiny.models),
    ]
    rarely = with_section(tiny, "train", checkpoint_every=99)
    same.append(style_config(tiny.pack, options_of(rarely.profile), rarely))
    assert all(store.fingerprint(other) == store.fingerprint(config) for other in same)
    others = [
        style_config(tiny.pack, options_of(tiny.profile, train_steps=6), tiny.models),
        style_config(tiny.pack, options_of(tiny.profile, seed=1), tiny.models),
        style_config(tiny.pack, options_of(tiny.profile, method="dreambooth"), tiny.models),
        style_config(replace(tiny.pack, pictures=tiny.pack.pictures[:2]), options, tiny.models),
    ]
    for section, change in (("train", {"rank": 3}), ("prompt", {"token": "xyz"}), ("generate", {"guidance": 9.0})):
        models = with_section(tiny, section, **change)  # guidance: of the class pictures
        others.append(style_config(tiny.pack, options_of(models.profile), models))
    assert len({store.fingerprint(other) for other in [config, *others]}) == len(others) + 1


def test_a_changed_setting_is_learned_anew_and_a_stop_keeps_what_there_was(tiny, tmp_path):
    folder = tmp_path / "style"
    learned(tiny, folder, options_of(tiny.profile, train_steps=2))
    before = (folder / ADAPTER).read_bytes()
    told = []
    with pytest.raises(Stopped):
        learned(
            tiny,
            folder,
            options_of(tiny.profile, train_steps=3),
            report=lambda done, total, preview=None: told.append(done),
            should_stop=lambda: bool(told),
        )
    assert told == [1]
    assert (tmp_path / "work" / FILE_NAME).exists()
    assert (folder / ADAPTER).read_bytes() == before
    assert learned(tiny, folder, options_of(tiny.profile, train_steps=2)) is None  # the old style is whole
    assert learned(tiny, folder, options_of(tiny.profile, train_steps=3)) is not None
    assert read_card(folder).steps == 3
    assert (folder / ADAPTER).read_bytes() != before


def test_a_half_written_style_is_none(tiny, tmp_path, monkeypatch):
    """Killed after the new weights were written and before they were declared whole: the old style's card is gone."""
    folder, old, new = tmp_path / "style", options_of(tiny.profile, train_steps=1), options_of(tiny.profile, seed=9)
    learned(tiny, folder, old)
    monkeypatch.setattr(store, "complete", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        learned(tiny, folder, replace(new, train_steps=1))
    for options in (old, new):
        assert not store.is_complete(folder, store.fingerprint(style_config(tiny.pack, options, tiny.models)))


def test_a_full_fine_tune_can_be_kept_as_an_adapter(tiny, tmp_path):
    """With the measured distance from the full one in its card."""
    folder = tmp_path / "style"
    learned(tiny, folder, options_of(tiny.profile, method="dreambooth", export_rank=2, train_steps=1))
    card = read_card(folder)
    assert card.method is Method.DREAMBOOTH
    assert card.export is not None
    assert card.export.rank == 2
    assert 0 < card.export.distance < 1
    assert {name.split(".")[-2] for name in read_tensors(folder)} == {"lora_A", "lora_B"}


def test_options_go_over_the_profile_s_training_table(tiny):
    options = options_of(tiny.profile, method="dreambooth", train_steps=77, seed=5)
    config = dreambooth_config(options, tiny.models)
    assert (config.method, config.steps, config.seed) == ("dreambooth", 77, 5)
    assert (config.rank, config.learning_rate, config.batch_size, config.checkpoint_every) == (2, 2e-3, 2, 2)


def test_each_method_has_its_own_learning_rate(tiny):
    """It is the one that a style depends on; the other method's is no matter."""
    for method, rate, other in (("lora", 1e-2, "dreambooth"), ("dreambooth", 2e-3, "lora")):
        options = options_of(tiny.profile, method=method)
        assert dreambooth_config(options, tiny.models).learning_rate == rate
        config = style_config(tiny.pack, options, tiny.models)
        assert config["train"]["learning_rate"] == rate
        models = with_section(tiny, "train", **{f"{other}_learning_rate": 0.5})
        assert style_config(tiny.pack, options_of(models.profile, method=method), models) == config
        models = with_section(tiny, "train", **{f"{method}_learning_rate": 0.5})
        assert style_config(tiny.pack, options_of(models.profile, method=method), models) != config


@pytest.mark.parametrize(("name", "lora", "dreambooth"), [("embedded", 4e-3, 4e-4), ("sd15", 1e-4, 5e-6)])
def test_the_profiles_rates_are_those_of_their_methods(name, lora, dreambooth):
    train = load_profile(name).train
    assert (train.learning_rate(Method.LORA), train.learning_rate(Method.DREAMBOOTH)) == (lora, dreambooth)


def test_an_adapter_as_large_as_the_weights_is_refused_before_anything_is_learned(tiny, tmp_path):
    with pytest.raises(BadSetting, match=r"export-rank = 512: .* choose \d+ or less") as error:
        learned(tiny, tmp_path / "style", options_of(tiny.profile, method="dreambooth", export_rank=512))
    most = int(str(error.value).split("choose ")[1].split()[0])
    assert most == largest_rank([tiny.models.base.parts["unet"]]) > 2
    assert not (tmp_path / "work").exists()


def test_the_pack_is_learned_in_the_profile_s_words(tiny, tmp_path):
    """Whatever a person wants drawn with it: their prompt says nothing about the pack."""
    options = options_of(tiny.profile, prompt="{caption} with a hat")
    inputs = learn.dreambooth_inputs(
        tiny.pack, options, tmp_path, tiny.cache, tiny.models, report=no_report, should_stop=never_stop
    )
    assert all(one.prompt.startswith("a telegram sticker of ") for one in inputs.pack)
    assert all(one.prompt.endswith(", sks style") for one in inputs.pack)
    assert not any("hat" in one.prompt for one in inputs.pack)
    assert all(isinstance(one.image, Image.Image) and one.image.mode == "RGBA" for one in inputs.pack)
    assert inputs.structure is not None


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (TrainingStopped(3, 9), Stopped),
        (LossNotFinite(3, float("nan"), learning_rate=1.0, precision="no"), TrainingFailed),
        (ValueError("rank = 0: must be 1 or more"), BadSetting),
    ],
)
def test_what_training_raises_is_told_to_a_person(raised, told):
    with pytest.raises(told) as error, translated():
        raise raised
    assert "\n" not in str(error.value)
