from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recur import InputError, pad_sequences

RAGGED = [[1], [2, 3], [4, 5, 6]]


def test_defaults_are_those_of_keras():
    # The example of Keras' documentation.
    padded = pad_sequences(RAGGED)
    assert padded.dtype == np.int32
    assert padded.tolist() == [[0, 0, 1], [0, 2, 3], [4, 5, 6]]


def test_value_padding_and_maxlen_as_in_keras():
    assert pad_sequences(RAGGED, value=-1).tolist() == [[-1, -1, 1], [-1, 2, 3], [4, 5, 6]]
    assert pad_sequences(RAGGED, padding="post").tolist() == [[1, 0, 0], [2, 3, 0], [4, 5, 6]]
    assert pad_sequences(RAGGED, maxlen=2).tolist() == [[0, 1], [2, 3], [5, 6]]
    kept_start = pad_sequences(RAGGED, maxlen=2, truncating="post")
    assert kept_start.tolist() == [[0, 1], [2, 3], [4, 5]]


def test_features_dtype_and_empty_sequences():
    padded = pad_sequences([[[1.5, 2]], [], [[3, 4], [5, 6]]], dtype="float32", padding="post")
    assert padded.dtype == np.float32
    assert padded.tolist() == [[[1.5, 2], [0, 0]], [[0, 0], [0, 0]], [[3, 4], [5, 6]]]


def test_no_sequences_and_only_empty_ones():
    assert pad_sequences([], maxlen=3).shape == (0, 3)
    assert pad_sequences([]).shape == (0, 0)
    assert pad_sequences([[], []]).shape == (2, 0)


def test_strings_need_a_dtype_that_holds_them():
    words = [["a"], ["b", "c"]]
    assert pad_sequences(words, dtype=object, value="").tolist() == [["", "a"], ["b", "c"]]
    with pytest.raises(InputError, match=r"value must be a number for dtype int32; got ''\."):
        pad_sequences(RAGGED, value="")


@given(
    st.lists(st.lists(st.integers(1, 9), max_size=7), min_size=1, max_size=5),
    st.none() | st.integers(1, 9),
    st.sampled_from(["pre", "post"]),
    st.sampled_from(["pre", "post"]),
)
def test_against_plain_lists(sequences, maxlen, padding, truncating):
    length = maxlen if maxlen is not None else max(map(len, sequences))
    expected = []
    for sequence in sequences:
        short = sequence[max(len(sequence) - length, 0) :]
        cut = short if truncating == "pre" else sequence[:length]
        zeros = [0] * (length - len(cut))
        expected.append(zeros + cut if padding == "pre" else cut + zeros)
    padded = pad_sequences(sequences, maxlen, padding=padding, truncating=truncating)
    assert padded.tolist() == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"padding": "pro"}, r"padding must be pre or post; got 'pro'\. Did you mean 'pre'\?"),
        ({"truncating": "both"}, r"truncating must be pre or post; got 'both'"),
        ({"maxlen": 0}, r"maxlen must be at least 1, or None for the longest sequence; got 0"),
        ({"maxlen": 10**23}, r"maxlen must be at most 2,147,483,647; got 1000"),
        ({"maxlen": 2.5}, r"maxlen must be a whole number of at least 1; got 2.5"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(InputError, match=message):
        pad_sequences(RAGGED, **arguments)


@pytest.mark.parametrize(
    ("sequences", "message"),
    [
        (5, "sequences must be a list of sequences; got int"),
        ([1, 2], r"sequence 0 must be a list or an array; got int\. Wrap a single sequence"),
        ([[[1, 2]], [[1, 2, 3]]], r"sequence 1 must be of feature shape \(2,\)"),
    ],
)
def test_wrong_sequences(sequences, message):
    with pytest.raises(InputError, match=message):
        pad_sequences(sequences)
