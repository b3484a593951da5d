"""How far back each network remembers: the memory task at growing lags, one remedy at a time.

    python benchmarks/lags.py [--problem adding] [--lags 25,50,100] [--only "rnn;gru"] [--epochs N]
        [--examples N] [--seed N] [--threads N]

Trains by `recur train memory` and prints, for each network and lag, the score on the test part and
the horizon before training: the lag at which 1% of the gradient is left (`recur.diagnose`).
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import torch

import recur
from recur import tasks
from recur.bench import machine

NETWORKS: dict[str, dict[str, Any]] = {
    "rnn": {"cell": "rnn"},
    "rnn, no clipping": {"cell": "rnn", "clip_norm": 0.0},
    "rnn, orthogonal": {"cell": "rnn", "recurrent_init": "orthogonal"},
    "rnn, relu, identity": {"cell": "rnn", "activation": "relu", "recurrent_init": "identity"},
    "rnn, relu, identity, no clipping": {
        "cell": "rnn",
        "activation": "relu",
        "recurrent_init": "identity",
        "clip_norm": 0.0,
    },
    "lstm": {"cell": "lstm"},
    "lstm, chrono": {"cell": "lstm", "chrono": True},
    "gru": {"cell": "gru"},
    "gru, chrono": {"cell": "gru", "chrono": True},
}


def horizon(options: dict[str, Any]) -> str:
    """The horizon of the network before training, in steps."""
    task = tasks.find("memory")
    chosen = task.options.of("memory", options)
    prepared = task.prepare(chosen)
    torch.manual_seed(chosen.seed)
    model = task.model(chosen, prepared.preprocessing)
    batch = prepared.validation.batch(range(min(32, len(prepared.validation))))
    found = recur.diagnose(model, batch, loss=task.loss(prepared.preprocessing))
    return "none" if found.horizon is None else str(found.horizon)


def measure(options: dict[str, Any]) -> str:
    """The score on the test part, and the horizon before training."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            run = recur.train("memory", out=Path(folder) / "run", progress=False, **options)
        except recur.FailedError as error:
            return str(error).split(".")[0]
    scores = run.scores.values
    score = scores.get("recall", scores.get("accuracy", scores["loss"]))
    return f"{score:.2g} ({horizon(options)})"


def main() -> None:
    """Trains them all, a row at a time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problem", default="adding")
    parser.add_argument("--lags", default="25,50,100")
    parser.add_argument("--only", default="")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--examples", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    lags = [int(lag) for lag in given.lags.split(",")]
    print(machine())
    print(f"| {given.problem} | {' | '.join(f'lag {lag}' for lag in lags)} |", flush=True)
    for name in given.only.split(";") if given.only else NETWORKS:
        print(f"| {name} |", end="", flush=True)
        for lag in lags:
            shared = {"problem": given.problem, "lag": lag, "seed": given.seed}
            sizes = {"examples": given.examples, "epochs": given.epochs}
            print(f" {measure({**shared, **sizes, **NETWORKS[name]})} |", end="", flush=True)
        print(flush=True)


if __name__ == "__main__":
    main()
