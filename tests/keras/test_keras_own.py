"""Keras' own tests of its recurrent layers, Embedding and Adam, with recur in it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import keras
import pytest

FILES = (
    *(f"layers/rnn/{name}_test.py" for name in ("simple_rnn", "lstm", "gru", "rnn")),
    *(f"layers/rnn/{name}_test.py" for name in ("bidirectional", "stacked_rnn_cells")),
    "layers/rnn/time_distributed_test.py",
    "optimizers/adam_test.py",
)
INI = """\
[pytest]
markers =
    requires_trainable_backend: as Keras' own conftest has it
    multi_device: and this
"""
PLUGIN = """\
import recur.keras

report = recur.keras.patch()


def pytest_terminal_summary(terminalreporter):
    terminalreporter.write_line(f"taken: {sum(row.swapped for row in report.rows)}")
"""


def test_keras_own_tests_pass_with_recur_in_it(tmp_path):
    source = Path(keras.__file__).parent / "src"
    files = [source / name for name in FILES]
    if not all(file.exists() for file in files):
        pytest.skip(f"Keras {keras.__version__} is installed without its tests")
    (tmp_path / "own.ini").write_text(INI)
    (tmp_path / "with_recur.py").write_text(PLUGIN)
    options = ["-c", "own.ini", "--rootdir", ".", "--import-mode", "importlib"]
    options += ["-p", "with_recur", "-p", "no:cacheprovider", "-q"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *map(str, files)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    counted = [re.search(words, done.stdout) for words in (r"(\d+) passed", r"taken: (\d+)")]
    passed, taken = (int(found.group(1)) if found else 0 for found in counted)
    assert passed > 50
    assert taken > 40
