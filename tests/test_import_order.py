"""A room may import only from rooms below it; the order is the one that CONTRIBUTING explains."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import recur

PACKAGE = Path(recur.__file__).parent

# Lowest first.
ROOMS = [
    "imports",
    "messages",
    "locks",
    "schema",
    "files",
    "plots",
    "cells",
    "engine",
    "layers",
    "data",
    "decoding",
    "models",
    "scoring",
    "training",
    "diagnostics",
    "tasks",
    "run",
    "bench",
    "scripts",
    "keras",
    "cli",
]
# Faces: they only name what the rooms hold, and no room may import them.
FACES = ["__init__", "__main__", "datasets"]


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> list[tuple[int, str]]:
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute in this package"
            module = node.module or ""
            if module == "recur":
                found += [(node.lineno, f"recur.{alias.name}") for alias in node.names]
            else:
                found.append((node.lineno, module))
    return [(line, name.split(".")[1]) for line, name in found if name.startswith("recur.")]


def included_rooms(path: Path) -> list[tuple[int, str]]:
    """The rooms of the headers that a C++ file names; those beside it are of its own room."""
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
    named = [(n, found[1]) for n, line in lines if (found := re.match(r'#include "(.*)"', line))]
    for line, header in named:
        beside, below = path.parent / header, PACKAGE / header
        assert beside.is_file() or below.is_file(), f"{path}:{line}: there is no {header}"
    return [(line, header.split("/")[0]) for line, header in named if "/" in header]


COMPILED = sorted(path for kind in ("*.h", "*.cpp") for path in PACKAGE.rglob(kind))
FILES = sorted(path for path in PACKAGE.rglob("*.py") if room_of(path) not in FACES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_only_from_rooms_below(path):
    room = room_of(path)
    assert room in ROOMS, f"{path} is in no known room; add the room to ROOMS and CONTRIBUTING"
    for line, other in imported_rooms(path):
        assert other in ROOMS, f"{path}:{line} imports recur.{other}, which is no room"
        assert ROOMS.index(other) <= ROOMS.index(room), (
            f"{path}:{line}: {room} is below {other} and must not import from it"
        )


@pytest.mark.parametrize("path", COMPILED, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_includes_only_from_rooms_below(path):
    for line, other in included_rooms(path):
        assert ROOMS.index(other) <= ROOMS.index(room_of(path)), (
            f"{path}:{line}: {room_of(path)} is below {other} and must not include from it"
        )


def test_the_rooms_are_those_that_contributing_explains():
    page = (Path(__file__).parent.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = page[page.index("| room |") :].split("\n\n")[0]
    rows = re.findall(r"^\| (`.+?`) \|", table, flags=re.MULTILINE)
    assert [row.strip("`").rstrip("/").removesuffix(".py") for row in rows] == ROOMS
