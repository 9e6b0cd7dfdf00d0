"""What is sealed shows nothing, opens only where it was put, and is whole or refused."""

import tracemalloc
from io import BytesIO

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pipeline.errors import BadInput, BadSetting
from pipeline.sealed import CHUNK, HEAD, TAG, Sealer

OLD, NEW = b"o" * 32, b"n" * 32
HERE = {"whose": "ann", "place": "people/ann/jobs/j/photo.png"}


@pytest.fixture
def sealer():
    return Sealer([OLD])


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_files_of_any_size_come_back_as_they_were(sealer, size):
    """At the chunks' borders, too; a file costs its head and a tag a chunk."""
    data = bytes(range(256)) * (size // 256 + 1)
    data = data[:size]
    sealed = sealer.seal(data, **HERE)
    assert sealer.open(sealed, **HERE) == data
    assert len(sealed) == HEAD + size + TAG * max(1, -(-size // CHUNK))
    assert size < 64 or data[:64] not in sealed


def test_the_form_is_the_one_that_is_told(sealer):
    """Opened by hand, with the primitives alone: keys by HKDF, a nonce of number and last, head and place bound."""

    def derived(key, info, salt=None):
        return HKDF(SHA256(), length=32, salt=salt, info=b"stickersmith " + info).derive(key)

    sealed = sealer.seal(b"x" * CHUNK + b"end", **HERE)
    head, first, second = sealed[:HEAD], sealed[HEAD : HEAD + CHUNK + TAG], sealed[HEAD + CHUNK + TAG :]
    assert head[:9] == b"\xd5sealed\n\x01"
    assert head[9:17] == derived(OLD, b"id")[:8]
    cipher = AESGCM(derived(derived(OLD, b"of\0ann"), b"file", salt=head[17:]))
    bound = head + HERE["place"].encode()
    assert cipher.decrypt(bytes(11) + b"\0", first, bound) == b"x" * CHUNK
    assert cipher.decrypt(bytes(10) + b"\1" + b"\1", second, bound) == b"end"


def test_the_same_bytes_are_sealed_differently_each_time(sealer):
    assert sealer.seal(b"x", **HERE) != sealer.seal(b"x", **HERE)
    assert sealer.seal_word("x", **HERE) != sealer.seal_word("x", **HERE)


def chunks(sealed):
    body = sealed[HEAD:]
    return [body[at : at + CHUNK + TAG] for at in range(0, len(body), CHUNK + TAG)]


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda sealed: sealed[:-1],
        lambda sealed: sealed + b"\0",
        lambda sealed: sealed[: HEAD + CHUNK + TAG],  # cut at a chunk's border
        lambda sealed: sealed[:HEAD],
        lambda sealed: sealed[:HEAD] + b"".join(chunks(sealed)[::-1]),
        lambda sealed: sealed[:HEAD] + b"".join([chunks(sealed)[0], *chunks(sealed)]),
        lambda sealed: sealed[:HEAD] + b"".join([chunks(sealed)[0], chunks(sealed)[2]]),
        lambda sealed: sealed[: HEAD + 7] + bytes([sealed[HEAD + 7] ^ 1]) + sealed[HEAD + 8 :],
        lambda sealed: sealed[:20] + bytes([sealed[20] ^ 1]) + sealed[21:],  # the salt
        lambda sealed: sealed[:-1] + bytes([sealed[-1] ^ 1]),
    ],
)
def test_whatever_is_changed_is_noticed(sealer, spoilt):
    sealed = sealer.seal(b"abc" * CHUNK, **HERE)
    with pytest.raises(BadInput, match="damaged, cut, or was changed or moved"):
        sealer.open(spoilt(sealed), **HERE)


def test_a_file_in_another_s_place_does_not_open(sealer):
    """Neither under another key of the same person, nor under another person."""
    sealed, word = sealer.seal(b"x", **HERE), sealer.seal_word("x", **HERE)
    for elsewhere in (HERE | {"place": "people/ann/jobs/j/other.png"}, HERE | {"whose": "bob"}):
        with pytest.raises(BadInput, match="moved"):
            sealer.open(sealed, **elsewhere)
        with pytest.raises(BadInput, match="changed"):
            sealer.open_word(word, **elsewhere)


def test_what_is_not_sealed_is_not_taken(sealer):
    for data in (b"", b"\x89PNG\r\n\x1a\n", b"{}", sealer.seal(b"", **HERE)[: HEAD - 1]):
        with pytest.raises(BadInput, match="is not sealed"):
            sealer.open(data, **HERE)
    newer = sealer.seal(b"x", **HERE)
    with pytest.raises(BadInput, match="newer version"):
        sealer.open(newer[:8] + b"\2" + newer[9:], **HERE)


def test_a_new_key_seals_and_the_old_one_still_opens(sealer):
    both, new = Sealer([NEW, OLD]), Sealer([NEW])
    file, word = sealer.seal(b"x", **HERE), sealer.seal_word("x", **HERE)
    assert (both.open(file, **HERE), both.open_word(word, **HERE)) == (b"x", "x")
    assert not both.is_current(file)
    assert not both.is_current_word(word)
    file, word = both.seal(b"y", **HERE), both.seal_word("y", **HERE)
    assert (new.open(file, **HERE), new.open_word(word, **HERE)) == (b"y", "y")
    assert new.is_current(file)
    assert new.is_current_word(word)
    for act in (lambda: sealer.open(file, **HERE), lambda: sealer.open_word(word, **HERE)):
        with pytest.raises(BadSetting, match="was sealed with another key; set STICKERS_SECRET_KEY"):
            act()


@pytest.mark.parametrize("text", ["", "в шляпе 🎩", '{"words": "a hat"}', "\udcff", "sealed1.not"])
def test_words_come_back_as_they_were(sealer, text):
    sealed = sealer.seal_word(text, **HERE)
    assert sealer.open_word(sealed, **HERE) == text
    assert sealed.isascii()
    assert len(text) < 4 or text not in sealed


@pytest.mark.parametrize("spoilt", [lambda word: word[:-4], lambda word: word[:40], lambda word: word + "!", str.lower])
def test_a_spoilt_word_is_refused(sealer, spoilt):
    with pytest.raises((BadInput, BadSetting)):
        sealer.open_word(spoilt(sealer.seal_word("some words", **HERE)), **HERE)


def test_a_large_file_is_not_held_in_memory(sealer, tmp_path):
    """32 MiB through 8 MiB at most, either way."""
    clear, sealed, again = (tmp_path / name for name in ("clear", "sealed", "again"))
    clear.write_bytes(bytes(32 * CHUNK))
    tracemalloc.start()
    try:
        for source, target, act in ((clear, sealed, sealer.seal_file), (sealed, again, sealer.open_file)):
            with source.open("rb") as read, target.open("wb") as written:
                act(read, written, **HERE)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 * CHUNK
    assert again.read_bytes() == clear.read_bytes()


def test_what_was_written_before_an_error_is_known_to_be_a_part(sealer):
    """``Files`` writes beside and renames: here only the chunks before the spoilt one come out."""
    target, sealed = BytesIO(), sealer.seal(b"abc" * CHUNK, **HERE)
    with pytest.raises(BadInput):
        sealer.open_file(BytesIO(sealed[:-1]), target, **HERE)
    assert target.getvalue() == (b"abc" * CHUNK)[: len(target.getvalue())]
