"""People's files lie sealed in a folder and in an object store alike; the key is proven before anything is done."""

import os

import pytest
from cryptography.fernet import Fernet
from moto.server import ThreadedMotoServer

from pipeline import sealed_files
from pipeline.errors import BadInput, BadSetting
from pipeline.files import Files, job_key, style_key
from pipeline.sealed import CHUNK, is_sealed
from pipeline.sealed_files import MARK, check, files_of
from pipeline.settings import Settings
from pipeline.vault import Vault, vault_from, vault_of

KEY, MARKER = job_key("ann", "j", "photo.png"), b"the marker of this picture"


@pytest.fixture(scope="module")
def bucket():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    own = {"AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_DEFAULT_REGION": "us-east-1"}
    own |= {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nothing"}
    before = {name: os.environ.get(name) for name in own}
    os.environ |= own
    Files("s3://sealed").depot.fs.mkdir("sealed")
    yield "s3://sealed/some/where"
    for name, value in before.items():
        os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)
    server.stop()


@pytest.fixture(params=["folder", "s3"])
def place(request, tmp_path):
    """Of either kind, empty."""
    if request.param == "folder":
        return str(tmp_path / "files")
    url = request.getfixturevalue("bucket")
    for key in ("people", "shared", MARK):
        Files(url).delete(key)
    return url


def opened(place, *keys):
    return Files(place, Vault(keys or (OLD,)).sealer("files"))


OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))


def test_what_is_a_person_s_lies_sealed_and_comes_back(place, tmp_path):
    """Bytes, a file of several chunks, a folder with its manifest; what is nobody's lies as it is."""
    files, large = opened(place), tmp_path / "weights"
    large.write_bytes(MARKER * (3 * CHUNK // len(MARKER)))
    (tmp_path / "style").mkdir()
    (tmp_path / "style" / "style.json").write_bytes(MARKER)
    files.put(KEY, MARKER)
    files.put(job_key("ann", "j", "weights"), large)
    files.put_folder(style_key("ann", "s"), tmp_path / "style")
    files.put("shared/class-pictures/1.png", MARKER)
    assert files.read(KEY) == MARKER
    files.get(job_key("ann", "j", "weights"), tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == large.read_bytes()
    files.get_folder(style_key("ann", "s"), tmp_path / "fetched")
    assert (tmp_path / "fetched" / "style.json").read_bytes() == MARKER
    keys = files.list("people")
    assert len(keys) == 4
    for key in keys:
        raw = files.depot.read(key)
        assert is_sealed(raw)
        assert MARKER not in raw
        assert b"style.json" not in raw
    assert files.depot.read("shared/class-pictures/1.png") == MARKER


def test_a_file_that_was_swapped_or_changed_or_cut_is_refused(place, tmp_path):
    """In a sentence; nothing comes to where it was to go."""
    files, other = opened(place), job_key("ann", "j", "other.png")
    files.put(KEY, b"one")
    files.put(other, b"other")
    files.put(job_key("bob", "j", "photo.png"), b"bob's")
    raw = files.depot.read(KEY)
    for theirs in (files.depot.read(other), files.depot.read(job_key("bob", "j", "photo.png")), raw[:-1], b"clear"):
        files.depot.put(KEY, theirs)
        for act in (lambda: files.read(KEY), lambda: files.get(KEY, tmp_path / "out")):
            with pytest.raises(BadInput, match=r"'people/ann/jobs/j/photo\.png' is not"):
                act()
    assert not (tmp_path / "out").exists()
    files.depot.put(KEY, raw)
    assert files.read(KEY) == b"one"


def test_without_a_key_nothing_sealed_is_taken_for_a_picture(place, tmp_path):
    opened(place).put(KEY, MARKER)
    for act in (lambda: Files(place).read(KEY), lambda: Files(place).get(KEY, tmp_path / "out")):
        with pytest.raises(BadSetting, match="is sealed, and there is no key"):
            act()
    assert not (tmp_path / "out").exists()


def test_the_key_is_proven_at_the_start(place):
    """Another key, and none, are refused before the first file; who only looks leaves no mark."""
    check(opened(place), begins=False)
    check(Files(place), begins=True)
    assert not Files(place).exists(MARK)
    check(opened(place), begins=True)
    check(opened(place), begins=True)
    for begins in (True, False):
        with pytest.raises(BadSetting, match="was sealed with another key"):
            check(opened(place, NEW), begins=begins)
        with pytest.raises(BadSetting, match="are sealed, and there is no key"):
            check(Files(place), begins=begins)


def test_what_an_older_version_left_in_clear_is_sealed_at_the_first_start(place):
    """Once; from then on what lies there in clear is not taken."""
    bare, files = Files(place), opened(place)
    bare.put(KEY, MARKER)
    bare.put("shared/a", MARKER)
    check(files, begins=True)
    assert files.read(KEY) == MARKER
    assert is_sealed(bare.depot.read(KEY))
    assert bare.depot.read("shared/a") == MARKER
    bare.put(KEY, MARKER)
    check(files, begins=True)
    with pytest.raises(BadInput, match="is not sealed, as all files of people are"):
        files.read(KEY)


def test_a_key_is_changed_by_one_start_with_both(place):
    """Then the old one may be left out, and opens nothing. What is damaged is told and left."""
    files, spoilt = opened(place), job_key("ann", "j", "spoilt")
    check(files, begins=True)
    files.put(KEY, MARKER)
    files.depot.put(spoilt, files.depot.read(KEY))
    check(opened(place, NEW, OLD), begins=True)
    check(opened(place, NEW), begins=True)
    assert opened(place, NEW).read(KEY) == MARKER
    with pytest.raises(BadSetting, match="another key"):
        opened(place).read(KEY)
    assert opened(place, NEW).exists(spoilt)


def test_a_start_that_was_killed_half_way_is_made_good_by_the_next(place, monkeypatch):
    """The mark comes last; what is sealed already stays as it is."""
    files, keys = opened(place), [job_key("ann", "j", str(number)) for number in range(4)]
    for key in keys:
        Files(place).put(key, MARKER)
    real, left = sealed_files._sealed_anew, [2]

    def killed(*words):
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        return real(*words)

    monkeypatch.setattr(sealed_files, "_sealed_anew", killed)
    with pytest.raises(KeyboardInterrupt):
        check(files, begins=True)
    assert not files.exists(MARK)
    before = files.depot.read(keys[0])
    monkeypatch.undo()
    check(files, begins=True)
    assert files.depot.read(keys[0]) == before
    assert [files.read(key) for key in keys] == [MARKER] * 4


def test_a_person_is_deleted_without_a_key(place):
    opened(place).put(KEY, MARKER)
    check(opened(place), begins=True)
    Files(place).delete_person("ann")
    assert Files(place).list("people") == []


def test_a_style_s_sealed_copy_is_used_and_mended(place, tmp_path):
    """On a worker's disk lies what lies in the store; a copy of an earlier style, or a damaged one, is fetched anew."""
    files, key, kept = opened(place), style_key("ann", "s"), tmp_path / "kept"
    (tmp_path / "style").mkdir()
    for text in (b"first", b"second"):
        (tmp_path / "style" / "weights").write_bytes(text)
        files.put_folder(key, tmp_path / "style")
        files.get_folder(key, tmp_path / f"job-{text.decode()}", by=kept)
        assert (tmp_path / f"job-{text.decode()}" / "weights").read_bytes() == text
        assert is_sealed((kept / "weights").read_bytes())
    (kept / "weights").write_bytes(b"damaged")
    files.get_folder(key, tmp_path / "third", by=kept)
    assert (tmp_path / "third" / "weights").read_bytes() == b"second"
    whole = files.depot.read(f"{key}/weights")
    files.depot.put(f"{key}/weights", b"gone bad in the store")
    files.get_folder(key, tmp_path / "fourth", by=kept)
    assert (tmp_path / "fourth" / "weights").read_bytes() == b"second"
    files.depot.put(f"{key}/weights", whole)


# ── the key ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.delenv("STICKERS_SECRET_KEY_FILE")
    return Settings(data_dir=tmp_path / "data")


def test_a_key_is_made_beside_the_data_folder_once_and_for_its_owner_alone(settings, tmp_path):
    """Who only looks makes none; bot, worker and submit find the same one."""
    assert vault_of(settings, begins=False) is None
    assert not (tmp_path / "data.key").exists()
    files_of(settings).put(KEY, MARKER)
    assert (tmp_path / "data.key").stat().st_mode & 0o777 == 0o600
    assert files_of(settings, begins=False).read(KEY) == MARKER
    assert vault_from(None, None, settings.data_dir).text == vault_of(settings).text
    (tmp_path / "data.key").chmod(0o644)
    with pytest.raises(BadSetting, match="run `chmod 600` on it"):
        files_of(settings)


@pytest.mark.parametrize("inside", ["data/secret.key", "files/deep/secret.key"])
def test_a_key_among_what_it_seals_is_refused(settings, tmp_path, inside):
    chosen = settings.model_copy(update={"secret_key_file": tmp_path / inside, "files_url": str(tmp_path / "files")})
    with pytest.raises(BadSetting, match="who copies the one has the other"):
        vault_of(chosen)
    assert not (tmp_path / inside).exists()


def test_a_key_that_was_lost_is_told_at_the_start(settings, tmp_path):
    """Not made anew in silence and noticed at the first file."""
    files_of(settings).put(KEY, MARKER)
    (tmp_path / "data.key").unlink()
    with pytest.raises(BadSetting, match="are sealed, and there is no key"):
        files_of(settings, begins=False)
    with pytest.raises(BadSetting, match="was sealed with another key"):
        files_of(settings)
