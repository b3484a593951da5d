"""How far back each network remembers: the memory task at growing lags, one remedy at a time.

    python benchmarks/lags.py [--problem adding] [--lags 25,50,100,200] [--only "rnn;gru"]
        [--epochs N] [--examples N] [--learning-rate X] [--seed N] [--threads N]

Trains by `recur train memory` and prints, for each network and lag, the score on the test part
(squared error, share of symbols recalled, or accuracy) and the horizon before and after training:
the lag at which 1% of the gradient is left (`recur.diagnose`), "all" if more is left at the end.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import nn

import recur
from recur.bench import machine
from recur.tasks import preparing

RNN, LSTM, GRU = ({"cell": cell} for cell in ("rnn", "lstm", "gru"))
IRNN = {**RNN, "activation": "relu", "recurrent_init": "identity"}
# Clipping, initialisation, gates and practice, one at a time.
NETWORKS: dict[str, dict[str, Any]] = {
    "rnn, no clipping": {**RNN, "clip_norm": 0.0},
    "rnn": RNN,
    "rnn, orthogonal": {**RNN, "recurrent_init": "orthogonal"},
    "rnn, orthogonal, mixed": {**RNN, "recurrent_init": "orthogonal", "mixed": True},
    "rnn, relu, identity, no clipping": {**IRNN, "clip_norm": 0.0},
    "rnn, relu, identity": IRNN,
    "rnn, relu, identity, mixed": {**IRNN, "mixed": True},
    "lstm, no clipping": {**LSTM, "clip_norm": 0.0},
    "lstm": LSTM,
    "lstm, chrono": {**LSTM, "chrono": True},
    "lstm, chrono, mixed": {**LSTM, "chrono": True, "mixed": True},
    "gru, no clipping": {**GRU, "clip_norm": 0.0},
    "gru": GRU,
    "gru, chrono": {**GRU, "chrono": True},
    "gru, mixed": {**GRU, "mixed": True},
}


def horizon(model: nn.Module, run: recur.Run) -> str:
    """The horizon of a network on the run's test part, in steps."""
    fitted = run.trained.preprocessing
    batch = preparing.held_out(run.task, run.options, fitted).examples.batch(range(32))
    found = recur.diagnose(model, batch, loss=run.task.objective(run.options, fitted).loss)
    return "all" if found.horizon is None else str(found.horizon)


def measure(options: dict[str, Any]) -> str:
    """The score on the test part, and the horizon before and after training."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            run = recur.train("memory", out=Path(folder) / "run", progress=False, **options)
        except recur.FailedError as error:
            return str(error).split(".")[0]
    scores = run.scores.values
    score = scores.get("recall", scores.get("accuracy", scores["loss"]))
    torch.manual_seed(run.options.seed)
    before = run.task.model(run.options, run.trained.preprocessing)
    return f"{score:.2g} ({horizon(before, run)} to {horizon(run.model, run)})"


def main() -> None:
    """Trains them all, a row at a time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problem", default="adding")
    parser.add_argument("--lags", default="25,50,100,200")
    parser.add_argument("--only", default="")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--examples", type=int, default=20_000)
    parser.add_argument("--learning-rate", type=float, default=0.005)
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
            sizes = {
                "examples": given.examples,
                "epochs": given.epochs,
                "learning_rate": given.learning_rate,
            }
            print(f" {measure({**shared, **sizes, **NETWORKS[name]})} |", end="", flush=True)
        print(flush=True)


if __name__ == "__main__":
    main()
