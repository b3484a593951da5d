"""Memory: the peak of a training step over what inputs, weights and libraries take.

Each in a process of its own, by the operating system's count of its resident size. (Linux hands
`ru_maxrss` on from the parent to its child, so there the count of the process itself is read.)
"""

from __future__ import annotations

import inspect

from alone import alone
from peer import Tell
from table import table

import recur

CELLS = ("rnn", "lstm", "gru")
# (batch, time, inputs, hidden)
SIZES = ((32, 1000, 128, 128), (8, 10_000, 64, 64))

PEAK = """
import json, os, re, resource, sys
import torch, recur
def resident(name):
    if os.path.exists("/proc/self/status"):
        return 1024 * int(re.search(rf"{name}:\\s+(\\d+) kB", open("/proc/self/status").read())[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
kind, cell = sys.argv[1:3]
batch, time, inputs, hidden, every = map(int, sys.argv[3:])
make = getattr(torch.nn if kind == "torch.nn" else recur, cell.upper())
layer = make(inputs, hidden, **({"checkpoint_every": every} if every else {}))
def train(x):
    outputs = layer(x)[0]
    outputs.backward(torch.ones_like(outputs))
train(torch.randn(2, 1, inputs, requires_grad=True))
x = torch.randn(time, batch, inputs, requires_grad=True)
before = resident("VmRSS")
train(x)
print(json.dumps({"bytes": resident("VmHWM") - before}))
"""


def measure(full: bool, tell: Tell) -> str:
    """Returns the table."""
    rows = []
    for cell in CELLS:
        for sizes in SIZES if full else SIZES[-1:]:
            rows.append(_row(cell, sizes))
            tell(f"memory, {', '.join(rows[-1])}")
    columns = ["cell", "B, T, I, H", "torch.nn", "recur", "share", "recur, checkpoints", "share"]
    return f"Peak of a training step, in MB.\n\n{table(columns, rows, words=2)}"


def _row(cell: str, sizes: tuple[int, int, int, int]) -> list[str]:
    theirs = _peak("torch.nn", cell, sizes)
    ours = _peak("recur", cell, sizes)
    row = [cell, ", ".join(map(str, sizes)), *_words(theirs), *_words(ours, theirs)]
    if "checkpoint_every" not in inspect.signature(recur.LSTM.__init__).parameters:
        return [*row, "-", "-"]
    every = round(sizes[1] ** 0.5)
    return [*row, *_words(_peak("recur", cell, sizes, every), theirs)]


def _peak(kind: str, cell: str, sizes: tuple[int, int, int, int], every: int = 0) -> float:
    peak: float = alone(PEAK, kind, cell, *sizes, every)["bytes"]
    return peak


def _words(size: float, whole: float | None = None) -> list[str]:
    return [f"{size / 1e6:.0f}", *([] if whole is None else [f"{size / whole:.2f}"])]
