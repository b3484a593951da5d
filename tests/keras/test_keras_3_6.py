"""An older Keras 3: the same contract, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
import keras
import pytest

print(keras.__version__)
sys.exit(pytest.main(sys.argv[1:]))
"""
# What differs between versions: the cells, and what Keras' loop asks of them.
SOME = "every_result or dropout or stateful or stacked or embedding or adam or holes"


def test_the_layers_of_keras_3_6(keras_3_6):
    tests = Path(__file__).with_name("test_layers.py")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "-q", "-p", "no:cacheprovider", "-k", SOME, str(tests)],
        env={**os.environ, "PYTHONPATH": str(keras_3_6)},
        cwd=tests.parents[2],
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith("3.6."), done.stdout + done.stderr
    assert done.returncode == 0, done.stdout[-4000:]
