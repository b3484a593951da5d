"""One step of time from Python, batch 1, beside torch's cells: what streaming and control pay.

recur takes it with `recur.Stream`; its cells, which keep nothing between calls, stand beside it.
Without gradients; the state of a step is that of the next.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from peer import Tell
from reviews import TORCH
from table import table, times
from torch import Tensor, nn

import recur
from recur.bench import in_turns, timed
from recur.bench.case import LAYERS

UNITS = 64
TORCH_CELLS: dict[str, Callable[..., nn.Module]] = {
    "rnn": nn.RNNCell,
    "lstm": nn.LSTMCell,
    "gru": nn.GRUCell,
}
CELLS: dict[str, Callable[..., nn.Module]] = {
    "rnn": recur.RNNCell,
    "lstm": recur.LSTMCell,
    "gru": recur.GRUCell,
}

Step = Callable[[Tensor], Tensor]  # (1, UNITS) in, (1, UNITS) out; the state is kept between


def measure(full: bool, tell: Tell) -> str:
    """Returns the table."""
    rows = []
    for cell in LAYERS:
        rows.append(_row(cell, 2.0 if full else 0.3))
        tell(f"step, {', '.join(rows[-1])}")
    columns = [
        "cell",
        "recur",
        "recur cell",
        "torch cell",
        "torch layer",
        "over cell",
        "over layer",
    ]
    head = f"Batch 1, {UNITS} inputs and units; microseconds a step."
    return f"{head}\n\n{table(columns, rows)}"


def _row(cell: str, seconds: float) -> list[str]:
    torch.manual_seed(0)
    ours, theirs = LAYERS[cell](UNITS, UNITS), TORCH[cell](UNITS, UNITS)
    mine, alone = CELLS[cell](UNITS, UNITS), TORCH_CELLS[cell](UNITS, UNITS)
    theirs.load_state_dict(ours.state_dict())
    alone.load_state_dict({n.removesuffix("_l0"): v for n, v in ours.state_dict().items()})
    mine.load_state_dict(alone.state_dict())
    steps: dict[str, Step] = {
        "recur": recur.Stream(ours, 1),
        "recur cell": _of_cell(mine),
        "cell": _of_cell(alone),
        "layer": _of_layer(theirs),
    }
    x = torch.randn(3, 1, UNITS)
    with torch.no_grad():
        _check(steps, x)
        runners = {name: timed(partial(step, x[0])) for name, step in steps.items()}
        found = in_turns(runners, seconds=seconds)
    ratios = [times(found[name] / found["recur"]) for name in ("cell", "layer")]
    return [cell, *(f"{1e6 * found[name]:.1f}" for name in steps), *ratios]


def _of_layer(layer: nn.RNNBase) -> Step:
    state: Any = None

    def step(x: Tensor) -> Tensor:
        nonlocal state
        outputs, state = layer(x[None], state)
        last: Tensor = outputs[0]
        return last

    return step


def _of_cell(cell: nn.Module) -> Step:
    state: Any = None

    def step(x: Tensor) -> Tensor:
        nonlocal state
        state = cell(x, state)
        hidden: Tensor = state[0] if isinstance(state, tuple) else state
        return hidden

    return step


def _check(steps: dict[str, Step], x: Tensor) -> None:
    """No timing on a wrong result: several steps, so that the state counts."""
    for row in x:
        wanted = steps["cell"](row)
        for name in ("recur", "recur cell", "layer"):
            torch.testing.assert_close(steps[name](row), wanted, rtol=1e-4, atol=1e-5)
