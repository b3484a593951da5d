"""Lists of unequal length to one rectangular array, with the semantics of Keras.

Source of the semantics: `keras.utils.pad_sequences`, whose arguments have the same names and
defaults. Padding goes to the left by default, which is Keras' choice and costs a recurrent network
work and accuracy; `recur.data.sequences.Sequences` pads to the right and keeps the lengths.
"""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from recur.messages import InputError, must, one_of, whole


def pad_sequences(
    sequences: Sequence[Any] | NDArray[Any],
    maxlen: int | None = None,
    dtype: DTypeLike = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: float | str = 0.0,
) -> NDArray[Any]:
    """Returns one array that holds every sequence, cut and filled to the same length.

    Args:
        sequences: N sequences; each a list or array of shape (T_i,) or (T_i, ...).
        maxlen: the length of all of them; the longest one's if None.
        dtype: the type of the result.
        padding: "pre" fills before a sequence, "post" after it.
        truncating: "pre" drops from the start of a long sequence, "post" from its end.
        value: what to fill with.

    Returns:
        An array of shape (N, maxlen) or (N, maxlen, ...).

    Raises:
        InputError: if `sequences` does not hold sequences, their features differ in shape, or an
            argument is not one of the allowed values.
    """
    one_of("padding", padding, ["pre", "post"])
    one_of("truncating", truncating, ["pre", "post"])
    lengths = [_length(sequences, index) for index in range(_count(sequences))]
    longest = max(lengths, default=0) if maxlen is None else _checked_maxlen(maxlen)
    features = _feature_shape(sequences, lengths)
    kind = np.dtype(dtype)
    if isinstance(value, str) and kind.kind not in "OU":
        todo = "Pass dtype=object, or a number as value."
        raise InputError(must("value", f"a number for dtype {kind}", repr(value), todo))
    padded = np.full((len(lengths), longest, *features), value, dtype=kind)
    if not longest:
        return padded
    for index, sequence in enumerate(sequences):
        if not lengths[index]:
            continue
        kept = np.asarray(
            sequence[-longest:] if truncating == "pre" else sequence[:longest], dtype=kind
        )
        if kept.shape[1:] != features:
            expected = f"of feature shape {features}, as those before it"
            raise InputError(must(f"sequence {index}", expected, str(kept.shape[1:])))
        place = slice(-len(kept), None) if padding == "pre" else slice(None, len(kept))
        padded[index, place] = kept
    return padded


def _count(sequences: Any) -> int:
    try:
        return len(sequences)
    except TypeError:
        got = type(sequences).__name__
        raise InputError(must("sequences", "a list of sequences", got)) from None


def _length(sequences: Any, index: int) -> int:
    try:
        return len(sequences[index])
    except TypeError:
        todo = "Wrap a single sequence in a list: [sequence]."
        got = type(sequences[index]).__name__
        raise InputError(must(f"sequence {index}", "a list or an array", got, todo)) from None


def _checked_maxlen(maxlen: object) -> int:
    if isinstance(maxlen, numbers.Integral) and int(maxlen) < 1:
        raise InputError(must("maxlen", "at least 1, or None for the longest sequence", maxlen))
    return whole("maxlen", maxlen, most=2**31 - 1)


def _feature_shape(sequences: Any, lengths: list[int]) -> tuple[int, ...]:
    """Shape of one time step, read from the first sequence that has any."""
    for sequence, length in zip(sequences, lengths, strict=True):
        if length:
            return np.asarray(sequence).shape[1:]
    return ()
