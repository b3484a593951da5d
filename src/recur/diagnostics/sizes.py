"""How large gradients and updates were, layer by layer, epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from recur.training import History


class LayerSizes:
    """Measures a model while it is trained: `recur.fit(..., on_epoch=LayerSizes(model))`.

    After each epoch a row is added to `history`, with two columns for every module that has
    parameters of its own: `gradient NAME`, the norm of the gradient of the epoch's last batch
    (after clipping), and `update NAME`, how far the weights have moved in the epoch, over their
    own norm. A layer whose numbers are far below the others' does not learn.

    Args:
        model: what is trained.
        history: rows of earlier epochs, when a training goes on; the first update is then not
            known.

    Attributes:
        history: a row for each epoch.
    """

    def __init__(self, model: nn.Module, history: History | None = None) -> None:
        self.model = model
        self.history = History() if history is None else history
        self._before: dict[str, Tensor] | None = None if history else self._weights()

    def __call__(self, epoch: int, row: Mapping[str, float]) -> None:
        """Writes the row of `epoch`, from 1; rows of later epochs are forgotten."""
        del self.history.rows[epoch - 1 :]
        while len(self.history) < epoch - 1:  # a training that was stopped between the two
            self.history.append({})
        now = self._weights()
        gradients: dict[str, list[float]] = {}
        moved: dict[str, list[tuple[float, float]]] = {}
        for name, parameter in self.model.named_parameters():
            module = name.rpartition(".")[0] or "the model"
            if parameter.grad is not None:
                gradients.setdefault(module, []).append(_norm(parameter.grad))
            if self._before is not None:
                step = _norm(now[name] - self._before[name]), _norm(self._before[name])
                moved.setdefault(module, []).append(step)
        found = {f"gradient {module}": math.hypot(*norms) for module, norms in gradients.items()}
        for module, steps in moved.items():
            far, size = (math.hypot(*norms) for norms in zip(*steps, strict=True))
            found[f"update {module}"] = far / size if size else math.nan
        self._before = now
        self.history.append(found)

    def _weights(self) -> dict[str, Tensor]:
        return {name: p.detach().clone() for name, p in self.model.named_parameters()}


def _norm(tensor: Tensor) -> float:
    values = tensor.coalesce().values() if tensor.is_sparse else tensor
    return float(torch.linalg.vector_norm(values, dtype=torch.float64))
