"""CTC: the loss against all alignments, padding, learning what no step was told, bad targets."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.decoding.chains import brute_force_ctc

import recur
from recur.data.sequences import Sequences
from recur.messages import InputError
from recur.models import CTC
from recur.models.ctc import CTCStream
from recur.models.fronts import Front, Strided

LENGTHS = [5, 3, 0, 4]


def model_of(**options):
    return CTC(**{"labels": 2, "inputs": 3, "units": 4, "cell": "gru"} | options).double()


def filled(rows, width):
    return torch.tensor([[*row, *[-100] * (width - len(row))] for row in rows])


@given(st.integers(0, 1000), st.data())
def test_the_loss_counts_every_alignment(seed, data):
    torch.manual_seed(seed)
    x = torch.randn(3, 5, 3, dtype=torch.float64)
    lengths = [data.draw(st.integers(1, 5)) for _ in range(3)]
    log_probs = model_of()(x, lengths)
    rows, want = [], []
    for row, length in enumerate(lengths):
        possible = brute_force_ctc(log_probs[row, :length])
        rows.append(data.draw(st.sampled_from(sorted(possible))))
        want.append(-math.log(possible[rows[-1]]) / max(len(rows[-1]), 1))
    loss = model_of().loss(log_probs, filled(rows, 6))
    assert loss.item() == pytest.approx(sum(want) / 3)


@pytest.mark.parametrize("shortcut", [False, True])
def test_padding_changes_nothing_and_gets_no_gradient(shortcut):
    model = model_of(bidirectional=True, layers=2, shortcut=shortcut)
    x = torch.randn(4, 5, 3, dtype=torch.float64)
    targets = filled([[1, 2], [2], [], [1, 1]], 2)

    def gradients(x):
        model.zero_grad()
        loss = model.loss(model(x, LENGTHS), targets)
        loss.backward()
        return [loss.detach(), *[p.grad.clone() for p in model.parameters()]]

    clean = gradients(x)
    for row, length in enumerate(LENGTHS):
        x[row, length:] = torch.nan
    wider = torch.cat([x, torch.full((4, 3, 3), torch.nan, dtype=torch.float64)], dim=1)
    for given_x in (x, wider):
        for a, b in zip(gradients(given_x), clean, strict=True):
            torch.testing.assert_close(a, b)
    assert all(grad.isfinite().all() and grad.any() for grad in clean)


def test_beyond_a_length_the_blank_is_certain():
    log_probs = model_of()(torch.randn(4, 5, 3, dtype=torch.float64), LENGTHS)
    assert log_probs[1, 3:].exp().tolist() == [[1, 0, 0]] * 2
    torch.testing.assert_close(log_probs.exp().sum(-1), torch.ones(4, 5, dtype=torch.float64))


def spoken(n=200, seed=0):
    """Words of three letters; each letter is heard for one to three steps, with noise."""
    rng = np.random.default_rng(seed)
    x, y = [], np.full((n, 5), -100)
    for row in range(n):
        letters = rng.integers(1, 4, rng.integers(1, 4))
        pause = [0] * 2  # so that equal letters can be told apart
        heard = [step for letter in letters for step in [letter] * rng.integers(1, 4) + pause]
        x.append(np.eye(4)[heard] + 0.1 * rng.standard_normal((len(heard), 4)))
        y[row, : len(letters)] = letters
    return Sequences(x, y)


def test_it_learns_what_no_step_was_told():
    model = CTC(labels=3, inputs=4, units=16, cell="gru", bidirectional=True)
    recur.fit(
        model, spoken(), loss=model.loss, epochs=15, learning_rate=0.02, progress=False, seed=0
    )
    test = spoken(50, seed=1)
    batch = test.batch(np.arange(50))
    model.eval()
    for found in (
        model.transcribe(batch.x, batch.lengths),
        model.transcribe(batch.x, batch.lengths, width=4),
    ):
        tokens, lengths = found.tokens, found.lengths
        if tokens.dim() == 3:
            tokens, lengths = tokens[:, 0], lengths[:, 0]
        right = [
            tokens[row, : lengths[row]].tolist() == [t for t in test.y[row].tolist() if t > 0]
            for row in range(50)
        ]
        assert sum(right) >= 48
    assert recur.evaluate(model, test, loss=model.loss)["loss"] < 0.2


def test_a_shortcut_adds_a_linear_reading_of_what_is_read():
    torch.manual_seed(0)
    model = model_of(shortcut=True).eval()
    x = torch.randn(2, 5, 3, dtype=torch.float64)
    y, _, _ = model._walked(x, None, None, None)
    wanted = (model.head(y) + model.shortcut(x)).log_softmax(dim=-1)
    torch.testing.assert_close(model(x), wanted)


BAD = {
    "too short": (
        [[1, 1], [2, -100]],
        "targets for CTC must be shorter than the input; got 2 labels for 2 steps in row 0. Each "
        "label needs a step, and a blank between two that are the same.",
    ),
    "the blank": (
        [[1, 2], [0, -100]],
        "targets must be class numbers from 1 to 2; got 0. Fill up rows with -100.",
    ),
    "unknown": (
        [[1, 3], [1, -100]],
        "targets must be class numbers from 1 to 2; got 3. Fill up rows with -100.",
    ),
    "a gap": (
        [[1, 2], [-100, 1]],
        "targets of -100 must be only at the ends of rows; got row 1. Fill up the ends of the rows "
        "only.",
    ),
    "too few": (
        [[1, 2]],
        "targets for CTC must be (batch, labels) for (batch, time, classes); got (1, 2) for "
        "outputs (2, 5, 3).",
    ),
    "numbers": (
        [[1.0, 2.0], [1.0, 1.0]],
        "targets must be class numbers (batch, time); got torch.float32 of the shape (2, 2).",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_targets_are_one_sentence(case):
    targets, sentence = BAD[case]
    model = model_of()
    log_probs = model(torch.randn(2, 5, 3, dtype=torch.float64), [2, 5])
    with pytest.raises(InputError) as caught:
        model.loss(log_probs, torch.tensor(targets))
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    "front",
    [
        None,
        {"stride": 2},
        {"stride": 1, "width": 3},
        {"stride": 7},
        {"stride": (2, 3), "layers": 2, "width": 4},
    ],
    ids=str,
)
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_pieces_say_what_the_whole_says(front, cell):
    torch.manual_seed(0)
    reads = {"inputs": 3} if front is None else {"front": Strided(3, 4, **front), "inputs": None}
    model = model_of(cell=cell, layers=2, dropout=0.5, **reads).eval()
    for time, size in ((41, 1), (41, 6), (40, 40), (0, 1), (3, 2)):
        x, stream = torch.randn(time, 3, dtype=torch.float64), CTCStream(model)
        pieces = [stream(x[at : at + size]) for at in range(0, time, size)]
        found = torch.cat([*pieces, stream(x[:0], last=True)])
        want = model(x[None])[0] if time else x.new_zeros(0, 3)
        torch.testing.assert_close(found, want)


def test_what_cannot_hear_as_it_comes_is_refused():
    with pytest.raises(InputError, match="of one direction; got of two"):
        CTCStream(model_of(bidirectional=True))
    with pytest.raises(InputError, match="must be Strided, or none; got Around"):
        CTCStream(model_of(front=Around(), inputs=None))


class Around(Front):
    """Features that depend on the steps around."""

    size, alone = 3, False
