"""What models are given, checked: sizes, states, vectors; each error is a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from recur.layers import Recurrent
from recur.layers.checks import LARGEST, tensor
from recur.layers.lengths import Lengths
from recur.messages import InputError, must, real, whole
from recur.models.deep import Residual

# A model decides these for its recurrent layers, and reads what they give accordingly.
OWN = ("batch_first", "proj_size", "return_sequences", "return_state", "return_gates")


NO_TARGETS = (
    "A model that writes is trained and measured on targets; without them it writes by "
    "model.eval().generate(x, max_steps=N), for the same x."
)


def as_tensors(
    what: str, x: Any, lengths: Lengths | None, model: nn.Module
) -> tuple[Tensor, Lengths | None]:
    """What `fit` takes, as a model does: a list of sequences as one padded tensor, and its lengths.

    Args:
        what: what messages call x.
        x: a tensor, which stays as it is, an array, or a list of N sequences (T_i, ...).
        lengths: those of a tensor or an array; None if all rows are full.
        model: says which device, and which type of numbers with a fraction.

    Raises:
        InputError: something else, or lengths beside a list.
    """
    if isinstance(x, Tensor):
        return x, lengths
    if lengths is not None and isinstance(x, list | tuple):
        raise InputError(must("lengths", "left out: a list of sequences has its own", lengths))
    try:
        rows = [torch.as_tensor(row) for row in x]
        filled = [row for row in rows if len(row)] or rows[:1]
        padded = pad_sequence([row.to(filled[0].dtype) for row in rows], batch_first=True)
    except (TypeError, ValueError, RuntimeError, IndexError) as error:
        expected = "a tensor, or a list of sequences of numbers"
        raise InputError(must(what, expected, f"{type(x).__name__} ({error})")) from error
    parameter = next(model.parameters())
    kind = parameter.dtype if padded.is_floating_point() else torch.int64
    if isinstance(x, list | tuple):
        lengths = [len(row) for row in rows]
    return padded.to(parameter.device, kind), lengths


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


def never_written(never: Sequence[int], size: int, device: torch.device) -> Tensor:
    """The tokens of a vocabulary that are never to be written, checked.

    Raises:
        InputError: others than tokens, or all.
    """
    for token in never:
        if whole("never", token, least=0) >= size:
            raise InputError(must("never", f"tokens from 0 to {size - 1}", token))
    if len(set(never)) == size:
        raise InputError("never bars every token: nothing can be written.")
    return torch.tensor(list(never), dtype=torch.int64, device=device)


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
