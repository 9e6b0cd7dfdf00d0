"""The soak in small: ``python -m tests.bot_soak`` is the large one."""

import pytest

from scripts.sandbox.emulator import Limits
from tests.bot_desk import Nursery
from tests.bot_soak import soak
from tests.chat_desk import Studio


@pytest.mark.slow
def test_four_people_are_served_to_the_end_though_the_bot_dies_six_times(tmp_path):
    nursery = Nursery()
    studio = Studio(tmp_path, nursery, limits=Limits())
    try:
        figures, told = soak(studio, people=4, kills=6, seed=5, whole=False, patience_s=120.0)
    finally:
        studio.close()
        nursery.close()
    names = list(figures)
    wrong = {name: figures[name] for name in names[names.index("lost updates") :] if figures[name]}
    assert (wrong, told) == ({}, [])
    assert (figures["kills of the bot"], figures["people"]) == (6, 4)
    assert figures["updates"] >= 4 * 8
