"""Files by key: whole or not at all, in a folder and in an object store alike, and nothing beside what is meant."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from pipeline.errors import BadInput, BadSetting
from pipeline.files import MANIFEST, Files, checked, job_key, style_key


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """A store on this machine's loopback with one bucket; it ends with the tests."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    own = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    before = {name: os.environ.get(name) for name in own}
    os.environ |= own
    Files("s3://stickers").depot.fs.mkdir("stickers")
    yield "s3://stickers/some/where"
    for name, value in before.items():
        os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)
    server.stop()


@pytest.fixture(params=["folder", "s3"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Files:
    """Of either kind, empty of this test's person."""
    if request.param == "folder":
        return Files(tmp_path / "files")
    found = Files(request.getfixturevalue("bucket"))
    found.delete("people")
    return found


@pytest.fixture
def style(tmp_path: Path) -> Path:
    """A folder with a folder, a hidden file and one that a killed run left half written."""
    folder = tmp_path / "style"
    (folder / "unet").mkdir(parents=True)
    (folder / "unet" / "weights.bin").write_bytes(b"w" * 1000)
    (folder / ".artefact.json").write_text("{}")
    (folder / ".0123456789abcdef.tmp").write_bytes(b"half")
    return folder


def test_what_was_put_is_there_and_can_be_had_back(files, tmp_path):
    """Bytes and a file; a second put replaces the first; listing tells keys, in order."""
    key = job_key("ann", "j-1", "photos", "cat.png")
    assert not files.exists(key)
    assert files.list("people/ann") == []
    files.put(key, b"first")
    files.put(key, b"second")
    (tmp_path / "local").write_bytes(b"from a file")
    files.put(job_key("ann", "j-1", "a"), tmp_path / "local")
    assert files.read(key) == b"second"
    files.get(key, tmp_path / "new" / "place")
    assert (tmp_path / "new" / "place").read_bytes() == b"second"
    assert files.read("people/ann/jobs/j-1/a") == b"from a file"
    assert files.list("people/ann") == ["people/ann/jobs/j-1/a", "people/ann/jobs/j-1/photos/cat.png"]


def test_what_is_not_there_is_told_and_leaves_nothing(files, tmp_path):
    with pytest.raises(BadInput, match="there is no 'people/ann/jobs/j/none'"):
        files.read(job_key("ann", "j", "none"))
    with pytest.raises(BadInput, match="there is no"):
        files.get(job_key("ann", "j", "none"), tmp_path / "target")
    with pytest.raises(BadInput, match="not whole"):
        files.get_folder("people/ann/styles/none", tmp_path / "folder")
    assert [path for path in tmp_path.iterdir() if path.name != "files"] == []
    files.delete("people/ann/jobs/none")


def test_a_folder_comes_back_as_it_was(files, style, tmp_path):
    """Hidden files too, half-written ones not; in place of another one; a second time nothing is written."""
    key, back = style_key("ann", "s"), tmp_path / "back"
    files.put_folder(key, style)
    back.mkdir()
    (back / "older").write_text("of another style")
    files.get_folder(key, back)
    found = {path.relative_to(back).as_posix() for path in back.rglob("*") if path.is_file()}
    assert found == {"unet/weights.bin", ".artefact.json"}
    assert (back / "unet" / "weights.bin").read_bytes() == b"w" * 1000
    written = back.stat().st_ino
    files.get_folder(key, back)
    assert back.stat().st_ino == written


def test_a_folder_is_there_once_its_manifest_is(files, style, tmp_path):
    """Killed before the manifest: no folder. Replaced: what the new one lacks is gone."""
    key = style_key("ann", "s")
    files.put(f"{key}/unet/weights.bin", b"half of it")
    assert files.manifest(key) is None
    files.put_folder(key, style)
    assert files.manifest(key)["files"]["unet/weights.bin"]["bytes"] == 1000
    (style / "unet" / "weights.bin").rename(style / "other.bin")
    files.put_folder(key, style)
    assert files.list(key) == [f"{key}/.artefact.json", f"{key}/{MANIFEST}", f"{key}/other.bin"]


def test_a_damaged_folder_is_refused_and_the_old_one_stays(files, style, tmp_path):
    key, back = style_key("ann", "s"), tmp_path / "back"
    files.put_folder(key, style)
    files.get_folder(key, back)
    (style / "unet" / "weights.bin").write_bytes(b"v" * 1000)
    files.put_folder(key, style)
    files.put(f"{key}/unet/weights.bin", b"v" * 999)
    with pytest.raises(BadInput, match="damaged or being replaced"):
        files.get_folder(key, back)
    assert (back / "unet" / "weights.bin").read_bytes() == b"w" * 1000


def test_a_person_is_deleted_as_a_whole_and_nobody_else(files):
    """Also not the person whose name begins alike."""
    for person in ("ann", "anna"):
        files.put(job_key(person, "j", "photo"), b"x")
        files.put(style_key(person, "s", "card"), b"x")
    files.delete_person("ann")
    assert files.list("people") == ["people/anna/jobs/j/photo", "people/anna/styles/s/card"]


def test_threads_may_share_it(files):
    """Eight of them write and read their own at once."""
    wrong: list[object] = []

    def work(number: int) -> None:
        for turn in range(5):
            key = job_key("ann", f"j{number}", str(turn))
            files.put(key, f"{number} {turn}".encode())
            if files.read(key) != f"{number} {turn}".encode():
                wrong.append(key)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(files.list("people/ann")) == 40


@pytest.mark.parametrize(
    "key", ["", "/etc/passwd", "people/../x", "a//b", "a/./b", "a/", "a b", "a\\b", "a\0", "é", "a/*", "x" * 129, "a\n"]
)
def test_a_key_that_could_lead_elsewhere_is_refused(tmp_path, key):
    with pytest.raises(BadInput, match="is no key"):
        checked(key)
    with pytest.raises(BadInput, match="is no key"):
        Files(tmp_path).read(key)


@pytest.mark.parametrize("name", ["", "..", "a/b", "ann\n", "x" * 81, "%2e%2e"])
def test_a_person_with_a_strange_name_is_refused(tmp_path, name):
    for act in (
        lambda: job_key(name, "j"),
        lambda: style_key("ann", name),
        lambda: Files(tmp_path).delete_person(name),
    ):
        with pytest.raises(BadInput, match="is no name here"):
            act()


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("ftpp://x", "files = 'ftpp://x': neither a folder nor a store that can be written"),
        ("sftp://ann:secret@host/x", "files = 'sftp://host/…': neither"),
        ("nope://ann:secret@host", "files = 'nope://host': neither"),
        ("ftp://127.0.0.1:1/x", "neither"),
        ("dir:///", "neither"),
        ("zip://::x", "neither"),
        ("http://host/x", "neither"),
        ("s3://bucket/x::file:///tmp", "neither"),
        ("s3://", "names no bucket"),
        ("s3://ann:secret@bucket/x", "no password belongs there"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_its_password(url, sentence):
    with pytest.raises(BadSetting) as caught:
        Files(url)
    assert sentence in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["a::b", "~", "~root", "d%42ta", "what?", "file:x"])
def test_a_folder_is_where_its_path_says(tmp_path, monkeypatch, name):
    """Absolute, relative and as a URL: no character of it leads elsewhere."""
    monkeypatch.chdir(tmp_path)
    for number, place in enumerate((tmp_path / name, name, f"file://{tmp_path}/{name}")):
        Files(place).put("people/k", b"%d" % number)
        assert (tmp_path / name / "people" / "k").read_bytes() == b"%d" % number
        assert Files(place).list("people") == ["people/k"]
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    "damaged", [b"[]", b"{}", b'{"files":[]}', b'{"files":{"a":1}}', b'{"files":{"../a":{}}}', b"[" * 99_999, b"\xff"]
)
def test_a_damaged_manifest_is_refused_and_mended_by_the_next_put(tmp_path, style, damaged):
    files, key = Files(tmp_path / "files"), style_key("ann", "s")
    files.put(f"{key}/{MANIFEST}", damaged)
    with pytest.raises(BadInput):
        files.get_folder(key, tmp_path / "back")
    files.put_folder(key, style)
    files.get_folder(key, tmp_path / "back")
    assert (tmp_path / "back" / "unet" / "weights.bin").is_file()


def test_a_link_in_a_folder_is_not_followed(tmp_path, style):
    """To a file or to a folder: nothing is sent."""
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "key").write_text("secret")
    files = Files(tmp_path / "files")
    for target in (tmp_path / "private", tmp_path / "private" / "key"):
        (style / "link").symlink_to(target)
        with pytest.raises(BadInput, match="symbolic link"):
            files.put_folder(style_key("ann", "s"), style)
        (style / "link").unlink()
    assert files.list("people") == []


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    """The disk is full in the middle: the sentence says so, and the file is the old one."""
    files = Files(tmp_path)
    files.put("a/b", b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pipeline.store.os.fsync", full)
    with pytest.raises(Exception, match="the disk is full"):
        files.put("a/b", b"new")
    assert files.read("a/b") == b"old"
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b"]


def test_what_a_killed_process_left_half_written_is_no_file(tmp_path):
    """Whoever reads all that is listed, as /mydata does, must not stumble over it; deletion takes it along."""
    files = Files(tmp_path / "files")
    files.put("people/ann/jobs/j/photo.png", b"whole")
    (tmp_path / "files/people/ann/jobs/j/.0123456789abcdef.tmp").write_bytes(b"half")
    assert files.list("people/ann") == ["people/ann/jobs/j/photo.png"]
    files.delete_person("ann")
    assert not (tmp_path / "files/people/ann").exists()
