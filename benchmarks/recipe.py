"""What each part of the default recipe of `recur train sentiment` is worth, one at a time.

    python benchmarks/recipe.py [--seeds 0,1,2] [--only "rnn;gru"] [--limit N]

Trains on the data that `recur train sentiment` finds (RECUR_DATA for the official split) and prints
the test accuracy of every seed, and seconds for an epoch. Each variant differs from the default in
the options it names and in nothing else.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import Any

import recur
from recur.bench import machine

VARIANTS: dict[str, dict[str, Any]] = {
    "rnn": {},
    "last output": {"pooling": "last"},
    "last output, identity start": {"pooling": "last", "recurrent_init": "identity"},
    "greatest output": {"pooling": "max"},
    "orthogonal start": {"recurrent_init": "orthogonal"},
    "no clipping": {"clip_norm": 0.0},
    "no dropout": {"dropout": 0.0},
    "step size 0.001": {"learning_rate": 0.001},
    "padding read, in front": {"padding": "pre"},
    "no bucketing": {"bucket": False},
    "bidirectional": {"bidirectional": True},
    "gru": {"cell": "gru"},
    "gru, bidirectional": {"cell": "gru", "bidirectional": True},
    "lstm": {"cell": "lstm"},
    "lstm, bidirectional": {"cell": "lstm", "bidirectional": True},
}


def measure(options: dict[str, Any], seeds: list[int]) -> tuple[list[float], float, str]:
    """Test accuracies, the median of seconds an epoch, and what was tested on."""
    found, seconds, about = [], [], ""
    with tempfile.TemporaryDirectory() as folder:
        for seed in seeds:
            run = recur.train(
                "sentiment", out=Path(folder) / str(seed), progress=False, seed=seed, **options
            )
            found.append(run.scores.values["accuracy"])
            seconds += run.history.seconds
            about = " ".join(run.scores.notes)
    return found, statistics.median(seconds), about


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--only", default=";".join(VARIANTS), help="variants, with ; between")
    parser.add_argument("--limit", type=int)
    chosen = parser.parse_args()
    seeds = [int(seed) for seed in chosen.seeds.split(",")]
    print(f"{machine()}; seeds {chosen.seeds}\n")
    print(
        "| variant | options | test accuracy | mean | seconds an epoch |\n|---|---|---|---:|---:|"
    )
    notes = set()
    names = [name for name in VARIANTS if f";{name};" in f";{chosen.only};"]
    for name in names:
        options = VARIANTS[name]
        found, seconds, about = measure({**options, "limit": chosen.limit}, seeds)
        notes.add(about)
        words = " ".join(f"{k}={v}" for k, v in options.items()) or "the default"
        each = ", ".join(f"{accuracy:.4f}" for accuracy in found)
        mean = statistics.mean(found)
        print(f"| {name} | {words} | {each} | {mean:.4f} | {seconds:.1f} |", flush=True)
    print("\n".join(["", *sorted(note for note in notes if note)]))


if __name__ == "__main__":
    main()
