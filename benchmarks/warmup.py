"""Warm-up: the first call of a process against later ones; `import recur` against `import torch`.

Each figure is the median over fresh processes.
"""

from __future__ import annotations

import statistics

from alone import alone
from peer import Tell
from table import milliseconds, table

CELLS = ("rnn", "lstm", "gru")
KINDS = ("recur", "torch.nn")

IMPORT = """
import json, sys, time
start = time.perf_counter()
__import__(sys.argv[1])
print(json.dumps({"seconds": time.perf_counter() - start}))
"""

FIRST = """
import json, statistics, sys, time
import torch, recur
kind, cell, training = sys.argv[1], sys.argv[2], sys.argv[3] == "training"
# Torch itself warms up too: its threads, its products, its autograd (which imports 500 modules when
# it is first handed a gradient).
a = torch.randn(256, 256, requires_grad=True)
for _ in range(20):
    (a @ a).tanh().backward(a.detach())
make = getattr(recur if kind == "recur" else torch.nn, cell.upper())
layer = make(32, 32, batch_first=True)
x = torch.randn(32, 500, 32, requires_grad=training)
spent = []
for _ in range(12):
    start = time.perf_counter()
    with torch.set_grad_enabled(training):
        outputs = layer(x)[0]
        if training:
            outputs.backward(outputs.detach())
    spent.append(time.perf_counter() - start)
print(json.dumps({"first": spent[0], "later": statistics.median(spent[2:])}))
"""


def measure(full: bool, tell: Tell) -> str:
    """Returns the tables."""
    processes = 9 if full else 3
    imports: dict[str, list[float]] = {"torch": [], "recur": []}
    for _ in range(processes):
        for name, seconds in imports.items():
            seconds.append(alone(IMPORT, name)["seconds"])
    import_row = [f"{statistics.median(seconds):.2f}" for seconds in imports.values()]
    more = statistics.median(imports["recur"]) / statistics.median(imports["torch"]) - 1
    tell(f"import: torch and recur {' and '.join(import_row)} s")
    rows = []
    for cell in CELLS:
        for mode in ("inference", "training") if full else ("training",):
            found = [_first(kind, cell, mode, processes) for kind in KINDS]
            rows.append([cell, mode, *(word for words in found for word in words)])
            tell(f"warm-up, {', '.join(rows[-1])}")
    figures = [f"{kind}, {what}" for kind in KINDS for what in ("first, ms", "later", "ratio")]
    importing = table(
        ["import torch, s", "import recur, s", "more"], [[*import_row, f"{more:+.0%}"]], words=0
    )
    head = "First call of a layer in a process where torch has warmed up, (32, 500, 32, 32)."
    return "\n\n".join([importing, head, table(["cell", "mode", *figures], rows, words=2)])


def _first(kind: str, cell: str, mode: str, processes: int) -> list[str]:
    runs = [alone(FIRST, kind, cell, mode) for _ in range(processes)]
    first, later = (statistics.median(run[name] for run in runs) for name in ("first", "later"))
    ratio = statistics.median(run["first"] / run["later"] for run in runs)
    return [milliseconds(first), milliseconds(later), f"{ratio:.1f}"]
