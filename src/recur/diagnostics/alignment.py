"""Where attention looked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from recur.diagnostics.flow import batch_of
from recur.diagnostics.walk import inner
from recur.layers import Attention, AttentionPooling
from recur.messages import InputError, must
from recur.training.call import Caller

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Alignment:
    """The weights of one attention for one sequence.

    Attributes:
        name: the module's name.
        weights: (Q, S), the weight that each of Q questions gave each of S steps; rows sum to 1.
            Attention pooling asks one question.
    """

    name: str
    weights: NDArray[np.float64]

    def __str__(self) -> str:
        looked = ", ".join(str(step) for step in self.weights.argmax(axis=1))
        return f"{self.name}: looked most at step {looked}"

    def plot(
        self, source: Sequence[str] | None = None, target: Sequence[str] | None = None
    ) -> Figure:
        """Draws them; `source` are S labels, `target` are Q."""
        from recur import plots

        return plots.alignment(self.weights, source=source, target=target, title=self.name)


def attention(model: nn.Module, batch: Any, *, row: int = 0) -> tuple[Alignment, ...]:
    """Records where the attention of a model looked.

    Args:
        model: any module with `recur.Attention` or attention pooling; evaluated without dropout,
            and left as it was.
        batch: as for `recur.diagnose`; with the targets, if the model writes sequences.
        row: whose sequence.

    Returns:
        One for each module of attention that was asked. Steps beyond the row's length are left
        out.

    Raises:
        InputError: a model without attention, or a row that is not there.
    """
    model = inner(model)
    given = batch_of(batch)
    if not 0 <= row < len(given.x):
        raise InputError(must("row", f"from 0 to {len(given.x) - 1}", row))
    seen: dict[str, list[Tensor]] = {}
    handles = []
    for name, module in model.named_modules():
        if isinstance(module, Attention | AttentionPooling):
            seen[name] = []
            hook = _recorder(seen[name], row)
            handles.append(module.register_forward_hook(hook, with_kwargs=True))
    if not handles:
        raise InputError(must("the model", "one with attention", "none"))
    modes = [(module, module.training) for module in model.modules()]
    try:
        model.eval()
        with torch.no_grad():
            Caller(model)(given)
    finally:
        for handle in handles:
            handle.remove()
        for module, mode in modes:
            module.training = mode
    there = slice(None if given.lengths is None else int(given.lengths[row]))
    return tuple(
        Alignment(name or "the model", torch.cat(rows)[:, there].double().cpu().numpy())
        for name, rows in seen.items()
        if rows
    )


def _recorder(into: list[Tensor], row: int) -> Any:
    def hook(module: nn.Module, args: Any, kwargs: Any, result: Any) -> None:
        if isinstance(module, AttentionPooling):
            into.append(module.weights(*args, **kwargs)[row].unsqueeze(0))
        else:
            into.append(result[1][row])

    return hook
