"""Memory that is certain to be taken, for tests of who measures it."""

from __future__ import annotations

import mmap


def take(megabytes: int) -> None:
    """Take this much and give it back, past malloc: out of what other tests left in its heap, nothing would grow."""
    with mmap.mmap(-1, megabytes << 20) as block:
        for page in range(0, len(block), mmap.PAGESIZE):
            block[page] = 1
