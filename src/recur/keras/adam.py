"""Keras' Adam and AdamW by torch's fused update: one pass over the numbers, not eight."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import torch
from torch import Tensor
from torch.optim.adam import adam

from recur.engine.conditions import declined
from recur.engine.cpu import threads
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
        values = [variable.value for variable in variables]
        reason = notes.left(self) or declined(OF_UPDATES, Update(self, [*grads, *values]))
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
    done = int(optimizer.iterations.value)
    correction = math.sqrt(1 - float(optimizer.beta_2) ** (done + 1))
    with threads.one_if_crowded():
        adam(
            values,
            grads,
            [optimizer._momentums[place].value for place in places],
            [optimizer._velocities[place].value for place in places],
            [],
            [torch.tensor(float(done)) for _ in places],
            fused=True,
            amsgrad=False,
            beta1=float(optimizer.beta_1),
            beta2=float(optimizer.beta_2),
            lr=rate,
            weight_decay=0.0,
            eps=float(optimizer.epsilon) / correction,
            maximize=False,
        )
