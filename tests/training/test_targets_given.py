"""Models whose forward takes targets are given them, but not by `predict`."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import recur
from recur.data.sequences import Sequences
from recur.messages import InputError
from recur.models import CTC, EncoderDecoder, OneToMany

OPTIONS = {"loss": "cross_entropy", "metrics": ["accuracy"]}


def turned_around(n=300, seed=0):
    """Sources of unequal length, as wide as their targets, which run the other way and end in 0."""
    rng = np.random.default_rng(seed)
    x, y = [], np.full((n, 5), -100)
    for row in range(n):
        x.append(rng.integers(1, 4, rng.integers(1, 6)))
        said = x[-1][::-1][:4]
        y[row, : len(said)], y[row, len(said)] = said, 0
    return Sequences(x, y)


@pytest.mark.parametrize("batch_size", [1, 40])
def test_source_and_target_of_one_width_are_not_taken_for_aligned(batch_size):
    """A batch of sources as wide as the targets: the sources' lengths are not the targets'."""
    data = turned_around(40)
    model = EncoderDecoder(vocabulary=4, source_vocabulary=4, units=8).eval()
    batch = data.batch(np.arange(40))
    with torch.no_grad():
        scores = model(batch.x, batch.lengths, batch.y)
    want = nn.functional.cross_entropy(scores.flatten(0, 1), batch.y.flatten())
    got = recur.evaluate(model, data, loss="cross_entropy", batch_size=batch_size)["loss"]
    assert got == pytest.approx(want.item(), abs=1e-5)


def test_an_encoder_decoder_is_trained_by_fit():
    model = EncoderDecoder(vocabulary=4, source_vocabulary=4, end=0, units=24)
    history = recur.fit(
        model,
        turned_around(),
        **OPTIONS,
        epochs=25,
        learning_rate=0.01,
        seed=0,
        validation_data=turned_around(60, seed=1),
        progress=False,
    )
    assert history.val_accuracy[-1] > 0.5
    assert history.val_loss[-1] < 0.3 * history.val_loss[0]
    with pytest.raises(InputError, match=r"it writes by model\.eval\(\)\.generate\(x"):
        recur.predict(model, turned_around(4))


def test_one_to_many_is_trained_by_fit():
    y = torch.full((6, 7), -100)
    for n in range(6):
        y[n, : n + 2] = torch.arange(n + 1, -1, -1)
    model = OneToMany(inputs=6, vocabulary=7, end=0, units=16)
    recur.fit(
        model, torch.eye(6), y, **OPTIONS, epochs=150, learning_rate=0.02, seed=0, progress=False
    )
    assert model.eval().generate(torch.eye(6), max_steps=8).lengths.tolist() == [1, 2, 3, 4, 5, 6]


def test_ctc_targets_as_wide_as_the_input():
    x = [torch.randn(n, 3) for n in (5, 2, 4)]
    y = torch.tensor([[1, 2, -100, -100, -100], [1, -100, -100, -100, -100], [2, 1, 2, -100, -100]])
    model = CTC(labels=2, inputs=3)
    padded = torch.nn.utils.rnn.pad_sequence(x, batch_first=True)
    want = model.loss(model(padded, [5, 2, 4]), y).item()
    assert recur.evaluate(model, Sequences(x, y), loss=model.loss)["loss"] == pytest.approx(want)
