"""Looking into a finished training: what its gradients, gates and updates tell."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch

from recur import plots
from recur.diagnostics import Activity, Diagnosis, activity, diagnose
from recur.messages import InputError
from recur.models.many_to_one import CELLS
from recur.run import directory
from recur.training import History

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from recur.run.run import Run

ROWS = 32
"""Validation examples that are looked at."""


@dataclasses.dataclass(frozen=True)
class Inspection:
    """What was found inside a run. Its `str()` says it in words.

    Attributes:
        trained: The model as it is.
        untrained: Models of the same size before any training, by cell, on the same examples; a
            cell that the run's options do not allow is left out.
        activity: States and gates of the trained model, for the first example.
        history: A row for each epoch.
        layers: For each epoch, how large gradients and updates were, layer by layer; no rows if the
            run is older than that.
    """

    trained: Diagnosis
    untrained: dict[str, Diagnosis]
    activity: tuple[Activity, ...]
    history: History
    layers: History

    def __str__(self) -> str:
        lines = ["As trained:", str(self.trained), "", "Before training, of the same size:"]
        for cell, diagnosis in self.untrained.items():
            # The layer nearest to the answer: what reaches it is all that is left for the others.
            lines.append(f"{cell:<6}{diagnosis.flows[-1].finding}")
        first, last = self.history.rows[0], self.history.rows[-1]
        lines += ["", "In training:"]
        lines.append(
            f"norm of the gradient {first['gradient_norm']:.2g} in the first epoch, "
            f"{last['gradient_norm']:.2g} in the last; "
            f"the largest {max(self.history['gradient_norm_max']):.2g}"
        )
        if self.layers:
            row = self.layers.rows[-1].items()
            moved = {n.removeprefix("update "): v for n, v in row if n.startswith("update ")}
            shown = ", ".join(f"{name} {share:.1%}" for name, share in moved.items())
            lines.append(f"how far weights moved in the last epoch: {shown}")
        lines += self.history.notes
        return "\n".join(lines)

    def figures(self) -> Iterator[tuple[str, Figure]]:
        """Yields figures with a name each."""
        norms = {f"{cell}, untrained": d.flows[-1].norms for cell, d in self.untrained.items()}
        trained = {f"{flow.name}, as trained": flow.norms for flow in self.trained.flows}
        yield "gradients", plots.gradients({**norms, **trained})
        yield "activity", self.activity[0].plot()
        if self.layers:
            yield "layers", plots.layer_sizes(self.layers.history)

    def to_json(self) -> dict[str, Any]:
        """Returns the numbers as JSON."""
        return {
            "trained": self.trained.to_json(),
            "untrained": {cell: d.to_json() for cell, d in self.untrained.items()},
            "layers": self.layers.rows,
        }


def inspect(run: Run) -> Inspection:
    """Looks into a run, on examples that it was validated on.

    Raises:
        InputError: if the data that it was trained on are not there any more.
    """
    task, options, fitted = run.task, run.options, run.trained.preprocessing
    validation = task.prepare(options).validation
    batch = validation.batch(range(min(ROWS, len(validation))))
    loss = task.loss(fitted)
    untrained = {}
    for cell in CELLS:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(options.seed)
            try:
                model = task.model(dataclasses.replace(options, cell=cell), fitted)
            except InputError:
                continue  # the memory task's --chrono knows no plain cell
        untrained[cell] = diagnose(model, batch, loss=loss)
    layers = run.path / directory.LAYERS
    return Inspection(
        diagnose(run.model, batch, loss=loss),
        untrained,
        activity(run.model, batch),
        run.history,
        History.from_csv(layers) if layers.exists() else History(),
    )
