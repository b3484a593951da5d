"""A room may import only from rooms below it; the order is the one that CONTRIBUTING explains."""

from __future__ import annotations

import ast
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
    "export",
    "serve",
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
