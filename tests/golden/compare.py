"""Compares the curves of another commit's code with those of this code, here and to the last digit.

    python -m tests.golden.compare COMMIT

Both run the cases of this tree with the same Python packages. The other code is unpacked into a
temporary folder, and its compiled engine is built only where its C++ is another; `make golden`
builds this one first. The exit status is 1 if a digit differs.
"""

from __future__ import annotations

import io
import itertools
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
COMPILED = ("CMakeLists.txt", ":(glob)src/**/*.h", ":(glob)src/**/*.cpp")
Curves = dict[str, dict[str, list[Any]]]
Row = tuple[str, str, int, Any, Any]


def git(*words: str) -> bytes:
    return subprocess.run(["git", "-C", ROOT, *words], check=True, stdout=subprocess.PIPE).stdout


def unpacked(commit: str, folder: Path) -> Path:
    """Puts the files of a commit into a folder, and returns it; git itself remembers nothing."""
    with tarfile.open(fileobj=io.BytesIO(git("archive", commit))) as archive:
        archive.extractall(folder, filter="data")
    return folder


def copied(source: Path, to: Path) -> Path:
    """Copies a tree's package, with the compiled engine that is installed here, and returns it."""
    import recur.engine.cpu

    shutil.copytree(source / "src", to)
    for folder in recur.engine.cpu.__path__:
        for library in Path(folder).glob("recur_cpu_*.so"):
            shutil.copy(library, to / "recur" / "engine" / "cpu")
    return to


def built(source: Path, to: Path) -> Path:
    """Installs a tree into a folder of its own, and returns that."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--no-deps", "--target", to, source], check=True)
    return to


def curves(package: Path, file: Path) -> Curves:
    """Runs the cases with the code in a folder, and the packages of this Python."""
    # Without `site`: an editable installation would put its own recur before the folder's.
    path = os.pathsep.join([str(package), *filter(None, sys.path[1:])])
    command = [sys.executable, "-S", "-m", "tests.golden.curves", file]
    subprocess.run(command, check=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": path})
    return json.loads(file.read_text(encoding="utf-8"))


def differences(before: Curves, now: Curves) -> Iterator[Row]:
    """Yields what is not the same: case, name, place from 1, both numbers. An error never is."""
    for case in {**before, **now}:
        one, other = before.get(case, {}), now.get(case, {})
        for name in {**one, **other}:
            pairs = itertools.zip_longest(one.get(name, ()), other.get(name, ()))
            for place, (a, b) in enumerate(pairs, start=1):
                if repr(a) != repr(b) or isinstance(a, str):
                    yield case, name, place, a, b


def table(rows: list[Row], commit: str) -> str:
    head = ("case", "number", "", commit, "this code", "relative")
    body = [(*row[:2], str(row[2]), *map(str, row[3:]), _relative(*row[3:])) for row in rows]
    widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
    return "\n".join(
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (head, *body)
    )


def _relative(a: Any, b: Any) -> str:
    numbers = isinstance(a, float) and isinstance(b, float) and a != 0
    return f"{abs(b - a) / abs(a):.1e}" if numbers else ""


def compared(commit: str, folder: Path) -> tuple[Curves, Curves]:
    """Returns the curves of a commit and of this tree; all that is made is in a folder."""
    theirs = unpacked(commit, folder / "commit")
    changed = git("diff", "--name-only", commit, "--", *COMPILED)
    if changed:
        print(f"The C++ of {commit} is another: building it.", flush=True)
    before = (built if changed else copied)(theirs, folder / "before")
    now = copied(ROOT, folder / "now")
    return curves(before, folder / "before.json"), curves(now, folder / "now.json")


def main() -> int:
    if len(sys.argv) != 2:
        print("One argument, please: the commit to compare with.", file=sys.stderr)
        return 2
    commit = git("rev-parse", "--short", "--verify", f"{sys.argv[1]}^{{commit}}").decode().strip()
    print(f"Comparing {git('log', '-1', '--oneline', commit).decode().strip()}", flush=True)
    with tempfile.TemporaryDirectory(prefix="golden-") as folder:
        before, now = compared(commit, Path(folder))
    rows = list(differences(before, now))
    number = sum(len(values) for case in now.values() for values in case.values())
    if rows:
        print(table(rows, commit))
        print(f"{len(rows)} differ; {len(now)} cases of this code have {number} numbers.")
    else:
        print(f"{len(now)} cases, {number} numbers: the same to the last digit.")
    return 1 if rows else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode if error.returncode > 0 else 1)
    except KeyboardInterrupt:
        sys.exit(130)
