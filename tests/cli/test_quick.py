"""What needs no torch is answered before it is imported: in one process, one after the other."""

from __future__ import annotations

import json
import subprocess
import sys

QUICK = [
    [],
    ["--version"],
    ["--help"],
    ["trian"],
    ["train"],
    ["train", "--help"],
    ["train", "sentimnt"],
    ["tasks"],
    ["tasks", "--json"],
    ["datasets"],
    ["predict", "--help"],
    ["evaluate"],
    ["evaluate", "gone"],
    ["evaluate", "gone", "--jsn"],
    ["predict", "gone", "a film"],
    ["predict", "gone", "a film", "--threads", "0"],
    ["inspect", "gone"],
    ["plot", "gone"],
    ["explain", "gone"],
]
PROGRAM = """
import json, sys
from recur.cli import main

found = []
for words in json.loads(sys.argv[1]):
    status = main(words)
    found.append((words, status, "torch" in sys.modules))
print(json.dumps(found))
"""


def test_what_needs_no_torch_imports_none():
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(QUICK)],
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(run.stdout.splitlines()[-1])
    assert [words for words, _, torch in found if torch] == []
    right = ("--version", "--help", "tasks", "datasets")
    expected = [0 if not words or set(words) & set(right) else 2 for words in QUICK]
    assert [status for _, status, _ in found] == expected
    assert "Traceback" not in run.stderr
