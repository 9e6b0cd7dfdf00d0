"""One bot a queue."""

import pytest

from bot.errors import OtherBot
from bot.lock import only_bot


def test_a_second_one_is_refused_until_the_first_has_gone(desk):
    with only_bot(desk.engine) as still:
        assert still()
        with pytest.raises(OtherBot, match="another bot is running"), only_bot(desk.engine):
            pass
    with only_bot(desk.engine) as still:
        assert still()
