"""Styles in memory: the drawings of a style read from its files, without reading them; bounded, the oldest go first."""

from __future__ import annotations

import shutil

import pytest
import torch

from pipeline.errors import BadInput
from pipeline.learn import base_modules
from pipeline.residents import Residents, megabytes
from pipeline.style import read_styled, worn


@pytest.fixture
def base(tiny):
    return base_modules(tiny.models)


@pytest.fixture
def styles(style, tmp_path):
    """Three styles with other weights each."""
    folders = [tmp_path / name for name in "abc"]
    for folder in folders:
        shutil.copytree(style, folder)
    return folders


def test_a_style_is_read_once_and_is_the_one_on_the_disk(base, styles):
    """Bit by bit; the second time the very same tensors come back."""
    residents = Residents(100)
    first = residents.styled(styles[0], base)
    expected = read_styled(styles[0], base)
    assert first.keys() == expected.keys()
    assert all(torch.equal(first[name], expected[name]) for name in expected)
    assert residents.styled(styles[0], base) is first
    assert (residents.figures.hits, residents.figures.misses, residents.figures.kept) == (1, 1, 1)
    assert residents.figures.mb == pytest.approx(megabytes(expected))


def test_those_used_longest_ago_go_first(base, styles):
    """Room for two: a, b, a, c leaves a and c."""
    a, b, c = styles
    residents = Residents(2.5 * megabytes(read_styled(a, base)))
    for folder in (a, b, a, c):
        residents.styled(folder, base)
    assert residents.figures.kept == 2
    before = residents.figures.misses
    residents.styled(a, base)
    residents.styled(c, base)
    assert residents.figures.misses == before
    residents.styled(b, base)
    assert residents.figures.misses == before + 1
    assert residents.figures.mb <= residents.limit_mb


def test_a_style_larger_than_the_room_is_used_and_not_kept(base, styles):
    residents = Residents(0)
    assert residents.styled(styles[0], base).keys() == read_styled(styles[0], base).keys()
    assert residents.figures.kept == 0


def test_a_replaced_style_is_read_again(base, styles):
    """Learned anew under the same name."""
    residents = Residents(100)
    residents.styled(styles[0], base)
    shutil.rmtree(styles[0])
    shutil.copytree(styles[1], styles[0])
    residents.styled(styles[0], base)
    assert residents.figures.misses == 2


def test_swapping_to_and_fro_leaves_the_base_as_it_was(base, styles):
    """On, off, another one on, off: the base's own tensors, not copies of them."""
    residents = Residents(100)
    before = {f"{part}.{name}": value for part, module in base.items() for name, value in module.named_parameters()}
    for folder in (styles[0], styles[1], styles[0]):
        styled = residents.styled(folder, base)
        with worn(base, styled):
            name = next(iter(styled))
            part, _, path = name.partition(".")
            assert torch.equal(base[part].get_parameter(path), styled[name])
    after = {f"{part}.{name}": value for part, module in base.items() for name, value in module.named_parameters()}
    assert all(after[name] is value for name, value in before.items())


def test_clearing_forgets_all(base, styles):
    residents = Residents(100)
    residents.styled(styles[0], base)
    residents.clear()
    assert residents.figures.kept == 0


def test_what_is_no_style_is_told(base, tmp_path):
    (tmp_path / "none").mkdir()
    with pytest.raises(BadInput, match="has no weights"):
        Residents(1).styled(tmp_path / "none", base)
