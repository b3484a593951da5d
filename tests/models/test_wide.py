"""A linear model of n-grams beside recurrent layers: added, weighed, told apart."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from recur.data.ngrams import NGrams
from recur.data.sequences import Sequences
from recur.diagnostics import integrated_gradients
from recur.models.fronts import evidence
from recur.models.wide import Linear, Wide

BASE = 9
KNOWN = np.array([4, 5, 6, 4 * BASE + 5, 5 * BASE + 4, (4 * BASE + 5) * BASE + 4])
GRAMS = [(4,), (5,), (6,), (4, 5), (5, 4), (4, 5, 4)]
ROWS = [[4, 5, 4], [6], [7, 8, 5, 4], [4, 5, 4, 5, 2, 4]]
LENGTHS = [len(row) for row in ROWS]
X = Sequences(ROWS).batch(range(len(ROWS))).x


def made(outputs=3, grams=6, **options):
    torch.manual_seed(0)
    given = {"embedding": 4, "units": 3, "nothing": 4, "longest": 3, **options}
    return Wide(outputs=outputs, vocabulary=BASE, grams=grams, **given).eval()


def table(outputs=3):
    chance = np.random.default_rng(0)
    return Linear(chance.normal(size=(len(KNOWN), outputs)), chance.normal(size=outputs))


def by_hand(row, model, once=False):
    """What a linear model says of a text, from the weights of n-grams as TF-IDF has them."""
    runs = [tuple(row[a : a + n]) for n in (1, 2, 3) for a in range(len(row) - n + 1)]
    weights = {g: 1 + (not once) * math.log(n) for g, n in Counter(runs).items() if g in GRAMS}
    length = math.sqrt(sum(w * w for w in weights.values())) or 1.0
    said = sum(w / length * model.rows[GRAMS.index(g)] for g, w in weights.items())
    return said + model.bias


def test_the_linear_model_is_added_to_what_the_sequence_says():
    model, linear = made(), table()
    alone = model(X, LENGTHS)
    torch.testing.assert_close(alone, model.alone(X, LENGTHS))
    model.hold(KNOWN, [linear, linear], [0.5, 1.5])
    want = torch.tensor(np.stack([by_hand(row, linear) for row in ROWS]) * 2).float()
    torch.testing.assert_close(model(X, LENGTHS) - alone, want)
    torch.testing.assert_close(model.told(X, LENGTHS), want)
    model.share.fill_(3)
    whole = model(X, LENGTHS)
    torch.testing.assert_close(whole, 3 * alone + want)
    for row, length in enumerate(LENGTHS):
        torch.testing.assert_close(model(X[row : row + 1, :length])[0], whole[row])


def test_an_n_gram_may_count_once_and_the_end_of_a_text_more(monkeypatch):
    model, linear = made(once=True), table()
    model.hold(KNOWN, [linear], [1.0])
    told = model.told(X, LENGTHS)
    want = torch.tensor(np.stack([by_hand(row, linear, once=True) for row in ROWS])).float()
    torch.testing.assert_close(told, want)
    monkeypatch.setattr(evidence, "LATE", 2)
    each = model.front.each(X, LENGTHS)
    ends = torch.stack(
        [row[max(n - 2, 0) : n].sum(0) for row, n in zip(each, LENGTHS, strict=True)]
    )
    torch.testing.assert_close(model.ended(X, LENGTHS), ends)
    model.front.late.fill_(0.5)
    torch.testing.assert_close(model.told(X, LENGTHS), told + 0.5 * ends)
    torch.testing.assert_close(model(X, LENGTHS) - model.alone(X, LENGTHS), told + 0.5 * ends)


def test_the_recurrent_layers_learn_by_themselves():
    model = made()
    model.hold(KNOWN, [table()], [100.0])
    model.train()
    model(X, LENGTHS).sum().backward()
    assert not model.front.evidence.weight.requires_grad
    torch.testing.assert_close(model(X, LENGTHS), model.alone(X, LENGTHS))
    assert model.front.embedding.weight.grad.abs().sum() > 0


@pytest.mark.parametrize("classes", [2, 3])
def test_parts_count_as_much_as_other_texts_bear_out(classes):
    """No other weights have a smaller loss there, and a model that knows nothing counts little."""
    outputs = 1 if classes == 2 else classes
    chance, model = np.random.default_rng(1), made(outputs)
    texts = [chance.integers(4, BASE, 6).tolist() for _ in range(300)]
    linear = table(outputs)
    told = np.stack([by_hand(text, linear) for text in texts])
    odds = 3 * np.concatenate([0 * told, told] if classes == 2 else [told], axis=1)
    right = (odds + chance.gumbel(size=odds.shape)).argmax(axis=1)
    noise = Linear(chance.normal(size=linear.rows.shape), np.zeros(outputs))
    examples = Sequences(texts, right)
    weights = model.complete(KNOWN, [linear, noise], examples)
    # All of these texts are short: the whole of each is its end.
    assert 2 < weights[0] * (1 + float(model.front.late)) < 4.5
    assert weights[1] < 0.5

    def loss():
        scores = model.over(examples, model.forward)
        if classes == 2:
            return F.binary_cross_entropy_with_logits(scores[:, 0], examples.y.float()).item()
        return F.cross_entropy(scores, examples.y).item()

    best, own = loss(), float(model.share)
    for way in itertools.product((0.8, 1.25), repeat=2):
        model.share.fill_(own * way[0])
        model.hold(KNOWN, [linear, noise], [weights[0] * way[1], weights[1]])
        assert loss() > best - 1e-4


def test_what_words_added_sums_to_the_score():
    model = made()
    model.hold(KNOWN, [table()], [1.0])
    why = integrated_gradients(model, X[3], output=1)
    assert abs(why.error) < 1e-4
    # A token has its share of each n-gram that it is part of; the fifth is no word.
    model.share.fill_(0)
    why = integrated_gradients(model, X[3], output=1)
    assert why.values[4] == 0
    said = sum(why.values) + float(model.bias[1])
    assert said == pytest.approx(by_hand(ROWS[3], Linear(*model_of(model)))[1], abs=1e-4)


def model_of(model):
    return model.front.evidence.weight.numpy(), model.bias.numpy()


def test_runs_of_before_had_a_row_for_each_word():
    model = made(grams=None, longest=1)
    assert {"front.known", "bias", "share", "whole"}.isdisjoint(model.state_dict())
    model.front.evidence.weight[6] = torch.tensor([1.0, 2.0, 3.0])
    told = model(X, LENGTHS) - model.alone(X, LENGTHS)
    torch.testing.assert_close(told[1], torch.tensor([1.0, 2, 3]))
    assert NGrams(1, BASE, 4).numbers(X)[0].max() < len(model.front.known)
