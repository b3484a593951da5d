"""Memory: the peak of a training step over what inputs, weights and libraries take.

Each in a process of its own, by the operating system's count of its resident size. (Linux hands
`ru_maxrss` on from the parent to its child, so there the count of the process itself is read.)
"""

from __future__ import annotations

from alone import alone
from peer import Tell
from table import table

CELLS = ("rnn", "lstm", "gru")
# (batch, time, inputs, hidden)
SIZES = ((32, 1000, 128, 128), (8, 10_000, 64, 64))

COLUMNS = ["cell", "B, T, I, H", "torch.nn", "recur", "share", "recur, checkpoints", "share"]
HEADS = {
    "all": "Peak of a training step in MB, over its input. Every output has a gradient, and the "
    "input gets one; checkpoints every sqrt(T) steps.",
    "last": "The same where the last output is learned from and the input gets no gradient.",
}

PEAK = """
import json, os, re, resource, sys
import torch, recur
def resident(name):
    if os.path.exists("/proc/self/status"):
        return 1024 * int(re.search(rf"{name}:\\s+(\\d+) kB", open("/proc/self/status").read())[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
kind, cell, what = sys.argv[1:4]
batch, time, inputs, hidden, every = map(int, sys.argv[4:])
last = what == "last"
options = {"checkpoint_every": every} if every else {}
if last and kind == "recur":
    options["return_sequences"] = False
layer = getattr(torch.nn if kind == "torch.nn" else recur, cell.upper())(inputs, hidden, **options)
def train(x):
    outputs = layer(x)
    if last:
        (outputs if kind == "recur" else outputs[0][-1]).sum().backward()
    else:
        outputs[0].backward(torch.ones_like(outputs[0]))
train(torch.randn(2, 1, inputs, requires_grad=not last))
x = torch.randn(time, batch, inputs, requires_grad=not last)
before = resident("VmRSS")
train(x)
print(json.dumps({"bytes": resident("VmHWM") - before}))
"""


def measure(full: bool, tell: Tell) -> str:
    """Returns the tables."""
    parts = []
    for what, head in HEADS.items():
        rows = []
        for cell in CELLS:
            for sizes in SIZES if full else SIZES[-1:]:
                rows.append(_row(cell, what, sizes))
                tell(f"memory, {what}, {', '.join(rows[-1])}")
        parts.append(f"{head}\n\n{table(COLUMNS, rows, words=2)}")
    return "\n\n".join(parts)


def _row(cell: str, what: str, sizes: tuple[int, int, int, int]) -> list[str]:
    theirs = _peak("torch.nn", cell, what, sizes)
    every = round(sizes[1] ** 0.5)
    found = [_peak("recur", cell, what, sizes, k) for k in (0, every)]
    words = [word for peak in found for word in (f"{peak / 1e6:.0f}", f"{peak / theirs:.2f}")]
    return [cell, ", ".join(map(str, sizes)), f"{theirs / 1e6:.0f}", *words]


def _peak(
    kind: str, cell: str, what: str, sizes: tuple[int, int, int, int], every: int = 0
) -> float:
    peak: float = alone(PEAK, kind, cell, what, *sizes, every)["bytes"]
    return peak
