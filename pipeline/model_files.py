"""Which files a model is made of, and whether a folder holds them whole. Only safetensors, json and txt are ever named.

Owns the list of needs per role and family, the check of a folder, and the fingerprint of weights. Knows no hub and no
network. Light: loads only the standard library.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from pipeline.errors import BadSetting

CHUNK_BYTES = 1 << 20
MAX_HEADER_BYTES = 100_000_000  # the format's own limit; what is longer is no safetensors file
# Small files that some repositories have and some do not; taken along where they are there.
OPTIONAL = ("model_index.json", "special_tokens_map.json", "added_tokens.json", "generation_config.json")


@dataclass(frozen=True, kw_only=True)
class Need:
    """One folder of a model: ways to be complete, each file once, and the stem of its weights."""

    folder: str = ""  # below the model's own folder
    files: tuple[tuple[tuple[str, ...], ...], ...] = ()  # all of: any of: all of these names
    weights: str | None = None  # "model" → model.safetensors, or its shards with their index


def _all(*names: str) -> tuple[tuple[tuple[str, ...], ...], ...]:
    return tuple(((name,),) for name in names)


_CLIP_WORDS = (("tokenizer.json",), ("vocab.json", "merges.txt"))
_BERT_WORDS = (("tokenizer.json",), ("vocab.txt",))
_PIXELS = (("preprocessor_config.json",), ("processor_config.json",))

_DIFFUSERS = "diffusion_pytorch_model"  # the stem that diffusers gives to weights
BASES: Mapping[str, tuple[Need, ...]] = MappingProxyType(  # by family; the same names as in pipeline/families.py
    {
        "sd": (
            Need(),
            Need(folder="scheduler", files=_all("scheduler_config.json")),
            Need(folder="text_encoder", files=_all("config.json"), weights="model"),
            Need(folder="tokenizer", files=(*_all("tokenizer_config.json"), _CLIP_WORDS)),
            Need(folder="unet", files=_all("config.json"), weights=_DIFFUSERS),
            Need(folder="vae", files=_all("config.json"), weights=_DIFFUSERS),
        )
    }
)
OTHERS: Mapping[str, tuple[Need, ...]] = MappingProxyType(
    {
        "controlnet": (Need(files=_all("config.json"), weights=_DIFFUSERS),),
        "caption": (
            Need(files=(*_all("config.json", "tokenizer_config.json"), _BERT_WORDS, _PIXELS), weights="model"),
        ),
        "segmentation": (Need(files=(*_all("config.json"), _PIXELS), weights="model"),),
        "clip": (Need(files=(*_all("config.json", "tokenizer_config.json"), _CLIP_WORDS, _PIXELS), weights="model"),),
    }
)


def needs(role: str, family: str) -> tuple[Need, ...]:
    """What the model that plays ``role`` (base | controlnet | caption | segmentation | clip) is made of.

    Raises:
        BadSetting: there is no such family.
    """
    if role in OTHERS:
        return OTHERS[role]
    if family not in BASES:
        raise BadSetting(f"family = {family!r}: unknown; there are {', '.join(BASES)}")
    return BASES[family]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Of the files that are there: those that the model needs, and those that it lacks."""

    wanted: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def weights(self) -> tuple[str, ...]:
        return tuple(name for name in self.wanted if name.endswith(".safetensors"))


def choose(parts: tuple[Need, ...], names: Collection[str], variant: str | None) -> Choice:
    """Pick a model's files from ``names`` (paths with "/", relative to the model's folder)."""
    wanted: list[str] = []
    missing: list[str] = []
    for part in parts:
        prefix = f"{part.folder}/" if part.folder else ""
        for ways in (*part.files, *_weight_ways(part, names, variant)):
            whole = [way for way in ways if all(prefix + name in names for name in way)]
            wanted += [prefix + name for way in whole for name in way]
            if not whole:
                missing += [prefix + name for name in ways[0] if prefix + name not in names]
        wanted += [prefix + name for name in OPTIONAL if prefix + name in names]
    return Choice(wanted=tuple(dict.fromkeys(wanted)), missing=tuple(missing))


def _weight_ways(part: Need, names: Collection[str], variant: str | None) -> Iterator[tuple[tuple[str, ...], ...]]:
    """The one way in which this folder holds its weights: one file, or an index and all shards that "of-N" promises."""
    if part.weights is None:
        return
    stem, tail, prefix = part.weights, f".{variant}" if variant else "", f"{part.folder}/" if part.folder else ""
    single = f"{stem}{tail}.safetensors"
    for before, after in ((tail, ""), ("", tail)):  # transformers and diffusers put the variant differently
        pattern = re.compile(
            re.escape(f"{prefix}{stem}{before}-") + r"\d+-of-(\d+)" + re.escape(f"{after}.safetensors")
        )
        found = next((match for name in sorted(names) if (match := pattern.fullmatch(name))), None)
        if found is not None and prefix + single not in names:
            count = found[1]
            shards = [
                f"{stem}{before}-{number:05d}-of-{count}{after}.safetensors" for number in range(1, int(count) + 1)
            ]
            yield ((f"{stem}.safetensors.index{tail}.json", *shards),)
            return
    yield ((single,),)


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """What a folder holds of a model."""

    choice: Choice
    broken: str | None  # "unet/model.safetensors: cut short ...": the first file that cannot be what it says
    size_bytes: int

    @property
    def ready(self) -> bool:
        return not self.choice.missing and self.broken is None


def inspect(folder: Path, parts: tuple[Need, ...], variant: str | None) -> Inspection:
    """Check that each needed file is in ``folder`` and that the weights' headers agree with the files' sizes."""
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    choice = choose(parts, names, variant)
    complaints = (f"{name}: {why}" for name in choice.weights if (why := safetensors_fault(folder / name)) is not None)
    size_bytes = sum((folder / name).stat().st_size for name in choice.wanted)
    return Inspection(choice=choice, broken=next(complaints, None), size_bytes=size_bytes)


def safetensors_fault(path: Path) -> str | None:
    """Why the file is no whole safetensors file, or None. Reads the header only: u64 length, JSON, then the tensors."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else size
        if length > min(size - 8, MAX_HEADER_BYTES):
            return f"no safetensors file, or cut short ({size} bytes)"
        try:
            header = json.loads(file.read(length))
            ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
            promised = 8 + length + max(ends, default=0)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError):
            return "its header is no safetensors header"
    return None if size == promised else f"{size} bytes, but its header promises {promised}"


def fingerprint(folder: Path, choice: Choice) -> str:
    """SHA-256 over names and contents of the weights: equal if and only if the model is the same, wherever it lies."""
    total = hashlib.sha256()
    for name in sorted(choice.weights):
        total.update(f"{name}\0{weights_sha256(folder / name)}\n".encode())
    return total.hexdigest()


def weights_sha256(path: Path) -> str:
    """SHA-256 of a file, in hex. A file of the hub's cache is named by it, and was checked against it when fetched."""
    real = path.resolve()
    if real.parent.name == "blobs" and re.fullmatch(r"[0-9a-f]{64}", real.name):
        return real.name
    facts = real.stat()
    return _sha256(real, facts.st_size, facts.st_mtime_ns)


@lru_cache(maxsize=256)
def _sha256(path: Path, size: int, mtime_ns: int) -> str:
    """Size and time are in the key alone: a file that changed is read anew."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
