"""Trains the cases with the recur that is imported, and writes every loss and score as JSON.

    python -m tests.golden.curves [FILE]

It uses of recur what every commit has: `recur.train`, and the files of a run directory.
"""

from __future__ import annotations

import csv
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from tests.golden.cases import CASES, COMMON, FILES, Case

NOT_KEPT = ("epoch", "seconds")


def curve(case: Case, folder: Path) -> dict[str, Any]:
    """Returns the numbers of a case: a column of the history by its name, a score as "test NAME".

    Args:
        case: the case.
        folder: where its data and its run are put.
    """
    import recur

    given = {**COMMON, **case.options}
    if case.data:
        for name in FILES:
            if name == case.data or name.startswith(f"{case.data.rpartition('/')[0]}/"):
                (folder / name).parent.mkdir(exist_ok=True)
                (folder / name).write_bytes(FILES[name].encode())
        given["data"] = str(folder / case.data)
    recur.train(case.task, out=folder / "run", progress=False, **given)
    with open(folder / "run" / "history.csv", encoding="utf-8", newline="") as history:
        rows = list(csv.DictReader(history))
    found = {name: [float(row[name]) for row in rows] for name in rows[0] if name not in NOT_KEPT}
    scores = json.loads((folder / "run" / "metrics.json").read_text(encoding="utf-8"))["test"]
    return found | {f"test {name}": [value] for name, value in scores.items()}


def every_curve() -> dict[str, Any]:
    """Trains all cases on one thread; one that fails has its error in the place of numbers."""
    torch.set_num_threads(1)
    found: dict[str, Any] = {}
    for name, case in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            try:
                found[name] = curve(case, Path(folder))
            except Exception as error:
                found[name] = {"error": [f"{type(error).__name__}: {error}"]}
    return found


def main() -> None:
    made = json.dumps(every_curve(), indent=1) + "\n"
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(made, encoding="utf-8")
    else:
        print(made, end="")


if __name__ == "__main__":
    main()
