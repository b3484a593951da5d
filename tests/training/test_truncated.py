"""Truncated backpropagation through time: what it equals, what it loses, what it carries on."""

from __future__ import annotations

import inspect
import os

import numpy as np
import pytest
import torch
from tests.training.problems import numbers, same_bits, weights
from torch import nn
from torch.utils.data import DataLoader, IterableDataset

import recur
from recur import Documents, ManyToMany
from recur.data.sequences import Sequences
from recur.messages import FailedError, InputError
from recur.training import TrainingInterrupted, evaluate, fit
from recur.training.feed import feed_of

QUIET = {"progress": False, "seed": 0}
STEPS = 11


def tokens(n=20, steps=STEPS, seed=0):
    """Sequences of tokens, with another number for each step to be found."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 6, (n, steps))
    return x, np.cumsum(x, axis=1) % 4


def model(cell="lstm", dtype=torch.float64, **given):
    torch.manual_seed(1)
    made = ManyToMany(**{"vocabulary": 6, "outputs": 4, "units": 5, "cell": cell, **given})
    return made.to(dtype)


class Texts(IterableDataset):
    """Documents, one after another, as often as wanted."""

    def __init__(self, documents):
        super().__init__()
        self.documents = documents

    def __iter__(self):
        return iter(self.documents)


def documents(n=7, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 6, rng.integers(1, 14)) for _ in range(n)]


def together(parts):
    starts = np.cumsum([0, *[len(part) for part in parts[:-1]]])
    return Documents(np.concatenate(parts), starts=starts)


# What it equals


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("lengths", [None, [11, 9, 2, 11] * 5])
@pytest.mark.parametrize("k", [STEPS, STEPS + 1, 1000])
def test_k_of_at_least_all_steps_is_full_backpropagation_bit_for_bit(cell, lengths, k):
    x, y = tokens()
    given = {"lengths": lengths, "loss": "cross_entropy", "metrics": ["accuracy"], "epochs": 2,
             "batch_size": 8, "validation_data": (x, y, lengths), **QUIET}  # fmt: skip
    full, cut = model(cell, layers=2, dropout=0.3), model(cell, layers=2, dropout=0.3)
    expected = fit(full, x, y, **given)
    found = fit(cut, x, y, truncate=k, **given)
    assert same_bits(weights(cut), weights(full))
    assert numbers(found) == numbers(expected)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("k", [1, 3, 4, 10])
@pytest.mark.parametrize("lengths", [None, [11, 9, 2, 0] * 5])
def test_scores_do_not_depend_on_the_pieces(cell, k, lengths):
    x, y = tokens()
    given = {"lengths": lengths, "loss": "cross_entropy", "metrics": ["accuracy"]}
    whole = evaluate(model(cell), x, y, **given)
    assert evaluate(model(cell), x, y, truncate=k, **given) == pytest.approx(whole, rel=1e-12)


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, recur.LSTM, recur.GRU])
def test_layers_alone_carry_their_state_too(kind):
    torch.manual_seed(0)
    layer = kind(3, 2, batch_first=True).double()
    x = torch.randn(6, 9, 3, dtype=torch.float64)
    y = torch.randn(6, 9, 2, dtype=torch.float64)
    whole = evaluate(Layers(layer), x, y, loss="mse")
    assert evaluate(layer, x, y, loss="mse", truncate=2) == pytest.approx(whole, rel=1e-12)


class Layers(nn.Module):
    """The outputs of a layer alone."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x)[0]


# What it loses


def gradient(k):
    """Of the whole loss over a row of 12 steps, summed over pieces of k steps."""
    x, y = tokens(1, 12)
    walked = model("gru")
    total, state = 0, None
    for piece in feed_of(x, y, truncate=k).batches(None):
        state = state.detach() if piece.goes_on else None
        scores, state = walked(piece.x, state=state, return_state=True)
        total = total + nn.functional.cross_entropy(scores[0], piece.y[0], reduction="sum")
    total.backward()
    return torch.cat([p.grad.flatten() for p in walked.parameters()]), total.item()


def test_the_loss_is_the_same_and_the_gradient_lacks_what_reaches_past_a_piece():
    full, loss = gradient(12)
    apart = {k: ((gradient(k)[0] - full).norm() / full.norm()).item() for k in (1, 2, 4, 6, 12, 50)}
    assert all(gradient(k)[1] == pytest.approx(loss, rel=1e-12) for k in apart)
    assert apart[12] == apart[50] == 0
    assert apart[6] > 1e-3
    assert apart[1] > apart[4] > apart[6]


def echo(lag, n=64, steps=24):
    """Bits to be said again after `lag` steps."""
    x = np.random.default_rng(0).integers(0, 2, (n, steps))
    y = np.roll(x, lag, axis=1)
    y[:, :lag] = -100
    return x, y


def test_a_lag_longer_than_a_piece_is_not_learnt_and_a_shorter_one_is():
    """With k = 4 no gradient ever joins a bit to its echo 5 steps later, though the state does."""
    given = {"loss": "cross_entropy", "metrics": ["accuracy"], "learning_rate": 0.02, **QUIET}
    accuracy = {}
    for lag, k in ((2, None), (2, 8), (5, None), (5, 4)):
        learner = model("gru", torch.float32, vocabulary=2, outputs=2, units=16)
        pieces = 1 if k is None else -(-24 // k)
        history = fit(learner, *echo(lag), truncate=k, epochs=150 // pieces, **given)
        accuracy[lag, k] = history.accuracy[-1]
    assert accuracy[2, None] > 0.99
    assert accuracy[2, 8] > 0.9
    assert accuracy[5, None] > 0.95
    assert accuracy[5, 4] < 0.7


# Documents


@pytest.mark.parametrize("batch_size", [1, 2, 5])
@pytest.mark.parametrize("k", [1, 4, 100])
def test_rows_stay_aligned_and_every_step_is_read_once(batch_size, k):
    parts = documents()
    whole = together(parts)
    feed = feed_of(whole, batch_size=batch_size, truncate=k)
    pieces = list(feed.batches(3))
    assert len(pieces) == len(feed)
    assert [piece.goes_on for piece in pieces] == [False] + [True] * (len(pieces) - 1)
    read, wanted, began = [], [], []
    for row in range(batch_size):
        for piece in pieces:
            steps = int(piece.lengths[row]) if piece.lengths is not None else piece.x.shape[1]
            read += piece.x[row, :steps].tolist()
            wanted += piece.y[row, :steps].tolist()
            began += [False] * steps if piece.reset is None else piece.reset[row, :steps].tolist()
    expected = [[*part[1:].tolist(), -100] for part in parts]
    assert read == whole.x[:-1].tolist()
    assert wanted == [target for part in expected for target in part][:-1]
    here = set(np.flatnonzero(began)) | set(feed.begins)
    assert here == (set(whole.starts) | set(feed.begins)) - {len(whole.x) - 1}


@pytest.mark.parametrize("k", [1, 3, 5, 100])
def test_the_state_begins_anew_in_every_document(k):
    """However the documents are cut and laid out, each scores as it does alone."""
    parts = [part for part in documents(12) if len(part) > 1]
    learnt = model(outputs=6)
    whole = {"loss": "cross_entropy", "truncate": 1000, "batch_size": 1}
    sums = [evaluate(learnt, Documents(part), **whole)["loss"] * (len(part) - 1) for part in parts]
    expected = sum(sums) / sum(len(part) - 1 for part in parts)
    given = {"loss": "cross_entropy", "truncate": k}
    for batch_size in (1, 2, 5, 50, 256):
        found = evaluate(learnt, together(parts), batch_size=batch_size, **given)
        assert found["loss"] == pytest.approx(expected, rel=1e-12)
        poured = evaluate(learnt, Texts(documents(12)), batch_size=batch_size, **given)
        assert poured["loss"] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("k", [3, 50])
def test_a_score_depends_on_no_batch_size(k):
    """One long text is read from its beginning to its end, in validation too."""
    text = Documents(np.random.default_rng(2).integers(0, 6, 230))
    learnt, how = model(outputs=6), {"loss": "cross_entropy", "truncate": k}
    expected = evaluate(learnt, text, loss="cross_entropy", truncate=1000, batch_size=1)["loss"]
    assert evaluate(learnt, text, **how)["loss"] == pytest.approx(expected, rel=1e-12)
    for batch_size in (1, 4, 32):
        found = evaluate(learnt, text, batch_size=batch_size, **how)["loss"]
        assert found == pytest.approx(expected, rel=1e-12)
        other, _ = text.split(0.5)
        history = fit(learnt, other, validation_data=text, batch_size=batch_size, **how, **QUIET)
        expected = evaluate(learnt, text, **how)["loss"]
        assert history.val_loss[-1] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 7, 50])
def test_rows_that_are_not_cut(batch_size):
    """They begin where documents do, and no piece holds more than was asked for."""
    whole = together(documents(9, seed=3))
    feed = feed_of(whole, batch_size=batch_size, truncate=4, cuts=False)
    pieces = list(feed.batches(None))
    assert set(feed.begins) <= set(whole.starts)
    assert len(feed.begins) <= batch_size
    assert len(feed.begins) > 1 or batch_size == 1
    read = []
    for row in range(len(feed.begins)):
        for piece in pieces:
            assert piece.x.numel() <= batch_size * 4
            steps = int(piece.lengths[row]) if piece.lengths is not None else piece.x.shape[1]
            read += piece.x[row, :steps].tolist()
    assert read == whole.x[: whole.steps].tolist()


def test_documents_with_targets_of_their_own():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 3)).astype(np.float32)
    y = x.sum(axis=1, keepdims=True)
    reader = ManyToMany(inputs=3, outputs=1, units=8, cell="gru")
    data = Documents(x, y, starts=[0, 20])
    given = {"loss": "mse", "truncate": 7, "batch_size": 2, "epochs": 40, "learning_rate": 0.02}
    history = fit(reader, data, validation_split=0.2, **given, **QUIET)
    assert history.loss[-1] < 0.5 * history.loss[0]
    whole = Sequences(x[None], y[None])
    poured = Texts([(x, y)])
    for other in (whole, poured, DataLoader(whole, collate_fn=recur.collate)):
        found = evaluate(reader, other, loss="mse", truncate=7)
        one = evaluate(reader, Documents(x, y), loss="mse", truncate=9, batch_size=1)
        assert found["loss"] == pytest.approx(one["loss"], rel=1e-5)


# Stopping and going on


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize("data", [lambda: together(documents(20)), lambda: Texts(documents(20))])
@pytest.mark.parametrize("cut", [2, 5, 9])
def test_stopped_in_the_middle_of_a_text_it_goes_on_bit_for_bit(
    cell, data, cut, tmp_path, monkeypatch
):
    given = {"loss": "cross_entropy", "truncate": 5, "batch_size": 3, "epochs": 2, **QUIET}
    whole = model(cell, outputs=6)
    expected = fit(whole, data(), **given)
    left, real = [cut], ManyToMany.forward

    def forward(self, *args, **options):
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), 2)
        return real(self, *args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(ManyToMany, "forward", forward)
        # `fit` reads the signature: the state must still be seen in it.
        forward.__signature__ = inspect.signature(real)
        with pytest.raises(TrainingInterrupted):
            fit(model(cell, outputs=6), data(), **given, checkpoint=tmp_path)
    resumed = model(cell, outputs=6)
    found = fit(resumed, data(), **given, checkpoint=tmp_path, resume=True)
    assert same_bits(weights(resumed), weights(whole))
    assert numbers(found) == numbers(expected)
    changed = {**given, "truncate": 6}
    with pytest.raises(InputError, match="truncate was 5 and is 6"):
        fit(resumed, data(), **changed, checkpoint=tmp_path, resume=True)


def test_a_loss_that_is_not_finite_is_found_in_the_piece_that_has_it():
    x = np.random.default_rng(0).normal(size=(4, 12, 2)).astype(np.float32)
    x[1, 7] = np.inf
    reader = ManyToMany(inputs=2, outputs=1, units=3)
    with pytest.raises(FailedError, match=r"batch 3.*input has a value that is not finite.*row 1"):
        fit(reader, x, np.zeros((4, 12, 1)), loss="mse", truncate=3, shuffle=False, **QUIET)


# Wrong use


@pytest.mark.parametrize("k", [0, -1, 2.5, True, "ten"])
def test_pieces_of_no_steps(k):
    x, y = tokens()
    for call in (fit, evaluate):
        with pytest.raises(InputError, match=r"truncate must be a whole number of steps.*got"):
            call(model(), x, y, loss="cross_entropy", truncate=k)


def test_what_cannot_be_walked_in_pieces_is_said():
    x, y = tokens()
    given = {"loss": "cross_entropy", "truncate": 4}
    with pytest.raises(InputError, match=r"a target for each|targets with truncate must be one"):
        fit(model(), x, y[:, 0], **given, **QUIET)
    with pytest.raises(InputError, match="truncate needs a model whose forward takes a state"):
        fit(nn.Linear(2, 2), torch.randn(4, 5, 2), torch.zeros(4, 5), **given, **QUIET)
    with pytest.raises(InputError, match="Documents are read a piece at a time: give truncate"):
        fit(model(outputs=6), Documents(x[0]), loss="cross_entropy")
    with pytest.raises(InputError, match="leave y and lengths out"):
        fit(model(), Documents(x[0]), y[0], **given)

    class Forgetful(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.GRU(2, 2, batch_first=True)

        def forward(self, x, state=None):
            return self.layer(x, state)[0]

    with pytest.raises(InputError, match=r"returns must be \(outputs, state\); got Tensor"):
        evaluate(Forgetful(), torch.randn(4, 5, 2), torch.zeros(4, 5, 2), loss="mse", truncate=2)
    two = Documents(np.zeros((9, 2), np.float32), np.zeros((9, 2), np.float32), starts=[4])
    with pytest.raises(InputError, match="takes no `reset`"):
        evaluate(nn.LSTM(2, 2, batch_first=True), two, loss="mse", truncate=3, batch_size=1)


def test_a_piece_without_any_target_teaches_nothing():
    x, y = tokens(4)
    y[:, :4] = -100
    history = fit(model(), x, y, loss="cross_entropy", truncate=4, metrics=["accuracy"], **QUIET)
    assert np.isfinite(history.loss[0])
    assert evaluate(model(), x, y, loss="cross_entropy", truncate=4) == pytest.approx(
        evaluate(model(), x, y, loss="cross_entropy"), rel=1e-12
    )
