"""Learned styles that stay in memory: those used last, as many as fit, ready to be put on without reading a file.

Owns what is kept and what has to go. Knows no job; how a style is put on is ``pipeline.style``. Heavy: loads torch.

What is kept are the very weights that take the places of the base's own, on its device: swapping styles is then an
exchange of references, and the drawings are those of a style read from its files, bit by bit.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from pipeline.card import weight_files
from pipeline.style import read_styled

_MB = 1024 * 1024
_Key = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True, kw_only=True)
class ResidentFigures:
    """What has been, since the start."""

    kept: int = 0  # now
    mb: float = 0.0  # of 2**20 bytes, that they take
    hits: int = 0
    misses: int = 0


class Residents:
    """The styles in memory; safe to use from several threads."""

    def __init__(self, limit_mb: float) -> None:
        """``limit_mb``: of 2**20 bytes; 0 keeps nothing. A style that is larger alone is used and not kept."""
        self.limit_mb = limit_mb
        self._kept: OrderedDict[_Key | str, Mapping[str, Tensor]] = OrderedDict()  # the one used last at the end
        self._lock = threading.RLock()
        self._hits = self._misses = 0

    def styled(
        self, folder: Path, base: Mapping[str, nn.Module], *, known_as: str | None = None
    ) -> Mapping[str, Tensor]:
        """What ``read_styled`` gives, read at most once while it is kept; not to be written to.

        Args:
            known_as: tells the style from every other one, in whatever folder it lies; None goes by its files.
        """
        with self._lock:
            key: _Key | str = known_as or _key(folder)
            if key in self._kept:
                self._hits += 1
                self._kept.move_to_end(key)
                return self._kept[key]
            self._misses += 1
            found = read_styled(folder, base)
            self._keep(key, found)
            return found

    def clear(self) -> None:
        """Forget all; what is being drawn with stays until it is done."""
        with self._lock:
            self._kept.clear()

    @property
    def figures(self) -> ResidentFigures:
        """For metrics."""
        with self._lock:
            mb = sum(map(megabytes, self._kept.values()))
            return ResidentFigures(kept=len(self._kept), mb=mb, hits=self._hits, misses=self._misses)

    def _keep(self, key: _Key | str, found: Mapping[str, Tensor]) -> None:
        size_mb = megabytes(found)
        if size_mb <= self.limit_mb:
            self._make_room(size_mb)
            self._kept[key] = found

    def _make_room(self, size_mb: float) -> None:
        """Let those go that were not used for longest."""
        while self._kept and self.figures.mb + size_mb > self.limit_mb:
            self._kept.popitem(last=False)


def megabytes(tensors: Mapping[str, Tensor]) -> float:
    """What tensors take, in MB of 2**20 bytes."""
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values()) / _MB


def _key(folder: Path) -> _Key:
    """Tells the weights of styles apart without reading them: a style that is replaced has files of other numbers."""
    found = [(str(path), path.stat()) for path in weight_files(folder)]
    return tuple((path, stat.st_ino, stat.st_size, stat.st_ctime_ns) for path, stat in found)
