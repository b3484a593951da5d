"""The helpers for outputs, against each row alone without its padding."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import recur
from recur.messages import InputError


@st.composite
def padded(draw):
    """Outputs (T, B, 2 S) with poison in the padding, and lengths or None."""
    time, batch, size = draw(st.integers(0, 6)), draw(st.integers(0, 4)), draw(st.integers(1, 3))
    torch.manual_seed(draw(st.integers(0, 1000)))
    lengths = draw(st.none() | st.lists(st.integers(0, time), min_size=batch, max_size=batch))
    outputs = (
        torch.randn(time, batch, 2 * size) - 2
    )  # mostly negative: a zero would be the greatest
    for row, length in enumerate(lengths or []):
        outputs[length:, row] = torch.nan
    return outputs, lengths


def rows(outputs, lengths):
    full = [outputs.shape[0]] * outputs.shape[1] if lengths is None else lengths
    return [outputs[:length, row] for row, length in enumerate(full)]


def stacked(parts, like):
    return torch.stack(parts) if parts else like.new_zeros(0, like.shape[-1])


def laid(outputs, batch_first):
    return outputs.transpose(0, 1) if batch_first else outputs


@given(padded(), st.booleans(), st.booleans())
def test_last_output(case, batch_first, bidirectional):
    outputs, lengths = case
    half = outputs.shape[-1] // 2
    want = []
    for row in rows(outputs, lengths):
        if not len(row):
            want.append(outputs.new_zeros(2 * half))
        elif bidirectional:
            want.append(torch.cat([row[-1, :half], row[0, half:]]))
        else:
            want.append(row[-1])
    got = recur.last_output(
        laid(outputs, batch_first), lengths, batch_first=batch_first, bidirectional=bidirectional
    )
    assert torch.equal(got, stacked(want, outputs))


@given(padded(), st.booleans())
def test_mean_output(case, batch_first):
    outputs, lengths = case
    zero = outputs.new_zeros(outputs.shape[-1])
    want = [row.mean(0) if len(row) else zero for row in rows(outputs, lengths)]
    got = recur.mean_output(laid(outputs, batch_first), lengths, batch_first=batch_first)
    torch.testing.assert_close(got, stacked(want, outputs))


@given(padded(), st.booleans())
def test_max_output(case, batch_first):
    outputs, lengths = case
    zero = outputs.new_zeros(outputs.shape[-1])
    want = [row.amax(0) if len(row) else zero for row in rows(outputs, lengths)]
    got = recur.max_output(laid(outputs, batch_first), lengths, batch_first=batch_first)
    assert torch.equal(got, stacked(want, outputs))


@given(padded(), st.booleans())
def test_reverse_sequences(case, batch_first):
    outputs, lengths = case
    want = outputs.clone()
    for b, row in enumerate(rows(outputs, lengths)):
        want[: len(row), b] = row.flip(0)
    got = recur.reverse_sequences(laid(outputs, batch_first), lengths, batch_first=batch_first)
    torch.testing.assert_close(laid(got, batch_first), want, rtol=0, atol=0, equal_nan=True)
    again = recur.reverse_sequences(got, lengths, batch_first=batch_first)
    torch.testing.assert_close(laid(again, batch_first), outputs, rtol=0, atol=0, equal_nan=True)


def test_reverse_sequences_of_any_rank_and_type():
    tokens = torch.tensor([[1, 4], [2, 5], [3, 0]])
    got = recur.reverse_sequences(tokens, [3, 2])
    assert got.tolist() == [[3, 5], [2, 4], [1, 0]]
    images = torch.randn(4, 2, 3, 5, 7)
    assert torch.equal(recur.reverse_sequences(images), images.flip(0))


def test_reversing_the_input_is_walking_backwards():
    layer = recur.GRU(3, 4, bidirectional=True)
    one_way = recur.GRU(3, 4)
    one_way.load_state_dict(
        {
            k.removesuffix("_reverse"): v
            for k, v in layer.state_dict().items()
            if k.endswith("_reverse")
        }
    )
    x, lengths = torch.randn(5, 3, 3), [5, 0, 2]
    turned, _ = one_way(recur.reverse_sequences(x, lengths), lengths=lengths)
    _, backwards = recur.split_directions(layer(x, lengths=lengths)[0])
    torch.testing.assert_close(recur.reverse_sequences(turned, lengths), backwards)


@pytest.mark.parametrize("pool", [recur.last_output, recur.mean_output, recur.max_output])
def test_gradients_stay_within_the_lengths(pool):
    outputs = torch.randn(5, 3, 4, requires_grad=True)
    lengths = [5, 0, 2]
    pool(outputs, lengths).sum().backward()
    assert outputs.grad.isfinite().all()
    for row, length in enumerate(lengths):
        assert outputs.grad[:length, row].any() == (length > 0)
        assert not outputs.grad[length:, row].any()


@pytest.mark.parametrize("layers", [1, 3])
def test_last_hidden_is_the_top_layer(layers):
    h_n = torch.randn(2 * layers, 3, 4)
    assert torch.equal(recur.last_hidden(h_n), h_n[-1])
    want = torch.cat([h_n[-2], h_n[-1]], dim=-1)
    assert torch.equal(recur.last_hidden(h_n, bidirectional=True), want)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("batch_first", [False, True])
def test_last_hidden_is_the_last_output(bidirectional, batch_first):
    layer = recur.LSTM(3, 4, 2, bidirectional=bidirectional, batch_first=batch_first)
    x, lengths = torch.randn(3, 3, 3), [3, 1, 2]
    output, (h_n, _) = layer(x, lengths=lengths)
    torch.testing.assert_close(
        recur.last_hidden(h_n, bidirectional=bidirectional),
        recur.last_output(output, lengths, batch_first=batch_first, bidirectional=bidirectional),
    )


def test_split_directions():
    outputs = torch.arange(12.0).reshape(1, 2, 6)
    forwards, backwards = recur.split_directions(outputs)
    assert forwards.tolist() == [[[0, 1, 2], [6, 7, 8]]]
    assert backwards.tolist() == [[[3, 4, 5], [9, 10, 11]]]


BAD = {
    "two axes": (
        lambda: recur.last_output(torch.zeros(3, 4)),
        "outputs must be of three axes (time, batch, size); got 2.",
    ),
    "two axes, batch first": (
        lambda: recur.mean_output(torch.zeros(3, 4), batch_first=True),
        "outputs must be of three axes (batch, time, size); got 2.",
    ),
    "odd size": (
        lambda: recur.last_output(torch.zeros(3, 2, 5), bidirectional=True),
        "the size of bidirectional outputs must be even; got 5.",
    ),
    "odd size, split": (
        lambda: recur.split_directions(torch.zeros(3, 2, 5)),
        "the size of bidirectional outputs must be even; got 5.",
    ),
    "too long": (
        lambda: recur.max_output(torch.zeros(3, 2, 4), [3, 4]),
        "lengths must be between 0 and 3, the steps of the padded input; got 4 in row 1. Check "
        "the lengths, and that batch_first matches the input.",
    ),
    "too few": (
        lambda: recur.reverse_sequences(torch.zeros(3, 2, 4), [3]),
        "lengths must be one number for each of the 2 rows; got the shape (1,).",
    ),
    "one axis": (
        lambda: recur.reverse_sequences(torch.zeros(3)),
        "x must be of at least two axes; got 1.",
    ),
    "a state of two axes": (
        lambda: recur.last_hidden(torch.zeros(3, 4)),
        "h_n must be of three axes (layers * directions, batch, size); got 2.",
    ),
    "an odd number of directions": (
        lambda: recur.last_hidden(torch.zeros(3, 2, 4), bidirectional=True),
        "h_n's first axis must be a multiple of 2 above 0; got 3.",
    ),
    "no layer": (
        lambda: recur.last_hidden(torch.zeros(0, 2, 4)),
        "h_n's first axis must be a multiple of 1 above 0; got 0.",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_sentence(case):
    call, sentence = BAD[case]
    with pytest.raises(InputError) as caught:
        call()
    assert str(caught.value) == sentence
