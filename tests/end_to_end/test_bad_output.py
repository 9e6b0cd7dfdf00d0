"""Output folders that cannot be used: one clear sentence, exit code 2, and what is there stays."""

import errno
import os
import types

import pytest

from pipeline import store
from pipeline.locks import locked
from pipeline.request import LOCK
from tests.end_to_end.desk import refused


def test_a_file_in_place_of_the_output_folder(desk):
    for place in (desk.out / "mine.txt", desk.out / "mine.txt" / "below"):
        refused(
            desk,
            "make",
            desk.pack,
            *desk.photos,
            "--out",
            place,
            *desk.profile,
            sentence="a file where a folder should be",
        )


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_an_output_folder_without_permission(desk):
    desk.out.chmod(0o500)
    try:
        refused(desk, "make", desk.pack, *desk.photos, "--out", desk.out, *desk.profile, sentence="no permission")
    finally:
        desk.out.chmod(0o700)


def test_a_nearly_full_disk_is_told_before_the_work(desk, monkeypatch):
    monkeypatch.setattr(store.shutil, "disk_usage", lambda path: types.SimpleNamespace(free=3_000_000))
    refused(desk, "make", desk.pack, *desk.photos, "--out", desk.out, *desk.profile, sentence="3 MB free of the 50 MB")


def test_a_disk_that_is_full(desk, monkeypatch):
    """Every write of the disk fails, as the last of them would."""

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store.os, "fsync", full)
    refused(desk, "make", desk.pack, *desk.photos, "--out", desk.out, *desk.profile, sentence="the disk is full")


def test_results_among_the_inputs(desk):
    """A sticker of cat.png would replace cat.png."""
    place = desk.photos[0].parent
    refused(desk, "cutout", *desk.photos, "--out", place, *desk.profile, sentence="choose another folder")


def test_a_folder_that_another_run_is_writing_to(desk):
    """Told at once; a folder in which nobody is working any more is no matter."""
    words = ["cutout", *desk.photos, "--out", desk.out, *desk.profile]
    with locked(desk.out, LOCK):
        refused(desk, *words, sentence="another `stickers` is still writing to '.*out'; wait for it, or")
    assert desk.stickers(*words).exit_code == 0
