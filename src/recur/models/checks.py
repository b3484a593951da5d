"""What models are given, checked: sizes, states, vectors; each error is a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from recur.layers import Recurrent
from recur.layers.checks import LARGEST, tensor
from recur.messages import InputError, must, real, whole
from recur.models.deep import Residual

# A model decides these for its recurrent layers, and reads what they give accordingly.
OWN = ("batch_first", "proj_size", "return_sequences", "return_state", "return_gates")


def check_sizes(dropout: float, **sizes: int | None) -> None:
    """Checks what a model is made of, by name; None: left out.

    Raises:
        InputError: a size that is no whole number of at least 1, or a dropout outside 0 to 1.
    """
    for name, size in sizes.items():
        if size is not None:
            whole(name, size, most=LARGEST.get(name, 2**31 - 1))
    real("dropout", dropout, lambda part: 0 <= part <= 1, "from 0 to 1")


def check_options(options: Mapping[str, Any], *own: str) -> None:
    """Raises an InputError if the options of the recurrent layers hold what the model decides."""
    for name in (*OWN, *own):
        if name in options:
            raise InputError(
                f"{name} is no option here: the model itself decides it. Leave it out."
            )


def check_end(end: int | None, vocabulary: int) -> None:
    """Raises an InputError unless the token that ends a sequence is None or in the vocabulary."""
    if end is not None and whole("end", end, least=0) >= vocabulary:
        raise InputError(must("end", f"below {vocabulary}, the vocabulary", end))


def check_state(recurrent: Recurrent | Residual, state: Any, batch: int) -> None:
    """Checks a state that recurrent layers are to begin with; None: zeros.

    Raises:
        InputError: something else than tensors of the shapes (layers * directions, batch, units).
    """
    if state is None:
        return
    layers = recurrent.layers if isinstance(recurrent, Residual) else [recurrent]
    first = layers[0]
    assert isinstance(first, Recurrent)
    count = len(layers) * first.num_layers * first.directions
    shapes = [(count, batch, size) for size in first.state_sizes]
    given = state if isinstance(state, tuple | list) else (state,)
    got = [tuple(s.shape) if isinstance(s, Tensor) else type(s).__name__ for s in given]
    if got != shapes:
        kind = "a tensor" if len(shapes) == 1 else f"{len(shapes)} tensors"
        expected = f"{kind} of the shape {shapes[0]} for {batch} rows"
        todo = "Begin from None, or with the state of as many rows."
        raise InputError(must("state", expected, ", ".join(map(str, got)), todo))


def flat(x: Tensor, inputs: int) -> Tensor:
    """Examples (batch, ...) of `inputs` numbers each as (batch, inputs).

    Raises:
        InputError: something else, or whole numbers.
    """
    _floating(x)
    y = x.flatten(1) if x.dim() > 1 else x.reshape(-1, 1)
    if not x.dim() or y.shape[1] != inputs:
        got = f"the shape {tuple(x.shape)}"
        raise InputError(must("x", f"(batch, ...) with {inputs} numbers each", got))
    return y


def numbers(x: Tensor, inputs: int) -> Tensor:
    """Steps of `inputs` numbers each, as they are.

    Raises:
        InputError: something else than (batch, time, inputs), or whole numbers.
    """
    _floating(x)
    if x.dim() != 3 or x.shape[2] != inputs:
        got = f"the shape {tuple(x.shape)}"
        raise InputError(must("x", f"numbers (batch, time, {inputs})", got))
    return x


def _floating(x: Tensor) -> None:
    if not tensor("x", x).is_floating_point():
        raise InputError(must("x", "numbers with a fraction", x.dtype, "Convert with .float()."))
