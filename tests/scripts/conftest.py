"""Programs are run in processes of their own, beside Python itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
QUIET = "recur: "


@pytest.fixture
def run(tmp_path):
    """Runs `python *words` in `tmp_path`; what recur says beside the program is left out."""

    def run(*words, stdin=None, **variables):
        done = subprocess.run(
            [sys.executable, *map(str, words)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(HERE), **variables},
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=250,
        )
        lines = done.stderr.splitlines()
        said = [line.removeprefix(QUIET) for line in lines if line.startswith(QUIET)]
        rest = [line for line in lines if not line.startswith(QUIET)]
        return done.returncode, done.stdout, rest, said

    return run


@pytest.fixture
def written(tmp_path):
    """Writes files, by their paths from `tmp_path` on."""

    def write(files):
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")

    return write
