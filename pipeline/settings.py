"""Profiles and settings: TOML and environment in, frozen values out; an unknown key is refused with its path.

Owns the schema of ``configs/*.toml`` and where the program keeps its cache. Knows no model. Light.
"""

from __future__ import annotations

import re
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from pipeline.domain import Json, Method
from pipeline.errors import BadSetting, UnknownProfile
from pipeline.template import slots

CONFIGS = Path(__file__).resolve().parent.parent / "configs"
DEFAULT_PROFILE = "embedded"
RESTORE = "restore it from the project's repository (`git checkout -- configs`)"  # what of ours is not there

# What a name may be, told without loading what it stands for; tests hold these tables and the heavy ones together.
FAMILIES = ("sd",)  # of pipeline/families.py and pipeline/model_files.py
SCHEDULERS = ("ddim", "ddpm", "euler", "euler_a", "dpmpp_2m", "dpmpp_2s", "lms", "pndm", "unipc")  # schedulers.py
DEVICES = ("auto", "cuda", "mps", "cpu")  # gpu.py
QUEUE = "queue.sqlite"  # the queue's file in the data folder
REPO = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")  # a hub id


def _one_of(names: Sequence[str]) -> AfterValidator:
    """The value is one of ``names``."""

    def check(value: str) -> str:
        if value not in names:
            raise ValueError(f"unknown; choose one of {', '.join(names)}")
        return value

    return AfterValidator(check)


class Section(BaseModel):
    """A table of a profile: frozen, and strict about its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ModelSource(Section):
    """Where one model lies: a local folder, or a hub repository pinned to a revision."""

    path: str | None = None  # relative to the profile's file
    repo: str | None = None  # "owner/name"
    revision: str | None = None  # commit hash on the hub
    subfolder: str = ""
    variant: str | None = None  # "fp16" where the repository has such files
    size_mb: int | None = None  # of the files that are fetched, for `stickers models`
    licence: str | None = None

    @model_validator(mode="after")
    def one_place(self) -> Self:
        if (self.path is None) == (self.repo is None):
            raise ValueError("give either `path` (a local folder) or `repo` (a hub id)")
        if self.path is not None and not self.path.strip():
            raise ValueError("`path` names no folder")
        if self.repo is not None and not REPO.fullmatch(self.repo):
            raise ValueError(f"repo {self.repo!r} is no hub id; it reads `owner/name`")
        if self.repo is not None and self.revision is None:
            raise ValueError("a `repo` needs the `revision` that it is pinned to")
        return self


class Models(Section):
    """The models of a profile, by the part they play."""

    base: ModelSource
    controlnet: ModelSource | None = None
    caption: ModelSource
    segmentation: ModelSource
    clip: ModelSource | None = None  # proposes emoji; without it none are proposed

    def by_role(self) -> dict[str, ModelSource]:
        """Role → source, without the roles that this profile leaves empty."""
        return {role: source for role in type(self).model_fields if (source := getattr(self, role)) is not None}


class Prompt(Section):
    """How words are put together."""

    template: str = "a telegram sticker of {caption}, {token} style"
    negative: str = ""
    class_prompt: str = "a telegram sticker"
    token: str = "sks"

    @model_validator(mode="after")
    def template_has_caption(self) -> Self:
        try:
            names = slots(self.template)
        except ValueError as error:
            raise ValueError(f"template {error}") from error
        if "caption" not in names or "{caption}" not in self.template:
            raise ValueError(f"template {self.template!r} lacks {{caption}}")
        return self


class Generate(Section):
    """Defaults of img2img."""

    size_px: Annotated[int, Field(ge=32, le=2048, multiple_of=8)] | None = None
    scheduler: Annotated[str, _one_of(SCHEDULERS)] = "ddim"
    steps: Annotated[int, Field(ge=1, le=1000)] = 20
    strength: Annotated[float, Field(gt=0, le=1)] = 0.7
    guidance: Annotated[float, Field(ge=0, le=50)] = 5.0
    flatten: Annotated[float, Field(ge=0, le=1)] = 0.0
    tones: Annotated[int, Field(ge=0, le=64)] = 0
    badge: bool = False
    line_strength: Annotated[float, Field(gt=0, le=1)] | None = None
    structure_scale: Annotated[float, Field(ge=0, le=2)] = 1.0
    batch_size: Annotated[int, Field(ge=1, le=64)] = 4


class Train(Section):
    """Defaults of DreamBooth."""

    method: Method = Method.LORA
    steps: Annotated[int, Field(ge=1, le=100_000)] = 400
    batch_size: Annotated[int, Field(ge=1, le=256)] = 1
    lora_learning_rate: Annotated[float, Field(gt=0, le=1)] = 1e-4
    dreambooth_learning_rate: Annotated[float, Field(gt=0, le=1)] = 5e-6
    text_encoder_learning_rate: Annotated[float, Field(ge=0, le=1)] = 0.0
    rank: Annotated[int, Field(ge=1, le=512)] = 16
    alpha: Annotated[float, Field(gt=0)] = 16.0
    prior_loss_weight: Annotated[float, Field(ge=0)] = 1.0
    class_images: Annotated[int, Field(ge=0, le=1000)] = 32
    snr_gamma: Annotated[float, Field(ge=0)] = 5.0
    max_grad_norm: Annotated[float, Field(gt=0)] = 1.0
    checkpoint_every: Annotated[int, Field(ge=1)] = 25

    def learning_rate(self, method: Method) -> float:
        """The rate of a method: an adapter starts from nothing and wants many times that of all weights."""
        return {Method.LORA: self.lora_learning_rate, Method.DREAMBOOTH: self.dreambooth_learning_rate}[method]


class Cutout(Section):
    """Defaults of cutting out."""

    threshold: Annotated[float, Field(gt=0, lt=1)] = 0.5
    outline_px: Annotated[int, Field(ge=0, le=64)] = 0
    outline_colour: Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")] = "#ffffff"


class Profile(Section):
    """One file of ``configs/``: which models, which sizes, which defaults."""

    name: str
    folder: Path  # of the file: where `path` of a model starts
    title: str
    family: Annotated[str, _one_of(FAMILIES)]
    licence: str
    size_px: Annotated[int, Field(ge=32, le=2048, multiple_of=8)]
    models: Models
    prompt: Prompt = Prompt()
    generate: Generate = Generate()
    train: Train = Train()
    cutout: Cutout = Cutout()

    @property
    def file(self) -> Path:
        """Where it was read from."""
        return self.folder / f"{self.name}.toml"

    @property
    def drawing_px(self) -> int:
        """Side of the square that is drawn: larger than what was learned where the models bear it."""
        return self.generate.size_px or self.size_px

    @property
    def committed(self) -> bool:
        """Whether it is one of the project's own, which a person mends by restoring it."""
        return self.folder == CONFIGS

    def source_path(self, source: ModelSource) -> Path | None:
        """The folder of a local model, or None for one on the hub."""
        return None if source.path is None else self.folder / source.path


def _at_home(place: str, instead: str) -> Path:
    """In the home folder; a user without one (in a container) gets the system's folder for temporary files."""
    try:
        return Path.home() / place
    except RuntimeError:
        return Path(tempfile.gettempdir()) / instead


class Settings(BaseSettings):
    """What the environment may set (``STICKERS_CACHE_DIR=…``)."""

    model_config = SettingsConfigDict(env_prefix="STICKERS_", frozen=True, allow_inf_nan=False)

    # class pictures, shared by all packs of a profile
    cache_dir: Path = Field(default_factory=lambda: _at_home(".cache/stickersmith", "stickersmith"))
    # the queue's file, and what jobs take and make: what cannot be made again
    data_dir: Path = Field(default_factory=lambda: _at_home(".local/share/stickersmith", "stickersmith-data"))
    queue_url: SecretStr | None = None  # sqlite:////a/file or postgresql://…; None is a file in ``data_dir``
    files_url: str | None = None  # a folder or s3://BUCKET/PREFIX, the same for bot and workers; None: in ``data_dir``
    learn_share: Annotated[float, Field(ge=0, lt=1)] = 0.1  # of a GPU for learning while drawing never ends
    styles_mb: Annotated[float, Field(ge=0)] | None = None  # for styles in a GPU's memory; None is a tenth of it
    open_jobs: Annotated[int, Field(ge=1)] = 20  # of one person, queued and running together
    keep_days: Annotated[float, Field(gt=0, le=36_500)] = 30.0  # how long the queue remembers what is over
    device: str = "auto"  # one of DEVICES; see ``check_device``
    secret_key: SecretStr | None = None  # what people's words and files are sealed with; see ``vault``
    secret_key_file: Path | None = None  # instead of it; None: beside the data folder
    work_dir: Path | None = None  # where a worker has its jobs' pictures while it works on them; None: in ``data_dir``

    @property
    def files(self) -> str:
        """Where bot and workers find each other's files: a folder, or an object store's URL."""
        return self.files_url or str(self.data_dir.absolute() / "files")

    @property
    def queue(self) -> str:
        """The address of the queue's database; it may carry a password."""
        own = str(self.data_dir.absolute() / QUEUE).replace("%", "%25").replace("?", "%3F")  # as addresses have them
        return self.queue_url.get_secret_value() if self.queue_url else f"sqlite:///{own}"


def profile_names(folder: Path = CONFIGS) -> list[str]:
    """The profiles that there are, the default first."""
    names = sorted(path.stem for path in folder.glob("*.toml"))
    return sorted(names, key=lambda name: name != DEFAULT_PROFILE)


def load_profile(name: str = DEFAULT_PROFILE, folder: Path = CONFIGS) -> Profile:
    """Read a profile by name, or by the path of a TOML file.

    Raises:
        UnknownProfile: no such profile.
        BadSetting: the file is no TOML, or a key is unknown or out of range; the message names the key's path.
    """
    path = Path(name) if name.endswith(".toml") else folder / f"{name}.toml"
    if not path.is_file():
        raise UnknownProfile(
            f"unknown profile {name!r}; there are {', '.join(profile_names(folder))}; one of your own is given by the "
            "path of its TOML file"
        )
    try:
        raw: Json = tomllib.loads(path.read_text(encoding="utf-8"))
        for key in ("name", "folder"):  # come from where the file lies
            if key in raw:
                raise BadSetting(f"{path}: {key} = {raw[key]!r}: unknown key")
        return Profile(name=path.stem, folder=path.parent.resolve(), **raw)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSetting(f"{path}: not valid TOML: {error}") from error
    except ValidationError as error:
        raise BadSetting(f"{path}: {first_problem(error)}") from error


def check_paths(profile: Profile) -> None:
    """Refuse a profile whose local models' folders are not there. Not part of loading: a list shows such ones, too.

    Raises:
        BadSetting: the message names file, key, value, and the folder that was looked for.
    """
    for role, source in profile.models.by_role().items():
        folder = profile.source_path(source)
        if folder is not None and not folder.is_dir():
            remedy = RESTORE if profile.committed else "`path` is relative to the profile's file: correct it there"
            key = f"{profile.file}: models.{role}.path = {source.path!r}"
            raise BadSetting(f"{key}: there is no folder {str(folder)!r}; {remedy}")


def check_device(name: str) -> None:
    """Refuse the name of a device that nobody knows; whether a known one is here, torch alone can tell.

    Raises:
        BadSetting: it is none of ``DEVICES``.
    """
    if name not in DEVICES:
        raise BadSetting(f"device = {name!r}: unknown; let STICKERS_DEVICE be one of {', '.join(DEVICES)}")


def first_problem(error: ValidationError) -> str:
    """The first complaint of pydantic as ``train.stepz = 3: unknown key``."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or "profile"
    what = "unknown key" if first["type"] == "extra_forbidden" else first["msg"].removeprefix("Value error, ")
    shown = "" if isinstance(first["input"], dict) else f" = {first['input']!r}"
    return f"{where}{shown}: {what}"
