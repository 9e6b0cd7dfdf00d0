"""The methods of the Bot API that have their semantics here; a room of their words a file, collected in ``METHODS``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from scripts.sandbox.emulator.methods import about, albums, chats, copying, editing, queries, receiving, sending, sets
from scripts.sandbox.emulator.methods.call import Call

METHODS: Mapping[str, Callable[[Call], Any]] = {
    **receiving.METHODS,
    **sending.METHODS,
    **albums.METHODS,
    **copying.METHODS,
    **editing.METHODS,
    **queries.METHODS,
    **sets.METHODS,
    **chats.METHODS,
    **about.METHODS,
}
