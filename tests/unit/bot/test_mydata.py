"""All that is kept of a person reaches them, in as many zips as it takes."""

import io
import random
import zipfile

import pytest

from bot.mydata import NAME, OURS, part_name, zipped

MOST = 100_000


def noise(size, seed=0):
    return random.Random(seed).randbytes(size)


def read(zips):
    found = {}
    for data in zips:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            assert archive.testzip() is None
            found |= {name: archive.read(name) for name in archive.namelist()}
    return found


@pytest.mark.parametrize(
    "sizes", [[10], [60_000, 60_000, 60_000], [99_000, 900, 5], [40_000] * 7, [1] * 400], ids=lambda sizes: len(sizes)
)
def test_every_file_is_in_one_of_the_zips_and_no_zip_is_too_large(sizes):
    entries = {f"styles/ö{number}/file": noise(size, number) for number, size in enumerate(sizes)}
    zips = list(zipped(entries.items(), MOST))
    assert None not in zips
    assert all(len(data) <= MOST for data in zips)
    assert read(zips) == entries
    assert len(zips) <= 2 * -(-sum(sizes) // MOST)


def test_what_can_be_compressed_counts_by_what_it_takes_then():
    assert len(list(zipped([("a", bytes(5 * MOST)), ("b", bytes(5 * MOST))], MOST))) == 1


def test_a_file_that_fits_into_none_is_told_and_takes_no_other_with_it():
    found = list(zipped([("a", noise(10)), ("b", noise(MOST + 1)), ("c", noise(20))], MOST))
    assert found.count(None) == 1
    assert set(read([one for one in found if one is not None])) == {"a", "c"}


def test_zips_made_before_are_known_by_their_names():
    assert all(OURS.search(f"people/tg7/jobs/x/{part_name(NAME, number, 3)}") for number in (1, 3))
    assert part_name(NAME, 1, 1) == NAME
    assert OURS.search(f"people/tg7/jobs/x/{NAME}")
    assert not OURS.search("people/tg7/jobs/x/mydata-of-mine.zip")
