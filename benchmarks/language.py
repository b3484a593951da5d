"""One training step of a word language model of the Penn Treebank's size, beside torch.nn's layers.

The small setting of W. Zaremba et al., arXiv:1409.2329: 10,000 words, two LSTM layers of 200, 20
rows of 20 words, the state carried on; forward, back, clipping and SGD. Most of it is the product
with all words, which is torch's on both sides.
"""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from peer import Tell
from table import milliseconds, table, times
from torch import Tensor, nn

import recur
from recur.bench import in_turns, timed

WORDS, UNITS, ROWS, STEPS, LAYERS = 10_000, 200, 20, 20, 2
CELLS = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}


class Model(nn.Module):
    """Words to scores of the next word, with the state carried on."""

    def __init__(self, cell: str) -> None:
        super().__init__()
        self.words = nn.Embedding(WORDS, UNITS)
        self.reader = CELLS[cell](UNITS, UNITS, LAYERS, batch_first=True)
        self.head = nn.Linear(UNITS, WORDS)
        self.state: Any = None

    def forward(self, x: Tensor) -> Tensor:
        """(rows, steps) to (rows, steps, words)."""
        y, state = self.reader(self.words(x), self.state)
        parts = state if isinstance(state, tuple) else (state,)
        kept = tuple(part.detach() for part in parts)
        self.state = kept if len(kept) > 1 else kept[0]
        scores: Tensor = self.head(y)
        return scores


def measure(full: bool, tell: Tell) -> str:
    """Returns the table."""
    rows = []
    for cell in CELLS:
        torch.manual_seed(0)
        theirs = Model(cell)
        ours = copy.deepcopy(theirs)
        recur.accelerate(ours)
        x, y = torch.randint(WORDS, (2, ROWS, STEPS))
        runners = {}
        for name, model in (("recur", ours), ("torch.nn", theirs)):
            optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
            runners[name] = timed(partial(_step, model, optimizer, x, y))
        found = in_turns(runners, seconds=20.0 if full else 5.0)
        torch.testing.assert_close(ours.reader.weight_hh_l1, theirs.reader.weight_hh_l1)
        took = [milliseconds(found[name]) for name in ("recur", "torch.nn")]
        rows.append([cell, *took, times(found["torch.nn"] / found["recur"])])
        tell(f"language, {', '.join(rows[-1])}")
    columns = ["cell", "recur, ms", "torch.nn, ms", "over torch.nn"]
    sizes = f"{WORDS:,} words, {LAYERS} layers of {UNITS}, {ROWS} rows of {STEPS} words"
    return f"A training step, {sizes}.\n\n{table(columns, rows)}"


def _step(model: Model, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor) -> None:
    optimizer.zero_grad()
    loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(model.parameters(), 0.25)
    optimizer.step()
