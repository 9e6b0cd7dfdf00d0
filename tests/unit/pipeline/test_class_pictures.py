"""Class pictures are drawn once for all packs of a profile, also where two jobs want them at once."""

import shutil
import threading
import time

import pytest

from pipeline import class_pictures as classes
from pipeline.class_pictures import class_pictures, class_steps
from pipeline.domain import never_stop
from pipeline.errors import Stopped
from pipeline.gpu import choose_device
from pipeline.locks import locked
from pipeline.models import Models
from pipeline.settings import load_profile
from tests.tiny_profile import BATCH, CLASS_IMAGES, SIZE_PX, stopping_after
from tests.unit.pipeline.variants import with_section


def times(folder):
    """When each file was written; the lock is none."""
    return {path.name: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file() and path.name != ".lock"}


def test_class_pictures_are_drawn_once_and_shared(tiny, tmp_path, monkeypatch):
    pictures = class_pictures(tiny.models, tmp_path, should_stop=never_stop)
    assert [(p.mode, p.size) for p in pictures] == [("RGB", (SIZE_PX, SIZE_PX))] * CLASS_IMAGES
    assert len({p.tobytes() for p in pictures}) == CLASS_IMAGES
    written = times(tmp_path)
    monkeypatch.setattr(classes, "_drawn", lambda *_: pytest.fail("drawn again"))
    again = class_pictures(tiny.models, tmp_path, should_stop=never_stop)
    assert [p.tobytes() for p in again] == [p.tobytes() for p in pictures]
    assert times(tmp_path) == written


def test_class_pictures_go_on_after_a_stop(tiny, tmp_path, monkeypatch):
    """Batches of two: the first stays, the second alone is drawn, and all are as if nothing had happened."""
    whole = class_pictures(tiny.models, tiny.cache, should_stop=never_stop)
    with pytest.raises(Stopped):
        class_pictures(tiny.models, tmp_path, should_stop=stopping_after(3))  # two steps for each batch
    kept = times(tmp_path)
    assert len(kept) == 2
    starts = []
    drawn = classes._drawn
    monkeypatch.setattr(
        classes, "_drawn", lambda models, start, *rest: starts.append(start) or drawn(models, start, *rest)
    )
    resumed = class_pictures(tiny.models, tmp_path, should_stop=never_stop)
    assert starts == [2]
    assert kept.items() <= times(tmp_path).items()
    assert [p.tobytes() for p in resumed] == [p.tobytes() for p in whole]


def test_other_words_have_other_class_pictures(tiny, tmp_path):
    one = class_pictures(tiny.models, tmp_path, should_stop=never_stop)
    other = class_pictures(with_section(tiny, "prompt", class_prompt="a photo"), tmp_path, should_stop=never_stop)
    assert len(list((tmp_path / "class-pictures").iterdir())) == 2
    assert one[0].tobytes() != other[0].tobytes()


@pytest.mark.parametrize("change", [{"class_images": 0}, {"prior_loss_weight": 0.0}])
def test_without_a_prior_no_class_picture_is_drawn(tiny, tmp_path, change):
    assert class_pictures(with_section(tiny, "train", **change), tmp_path / "cache", should_stop=never_stop) == []
    assert not (tmp_path / "cache").exists()


def test_the_steps_are_known_beforehand_and_told_one_by_one(tiny, tmp_path):
    """Two batches of two steps; none where all is drawn; the rest of them where one batch is."""
    told, total = [], -(-CLASS_IMAGES // BATCH) * tiny.profile.generate.steps
    assert class_steps(tiny.models, tmp_path) == total == 4
    class_pictures(
        tiny.models, tmp_path, report=lambda done, all_, preview=None: told.append((done, all_)), should_stop=never_stop
    )
    assert told == [(done, total) for done in range(1, total + 1)]
    assert class_steps(tiny.models, tmp_path) == 0
    (folder,) = (tmp_path / "class-pictures").iterdir()
    (folder / "0002.png").unlink()
    assert class_steps(tiny.models, tmp_path) == 2


def test_a_second_job_waits_for_the_first_and_draws_nothing_itself(tiny, tmp_path, monkeypatch):
    """While another process holds them; a stop ends the waiting."""
    whole = class_pictures(tiny.models, tmp_path, should_stop=never_stop)
    folder, _ = classes.class_folder(tiny.models, tmp_path)
    card = folder / ".artefact.json"
    card.rename(tmp_path / "card")  # not complete yet: the first is at it
    monkeypatch.setattr(classes, "_drawn", lambda *_: pytest.fail("drawn twice"))
    held, done = threading.Event(), []

    def first():
        with locked(folder):
            held.set()
            time.sleep(0.5)
            (tmp_path / "card").rename(card)

    other = threading.Thread(target=first)
    other.start()
    held.wait(5)
    with pytest.raises(Stopped):
        class_pictures(tiny.models, tmp_path, should_stop=lambda: True)
    done = class_pictures(tiny.models, tmp_path, should_stop=never_stop)
    other.join()
    assert [p.tobytes() for p in done] == [p.tobytes() for p in whole]


def test_what_comes_with_the_models_is_not_drawn(tiny, tmp_path, monkeypatch):
    """Beside them, under their fingerprint; of other models it is not taken."""
    drawn = class_pictures(tiny.models, tmp_path / "first", should_stop=never_stop)
    folder, _ = classes.class_folder(tiny.models, tmp_path / "first")
    shipped = tiny.models.profile.folder / tiny.models.profile.name / "class-pictures" / folder.name
    shutil.copytree(folder, shipped)
    try:
        monkeypatch.setattr(classes, "_drawn", lambda *_: pytest.fail("drawn again"))
        assert class_steps(tiny.models, tmp_path / "cache") == 0
        found = class_pictures(tiny.models, tmp_path / "cache", should_stop=never_stop)
        assert [p.tobytes() for p in found] == [p.tobytes() for p in drawn]
        assert not (tmp_path / "cache").exists()
        (shipped / "0000.png").unlink()
        assert class_steps(tiny.models, tmp_path / "cache") > 0
    finally:
        shutil.rmtree(shipped.parent.parent)


def test_the_embedded_profile_comes_with_its_own(tmp_path):
    """Whoever trains its models anew draws these anew: `python -m scripts.embedded.class_pictures`."""
    models = Models(load_profile("embedded"), choose_device("cpu"))
    assert class_steps(models, tmp_path) == 0
