"""The rules of the house that a machine can keep: what is light, who imports whom, how long things may be."""

from __future__ import annotations

import ast
import functools
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("bot", "pipeline", "training", "segmentation", "configs", "scripts")
HEAVY = ("torch", "diffusers", "transformers", "accelerate", "peft")
MOST_LINES_OF_A_FUNCTION = 60
MOST_LINES_OF_A_FILE = 300
EXCEPTIONS: dict[str, str] = {}  # "pipeline/run.py" or "pipeline/run.py:make" → the reason; empty is best

LIGHT_DOORS = ("bot", "scripts.cli", "scripts.commands")  # beside the modules that the import contract lists

# The top level is fixed (CONTRIBUTING.md): the rooms, and what every project has.
TOP_LEVEL = {*ROOMS, "tests", "pyproject.toml", "Dockerfile", "README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md"}
TOP_LEVEL |= {"Makefile", "compose.yaml"}


def contract(identity: str) -> dict[str, list[str]]:
    """An import contract of pyproject.toml."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    return next(one for one in contracts if one["id"] == identity)


def sources(*folders: str) -> list[Path]:
    """The Python files of some folders."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


@functools.cache
def parsed(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, int]]:
    """Dotted name and lines of every function, nested ones counted within their outer one and by themselves."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield prefix + node.name, (node.end_lineno or node.lineno) - node.lineno + 1
        name = prefix + node.name + "." if isinstance(node, ast.FunctionDef | ast.ClassDef) else prefix
        yield from functions(node, name)


def test_light_modules_load_no_heavy_library() -> None:
    """In a fresh interpreter, importing any light module loads no torch, diffusers, transformers, accelerate, peft."""
    names = [*LIGHT_DOORS, *contract("light")["source_modules"]]
    program = f"""
import importlib, json, sys
guilty = {{}}
for name in {names!r}:
    importlib.import_module(name)
    loaded = [heavy for heavy in {HEAVY!r} if heavy in sys.modules]
    if loaded:
        guilty = {{name: loaded}}
        break
print(json.dumps(guilty))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {}


def test_the_bot_begins_without_what_only_drawing_needs() -> None:
    """The libraries of image processing took it twice as long to begin, and it calls none of them."""
    program = "import sys, bot.app; print(*({'scipy', 'skimage', 'pandas'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_every_module_that_could_be_light_is_promised_to_be() -> None:
    """A pipeline module from which no chain of imports leads to a heavy library stands in the contract ``light``."""
    graph = grimp.build_graph("bot", "pipeline", "training", "segmentation", include_external_packages=True)
    heavy = {
        module for library in HEAVY if library in graph.modules for module in graph.find_downstream_modules(library)
    }
    pipeline = {module for module in graph.modules if module.startswith("pipeline.")}
    assert pipeline - heavy == {
        module for module in contract("light")["source_modules"] if module.startswith("pipeline.")
    }


def test_imports_keep_their_direction() -> None:
    """import-linter finds no broken contract."""
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run([sys.executable, "-c", program, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", sources(*ROOMS), ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_stay_short(path: Path) -> None:
    """No file over 300 lines, no function over 60."""
    name = str(path.relative_to(ROOT))
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= MOST_LINES_OF_A_FILE or name in EXCEPTIONS
    long = {function: count for function, count in functions(parsed(path)) if count > MOST_LINES_OF_A_FUNCTION}
    assert {function: count for function, count in long.items() if f"{name}:{function}" not in EXCEPTIONS} == {}


def test_most_functions_are_under_20_lines() -> None:
    """Four in five of all functions; long ones are the exception, not the habit."""
    counts = [count for path in sources(*ROOMS) for _, count in functions(parsed(path))]
    assert sum(count < 20 for count in counts) >= 0.8 * len(counts)


def test_exceptions_are_still_needed() -> None:
    """An exception whose file or function has become short again is taken off the list."""
    needed = set()
    for path in sources(*ROOMS):
        name = str(path.relative_to(ROOT))
        if len(path.read_text(encoding="utf-8").splitlines()) > MOST_LINES_OF_A_FILE:
            needed.add(name)
        needed |= {f"{name}:{fn}" for fn, count in functions(parsed(path)) if count > MOST_LINES_OF_A_FUNCTION}
    assert set(EXCEPTIONS) <= needed


def names_of(tree: ast.Module) -> set[str]:
    """What a module has at its top level, in whatever branch."""
    found: set[str] = set()
    waiting: list[ast.stmt] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            found |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        found |= {part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}
        waiting += [part for part in ast.iter_child_nodes(node) if isinstance(part, ast.stmt)]
    return found


def test_every_name_that_is_imported_from_a_room_is_there() -> None:
    """Tests, too: one that cannot be imported is told in seconds, not at the end of the whole suite."""
    lacking = []
    for path in sources(*ROOMS, "tests"):
        for node in ast.walk(parsed(path)):
            module = (node.module or "") if isinstance(node, ast.ImportFrom) and node.level == 0 else ""
            if module.split(".")[0] not in {*ROOMS, "tests"}:
                continue
            place = ROOT.joinpath(*module.split("."))
            file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
            there = names_of(parsed(file)) if file.is_file() else set()
            for alias in node.names:
                inside = place / alias.name
                if alias.name not in there and not inside.is_dir() and not inside.with_suffix(".py").is_file():
                    lacking.append(f"{path.relative_to(ROOT)}:{node.lineno}: {module} has no {alias.name!r}")
    assert lacking == []


def test_every_module_says_what_it_is() -> None:
    """Each file, tests included, opens with a docstring."""
    silent = [str(path.relative_to(ROOT)) for path in sources(*ROOMS, "tests") if not ast.get_docstring(parsed(path))]
    assert silent == []


def test_the_top_level_is_fixed() -> None:
    """Nothing is committed at the top but the rooms and what every project has."""
    if not (ROOT / ".git").exists():
        pytest.skip("no clone: what is committed cannot be told")
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    tops = {line.split("/")[0] for line in done.stdout.splitlines()}
    assert {top for top in tops if not top.startswith(".")} <= TOP_LEVEL
