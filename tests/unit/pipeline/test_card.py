"""A style's card and files, told without a tensor."""

import json
import os

import pytest

from pipeline.card import ADAPTER, Export, check_weights, fitting_card, lost, read_card, weight_files
from pipeline.errors import BadInput, StyleMismatch
from pipeline.store import STYLE_CARD


def test_the_card_of_a_learned_style_is_read_and_fits_its_profile_alone(style):
    assert fitting_card(style, "tiny") == read_card(style)
    with pytest.raises(StyleMismatch, match=r"learned with profile 'tiny' and fits no other; use --profile tiny"):
        fitting_card(style, "sd15")


def test_whole_weights_and_a_cut_file_are_told_apart(style, tmp_path):
    """By the header: the file says how long it is to be."""
    check_weights(style)
    assert weight_files(style) == [style / ADAPTER]
    data = (style / ADAPTER).read_bytes()
    for length in (0, 7, 100, len(data) - 1):
        (tmp_path / ADAPTER).write_bytes(data[:length])
        with pytest.raises(BadInput, match=rf"{ADAPTER}' is damaged \(.*\); learn the style again"):
            check_weights(tmp_path)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_weights_that_may_not_be_read(style, tmp_path):
    (tmp_path / ADAPTER).write_bytes((style / ADAPTER).read_bytes())
    (tmp_path / ADAPTER).chmod(0)
    with pytest.raises(BadInput, match=r"cannot read .*permissions"):
        check_weights(tmp_path)


@pytest.mark.parametrize("change", [{"method": "magic"}, {"export": {"rank": 1}}, {"export": 3}])
def test_a_card_with_odd_values_is_no_card(style, tmp_path, change):
    (tmp_path / STYLE_CARD).write_text(json.dumps(json.loads((style / STYLE_CARD).read_text()) | change))
    with pytest.raises(BadInput, match="is no style's card"):
        read_card(tmp_path)


def test_the_loss_of_an_adapter_is_told_by_where_it_lies():
    """All of it in weights without an adapter: no layer of the others is called the worst by so much."""
    facts = {"rank": 32, "worst_layer": "unet.a", "worst_distance": 0.01}
    told = lost(Export(distance=0.05, uncovered=0.04, **facts))
    assert "5.0% of the change is lost" in told
    assert "4.0% in weights that no adapter covers (biases, norms), 3.0% in the layers that it covers" in told
    assert "Of these layers `unet.a` lost the largest share of its own change, 1.0%." in told
    assert "covers" not in lost(Export(distance=0.05, uncovered=0.0, **facts))
