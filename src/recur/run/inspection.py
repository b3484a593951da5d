"""Looking into a finished training: what its gradients, gates and updates tell."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from recur import plots
from recur.data.documents import Documents
from recur.data.examples import Examples
from recur.data.sequences import Batch
from recur.diagnostics import Activity, Diagnosis, activity, diagnose
from recur.messages import InputError
from recur.run import directory
from recur.tasks import preparing
from recur.training import History

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from recur.run.run import Run

BESIDE = ("rnn", "lstm", "gru")
"""Cells that every run is put beside."""
ROWS = 32
"""Validation examples that are looked at."""
PIECES, STEPS = 8, 200
"""Of one long text: pieces that are looked at, and their steps."""


@dataclasses.dataclass(frozen=True)
class Inspection:
    """What was found inside a run. Its `str()` says it in words.

    Attributes:
        trained: The model as it is.
        untrained: Models of the same size before any training, by cell, on the same examples.
        refused: By cell, why the run's options do not allow it.
        activity: States and gates of the trained model, for the first example.
        history: A row for each epoch.
        layers: For each epoch, how large gradients and updates were, layer by layer; no rows if the
            run is older than that.
    """

    trained: Diagnosis
    untrained: dict[str, Diagnosis]
    refused: dict[str, str]
    activity: tuple[Activity, ...]
    history: History
    layers: History

    def __str__(self) -> str:
        lines = ["As trained:", str(self.trained), "", "Before training, of the same size:"]
        for cell, diagnosis in self.untrained.items():
            # The layer nearest to the answer: what reaches it is all that is left for the others.
            lines.append(f"{cell:<6}{diagnosis.flows[-1].finding}")
        lines += [f"{cell:<6}not with these options: {why}" for cell, why in self.refused.items()]
        first, last = self.history.rows[0], self.history.rows[-1]
        lines += ["", "In training:"]
        lines.append(
            f"norm of the gradient {first['gradient_norm']:.2g} in the first epoch, "
            f"{last['gradient_norm']:.2g} in the last; "
            f"the largest {max(self.history['gradient_norm_max']):.2g}"
        )
        if self.layers:
            lines += _table(self.layers)
        lines += self.history.notes
        return "\n".join(lines)

    def figures(self) -> Iterator[tuple[str, Figure]]:
        """Yields figures with a name each."""
        norms = {f"{cell}, untrained": d.flows[-1].norms for cell, d in self.untrained.items()}
        trained = {f"{name}, as trained": line for name, line in self.trained.lines().items()}
        yield "gradients", plots.gradients({**norms, **trained})
        yield "activity", self.activity[0].plot()
        if self.layers:
            yield "layers", plots.layer_sizes(self.layers.history)

    def to_json(self) -> dict[str, Any]:
        """Returns the numbers as JSON."""
        return {
            "trained": self.trained.to_json(),
            "untrained": {cell: d.to_json() for cell, d in self.untrained.items()},
            "refused": self.refused,
            "layers": [
                {n: v if math.isfinite(v) else None for n, v in row.items()}
                for row in self.layers.rows
            ],
        }


def inspect(run: Run) -> Inspection:
    """Looks into a run, on examples that it was validated on.

    Raises:
        InputError: if the data that it was trained on are not there any more.
    """
    task, options, fitted = run.task, run.options, run.trained.preprocessing
    batch = _some(preparing.validation(task, options, fitted))
    loss = task.objective(options, fitted).loss
    untrained, refused = {}, {}
    for cell in BESIDE:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(options.seed)
            try:
                model = task.model(dataclasses.replace(options, cell=cell), fitted)
            except InputError as error:
                refused[cell] = str(error)
                continue
        untrained[cell] = diagnose(model, batch, loss=loss)
    layers = run.path / directory.LAYERS
    return Inspection(
        diagnose(run.model, batch, loss=loss),
        untrained,
        refused,
        activity(run.model, batch),
        run.history,
        History.from_csv(layers) if layers.exists() else History(),
    )


def _some(validation: Examples | Documents) -> Batch:
    """A batch to look at; of long texts, pieces from all over."""
    if not isinstance(validation, Documents):
        return validation.batch(range(min(ROWS, len(validation))))
    steps = min(STEPS, validation.steps)
    begins = np.linspace(0, validation.steps - steps, PIECES).astype(np.int64)
    return validation.pieces(begins, begins + steps)


def _table(layers: History) -> list[str]:
    """Sizes of each layer in the first and the last epoch; the first update is not always known."""
    modules = [n.removeprefix("update ") for n in layers.columns if n.startswith("update ")]
    wide = max(len("layer"), *map(len, modules))
    head = ("gradient, first", "last epoch", "update, first", "last epoch")
    lines = [f"{'layer':<{wide}}" + "".join(f"{word:>16}" for word in head)]
    for name in modules:
        cells = []
        for kind, form in (("gradient", ".2g"), ("update", ".1%")):
            known = [v for v in layers.history.get(f"{kind} {name}", []) if math.isfinite(v)]
            ends = (known[0], known[-1]) if known else (math.nan, math.nan)
            cells += [format(value, form) for value in ends]
        lines.append(f"{name:<{wide}}" + "".join(f"{cell:>16}" for cell in cells))
    return lines
