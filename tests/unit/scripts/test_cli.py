"""The command line: help without weight, errors in a sentence, JSON and nothing else on stdout."""

import json
import re
import subprocess
import sys
import types
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

import pipeline
from pipeline.domain import Method, Skipped, Stage
from pipeline.errors import BadPicture, Stopped
from scripts.cli import app
from scripts.door import program_version
from scripts.progress import WAKING

ROOT = Path(__file__).resolve().parents[3]
HEAVY = ("torch", "diffusers", "transformers", "scipy", "numpy", "huggingface_hub", "sqlalchemy", "dbos")
COMMANDS = ["make", "train", "caption", "generate", "cutout", "models", "models pull", "doctor", "evaluate"]
COMMANDS += ["run", "worker", "load", "plan", "jobs", "jobs list", "jobs show", "jobs cancel", "jobs requeue"]
COMMANDS += ["jobs dead", "jobs delete-person"]
REPORT = {
    "seconds": {"intake": 0.5, "train": 60.25},
    "peak_memory_mb": {"intake": 100.0, "train": 900.0},
    "device": "CPU, 2 threads",
}


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch, tmp_path):
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("STICKERS_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def stickers():
    """Run a command line: exit code, stdout, stderr."""

    def run(*words: object):
        return CliRunner().invoke(app, [str(word) for word in words])

    return run


class FakeRun(types.ModuleType):
    """Stands in for pipeline.run, which has tests of its own: notes what it was asked, prints as libraries do."""

    def __init__(self):
        super().__init__("pipeline.run")
        self.asked = {}
        self.error: Exception | None = None

    def make(self, request, out, *, watch, should_stop):
        self.asked = request
        print("a library's chatter")  # noqa: T201
        report = watch(Stage.TRAIN)
        report(1, 2)
        if self.error:
            raise self.error
        report(2, 2)
        return types.SimpleNamespace(
            out=out,
            stickers=(out / "stickers" / "cat.png",),
            sheet=out / "sheet.png",
            report=REPORT,
            skipped=(Skipped(name="notes.txt", reason="no picture"),),
            notes=("cat.png: kept as WEBP",),
        )

    def describe(self, request, *, watch, should_stop):
        watch(Stage.CAPTION)(1, 1)
        return {photo.name: "a [cat] in a hat" for photo in request.photos}


@pytest.fixture
def run(monkeypatch):
    fake = FakeRun()
    monkeypatch.setitem(sys.modules, "pipeline.run", fake)
    monkeypatch.setattr(pipeline, "run", fake, raising=False)
    return fake


def picture(path, colour="teal"):
    """A picture whose looks depend on its colour."""
    image = Image.new("RGB", (40, 40), "white")
    image.paste(colour, (4, 4, 8 + 6 * len(colour), 30))
    image.save(path)


@pytest.fixture
def job(tmp_path):
    """The words of a `make` whose files are good."""
    (tmp_path / "pack").mkdir()
    for number, colour in enumerate(("red", "green", "blue")):
        picture(tmp_path / "pack" / f"{number}.png", colour)
    picture(tmp_path / "cat.jpg")
    return ["make", tmp_path / "pack", tmp_path / "cat.jpg", "--out", tmp_path / "out"]


def test_import_and_help_load_nothing_heavy():
    """In a fresh interpreter: importing the command line and printing help of every command loads none of HEAVY."""
    code = f"""
import sys
from typer.testing import CliRunner
from scripts.cli import app
for words in {[command.split() for command in ["", *COMMANDS]]!r}:
    assert CliRunner().invoke(app, [*words, "--help"]).exit_code == 0, words
print([name for name in {HEAVY!r} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_command_has_help_with_worked_examples(stickers, command):
    shown = stickers(*command.split(), "--help")
    assert shown.exit_code == 0
    assert "Examples" in shown.stdout
    assert shown.stdout.count(f"stickers {command}".rstrip()) >= 2


def test_help_shows_no_types_of_python(stickers):
    """And the first page says how to get larger models."""
    pages = [stickers(*command.split(), "--help").stdout for command in ["", *COMMANDS]]
    assert [re.findall(r"<[a-zA-Z\[\]]+>", page) for page in pages] == [[]] * len(pages)
    assert "stickers models pull sd15" in pages[0]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["{}/pack", "{}/cat.jpg", "--out", "{}/cat.jpg"], "a file where a folder should be"),
        (["{}/pack", "{}/pack", "--out", "{}/out"], "is a folder"),
        (
            ["{}/cat.jpg", "{}/cat.jpg", "--out", "{}/out"],
            "a pack is a folder or a zip of 3 or more pictures, and PACK comes",
        ),
    ],
)
def test_bad_files_are_told_before_the_models_wake(stickers, job, tmp_path, monkeypatch, words, sentence):
    """Neither is torch loaded, nor a folder made."""
    monkeypatch.setitem(sys.modules, "pipeline.run", None)  # importing it would fail
    done = stickers("make", *(word.format(tmp_path) for word in words))
    assert done.exit_code == 2
    assert sentence in done.stderr
    assert WAKING not in done.stderr
    assert not (tmp_path / "out").exists()


def test_an_unknown_device_is_told_before_anything(stickers, job, tmp_path, monkeypatch):
    monkeypatch.setenv("STICKERS_DEVICE", "tpu")
    monkeypatch.setitem(sys.modules, "pipeline.run", None)
    done = stickers(*job)
    assert done.exit_code == 2
    assert "device = 'tpu': unknown; let STICKERS_DEVICE be one of auto, cuda, mps, cpu" in done.stderr
    assert not (tmp_path / "out").exists()


def test_without_a_command_help_is_shown(stickers):
    shown = stickers()
    assert shown.exit_code == 0
    assert "Usage: " in shown.stdout
    assert shown.stderr == ""


def test_version(stickers):
    assert stickers("--version").stdout.strip() == f"stickers {program_version()}"


def test_make_offers_the_options_of_the_issue(stickers):
    shown = stickers("make", "--help").stdout
    options = "out profile method train-steps steps strength guidance prompt count seed outline json"
    assert [name for name in options.split() if f"--{name} " not in shown] == []
    assert "--export-rank" in stickers("train", "--help").stdout
    assert "--mask" in stickers("cutout", "--help").stdout


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["make", "{}/none", "{}/cat.jpg", "--out", "{}/out"], "there is no '{}/none'"),
        (["make", "{}", "{}/none.jpg", "--out", "{}/out"], "there is no '{}/none.jpg'"),
        (["make", "{}", "{}/cat.jpg", "--out", "{}/out", "--profile", "sd99"], "unknown profile 'sd99'"),
        (["make", "{}", "{}/cat.jpg", "--out", "{}/out", "--method", "hope"], "unknown method 'hope'"),
        (["make", "{}", "{}/cat.jpg", "--out", "{}/out", "--strength", "7"], "strength = 7.0"),
        (
            ["make", "{}", "{}/cat.jpg", "--out", "{}/out", "--steps", "many"],
            "--steps = 'many': Input should be a valid integer;",
        ),
        (["make", "{}", "{}/cat.jpg"], "Missing option '--out'"),
        (["make", "{}", "--out", "{}/out"], "there is nothing to draw; give at least one PHOTO, or --words"),
        (["mkae"], "No such command 'mkae'"),
        (["generate", "{}/cat.jpg", "--style", "{}", "--out", "{}/out"], "'{}' is no style"),
        (["models", "pull", "sd99"], "unknown profile 'sd99'"),
    ],
)
def test_a_wrong_request_is_one_sentence_and_exit_code_2(stickers, tmp_path, words, sentence):
    done = stickers(*(word.format(tmp_path) for word in words))
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert sentence.format(tmp_path) in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_file_whose_name_begins_with_a_dash_is_told_how_to_be_given(stickers, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["caption", "-dash.jpg"]
    assert "begins with a dash" not in stickers(*words).stderr
    picture(tmp_path / "-dash.jpg")
    done = stickers(*words)
    assert done.exit_code == 2
    assert "a file whose name begins with a dash goes behind `--`, or is written ./-dash.jpg" in done.stderr


def test_a_stopped_caption_does_not_promise_to_go_on(stickers, run, tmp_path, monkeypatch):
    def stopped(*_, **__):
        raise Stopped()

    monkeypatch.setattr(run, "describe", stopped, raising=False)
    picture(tmp_path / "cat.jpg")
    done = stickers("caption", tmp_path / "cat.jpg")
    assert done.exit_code == 130
    assert "stopped; nothing is kept" in done.stderr
    assert "go on" not in done.stderr


def test_an_error_of_a_stage_is_one_sentence_after_the_progress(stickers, run, job):
    run.error = BadPicture("'cat.jpg' is no picture; give another")
    done = stickers(*job)
    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1] == "error: 'cat.jpg' is no picture; give another"
    assert done.stdout == ""


def test_with_json_an_error_is_json_too(stickers, run, job):
    run.error = BadPicture("'cat.jpg' is no picture; give another")
    done = stickers(*job, "--json")
    assert done.exit_code == 2
    assert json.loads(done.stdout) == {
        "error": {"code": "bad_picture", "message": "'cat.jpg' is no picture; give another"}
    }


def test_what_nobody_foresaw_leaves_a_log_and_exit_code_1(stickers, run, job, tmp_path):
    run.error = RuntimeError("the moon is in the way\nand so on")
    done = stickers(*job)
    assert done.exit_code == 1
    assert "error: unexpected RuntimeError: the moon is in the way\n" in done.stderr
    assert "Traceback" not in done.stderr
    (log,) = (tmp_path / "cache" / "logs").iterdir()
    assert str(log) in done.stderr.replace("\n", "")
    assert "Traceback" in log.read_text()
    assert "and so on" in log.read_text()
    assert str(job[1]) in log.read_text()


def test_make_tells_what_was_made_where_and_how_long_it_took(stickers, run, job, tmp_path):
    done = stickers(*job)
    assert done.exit_code == 0
    assert "1 sticker in the style of 'pack'" in done.stdout
    for place in ("stickers", "sheet.png", "style"):
        assert f"{tmp_path}/out/{place}" in done.stdout
    assert "60.2" in done.stdout
    assert "900 MB" in done.stdout
    assert "together" in done.stdout
    assert "chatter" not in done.stdout
    assert "skipped notes.txt: no picture" in done.stderr
    assert "note: cat.png: kept as WEBP" in done.stderr
    assert "learning the style" in done.stderr


def test_json_is_the_whole_of_stdout(stickers, run, job, tmp_path):
    result = json.loads(stickers(*job, "--json").stdout)
    assert result["stickers"] == [f"{tmp_path}/out/stickers/cat.png"]
    assert result["skipped"] == [{"name": "notes.txt", "reason": "no picture"}]
    assert result["report"] == REPORT


def test_options_reach_the_run(stickers, run, job, tmp_path):
    words = "--method dreambooth --train-steps 7 --steps 9 --strength 0.5 --guidance 2 --count 3 --seed 5 --outline 4"
    assert stickers(*job, *words.split(), "--prompt", "a {caption}! {token}").exit_code == 0
    options = run.asked.options
    assert (options.method, options.train_steps, options.steps) == (Method.DREAMBOOTH, 7, 9)
    assert (options.strength, options.guidance, options.count) == (0.5, 2.0, 3)
    assert (options.seed, options.outline_px, options.template) == (5, 4, "a {caption}! {token}")
    assert [photo.name for photo in run.asked.photos] == ["cat"]
    assert len(run.asked.pack.pictures) == 3
    assert run.asked.settings.cache_dir == tmp_path / "cache"


def test_captions_are_printed_as_they_are(stickers, run, tmp_path):
    picture(tmp_path / "cat.jpg")
    assert stickers("caption", tmp_path / "cat.jpg").stdout == "cat: a [cat] in a hat\n"
    shown = stickers("caption", tmp_path / "cat.jpg", "--json").stdout
    assert json.loads(shown) == {"captions": {"cat": "a [cat] in a hat"}, "skipped": [], "notes": []}


def test_the_same_picture_twice_is_told(stickers, run, tmp_path):
    """Under another name, too; another picture is not."""
    picture(tmp_path / "cat.jpg")
    (tmp_path / "tom.jpg").write_bytes((tmp_path / "cat.jpg").read_bytes())
    picture(tmp_path / "dog.jpg", "red")
    done = stickers("caption", *(tmp_path / name for name in ("cat.jpg", "dog.jpg", "tom.jpg")))
    assert done.stderr.splitlines()[-1] == "note: 'tom' is the same picture as 'cat'; both are worked on"
    assert done.stderr.count("note: ") == 1


def test_generate_takes_the_profile_of_the_style(stickers, tmp_path):
    (tmp_path / "style.json").write_text('{"profile": "sd98"}')
    (tmp_path / "cat.jpg").touch()
    done = stickers("generate", tmp_path / "cat.jpg", "--style", tmp_path, "--out", tmp_path / "out")
    assert "unknown profile 'sd98'" in done.stderr


def test_words_for_nothing_are_refused_before_a_picture_is_read(stickers, tmp_path):
    done = stickers("make", str(tmp_path), "--words", "xyzzy", "--out", str(tmp_path / "out"))
    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1].startswith("error: nothing that can be drawn is known by the words 'xyzzy'")
    assert not (tmp_path / "out").exists()
