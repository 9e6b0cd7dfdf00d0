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


class ArchiveTooLarge(BadArchive):
    """This zip is too large, packed or unpacked, or has too many files."""

    code = "archive_too_large"


class PackSize(BadInput):
    """A pack needs 3 to 120 different pictures."""

    code = "pack_size"


class BadSetting(StickerError):
    """A setting, option or profile key is wrong."""

    code = "bad_setting"


class OtherKey(BadSetting):
    """What lies here was sealed with another key."""


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


class OutOfMemory(StickerError):
    """There is not enough memory for this."""

    code = "out_of_memory"


class Stopped(StickerError):
    """The job was stopped; run the same command again to go on from here."""

    code = "stopped"


class JobError(StickerError):
    """The queue cannot do this."""

    code = "job"


class BadJob(JobError):
    """This is not a job that the queue can take."""

    code = "bad_job"


class TooManyJobs(JobError):
    """You have as many jobs open as one person may have; wait until one is done, or cancel one."""

    code = "too_many_jobs"


class UnknownJob(JobError):
    """There is no such job."""

    code = "unknown_job"


class WrongStatus(JobError):
    """The job is not where this can be done to it."""

    code = "wrong_status"


class QueueUnreachable(JobError):
    """The queue's database cannot be reached."""

    code = "queue_unreachable"


class QueueBroken(JobError):
    """The queue's database is damaged."""

    code = "queue_broken"


class NoQueue(JobError):
    """There is no queue yet."""

    code = "no_queue"


class WorkerRunning(JobError):
    """A worker of this name is running already."""

    code = "worker_running"
