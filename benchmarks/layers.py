"""Times recur's layers beside those of torch.nn: the same weights, the same input, one run.

    python benchmarks/layers.py [--cells rnn,lstm,gru] [--cases 0,1,5] [--seconds 1.0]

Before a case is timed its outputs and gradients are compared. torch.nn is given its better layout
(time first or batch first). "share" is recur's rate over the peak of a matrix product measured in
the same run.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable

import torch
from timing import interleaved, machine, peak_flops
from torch import Tensor, nn

import recur

# (batch, time, inputs, hidden), declared once for every benchmark.
GRID = [
    (32, 500, 32, 32),
    (32, 500, 32, 64),
    (32, 100, 128, 128),
    (32, 100, 256, 256),
    (32, 50, 512, 512),
    (20, 35, 650, 650),
    (128, 28, 28, 128),
    (128, 784, 1, 128),
    (1, 100, 64, 64),
    (1, 1, 64, 64),
    (8, 1000, 64, 64),
    (64, 200, 128, 256),
]
GATES = {"rnn": 1, "lstm": 4, "gru": 3}
OURS = {"rnn": recur.RNN, "lstm": recur.LSTM, "gru": recur.GRU}
TORCHS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}

Call = Callable[[], object]


def inference(layer: nn.Module, x: Tensor) -> Call:
    """What is timed for inference."""

    def call() -> object:
        with torch.no_grad():
            return layer(x)

    return call


def training(layer: nn.Module, x: Tensor, gradient: Tensor) -> Call:
    """What is timed for training: outputs, and the gradients of the input and the weights."""

    def call() -> object:
        outputs = layer(x)[0]
        return outputs.backward(gradient)

    return call


def check(ours: nn.Module, theirs: nn.Module, x: Tensor, gradient: Tensor) -> None:
    """No timing on a wrong result: outputs and every gradient must agree."""
    found = []
    for layer in (ours, theirs):
        outputs = layer(x)[0]
        wanted = [x, *layer.parameters()]
        found.append([outputs, *torch.autograd.grad(outputs, wanted, gradient)])
    for a, b in zip(*found, strict=True):
        scale = b.abs().max().item() + 1e-6
        torch.testing.assert_close(a / scale, b / scale, rtol=1e-3, atol=1e-4)


def run_case(cell: str, case: tuple[int, int, int, int], seconds: float) -> dict[str, float]:
    """Times one case: recur's seconds and rate, and the ratio to torch.nn."""
    batch, time, inputs, hidden = case
    torch.manual_seed(0)
    ours = OURS[cell](inputs, hidden, batch_first=True)
    first = TORCHS[cell](inputs, hidden)
    second = TORCHS[cell](inputs, hidden, batch_first=True)
    for theirs in (first, second):
        theirs.load_state_dict(ours.state_dict())
    x = torch.randn(batch, time, inputs, requires_grad=True)
    x_time = x.detach().transpose(0, 1).contiguous().requires_grad_()
    gradient = torch.randn(batch, time, hidden)
    gradient_time = gradient.transpose(0, 1).contiguous()
    check(ours, second, x, gradient)
    infer = interleaved(
        {
            "recur": inference(ours, x),
            "torch": inference(first, x_time),
            "torch, batch first": inference(second, x),
        },
        seconds=seconds,
    )
    train = interleaved(
        {
            "recur": training(ours, x, gradient),
            "torch": training(first, x_time, gradient_time),
            "torch, batch first": training(second, x, gradient),
        },
        seconds=seconds,
    )
    flops = 2 * batch * time * (inputs + hidden) * GATES[cell] * hidden
    return {
        "inference": infer["recur"],
        "inference ratio": min(infer["torch"], infer["torch, batch first"]) / infer["recur"],
        "inference rate": flops / infer["recur"],
        "training": train["recur"],
        "training ratio": min(train["torch"], train["torch, batch first"]) / train["recur"],
        "training rate": 3 * flops / train["recur"],
    }


def geometric_mean(values: list[float]) -> float:
    """The mean of ratios."""
    return math.exp(sum(map(math.log, values)) / len(values))


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cells", default=",".join(OURS))
    parser.add_argument("--cases", default=",".join(map(str, range(len(GRID)))))
    parser.add_argument("--seconds", type=float, default=1.0)
    chosen = parser.parse_args()
    peak = peak_flops()
    print(f"{machine()}; matrix product {peak / 1e9:.0f} GFLOP/s\n")
    print(
        "| cell | B, T, I, H | inference ms | x torch.nn | share "
        "| training ms | x torch.nn | share |"
    )
    print("|---|---|---:|---:|---:|---:|---:|---:|")
    infer: list[float] = []
    train: list[float] = []
    for cell in chosen.cells.split(","):
        for index in map(int, chosen.cases.split(",")):
            row = run_case(cell, GRID[index], chosen.seconds)
            infer.append(row["inference ratio"])
            train.append(row["training ratio"])
            print(
                f"| {cell} | {', '.join(map(str, GRID[index]))} "
                f"| {row['inference'] * 1e3:.2f} | {row['inference ratio']:.1f} "
                f"| {row['inference rate'] / peak:.0%} "
                f"| {row['training'] * 1e3:.2f} | {row['training ratio']:.1f} "
                f"| {row['training rate'] / peak:.0%} |",
                flush=True,
            )
    print(
        f"\nGeometric mean against torch.nn: inference {geometric_mean(infer):.1f}, "
        f"training {geometric_mean(train):.1f}"
    )


if __name__ == "__main__":
    main()
