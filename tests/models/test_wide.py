"""A table of what tokens say beside recurrent layers: started, added, left out now and then."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from recur.data.sequences import Sequences
from recur.diagnostics import integrated_gradients
from recur.messages import InputError
from recur.models.wide import Wide


def made(outputs=3, **options):
    torch.manual_seed(0)
    return Wide(outputs=outputs, vocabulary=9, embedding=4, units=3, nothing=4, **options)


X = Sequences([[4, 5, 4], [6], [7, 8, 5, 4]]).batch([0, 1, 2]).x
LENGTHS = [3, 1, 4]


def test_the_table_is_added_to_what_the_sequence_says():
    model = made().eval()
    before = model(X, LENGTHS)
    model.front.evidence.weight.data[6] = torch.tensor([1.0, 2.0, 3.0])
    after = model(X, LENGTHS)
    torch.testing.assert_close(after - before, torch.tensor([[0.0] * 3, [1, 2, 3], [0.0] * 3]))
    for row, length in enumerate(LENGTHS):
        torch.testing.assert_close(model(X[row : row + 1, :length])[0], after[row])


def test_the_recurrent_layers_judge_alone_now_and_then():
    model = made(wide_dropout=0.25)
    model.front.evidence.weight.data[:] = 100
    x = torch.full((400, 2), 6)
    alone = (model(x) < 50).all(dim=1).double().mean()
    assert 0.18 < alone < 0.32
    assert (model.eval()(x) > 50).all()
    with pytest.raises(InputError, match="wide_dropout must be from 0 to 1; got 2"):
        made(wide_dropout=2)


@pytest.mark.parametrize("classes", [2, 3])
def test_it_starts_from_counts_at_the_scale_that_other_texts_bear_out(classes):
    counts = np.zeros((9, classes), dtype=np.float32)
    counts[4, 0] = counts[5, 1] = counts[6, classes - 1] = 1000
    texts = [[4], [5], [6], [4, 4], [5, 7], [6]]
    right = [0, 1, classes - 1, 0, 1, classes - 1]
    model = made(1 if classes == 2 else classes).eval()
    model.start(counts, Sequences(texts, np.array(right)))
    loud = float(model.front.scale)
    for name, weight in model.recurrent.named_parameters():
        if name.startswith("head"):
            weight.data.zero_()
    scores = model(X[:2], LENGTHS[:2])
    chosen = (scores[:, 0] > 0).long() if classes == 2 else scores.argmax(dim=1)
    assert chosen.tolist() == [0, classes - 1] or classes == 2
    model.start(counts, Sequences(texts * 2, np.array(right + right[::-1])))
    assert float(model.front.scale) < loud / 10


def test_what_words_added_sums_to_the_score():
    model = made().eval()
    model.front.evidence.weight.data.normal_()
    why = integrated_gradients(model, X[2], output=1)
    assert abs(why.error) < 1e-4
    assert max(map(abs, why.values)) > 0.1
