"""Keras' Adam and AdamW by torch's fused update: one pass over the numbers, not eight."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import torch
from torch import Tensor
from torch.optim.adam import adam

from recur.engine.conditions import declined
from recur.engine.cpu import threads
from recur.engine.cpu.onlookers import watched
from recur.keras.notes import Notes
from recur.keras.taking import OF_UPDATES, Update

FUSED = "torch's fused update"


def replacements(keras: ModuleType, notes: Notes) -> Iterator[tuple[type, str, Callable[..., Any]]]:
    """The methods to replace: of which class, by name, and with what."""
    for owner in keras.optimizers.Adam().__class__.__mro__:
        if "_parallel_update_step" in vars(owner):
            yield owner, "_parallel_update_step", _step(vars(owner)["_parallel_update_step"], notes)
            return


def _step(before: Callable[..., None], notes: Notes) -> Callable[..., None]:
    @functools.wraps(before)
    def step(self: Any, grads: Any, variables: Any, learning_rate: Any) -> None:
        if watched():
            before(self, grads, variables, learning_rate)
            return
        values = [variable.value for variable in variables]
        reason = notes.left(self) or declined(OF_UPDATES, Update(self, list(grads), values))
        notes.note(self, reason, FUSED)
        if reason is not None:
            before(self, grads, variables, learning_rate)
        else:
            rate = getattr(learning_rate, "value", learning_rate)  # a variable in Keras 3.0
            _update(self, grads, variables, values, float(rate))

    return step


def _update(
    optimizer: Any, grads: list[Tensor], variables: Any, values: list[Tensor], rate: float
) -> None:
    """One step. D. P. Kingma, J. Ba, arXiv:1412.6980; Keras adds epsilon before correcting v."""
    places = [optimizer._get_variable_index(variable) for variable in variables]
    kept = [
        values,
        [optimizer._momentums[place].value for place in places],
        [optimizer._velocities[place].value for place in places],
    ]
    rows = [[tensor.contiguous() for tensor in tensors] for tensors in kept]
    done = optimizer.iterations  # a tensor where gradients are accumulated
    done = int(getattr(done, "value", done))
    betas = float(optimizer.beta_1), float(optimizer.beta_2)
    first, second = (1 - beta ** (done + 1) for beta in betas)
    length = _length(rate, betas, done + 1, values[0].dtype)
    with threads.one_if_crowded():
        adam(
            rows[0],
            [grad.contiguous() for grad in grads],
            rows[1],
            rows[2],
            [],
            [torch.tensor(float(done)) for _ in places],
            fused=True,
            amsgrad=False,
            beta1=betas[0],
            beta2=betas[1],
            lr=length * first / math.sqrt(second),
            weight_decay=0.0,
            eps=float(optimizer.epsilon) / math.sqrt(second),
            maximize=False,
        )
    _write_back(rows, kept)


def _length(rate: float, betas: tuple[float, float], step: int, dtype: torch.dtype) -> float:
    """Of a step, rounded as Keras does: in float32 the first ones are 1e-4 off."""
    count = torch.tensor(step, dtype=dtype)
    first, second = (1 - torch.tensor(beta, dtype=dtype) ** count for beta in betas)
    return float(torch.tensor(rate, dtype=dtype) * second.sqrt() / first)


def _write_back(rows: list[list[Tensor]], kept: list[list[Tensor]]) -> None:
    """The fused update goes through memory as it lies: whatever lies otherwise was copied."""
    for row, tensor in zip(itertools.chain(*rows), itertools.chain(*kept), strict=True):
        if row is not tensor:
            tensor.copy_(row)
