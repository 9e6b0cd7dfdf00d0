"""After a learning and a drawing by the real queue and a real worker, no word and no pixel of theirs lies in clear."""

import json
import os
import signal
import subprocess
import sys
import time
from io import BytesIO

import pytest
from PIL import Image

from pipeline.domain import never_stop, no_report
from pipeline.errors import BadSetting
from pipeline.files import Files
from pipeline.jobs.queue import Jobs
from pipeline.jobs.words import Kind, Status
from pipeline.sealed_files import files_of
from pipeline.settings import Settings
from pipeline.vault import vault_of
from scripts.service.hand_in import Wish, hand_in
from tests.queue_desk import PATIENCE_S, ROOT
from tests.tiny_profile import write_pack, write_photos

SAID, TITLE = "marker-of-their-words", "marker-of-their-title"
PIXELS = (b"\x89PNG", b"IHDR", b"IDAT", b"JFIF", b"WEBP", b"Exif")
# In a process of its own: who opens and closes a SQLite file beside a connection takes that one's locks away.
LOOK = """
import json, pathlib, sys
folder, marks, found = pathlib.Path(sys.argv[1]), sys.argv[2:], {}
for path in folder.rglob("*"):
    data = path.name + (path.read_bytes().decode("latin-1") if path.is_file() else "")
    if shown := [mark for mark in marks if mark in data]:
        found[str(path.relative_to(folder))] = shown
print(json.dumps(found))
"""


class Service:
    """A data folder, a queue in it, and a worker with stages that draw without a model."""

    def __init__(self, folder, settings):
        self.folder, self.settings = folder, settings
        (folder / "stages").mkdir()
        self.files = files_of(settings)
        self.jobs = Jobs(settings.queue, vault=vault_of(settings))
        self.worker = None

    def work(self):
        command = [sys.executable, "-W", "ignore", str(ROOT / "tests" / "sticker_worker.py"), self.folder / "stages"]
        environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        with (self.folder / "worker.log").open("ab") as log:
            self.worker = subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def hand_in(self, kind, **more):
        wish = Wish(kind=kind, person="ann", style="mine", profile=None, **more)
        return hand_in(wish, self.jobs, self.files, report=no_report, should_stop=never_stop)[0].job_id

    def until(self, true):
        until_s = time.monotonic() + PATIENCE_S
        while not true():
            assert self.worker.poll() is None, (self.folder / "worker.log").read_text()
            assert time.monotonic() < until_s, (self.folder / "worker.log").read_text()
            time.sleep(0.02)

    def done(self, job_id):
        self.until(lambda: self.jobs.show(job_id).status not in (Status.QUEUED, Status.RUNNING))
        return self.jobs.show(job_id)

    def in_clear(self, *more):
        """Files below the data folder, by name, that show a word or a picture; in their names, too."""
        marks = [mark.decode("latin-1") for mark in (SAID.encode(), TITLE.encode(), *PIXELS, *more)]
        words = [sys.executable, "-c", LOOK, str(self.settings.data_dir), *marks]
        return json.loads(subprocess.run(words, capture_output=True, check=True).stdout)

    def close(self):
        if self.worker is not None and self.worker.poll() is None:
            self.worker.send_signal(signal.SIGKILL)
            self.worker.wait()
        self.jobs.close()


@pytest.fixture
def service(tmp_path, monkeypatch):
    monkeypatch.setenv("STICKERS_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("STICKERS_SECRET_KEY_FILE", str(tmp_path / "elsewhere" / "secret.key"))
    service = Service(tmp_path, Settings())
    yield service
    service.close()


def test_a_learning_and_a_drawing_leave_nothing_in_clear(service, tmp_path):
    """In no file of the data folder, the database's log and the engine's tables included; all can be read with the
    key."""
    photos = write_photos(tmp_path / "photos")
    learn = service.hand_in(Kind.LEARN, pack=write_pack(tmp_path / TITLE), options={"words": SAID})
    assert service.in_clear() == {}  # handed in, not begun
    service.work()
    assert service.done(learn).status is Status.DONE
    draw = service.hand_in(Kind.DRAW, photos=photos[:2], options={"words": SAID})
    bad = service.hand_in(Kind.DRAW, photos=photos[:1], options={"words": SAID, "seed": 7})
    view = service.done(draw)
    assert service.done(bad).status is Status.DONE
    assert service.in_clear() == {}

    assert view.spec.options["words"] == SAID
    assert service.jobs.show(learn).spec.options["title"] == TITLE
    assert view.result is not None
    for row in view.result["stickers"]:
        with Image.open(BytesIO(service.files.read(row["key"]))) as sticker:
            assert sticker.size == (512, 512)
    manifest = service.files.manifest("people/ann/styles/mine")
    assert json.loads(service.files.read("people/ann/styles/mine/style.json"))["pack"] == "mine"
    assert list(manifest["files"]) == ["style.json"]
    assert service.jobs.latest([draw])[draw][1].stage == "cutout"
    work = service.settings.data_dir / "work"
    assert work.stat().st_mode & 0o777 == 0o700
    assert [path for path in (work / "jobs").rglob("*") if path.is_file()] == []


def test_a_failed_job_s_sentence_is_sealed_and_its_folder_is_gone(service, tmp_path):
    service.hand_in(Kind.LEARN, pack=write_pack(tmp_path / "pack"), options={})
    service.work()
    service.until(lambda: service.files.manifest("people/ann/styles/mine") is not None)
    (tmp_path / "stages" / "refuse").write_text("BadPicture")
    photos = write_photos(tmp_path / "photos")[:1]
    view = service.done(service.hand_in(Kind.DRAW, photos=photos, options={"words": SAID}))
    assert (view.status, view.error) == (Status.FAILED, "This is not a picture that can be read.")
    assert service.in_clear(b"not a picture") == {}


def test_what_a_killed_worker_left_in_clear_is_gone_once_the_job_is_over(service, tmp_path):
    """Killed while it has the photos: they lie in its own folder alone; the next worker does the job, and clears."""
    service.hand_in(Kind.LEARN, pack=write_pack(tmp_path / "pack"), options={})
    service.work()
    service.until(lambda: service.files.manifest("people/ann/styles/mine") is not None)
    photos = write_photos(tmp_path / "photos")[:1]
    (tmp_path / "stages" / "pause").write_text("generate 3 red")
    draw = service.hand_in(Kind.DRAW, photos=photos, options={"words": SAID})
    service.until(lambda: any(told.stage == "generate" for _, told in service.jobs.progress(draw)))
    service.worker.kill()
    service.worker.wait()
    left = service.in_clear()
    assert left
    assert all(name.startswith(f"work/jobs/ann/{draw}/") for name in left)
    (tmp_path / "stages" / "pause").unlink()
    service.work()
    assert service.done(draw).status is Status.DONE
    assert service.in_clear() == {}


def test_nothing_of_a_deleted_person_stays(service, tmp_path):
    """The same as ever, and whoever has lost the key can still delete."""
    job_id = service.hand_in(Kind.LEARN, pack=write_pack(tmp_path / "pack"), options={})
    assert service.jobs.delete_person("ann") == (1, 0)
    Files(service.settings.files).delete_person("ann")
    assert service.files.list("people") == []
    assert service.jobs.several([job_id]) == {}


def test_a_worker_with_another_key_does_not_begin(service, tmp_path, monkeypatch):
    """Told in a sentence, exit code 2, before any job."""
    job_id = service.hand_in(Kind.LEARN, pack=write_pack(tmp_path / "pack"), options={})
    monkeypatch.setenv("STICKERS_SECRET_KEY_FILE", str(tmp_path / "elsewhere" / "other.key"))
    command = [sys.executable, "-m", "scripts.cli", "worker", "--stages", "timed", "--folder", str(tmp_path / "noted")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "was sealed with another key; set STICKERS_SECRET_KEY to that one" in " ".join(done.stderr.split())
    assert service.jobs.show(job_id).status is Status.QUEUED
    with pytest.raises(BadSetting, match="was sealed with another key"):
        files_of(Settings())
