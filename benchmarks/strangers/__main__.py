"""Runs one program, plain and with `recur.patch()`: a process in the program's own environment.

python -m strangers '{"name": ..., "steps": ..., "threads": [1, 2], "repeats": 3}' found.json
"""

from __future__ import annotations

import importlib.metadata
import json
import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

import recur
from recur.layers.report import Swap
from strangers import all_programs
from strangers.program import Program, Ran


@contextmanager
def patched(rows: list[Swap]) -> Iterator[None]:
    """With recur in it; `rows` is what was met."""
    with recur.patch() as report:
        yield
        rows[:] = report.rows


def difference(a: Any, b: Any) -> float:
    """The greatest difference, as a share of the greatest number."""
    assert a.shape == b.shape, f"shapes {a.shape} and {b.shape}"
    assert np.isfinite(a).all(), "the program's own results are not finite"
    return float(np.abs(a - b).max() / np.abs(a).max())


def measure(program: Program, steps: int, threads: list[int], repeats: int) -> dict[str, Any]:
    """Runs both sides in turns; without `threads` once each, for the results alone."""
    rows: list[Swap] = []

    def run(with_recur: bool) -> Ran:
        if not with_recur:
            return program.run(steps)
        with patched(rows):
            return program.run(steps)

    # The first run of a program imports what it needs, and is not timed.
    plain, ours = run(False), run(True)
    found: dict[str, Any] = {
        "difference": difference(plain.says, ours.says),
        "rows": [[row.path, row.kind, row.swapped, row.about] for row in rows],
        "version": importlib.metadata.version(program.package),
        "seconds": {},
    }
    if found["difference"] > 0:
        found["own difference"] = difference(plain.says, run(False).says)
    for count in threads:
        torch.set_num_threads(count)
        turns = [(run(False).seconds, run(True).seconds) for _ in range(repeats)]
        found["seconds"][count] = turns
    return found


def main() -> None:
    """Writes what was found as JSON."""
    asked = json.loads(sys.argv[1])
    # They warn about their own dependencies and talk about seeds.
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    program = next(each for each in all_programs() if each.name == asked["name"])
    torch.set_num_threads(max(asked["threads"], default=1))
    found = measure(program, asked["steps"], asked["threads"], asked["repeats"])
    Path(sys.argv[2]).write_text(json.dumps(found))


if __name__ == "__main__":
    main()
