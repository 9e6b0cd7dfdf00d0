"""What is written about the program agrees with the program: README, profiles, changelog, Dockerfile, dependencies."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic import BaseModel

from pipeline.settings import ModelSource, Profile, Settings
from scripts.cli import app

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [
    path
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *ROOT.glob("configs/**/*.md"))
    if path.is_file()
]
PROFILES = sorted((ROOT / "configs").glob("*.toml"))
WRITTEN_BY_THE_LOADER = {"name", "folder"}  # of a profile: they come from the file's place


@cache
def project() -> dict[str, Any]:
    """pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def commands(command: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that can be typed, with the words that lead to it."""
    command = typer.main.get_command(app) if command is None else command
    children = getattr(command, "commands", {})
    if path and (not children or command.invoke_without_command):
        yield path, command
    for name, child in children.items():
        yield from commands(child, (*path, name))


COMMANDS = dict(commands())


def options(command: Any) -> set[str]:
    """The options of a command as they are typed."""
    return {flag for parameter in command.params for flag in parameter.opts if flag.startswith("-")} | {"--help"}


def typed(words: list[str]) -> tuple[str, ...]:
    """The command that a line of words calls; the longest name that fits."""
    fitting = [path for path in COMMANDS if list(path) == words[: len(path)]]
    assert fitting, f"no such command: stickers {' '.join(words)}"
    return max(fitting, key=len)


def code_lines(page: str) -> Iterator[str]:
    """The lines of all shell blocks of a page."""
    for block in re.findall(r"```sh\n(.*?)```", page, flags=re.DOTALL):
        yield from block.splitlines()


def words_of(line: str) -> Iterator[list[str]]:
    """The commands of one line of shell, each as its words; comments are left out."""
    for part in re.split(r"&&|\|", line):
        yield shlex.split(part, comments=True)


def slug(heading: str) -> str:
    """The anchor that a heading gets on a code host."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("path", list(COMMANDS), ids=" ".join)
def test_the_readme_names_every_command_and_option(path: tuple[str, ...]) -> None:
    """Each command of ``stickers`` stands in the README, and so does each of its options."""
    assert f"`stickers {' '.join(path)}" in README
    assert {option for option in options(COMMANDS[path]) if f"`{option}`" not in README} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_in_the_documents_exist(page: Path) -> None:
    """``make`` targets and ``stickers`` commands that a page shows are there, with the options it shows."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    for line in code_lines(page.read_text(encoding="utf-8")):
        for words in words_of(line):
            if words[:1] == ["make"]:
                assert words[1] in targets, line
            if words[:1] == ["stickers"]:
                path = next(
                    path for path in sorted(COMMANDS, key=len, reverse=True) if path == (*words[1 : len(path) + 1],)
                )
                assert {word for word in words if word.startswith("-")} <= options(COMMANDS[path]), line
            if words[:2] == ["python", "-m"]:
                assert (ROOT / words[2].replace(".", "/")).is_dir() or (
                    ROOT / f"{words[2].replace('.', '/')}.py"
                ).is_file()


def test_the_makefile_documents_every_target() -> None:
    """``make help`` lists all that is meant to be typed."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = set(re.findall(r"^\.PHONY: (.*)$", makefile, flags=re.MULTILINE)[0].split())
    assert phony == set(re.findall(r"^([a-z]+):.*## \S", makefile, flags=re.MULTILINE))


def test_the_readme_explains_every_setting() -> None:
    """Each setting of the environment stands in the README under the name by which it is set."""
    prefix = Settings.model_config["env_prefix"]
    assert [name for name in Settings.model_fields if f"`{prefix}{name.upper()}`" not in README] == []


def keys_of(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Dotted names of all keys that a profile may have; those of a model's source by themselves."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if not prefix and name in WRITTEN_BY_THE_LOADER:
            continue
        if isinstance(kind, type) and issubclass(kind, BaseModel) and kind is not ModelSource:
            yield from keys_of(kind, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


@pytest.mark.parametrize("key", [*keys_of(Profile), *ModelSource.model_fields])
def test_the_readme_explains_every_key_of_a_profile(key: str) -> None:
    """Each key that a profile may have stands in the README's table."""
    assert f"`{key}`" in README


@pytest.mark.parametrize("profile", PROFILES, ids=lambda path: path.stem)
def test_the_readme_names_every_profile(profile: Path) -> None:
    """Each profile stands in the README, and its file opens with a comment that says what it is."""
    assert f"`{profile.stem}`" in README
    assert profile.read_text(encoding="utf-8").startswith("# ")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_within_the_project_resolve(page: Path) -> None:
    """A link to a file leads to a file, a link to a heading to a heading."""
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"https?:", target):
            continue
        file, _, anchor = target.partition("#")
        there = page.parent / file if file else page
        headings = re.findall(r"^#+ (.*)$", there.read_text(encoding="utf-8"), flags=re.MULTILINE) if anchor else []
        if not there.exists() or (anchor and anchor not in map(slug, headings)):
            broken.append(target)
    assert broken == []


def test_the_tree_of_the_readme_is_the_tree() -> None:
    """Every file of the rooms has its line under its folder, and every line its file."""
    block = next(block for block in re.findall(r"```text\n(.*?)```", README, flags=re.DOTALL) if "pipeline/" in block)
    told, folder = set(), ""
    for line in block.splitlines():
        name = line.split()[0]
        folder = folder if line.startswith(" ") else name
        told.add(f"{folder}{name}" if line.startswith(" ") else name)
    there = {f"{room}/" for room in ("bot", "configs", "tests")}
    for room in ("pipeline", "training", "segmentation", "scripts"):
        modules = {f"{room}/{path.name}" for path in (ROOT / room).glob("*.py") if path.name != "__init__.py"}
        folders = {f"{room}/{path.parent.name}/" for path in (ROOT / room).glob("*/__init__.py")}
        there |= {f"{room}/"} | modules | folders
    assert told == there


def test_no_placeholder_is_left_in_the_readme() -> None:
    """Figures that were to be measured have been."""
    assert "TODO" not in README


def test_the_changelog_has_the_current_version() -> None:
    """The version of pyproject.toml has its section, with a date."""
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(
        rf"^## \[{re.escape(project()['project']['version'])}\] - \d{{4}}-\d\d-\d\d$", changelog, re.MULTILINE
    )


def test_every_dependency_has_its_reason() -> None:
    """Each line that names a package in pyproject.toml says beside it what the package is for."""
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    wanted = [*project()["project"]["dependencies"]]
    wanted += [name for extra in project()["project"]["optional-dependencies"].values() for name in extra]
    bare = [name for name in wanted if not any(line.startswith(f'  "{name}", ') and "# " in line for line in lines)]
    assert bare == []


def test_the_licences_are_there() -> None:
    """Every licence file that pyproject.toml promises exists, and LICENSE is the Apache licence in full."""
    assert [name for name in project()["project"]["license-files"] if not (ROOT / name).is_file()] == []
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_the_demo_inputs_are_credited() -> None:
    """24 pictures in the pack, at least 6 photos, under 2 MB together; each photo has its line in CREDITS.md."""
    demo = ROOT / "configs" / "demo"
    pack, photos = sorted((demo / "pack").iterdir()), sorted((demo / "photos").iterdir())
    assert len(pack) == 24
    assert len(photos) >= 6
    assert sum(path.stat().st_size for path in (*pack, *photos)) < 2_000_000
    credits_page = (demo / "CREDITS.md").read_text(encoding="utf-8")
    assert [path.name for path in photos if f"`photos/{path.name}`" not in credits_page] == []
    assert {path.stem for path in pack}.isdisjoint(path.stem for path in photos)


def test_the_dockerfile_has_both_targets_and_its_sources() -> None:
    """``cpu`` and ``cuda`` can be built, from files that exist and that .dockerignore lets through; nobody is root."""
    lines = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text(encoding="utf-8")).splitlines()
    stages = {line.split()[-1] for line in lines if line.startswith("FROM ")}
    assert {"cpu", "cuda"} <= stages
    copied = [word for line in lines if re.match(r"COPY (?!--from)", line) for word in line.split()[1:-1]]
    assert [word for word in copied if not (ROOT / word).exists()] == []
    let_through = {
        line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[:1] == "!"
    }
    assert set(copied) == let_through
    assert [line for line in lines if line.startswith("USER ")] == ["USER 1000", "USER 1000"]


def test_the_dockerfile_passes_its_linter() -> None:
    """hadolint has nothing to say."""
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or shutil.which("hadolint")
    if hadolint is None:
        pytest.skip("hadolint is not installed; `make setup` installs it")
    done = subprocess.run([hadolint, "Dockerfile"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
