"""Every error that a person may meet, as one tree. Knows nothing else; loads only the standard library.

The docstring of a class is its default message; ``code`` leads to the sentence that the chat shows. Messages name the
offending value with ``!r`` and the rule it broke, and say what to do. The command line prints them and exits with 2.
"""

from __future__ import annotations


class StickerError(Exception):
    """Something about the request is wrong."""

    code = "error"

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__)


class BadInput(StickerError):
    """A file that was handed in cannot be used."""

    code = "bad_input"


class BadPicture(BadInput):
    """This is not a picture that can be read."""

    code = "bad_picture"


class PictureTooLarge(BadPicture):
    """The picture is larger than the limit."""

    code = "picture_too_large"


class BadArchive(BadInput):
    """This zip cannot be used."""

    code = "bad_archive"


class PackSize(BadInput):
    """A pack needs 3 to 120 different pictures."""

    code = "pack_size"


class BadSetting(StickerError):
    """A setting, option or profile key is wrong."""

    code = "bad_setting"


class UnknownProfile(BadSetting):
    """There is no such profile."""

    code = "unknown_profile"


class BadOutput(StickerError):
    """The output folder cannot be written."""

    code = "bad_output"


class FolderBusy(BadOutput):
    """Another run is still writing to the output folder."""

    code = "folder_busy"


class ModelMissing(StickerError):
    """A model's files are not here and could not be fetched."""

    code = "model_missing"


class ModelBroken(StickerError):
    """A model's files are here but cannot be used."""

    code = "model_broken"


class StyleMismatch(StickerError):
    """The style was learned with another profile."""

    code = "style_mismatch"


class TrainingFailed(StickerError):
    """The style could not be learned."""

    code = "training_failed"


class Stopped(StickerError):
    """The job was stopped; run the same command again to go on from here."""

    code = "stopped"
