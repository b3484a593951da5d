"""Segments to segments: what is computed, what each part reads, and bad input."""

from __future__ import annotations

import pytest
import torch

from recur.messages import InputError
from recur.models import SegmentRNN

SIZES = {"targets": 2, "window": 14, "horizon": 7, "segment": 3, "units": 8}


def series(rows=4, columns=2, steps=14):
    return torch.randn(rows, steps, columns, dtype=torch.float64)


def test_what_is_computed():
    """As the paper says it, in steps of its own: S. Lin et al., section 3."""
    model = SegmentRNN(**SIZES).double().eval()
    x = series()
    for target in range(2):
        known = x[:, :, target]
        last = known[:, -1:]
        state = torch.zeros(1, 4, 8, dtype=torch.float64)
        for begin in range(2, 14, 3):  # two steps are left of the window, the oldest
            read = model.reads(known[:, begin : begin + 3] - last).relu()
            _, state = model.recurrent(read.unsqueeze(1), state)
        ahead = []
        for place in range(3):
            where = torch.cat([model.position[place], model.channel[target]]).expand(4, 1, -1)
            y, _ = model.recurrent(where, state)
            ahead.append(model.head(y[:, 0]))
        expected = torch.cat(ahead, dim=1)[:, :7] + last
        torch.testing.assert_close(model(x)[:, :, target], expected)


@pytest.mark.parametrize("cell", ["gru", "lstm", "rnn", "mingru"])
@pytest.mark.parametrize("layers", [1, 2])
def test_shapes_and_gradients_of_every_cell(cell, layers):
    model = SegmentRNN(
        **SIZES, cell=cell, layers=layers, quantiles=3, others=1, known=2, static=4
    ).double()
    also = {"known": series(columns=2, steps=21), "static": series()[:, 0, :1].repeat(1, 4)}
    y = model(series(columns=3), **also)
    assert y.shape == (4, 7, 2, 3)
    y.square().sum().backward()
    # Of the last layer's own gates all are asked; of a weight that is not, the gradient is None.
    assert all(p.grad is not None and p.grad.any() for p in model.parameters())


def test_rows_know_nothing_of_their_neighbours_nor_targets_of_one_another():
    model = SegmentRNN(**SIZES).double().eval()
    x, other = series(), series()
    torch.testing.assert_close(model(x)[:2], model(x[:2]))
    other[:, :, 0] = x[:, :, 0]
    torch.testing.assert_close(model(x)[:, :, 0], model(other)[:, :, 0])


def test_what_is_known_of_a_segment_is_read_with_that_segment():
    model = SegmentRNN(**SIZES, known=1).double().eval()
    x, known = series(), series(columns=1, steps=21)
    later = known.clone()
    later[:, 18:] += 1.0  # the second segment ahead is 17 to 19
    change = (model(x, known) - model(x, later)).abs().amax(dim=(0, 2))
    assert (change[:3] == 0).all()
    assert (change[3:] > 0).all()


def test_values_moved_up_are_forecast_higher_by_as_much():
    model = SegmentRNN(**SIZES).double().eval()
    x = series()
    torch.testing.assert_close(model(x + 100), model(x) + 100)
    plain = SegmentRNN(**SIZES, differences=False).double().eval()
    assert not torch.allclose(plain(x + 100), plain(x) + 100)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"units": 7}, "units must be even"),
        ({"segment": 15}, "segment must be at most as long as the window, 14; got 15"),
        ({"segment": 0}, "segment must be"),
        ({"cell": "gruu"}, "cell must be"),
        ({"bidirectional": True}, "bidirectional is no option here"),
    ],
)
def test_what_cannot_be_made(given, sentence):
    with pytest.raises(InputError, match=sentence):
        SegmentRNN(**{**SIZES, **given})


def test_what_does_not_fit():
    model = SegmentRNN(**SIZES, known=1)
    with pytest.raises(InputError, match=r"x must be of the shape \(4, 14, 2\); got the shape"):
        model(torch.randn(4, 13, 2), torch.randn(4, 21, 1))
    with pytest.raises(InputError, match=r"known must be of the shape \(4, 21, 1\); got none"):
        model(torch.randn(4, 14, 2))
