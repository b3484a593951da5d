"""The door between a caller's layout and the engine's: time first, padded, with lengths.

In: unbatched, time-first, batch-first or packed input, with whatever states, lengths and flags came
along. Out: the same layout again. Nothing behind this door knows that there are several.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from recur.layers.lengths import Lengths, as_flags, as_lengths
from recur.messages import InputError

Outputs = Tensor | PackedSequence


class Entered(NamedTuple):
    """Input as the engine takes it, and the way back for outputs and states."""

    x: Tensor  # (T, B, I)
    lengths: Tensor | None  # (B,)
    mask: Tensor | None  # (T, B)
    reset: Tensor | None  # (T, B)
    state_in: Callable[
        [Tensor], Tensor
    ]  # caller's (layers * directions, B, H) -> the engine's rows
    state_out: Callable[[Tensor], Tensor]
    output_out: Callable[[Tensor], Outputs]  # (T, B, H) -> the caller's
    rows_out: Callable[[Tensor], Tensor]  # (B, H) -> the caller's


def _same(tensor: Tensor) -> Tensor:
    return tensor


def _swapped(tensor: Tensor) -> Tensor:
    return tensor.transpose(0, 1)


def enter(
    input: Outputs,  # noqa: A002 - torch's name
    *,
    batch_first: bool,
    lengths: Lengths | None,
    mask: Any,
    reset: Any,
) -> Entered:
    """Brings `input`, whose rank has been checked, into the engine's layout.

    Raises:
        InputError: lengths or flags that do not fit the input, or that came with a packed one.
    """
    if isinstance(input, PackedSequence):
        return _enter_packed(input, lengths, mask, reset)
    if input.dim() == 2:
        return _enter_unbatched(input, lengths, mask, reset)
    x = input.transpose(0, 1) if batch_first else input
    output_out = _swapped if batch_first else _same
    if lengths is None and mask is None and reset is None:
        return Entered(x, None, None, None, _same, _same, output_out, _same)
    shape = (input.shape[0], input.shape[1])

    def flags(what: str, given: Any) -> Tensor | None:
        if given is None:
            return None
        tensor = as_flags(what, given, shape=shape, device=x.device)
        return tensor.t() if batch_first else tensor

    return Entered(
        x=x,
        lengths=None
        if lengths is None
        else as_lengths(lengths, time=x.shape[0], batch=x.shape[1], device=x.device),
        mask=flags("mask", mask),
        reset=flags("reset", reset),
        state_in=_same,
        state_out=_same,
        output_out=output_out,
        rows_out=_same,
    )


def _enter_unbatched(x: Tensor, lengths: Any, mask: Any, reset: Any) -> Entered:
    def flags(what: str, given: Any) -> Tensor | None:
        if given is None:
            return None
        return as_flags(what, given, shape=(x.shape[0],), device=x.device).unsqueeze(1)

    if lengths is not None:
        lengths = as_lengths(lengths, time=x.shape[0], batch=1, device=x.device)
    return Entered(
        x=x.unsqueeze(1),
        lengths=lengths,
        mask=flags("mask", mask),
        reset=flags("reset", reset),
        state_in=lambda s: s.unsqueeze(1),
        state_out=lambda s: s.squeeze(1),
        output_out=lambda y: y.squeeze(1),
        rows_out=lambda h: h.squeeze(0),
    )


def _enter_packed(packed: PackedSequence, lengths: Any, mask: Any, reset: Any) -> Entered:
    given = [
        n for n, v in (("lengths", lengths), ("mask", mask), ("reset", reset)) if v is not None
    ]
    if given:
        raise InputError(
            f"A PackedSequence holds its own lengths; got {' and '.join(given)} beside it. "
            "Give the padded tensor instead of the packed one to use them."
        )
    # Without the indices the rows stay in the order of the packing, longest first.
    x, row_lengths = pad_packed_sequence(PackedSequence(packed.data, packed.batch_sizes))
    order, back = packed.sorted_indices, packed.unsorted_indices

    def repack(y: Tensor) -> PackedSequence:
        data = pack_padded_sequence(y, row_lengths).data
        return PackedSequence(data, packed.batch_sizes, order, back)

    return Entered(
        x=x,
        lengths=row_lengths.to(x.device),
        mask=None,
        reset=None,
        state_in=_same if order is None else lambda s: s.index_select(1, order),
        state_out=_same if back is None else lambda s: s.index_select(1, back),
        output_out=repack,
        rows_out=_same if back is None else lambda h: h.index_select(0, back),
    )
