"""The intake stage: a folder or a zip → ``Pack``; paths → photos. One bad file among good ones is skipped and reported.

Owns how many pictures a pack has, which of them count as different, and the names that they keep. Knows no decoding.
Loads Pillow and numpy through ``images`` and ``duplicates``.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, count
from pathlib import Path, PurePosixPath

from pipeline.archives import UnusableEntry, is_clutter, open_archive
from pipeline.domain import Pack, Picture, Report, ShouldStop, Skipped, never_stop, no_report
from pipeline.duplicates import Looks, looks_of, same
from pipeline.errors import BadArchive, BadInput, PackSize, Stopped
from pipeline.headers import HEAD_BYTES, kind_of
from pipeline.images import load_picture
from pipeline.moving import MovingDecoder

MIN_PICTURES = 3
MAX_PICTURES = 120
PACK_SIDE_PX = 1024  # stickers have 512; the largest models train at 1024
PHOTO_SIDE_PX = 2048
MAX_NAME_BYTES = 120  # of UTF-8: leaves room for "_mask.png" and numbers within the 255 of most file systems

_FORBIDDEN = frozenset('<>:"/\\|?*')
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10))}
_REASONS_SHOWN = 5

Source = Callable[[], Path | bytes]  # read only when its turn comes: a pack is never in memory as files


def load_pack(
    path: Path | str,
    *,
    report: Report = no_report,
    should_stop: ShouldStop = never_stop,
) -> Pack:
    """Read a pack from a folder (not its subfolders) or from a zip (all its folders), in order of names.

    Pictures larger than ``PACK_SIDE_PX`` are shrunk. Of pictures that look the same, the first is kept. A pack of more
    than ``MAX_PICTURES`` different pictures keeps the first ones, unread files then being one entry of
    ``Pack.skipped``. Whatever else is left out stands there with its reason.

    Raises:
        BadInput: no such path, or neither a folder nor a zip.
        BadArchive: the zip as a whole is broken, locked, unsafe or a bomb.
        PackSize: fewer than ``MIN_PICTURES`` different pictures; the message says what was left out and why.
        Stopped: ``should_stop`` said so.
    """
    path = Path(path)
    with _pack_sources(path) as sources, MovingDecoder() as decoder:
        gathering = _Gathering(decoder=decoder)
        for done, (shown, source) in enumerate(sources):
            if should_stop():
                raise Stopped()
            if len(gathering.pictures) == MAX_PICTURES:
                gathering.skip_rest(len(sources) - done)
                break
            gathering.take(shown, source)
            report(done + 1, len(sources))
    if len(gathering.pictures) < MIN_PICTURES:
        raise PackSize(_too_few(path, gathering))
    return Pack(
        name=safe_name(path.resolve().name if path.is_dir() else path.stem),
        pictures=tuple(gathering.pictures),
        skipped=tuple(gathering.skipped),
    )


def load_photos(
    paths: Sequence[Path | str],
    *,
    max_side_px: int | None = PHOTO_SIDE_PX,
    report: Report = no_report,
    should_stop: ShouldStop = never_stop,
) -> tuple[tuple[Picture, ...], tuple[Skipped, ...]]:
    """Read photos, each under a name of its own; the same photo twice is two photos.

    Args:
        paths: picture files.
        max_side_px: larger photos are shrunk to this; None keeps their own size.

    Returns:
        The photos that can be used, in order, and what was left out.

    Raises:
        BadInput: no path was given, or not one photo can be used; the message names each.
        Stopped: ``should_stop`` said so.
    """
    photos: list[Picture] = []
    skipped: list[Skipped] = []
    names: set[str] = set()
    with MovingDecoder() as decoder:
        for done, path in enumerate(map(Path, paths)):
            if should_stop():
                raise Stopped()
            try:
                name = unique_name(safe_name(path.stem), names)
                picture = load_picture(path, name=name, max_side_px=max_side_px, decoder=decoder)
            except BadInput as error:
                skipped.append(Skipped(name=path.name or str(path), reason=str(error)))
            else:
                names.add(picture.name.casefold())
                photos.append(picture)
            report(done + 1, len(paths))
    if not photos:
        raise BadInput(_no_photos(skipped))
    return tuple(photos), tuple(skipped)


@dataclass(kw_only=True)
class _Gathering:
    """The pack while it grows."""

    decoder: MovingDecoder
    pictures: list[Picture] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    looks: list[Looks] = field(default_factory=list)
    names: set[str] = field(default_factory=set)  # taken, case folded

    def take(self, shown: str, source: Source) -> None:
        """Add one picture, or the reason why not."""
        try:
            name = unique_name(safe_name(PurePosixPath(shown).stem), self.names)
            picture = load_picture(source(), name=name, max_side_px=PACK_SIDE_PX, shown=shown, decoder=self.decoder)
        except BadArchive:  # the whole zip, not this entry
            raise
        except (BadInput, UnusableEntry) as error:
            self.skipped.append(Skipped(name=shown, reason=str(error)))
            return
        looks = looks_of(picture.image)
        twin = next(
            (kept.name for kept, known in zip(self.pictures, self.looks, strict=True) if same(looks, known)), None
        )
        if twin is not None:
            self.skipped.append(Skipped(name=shown, reason=f"{shown!r} looks the same as {twin!r}, which is kept"))
            return
        self.pictures.append(picture)
        self.looks.append(looks)
        self.names.add(name.casefold())

    def skip_rest(self, count: int) -> None:
        """Say that the pack is full."""
        reason = f"a pack has {MAX_PICTURES} different pictures at most; the first {MAX_PICTURES} by name are used"
        self.skipped.append(Skipped(name=f"{count} more", reason=reason))


@contextmanager
def _pack_sources(path: Path) -> Iterator[list[tuple[str, Source]]]:
    """What a pack may consist of: shown name and a way to get at it, in order of names."""
    if path.is_dir():
        yield _folder_sources(path)
    elif path.is_file():
        _check_zip(path)
        with open_archive(path) as archive:
            yield [(name, partial(archive.read, name)) for name in archive.names()]
    else:
        raise BadInput(f"there is no folder or zip {str(path)!r}; check the path")


def _folder_sources(folder: Path) -> list[tuple[str, Source]]:
    try:
        names = sorted(entry.name for entry in folder.iterdir())
    except OSError as error:
        raise BadInput(f"cannot list the folder {str(folder)!r}: {error.strerror}; check its permissions") from error
    return [(name, partial(folder.joinpath, name)) for name in names if not is_clutter(name)]


def _check_zip(path: Path) -> None:
    """A file that starts as something else gets told what it is."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise BadInput(f"cannot read {str(path)!r}: {error.strerror}; check its permissions") from error
    if not head.startswith(b"PK"):
        raise BadInput(
            f"{str(path)!r} is {kind_of(head)}; a pack is a folder or a zip of {MIN_PICTURES} or more pictures, "
            "and PACK comes first"
        )


def _too_few(path: Path, gathering: _Gathering) -> str:
    found = len(gathering.pictures)
    needed = f"the {MIN_PICTURES} to {MAX_PICTURES} different pictures that a pack needs"
    return f"{str(path)!r} has {found} of {needed}; add {MIN_PICTURES - found} more{_reasons(gathering.skipped)}"


def _no_photos(skipped: Sequence[Skipped]) -> str:
    if not skipped:
        return "no photo was given; give the path of at least one picture"
    which = "the photo cannot" if len(skipped) == 1 else f"none of the {len(skipped)} photos can"
    return f"{which} be used{_reasons(skipped, shown=len(skipped))}"


def _reasons(skipped: Sequence[Skipped], shown: int = _REASONS_SHOWN) -> str:
    """The end of a sentence: why the others were left out."""
    if not skipped:
        return ""
    rest = f"; and {len(skipped) - shown} more" if len(skipped) > shown else ""
    return ". Left out: " + "; ".join(one.reason for one in skipped[:shown]) + rest


def safe_name(stem: str) -> str:
    """A file stem that every common system accepts; letters of any alphabet and emoji are kept.

    Separators, control characters and what Windows forbids become ``_``; dots and spaces at the ends go, so nothing is
    hidden; at most ``MAX_NAME_BYTES`` of UTF-8, never cut within a character; ``picture`` where nothing is left.
    """
    whole = unicodedata.normalize("NFC", stem)
    clean = "".join("_" if char in _FORBIDDEN or not char.isprintable() else char for char in whole)
    short = clean.strip(" .").encode("utf-8")[:MAX_NAME_BYTES].decode("utf-8", "ignore").strip(" .")
    return f"{short}_" if short.split(".")[0].casefold() in _RESERVED else short or "picture"


def unique_name(name: str, taken: Container[str]) -> str:
    """``name``, or ``name-2``, ``name-3`` … where it is taken; ``taken`` is case folded, as some systems compare."""
    candidates = chain([name], (f"{name}-{number}" for number in count(2)))
    return next(candidate for candidate in candidates if candidate.casefold() not in taken)
