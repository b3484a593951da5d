"""Makes a tiny run of each task with the code of today, to be kept for ever.

    python -m tests.stored.make tests/stored/format-N

Done once for every version of the format of a run directory, before that version is released; and
for a task that is new: those that are there stay as they are.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

import torch
from tests.golden.cases import FILES

import recur
from recur import files

WORDS = {"documents": "lines", "layers": 1, "truncate": 7}
# For each task: its data, its options, what is asked, and how it is to answer.
CASES = {
    "sentiment": ("two.csv", {"maxlen": 10, "embedding": 4}, ["good film", "a bad plot"], {}),
    "forecast": ("prices.csv", {"horizon": 3, "window": 7}, [], {}),
    "language": ("lines.txt", WORDS, ["the film", "a"], {"length": 4, "temperature": 0.0}),
    "music": (
        "pieces.json",
        {"layers": 1},
        ["C4 E4 G4 | F4 A4 C5"],
        {"length": 3, "temperature": 0.0},
    ),
    "classify": ("three.csv", {"maxlen": 10, "embedding": 4}, ["good film", "a bad plot"], {}),
    "tag": (
        "tagged.conllu",
        {"embedding": 4, "character_embedding": 3, "character_units": 3},
        ["the film was good"],
        {},
    ),
    "translate": (
        "pairs.txt",
        {"unit": "words", "embedding": 3, "maxlen": 10},
        ["good film", ""],
        {"beam": 3, "length": 6},
    ),
    "memory": (
        "",
        {"problem": "agreement", "lag": 4, "examples": 80},
        ["I grew up in France so I speak fluent"],
        {},
    ),
}
SIZES = {"epochs": 1, "batch_size": 8, "units": 4}
GONE = Path("/gone")
"""Where the data were: no path of the machine that made the run is kept."""


def make(task: str, out: Path) -> None:
    """Trains in a folder of its own, and keeps what is needed to open and use the run."""
    data, options, inputs, how = CASES[task]
    out.mkdir(parents=True)
    os.chdir(out)
    given = {**SIZES, **options}
    if data:
        files.write_text(data, FILES[data])
        given["data"] = data
    run = recur.train(task, out="run", progress=False, **given)
    answers = [answer.to_json() for answer in run.predict(inputs, **how)]
    expected = {"inputs": inputs, "how": how, "answers": answers, "test": run.scores.values}
    files.write_json("expected.json", expected)
    for folder in ("plots", "checkpoint"):
        shutil.rmtree(Path("run", folder), ignore_errors=True)
    config = files.read_json("run/config.json")
    if "absolute" in config["source"]:
        config["source"]["absolute"] = str(GONE / data)
    files.write_json("run/config.json", config)


def main() -> None:
    torch.set_num_threads(1)
    kept = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as folder:
        for task in CASES:
            if (kept / task).exists():
                continue
            make(task, Path(folder, task))
            shutil.copytree(Path(folder, task), kept / task)


if __name__ == "__main__":
    main()
