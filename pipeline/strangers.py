"""Strangers' files → pixels, each decoded by the limited child of ``moving``, stills as well as moving stickers.

Owns the child's life between the files of many people: it is started with the first and used on, and one that dies over
a file is replaced. Knows no decoder, and looks at no byte of a file. Loads Pillow.

For a program that serves everybody, as the bot does. What comes from the person at the keyboard ``images`` decodes.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from PIL import Image

from pipeline.errors import BadPicture, PictureTooLarge
from pipeline.moving import Child, MovingDecoder, Refused, TooMuch

MAX_FILE_MB = 50  # as ``images`` has it
SIDE_PX = 2048  # a larger picture is shrunk; as ``pipeline.intake`` has it for photos
WALL_S = 60.0  # for one file; the largest that are read take some seconds
PICTURE = "PICT"  # the kind of file that the child is to find out itself
MODE = "strangers"  # what the child is told: larger files, and more memory for them


@dataclass(kw_only=True)
class Patience:
    """How long the files of one pack may hold us by killing their child."""

    lost_s: float = 0.0


class StrangersDecoder(MovingDecoder):
    """Decodes whatever people send; to be kept. For several threads: one file at a time."""

    def __init__(self) -> None:
        super().__init__()
        self._alone = threading.Lock()

    def picture(self, data: bytes, shown: str, patience: Patience) -> Image.Image:
        """A file's picture, or the best frame of a moving one: RGBA, at most ``SIDE_PX`` a side.

        Args:
            data: the file, whatever it is.
            shown: what errors call it.
            patience: of its pack; the same one for all its files.

        Raises:
            BadPicture: not a picture, damaged, too small, fully transparent, or its decoder died over it.
            PictureTooLarge: more bytes or pixels than are looked at.
            BadInput: the child does not start on this machine.
        """
        if len(data) > MAX_FILE_MB * 1_000_000:
            raise PictureTooLarge(f"{shown!r} has more than {MAX_FILE_MB} MB")
        with self._alone:
            self._lost_s = patience.lost_s
            try:
                width, height, pixels = self.ask(data, PICTURE, shown)
            except TooMuch as refusal:
                raise PictureTooLarge(f"{shown!r}: {refusal}") from None
            except Refused as refusal:
                raise BadPicture(f"{shown!r}: {refusal}") from None
            finally:
                patience.lost_s = self._lost_s
        return Image.frombytes("RGBA", (width, height), pixels)

    def close(self) -> None:
        """End the child; the next file starts another."""
        with self._alone:
            self._drop()

    def _started(self) -> Child:
        return Child(MODE, most_side_px=SIDE_PX, wall_s=WALL_S)
