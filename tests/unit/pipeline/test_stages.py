"""A queued job's stages: the pictures of ``stickers make``, on whichever machine, and every failure its owner's own."""

from __future__ import annotations

import json
from dataclasses import replace
from io import BytesIO

import pytest
import torch
from cryptography.fernet import Fernet
from PIL import Image, ImageChops

from pipeline import run, sealed_files
from pipeline.domain import never_stop, no_report
from pipeline.errors import BadInput, BadSetting, OtherKey, OutOfMemory, Stopped
from pipeline.files import Files, job_key, style_key
from pipeline.jobs.words import JobSpec, Kind, Progress
from pipeline.options import options_of
from pipeline.request import Given, to_make
from pipeline.settings import Settings
from pipeline.stages import ModelStages
from pipeline.style import read_tensors
from pipeline.vault import Vault
from pipeline.workplace import PREVIEW_PX
from tests.tiny_profile import CHECKPOINT_EVERY, CLASS_IMAGES, TRAIN_STEPS, watch_nothing
from training.dreambooth import DreamBoothConfig

LEARN = JobSpec(job_id="l1", person="ann", kind=Kind.LEARN, profile="tiny", style="s1", options={"title": "pack"})
DRAW = JobSpec(job_id="d1", person="ann", kind=Kind.DRAW, profile="tiny", style="s1", options={"seed": 3})


class Worker:
    """A machine of its own: its own disk, the same files; the models are loaded already."""

    def __init__(self, tiny, files, work, **options) -> None:
        settings = Settings(cache_dir=tiny.cache, device="cpu")
        self.told: list[Progress] = []
        self.stages = ModelStages(settings, files, work=work, profile_of=lambda name: tiny.profile, **options)
        self.models = self.stages.bench.models(tiny.profile)
        loaded = ("base", "controlnet", "caption", "segmentation")
        self.models.__dict__ |= {name: getattr(tiny.models, name) for name in loaded}

    def run(self, spec, *names, should_stop=never_stop):
        """The stages that are named, or all; returns what the last one made."""
        for name in names or self.stages.names(spec):
            made = self.stages.run(name, spec, tell=self.told.append, should_stop=should_stop)
            assert json.loads(json.dumps(made)) == made
        return made


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path / "files")


@pytest.fixture
def worker(tiny, files, tmp_path):
    return Worker(tiny, files, tmp_path / "work", preview_every=1)


@pytest.fixture
def specs(tiny, files):
    """The pack and the photos handed in, and the jobs."""
    pack = [files_put(files, "l1", path) for path in sorted((tiny.folder / "pack").iterdir())]
    photos = [files_put(files, "d1", path) for path in sorted((tiny.folder / "photos").iterdir())]
    return replace(LEARN, pack=tuple(pack)), replace(DRAW, photos=tuple(photos))


def files_put(files, job, path):
    key = job_key("ann", job, "given", path.name)
    files.put(key, path)
    return key


def steps_of(told):
    """The training's steps that were told; what comes before them is told by its own name."""
    return [one.done for one in told if one.stage == "learn"]


@pytest.fixture
def learned(worker, specs):
    worker.run(specs[0])
    worker.told.clear()
    return worker


def test_the_stages_make_what_make_makes(tiny, worker, specs, files, tmp_path, monkeypatch):
    """The same style and the same stickers, byte for byte, previews or not; progress tells every step; nothing is left
    on this machine but the style."""
    learn, draw = specs[0], replace(specs[1], options={"seed": 3, "count": 2})
    worker.run(learn)
    assert steps_of(worker.told) == list(range(1, TRAIN_STEPS + 1))
    ends = {one.stage: (one.done, one.total) for one in worker.told}
    done, total = ends.pop("class-pictures", (0, 0))  # another test may have had them drawn
    encoded = 3 * DreamBoothConfig.variants + CLASS_IMAGES
    expected = {"pack-captions": (3, 3), "encode": (encoded, encoded), "learn": (TRAIN_STEPS, TRAIN_STEPS)}
    assert (done, ends) == (total, expected)
    assert worker.stages.figures()["memory_highest_peak_mb"] == max(worker.stages.bench.memory.peaks_mb.values())
    worker.told.clear()
    made = worker.run(draw)

    monkeypatch.setattr(run, "Models", lambda profile, device: tiny.models)
    options = options_of(tiny.profile, seed=3, count=2)
    given = Given(
        options=replace(options, seed=0), settings=worker.stages.bench.settings, pack=tiny.folder / "pack",
        photos=sorted((tiny.folder / "photos").iterdir()), out=tmp_path / "out",
    )  # fmt: skip
    request = to_make(given, report=no_report, should_stop=never_stop)
    run.learn(request, tmp_path / "style", watch=watch_nothing, should_stop=never_stop)
    known = read_tensors(tmp_path / "style")
    files.get_folder(style_key("ann", "s1"), tmp_path / "theirs")
    assert all(torch.equal(known[name], value) for name, value in read_tensors(tmp_path / "theirs").items())
    request = replace(request, options=options)
    run.draw(request, tmp_path / "style", tmp_path / "drafts", watch=watch_nothing, should_stop=never_stop)
    for path in sorted((tmp_path / "drafts").glob("*.png")):
        assert files.read(job_key("ann", "d1", "drafts", path.name)) == path.read_bytes()
    assert [row["name"] for row in made["stickers"]] == [
        "photo0", "photo0-2", "photo1", "photo1-2", "photo2", "photo2-2",
    ]  # fmt: skip
    for row in made["stickers"]:
        sticker = Image.open(BytesIO(files.read(row["key"])))
        assert sticker.size == (row["width_px"], row["height_px"])
        assert max(sticker.size) == 512
    assert {one.stage for one in worker.told} == {"caption", "generate", "cutout"}
    previews = [one.preview for one in worker.told if one.preview]
    assert previews
    assert Image.open(BytesIO(files.read(previews[0]))).size == (PREVIEW_PX, PREVIEW_PX)
    assert [path.name for path in (tmp_path / "work" / "jobs" / "ann").iterdir()] == []


def test_each_stage_may_be_run_elsewhere(tiny, learned, specs, files, tmp_path):
    """Three machines for the three stages of a drawing: the same stickers as on one."""
    alone = learned.run(specs[1])["stickers"]
    data = [files.read(row["key"]) for row in alone]
    for key in ("captions.json", "drafts", "stickers"):
        files.delete(job_key("ann", "d1", key))
    for place, name in enumerate(("caption", "generate", "cutout")):
        made = Worker(tiny, files, tmp_path / f"machine{place}").run(specs[1], name)
    assert made["stickers"] == alone
    assert [files.read(row["key"]) for row in made["stickers"]] == data


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_stopped_training_goes_on_here_or_elsewhere(tiny, worker, specs, files, tmp_path, elsewhere):
    """Drained after three steps: the next worker makes the others alone, and the style is that of a whole training."""
    learn, _ = specs
    worker.run(learn, "prepare")
    worker.told.clear()
    with pytest.raises(Stopped):
        worker.run(learn, "learn", should_stop=lambda: len(steps_of(worker.told)) >= 3)
    assert files.list(job_key("ann", "l1", "checkpoint")) == [job_key("ann", "l1", "checkpoint", "00000003")]
    second = Worker(tiny, files, tmp_path / "elsewhere") if elsewhere else worker
    worker.told.clear()
    second.run(learn, "learn")
    assert steps_of(second.told) == [4, 5]
    assert files.list(job_key("ann", "l1", "checkpoint")) == []
    files.get_folder(style_key("ann", "s1"), tmp_path / "resumed")
    whole = replace(learn, job_id="l2", style="s2")
    Worker(tiny, files, tmp_path / "whole").run(whole)
    files.get_folder(style_key("ann", "s2"), tmp_path / "whole-style")
    resumed = read_tensors(tmp_path / "resumed")
    assert all(torch.equal(resumed[name], value) for name, value in read_tensors(tmp_path / "whole-style").items())


def test_a_killed_training_goes_on_elsewhere_from_the_last_copy(tiny, specs, files, tmp_path):
    """No time to save: the copy that was made beside the training counts."""
    killed = Worker(tiny, files, tmp_path / "killed", checkpoint_every_s=0.0)
    killed.run(specs[0], "prepare")

    def tell(progress):
        if steps_of([progress]) == [TRAIN_STEPS]:
            while len(files.list(job_key("ann", "l1", "checkpoint"))) != 1:
                pass
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        killed.stages.run("learn", specs[0], tell=tell, should_stop=never_stop)
    second = Worker(tiny, files, tmp_path / "second")
    second.run(specs[0], "learn")
    assert steps_of(second.told)[0] > CHECKPOINT_EVERY
    assert steps_of(second.told)[-1] == TRAIN_STEPS


def test_a_style_that_is_there_is_not_learned_again(tiny, learned, specs, files, tmp_path):
    """Killed between the last file and the queue's note of it; on this machine or another."""
    before = files.manifest(style_key("ann", "s1"))
    second = Worker(tiny, files, tmp_path / "second")
    made = second.run(specs[0], "learn")
    assert (made["style"], made["steps"]) == (style_key("ann", "s1"), TRAIN_STEPS)
    assert second.told == []
    assert files.manifest(style_key("ann", "s1")) == before


def test_a_style_learned_anew_is_drawn_with_from_then_on(learned, specs, files):
    """The copy on the worker's disk and that in its memory are of the old one."""
    learn, draw = specs
    first = learned.run(draw)["stickers"]
    data = [files.read(row["key"]) for row in first]
    learned.run(replace(learn, job_id="l9", options={"seed": 9}))
    again = learned.run(replace(draw, job_id="d2"))["stickers"]
    assert [files.read(row["key"]) for row in again] != data


def test_what_cannot_be_is_told_in_a_sentence(worker, specs, files):
    """A style that is not there, another's files, an unknown option, one of a wrong type, a stage of the other kind."""
    learn, draw = specs
    worker.run(draw, "caption")
    with pytest.raises(BadInput, match="there is no folder 'people/ann/styles/s1'"):
        worker.run(draw, "generate")
    with pytest.raises(BadInput, match="is not of 'bob'"):
        worker.run(replace(learn, person="bob"), "prepare")
    for options, sentence in (
        ({"sede": 1}, "option 'sede' = 1: unknown"),
        ({"seed": "1"}, "option 'seed' = '1': must be of type int"),
        ({"count": True}, "option 'count' = True: must be of type int"),
        ({"count": 99}, "count = 99: must be between 1 and 32"),
    ):
        with pytest.raises(BadSetting, match=sentence):
            worker.run(replace(draw, options=options), "caption")
    with pytest.raises(BadSetting, match="stage 'learn': a job that is to draw has caption, generate, cutout"):
        worker.run(draw, "learn")
    with pytest.raises(Stopped):
        worker.run(draw, "caption", should_stop=lambda: True)


def test_a_file_sealed_with_another_key_is_damage_unless_all_of_them_are(tiny, specs, tmp_path):
    """One: its job fails. All, as the store's mark tells: the worker has to leave, and no job fails for it."""
    old, new = (Vault([Fernet.generate_key().decode()]).sealer("files") for _ in range(2))
    files = Files(tmp_path / "sealed", old)
    sealed_files.check(files, begins=True)
    worker, draw = Worker(tiny, files, tmp_path / "w"), specs[1]
    for key in draw.photos:
        Files(tmp_path / "sealed", new).put(key, b"picture")
    with pytest.raises(BadInput, match="a file of this job is damaged"):
        worker.run(draw, "caption")
    files.delete(sealed_files.MARK)
    sealed_files.check(Files(tmp_path / "sealed", new), begins=True)
    with pytest.raises(OtherKey):
        worker.run(draw, "caption")


def test_a_failure_s_sentence_tells_nothing_of_our_folders(tiny, specs, files, tmp_path):
    """It is for the job's owner: neither where the files lie nor where the worker works."""
    lost = replace(specs[1], photos=("people/ann/jobs/d1/given/001/gone.png",))
    with pytest.raises(BadInput, match=r"there is no 'people/ann/jobs/d1/given/001/gone\.png'") as caught:
        Worker(tiny, files, tmp_path / "w").run(lost, "caption")
    assert str(tmp_path) not in str(caught.value)


def test_forgetting_a_job_leaves_its_style(learned, specs, files, tmp_path):
    learned.run(specs[1])
    for spec in specs:
        learned.stages.forget(spec)
    assert files.list("people/ann/jobs") == []
    assert files.manifest(style_key("ann", "s1")) is not None


def test_what_lies_here_of_a_deleted_person_is_tidied_away(learned, specs, files, tmp_path):
    """Pictures of jobs that the queue has forgotten, and styles that are gone from where all machines find them."""
    learned.run(specs[1])
    work = tmp_path / "work"
    left = work / "jobs" / "ann" / "forgotten" / "photos"
    left.mkdir(parents=True)
    open_one = work / "jobs" / "bob" / "open"
    open_one.mkdir(parents=True)
    learned.stages.tidy(lambda job_ids: {"open"} & set(job_ids))
    assert not left.parent.exists()
    assert open_one.is_dir()
    assert [path.name for path in (work / "styles" / "ann").iterdir()] == ["s1"]
    files.delete_person("ann")
    learned.stages.tidy(lambda job_ids: set(job_ids))
    assert list((work / "styles" / "ann").iterdir()) == []


def test_a_style_whose_record_is_damaged_is_learned_anew(learned, specs, files):
    """And what a folder of ours is called is no affair of the job's owner."""
    files.put(f"{style_key('ann', 's1')}/.artefact.json", b"junk")
    assert learned.run(specs[0])["style"] == style_key("ann", "s1")
    assert json.loads(files.read(f"{style_key('ann', 's1')}/.artefact.json"))["fingerprint"]


class Hungry:
    """A hook that lets a module run out of memory ``times`` times."""

    def __init__(self, module, times) -> None:
        self.left = times

        def ask(module, arguments):  # a function, which the shadow of a module shares
            if self.left:
                self.left -= 1
                raise torch.OutOfMemoryError("injected")

        self.hook = module.register_forward_pre_hook(ask)


@pytest.mark.parametrize("times", [1, 3, 4])
def test_out_of_memory_goes_down_the_ladder_and_the_job_is_done(tiny, learned, specs, files, times):
    """The drafts are those of an ample memory, but for rounding where the batches were made smaller."""
    learned.run(specs[1], "caption")
    drafts = learned.run(specs[1], "generate")["drafts"]
    usual = [Image.open(BytesIO(files.read(key))) for key in drafts]
    other = replace(specs[1], job_id="d2")
    learned.run(other, "caption")
    hungry = Hungry(tiny.models.base.unet, times)
    made = learned.run(other, "generate")
    hungry.hook.remove()
    names = ["as usual", "caches freed", "VAE in slices", "one picture at a time", "attention in slices"]
    assert made["memory"] == names[times]
    for one, key in zip(usual, made["drafts"], strict=True):
        other = Image.open(BytesIO(files.read(key)))
        assert max(high for _, high in ImageChops.difference(one, other).getextrema()) <= (0 if times == 1 else 2)
    assert tiny.models.base.vae.use_slicing is False


def test_where_nothing_helps_the_job_fails_alone(tiny, learned, specs):
    """Its owner gets a sentence; the next job on the same models is done as usual."""
    learned.run(specs[1], "caption")
    hungry = Hungry(tiny.models.base.unet, 99)
    with pytest.raises(OutOfMemory, match="not enough memory"):
        learned.run(specs[1], "generate")
    hungry.hook.remove()
    assert hungry.left == 99 - 5
    learned.stages.bench.memory._known.clear()
    assert learned.run(specs[1], "generate")["memory"] == "as usual"


def test_a_training_that_runs_out_of_memory_goes_on_further_down(tiny, worker, specs):
    """At the first step after a checkpoint: it goes on from there, one rung lower."""
    worker.run(specs[0], "prepare")
    worker.told.clear()
    hungry = Hungry(tiny.models.base.unet, 0)

    def tell(progress):
        worker.told.append(progress)
        hungry.left = int(steps_of(worker.told) == [1, 2, 3] and progress.stage == "learn")

    made = worker.stages.run("learn", specs[0], tell=tell, should_stop=never_stop)
    hungry.hook.remove()
    assert steps_of(worker.told) == [1, 2, 3, 3, 4, 5]
    assert made["memory"] == "caches freed"
