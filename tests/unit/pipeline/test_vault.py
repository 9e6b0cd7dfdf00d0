"""What is sealed can be read with the key alone, and the key is nobody else's."""

import threading

import pytest

from pipeline.errors import BadSetting
from pipeline.vault import Vault, found_or_made, key_file, keys_from

KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="  # for tests alone


@pytest.fixture
def vault():
    return Vault([KEY])


def test_what_is_sealed_shows_nothing_and_comes_back_as_it_was(vault):
    value = {"text": "привет xylophone", "n": [1, None]}
    sealed = vault.seal(value)
    assert b"xylophone" not in sealed
    assert vault.open(sealed) == value


def test_another_key_opens_nothing_and_a_changed_byte_is_noticed(vault, tmp_path):
    other = Vault(found_or_made(tmp_path / "other.key"))
    sealed = vault.seal("x")
    with pytest.raises(BadSetting, match="another key"):
        other.open(sealed)
    with pytest.raises(BadSetting, match="another key"):
        vault.open(sealed[:-5] + b"AAAA=")


def test_a_new_key_seals_and_the_old_one_still_opens(vault, tmp_path):
    new = found_or_made(tmp_path / "new.key")
    both = Vault([*new, KEY])
    assert both.open(vault.seal("old")) == "old"
    assert Vault(new).open(both.seal("new")) == "new"
    assert both.keys_for("buttons")[1] == vault.keys_for("buttons")[0]
    assert vault.keys_for("buttons") != vault.keys_for("else")


def test_a_key_that_is_none_is_refused_without_being_shown():
    with pytest.raises(BadSetting, match="32 random bytes") as caught:
        Vault(["not-a-key-hunter2"])
    assert "hunter2" not in str(caught.value)
    with pytest.raises(BadSetting, match="empty"):
        Vault([])


def test_the_key_lies_beside_the_data_folder_and_only_its_owner_may_read_it(tmp_path):
    path = key_file(tmp_path / "data")
    assert path == tmp_path / "data.key"
    keys = found_or_made(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert found_or_made(path) == keys
    assert [one.name for one in tmp_path.iterdir()] == ["data.key"]


def test_a_key_file_that_others_may_read_is_refused(tmp_path):
    found_or_made(tmp_path / "k")
    (tmp_path / "k").chmod(0o640)
    with pytest.raises(BadSetting, match="chmod 600"):
        found_or_made(tmp_path / "k")


def test_processes_that_make_the_key_at_once_have_the_same_one(tmp_path):
    found = []
    threads = [threading.Thread(target=lambda: found.append(found_or_made(tmp_path / "k"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len({tuple(keys) for keys in found}) == 1


def test_keys_have_commas_between():
    assert keys_from(" a, b ,,") == ["a", "b"]


def test_a_folder_in_place_of_the_key_file_is_told_as_one(tmp_path):
    (tmp_path / "keys").mkdir(mode=0o755)
    with pytest.raises(BadSetting, match="keys' is a folder; let STICKERS_SECRET_KEY_FILE name a file in it"):
        found_or_made(tmp_path / "keys")
