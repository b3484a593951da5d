"""Programs that we did not write, before and after `recur.accelerate`: seconds of training.

    make bench-programs
    python benchmarks/programs.py [--only darts] [--repeats 3] [--threads 2]

neuralforecast's LSTM, darts' BlockRNNModel and sb3-contrib's RecurrentPPO, with their own defaults
(fewer steps), on data that packages bring along. Both sides take turns, each time from the same
seed; what the trained model says must agree before the median is printed. The programs live in an
environment of their own (programs.txt).
"""

from __future__ import annotations

import argparse
import functools
import logging
import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch

import recur
from recur.bench import machine

QUIET = {
    "accelerator": "cpu",
    "enable_progress_bar": False,
    "enable_model_summary": False,
    "enable_checkpointing": False,
    "logger": False,
}


class Trained(NamedTuple):
    """One training."""

    seconds: float  # of the program's own training call
    says: Any  # what the trained model says, an array
    swapped: int  # layers that are recur's


class Program(NamedTuple):
    """A program and how it is trained."""

    name: str
    sizes: str
    train: Callable[[bool], Trained]


def _timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def neuralforecast(accelerated: bool) -> Trained:
    """Two monthly series of air passengers, a year ahead."""
    from neuralforecast import NeuralForecast
    from neuralforecast.models import LSTM
    from neuralforecast.utils import AirPassengersPanel

    model = LSTM(h=12, max_steps=100, random_seed=1, **QUIET)
    swapped = recur.accelerate(model).swapped if accelerated else ()
    whole = NeuralForecast(models=[model], freq="ME")
    seconds = _timed(lambda: whole.fit(AirPassengersPanel))
    return Trained(seconds, whole.predict()["LSTM"].to_numpy(), len(swapped))


def darts(kind: str, accelerated: bool) -> Trained:
    """Weekly carbon dioxide of Mauna Loa, a quarter ahead from two years."""
    from darts import TimeSeries
    from darts.models import BlockRNNModel
    from pytorch_lightning.callbacks import LambdaCallback
    from statsmodels.datasets import co2

    values = co2.load_pandas().data["co2"].interpolate().to_numpy(dtype=np.float32)
    series = TimeSeries.from_values((values - values.mean()) / values.std())
    found: list[str] = []

    def swap(trainer: Any, network: Any, stage: str) -> None:
        found.extend(recur.accelerate(network).swapped)

    # Its network is made by `fit`: a callback of the trainer reaches it.
    callbacks = [LambdaCallback(setup=swap)] if accelerated else []
    model = BlockRNNModel(
        input_chunk_length=104,
        output_chunk_length=13,
        model=kind,
        n_epochs=3,
        random_state=0,
        pl_trainer_kwargs={**QUIET, "callbacks": callbacks},
    )
    seconds = _timed(lambda: model.fit(series))
    return Trained(seconds, model.predict(13).values(), len(found))


def cart_pole(accelerated: bool) -> Trained:
    """A pole on a cart, kept upright by a policy with a memory."""
    from sb3_contrib import RecurrentPPO

    model = RecurrentPPO("MlpLstmPolicy", "CartPole-v1", seed=0, device="cpu")
    swapped = recur.accelerate(model.policy).swapped if accelerated else ()
    seconds = _timed(lambda: model.learn(512))
    weights = [weight.detach().flatten() for weight in model.policy.parameters()]
    return Trained(seconds, torch.cat(weights).numpy(), len(swapped))


PROGRAMS = [
    Program("neuralforecast LSTM", "2 layers of 128, 128 windows of 36, 100 steps", neuralforecast),
    *(
        Program(
            f"darts BlockRNNModel, {kind}",
            "1 layer of 25, batch 32 of 104, 3 epochs",
            functools.partial(darts, kind),
        )
        for kind in ("RNN", "GRU", "LSTM")
    ),
    Program("sb3-contrib RecurrentPPO", "2 LSTMs of 256, CartPole, 512 steps", cart_pole),
]


def agreement(a: Any, b: Any) -> float:
    """The greatest difference, as a share of the greatest number.

    Raises:
        AssertionError: a difference beyond what the order of float32 sums explains.
    """
    difference = float(np.abs(a - b).max() / np.abs(a).max())
    assert difference < 1e-3, f"the results differ by {difference:.1e}"
    return difference


def compare(program: Program, repeats: int) -> str:
    """A row of the table."""
    plain, quick = [], []
    for _ in range(repeats):
        plain.append(program.train(False))
        quick.append(program.train(True))
    assert quick[0].swapped > 0, f"{program.name}: nothing was swapped"
    difference = agreement(plain[0].says, quick[0].says)
    before, after = (statistics.median(t.seconds for t in side) for side in (plain, quick))
    return (
        f"| {program.name} | {program.sizes} | {quick[0].swapped} | {before:.1f} | {after:.1f} "
        f"| {before / after:.2f} | {difference:.0e} |"
    )


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="", help="programs whose name holds this")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    # They warn about their own dependencies and talk about seeds.
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    print(f"{machine()}\n")
    print("| program | sizes | swapped | before, s | after, s | ratio | difference |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    for program in PROGRAMS:
        if chosen.only in program.name:
            print(compare(program, chosen.repeats), flush=True)


if __name__ == "__main__":
    main()
