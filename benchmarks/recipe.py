"""How well the defaults of `recur train sentiment` do, and what each part of them is worth.

    python benchmarks/recipe.py [--seeds 0,1,2] [--only "lstm;no decay"] [--limit N] [--threads N]

Trains on the data that `recur train sentiment` finds (RECUR_DATA for the official split) and prints
two tables: every cell, one-way and bidirectional, with the defaults, and the recipe `best`; then
the plain cell with one option changed at a time. The accuracy is that on the test part, of the
epoch that was best on the validation part; the seconds are the median epoch's, its validation
included.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import Any

import torch

import recur
from recur.bench import machine

Variants = dict[str, dict[str, Any]]

CELLS: Variants = {
    "rnn": {"cell": "rnn"},
    "rnn, bidirectional": {"cell": "rnn", "bidirectional": True},
    "lstm": {"cell": "lstm"},
    "lstm, bidirectional": {"cell": "lstm", "bidirectional": True},
    "gru": {"cell": "gru"},
    "gru, bidirectional": {"cell": "gru", "bidirectional": True},
    "best": {"recipe": "best"},
}
PARTS: Variants = {
    "last output": {"pooling": "last"},
    "mean output": {"pooling": "mean"},
    "greatest output": {"pooling": "max"},
    "no dropout": {"dropout": 0.0},
    "wide start of the embedding": {"embedding_std": 1.0},
    "no decay": {"decay": False},
    "no clipping": {"clip_norm": 0.0},
    "orthogonal start": {"recurrent_init": "orthogonal"},
    "padding read, in front": {"padding": "pre"},
    "no bucketing": {"bucket": False},
}


def measure(options: dict[str, Any], seeds: list[int]) -> tuple[list[float], float, set[str]]:
    """Test accuracies, the median of seconds an epoch, and what must be said with them."""
    found, seconds, notes = [], [], set()
    with tempfile.TemporaryDirectory() as folder:
        for seed in seeds:
            run = recur.train(
                "sentiment", out=Path(folder) / str(seed), progress=False, seed=seed, **options
            )
            found.append(run.scores.values["accuracy"])
            seconds += run.history.seconds
            notes |= set(run.scores.notes)
    return found, statistics.median(seconds), notes


def as_typed(options: dict[str, Any]) -> str:
    """The options on the command line: `--no-bucket`, `--cell gru`."""
    words = []
    for name, value in options.items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            words.append(f"--{flag} {value}")
    return " ".join(words)


def table(variants: Variants, seeds: list[int], limit: int | None) -> set[str]:
    """Prints a line as soon as it is known; returns what must be said with the figures."""
    names = [*(f"seed {seed}" for seed in seeds), "mean", "range", "seconds an epoch"]
    print(f"\n| options | {' | '.join(names)} |\n| --- |{' ---: |' * len(names)}", flush=True)
    notes = set()
    for options in variants.values():
        found, seconds, said = measure({**options, "limit": limit}, seeds)
        notes |= said
        figures = [*found, statistics.mean(found), max(found) - min(found)]
        cells = [*(f"{figure:.4f}" for figure in figures), f"{seconds:.1f}"]
        print(f"| `{as_typed(options)}` | {' | '.join(cells)} |", flush=True)
    return notes


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", default="0,1,2")
    every = [*CELLS, *PARTS]
    parser.add_argument("--only", default=";".join(every), help=f"with ; between: {every}")
    parser.add_argument("--limit", type=int, help="the first N reviews only")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    seeds = [int(seed) for seed in chosen.seeds.split(",")]
    only = [name.strip() for name in chosen.only.split(";")]
    if unknown := [name for name in only if name not in every]:
        parser.error(f"--only must be among {every}; got {unknown}")
    print(machine())
    notes = set()
    for part in (CELLS, PARTS):
        if asked := {name: options for name, options in part.items() if name in only}:
            notes |= table(asked, seeds, chosen.limit)
    print("\n".join(["", *sorted(notes)]))


if __name__ == "__main__":
    main()
