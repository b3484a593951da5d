"""A loss that needs no scores: the model hands over what makes them; the results are the same."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.training.problems import numbers
from torch import nn

import recur
from recur.layers.scores import LinearScores
from recur.training.call import Caller

TOKENS = 40
TEXT = recur.Documents(np.random.default_rng(0).integers(0, TOKENS, 500), starts=[0, 333])
ROWS = [torch.arange(n) % TOKENS for n in (5, 9, 2, 7)]
TAGS = [row.flip(0) for row in ROWS]


def model(**options):
    torch.manual_seed(0)
    return recur.ManyToMany(vocabulary=TOKENS, outputs=TOKENS, cell="lstm", units=8, **options)


def watched_model():
    """A model, and the kinds of outputs that it was seen to give."""
    net, kinds = model(), set()
    net.register_forward_hook(lambda net, x, found: kinds.add(type(found[0])))
    return net, kinds


@pytest.fixture(params=[True, False], ids=["large", "small"])
def large(request, monkeypatch):
    """Whether the model's outputs are many."""
    if request.param:
        monkeypatch.setattr("recur.layers.scores.LARGE", TOKENS)
    return request.param


FITS = {
    "text": {"x": TEXT, "truncate": 7, "batch_size": 4, "metrics": ["perplexity"]},
    "tied": {"x": TEXT, "truncate": 7, "batch_size": 4, "model": {"tied": True, "dropout": 0.3}},
    "unequal rows": {"x": ROWS, "y": TAGS, "batch_size": 3},
    "accumulated": {"x": TEXT, "truncate": 7, "batch_size": 4, "accumulate": 2},
    "weights": {"x": ROWS, "y": TAGS, "sample_weight": [1, 0, 2, 1], "class_weight": {3: 2.0}},
    "smooth": {"x": ROWS, "y": TAGS, "label_smoothing": 0.1},
    "smooth, measured": {"x": ROWS, "y": TAGS, "label_smoothing": 0.1, "metrics": ["perplexity"]},
    "accuracy": {"x": ROWS, "y": TAGS, "metrics": ["accuracy"]},
}  # fmt: skip


@pytest.mark.parametrize("case", FITS)
def test_training_is_the_same_but_for_rounding(case, monkeypatch):
    found = []
    for least in (TOKENS, TOKENS + 1):
        monkeypatch.setattr("recur.layers.scores.LARGE", least)
        given = dict(FITS[case])
        net = model(**given.pop("model", {}))
        x, y = given.pop("x"), given.pop("y", None)
        history = recur.fit(
            net, x, y, loss="cross_entropy", epochs=2, seed=0, progress=False, **given
        )
        found.append((numbers(history), net.state_dict()))
    for row, expected in zip(found[0][0], found[1][0], strict=True):
        assert row == pytest.approx(expected, rel=1e-4)
    for name, value in found[0][1].items():
        torch.testing.assert_close(value, found[1][1][name], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("metrics", "scored"), [((), False), (("perplexity",), False), (("accuracy",), True)]
)
def test_who_needs_scores_gets_them(large, metrics, scored):
    net, kinds = watched_model()
    how = {"loss": "cross_entropy", "metrics": metrics, "truncate": 10, "progress": False}
    recur.fit(net, TEXT, validation_split=0.2, seed=0, **how)
    recur.evaluate(net, TEXT, **how)
    assert kinds == {torch.Tensor if scored or not large else LinearScores}


def test_a_function_as_loss_gets_scores(large):
    net, kinds = watched_model()

    def loss(scores, targets):
        return nn.functional.cross_entropy(scores.flatten(0, -2), targets.flatten())

    recur.fit(net, TEXT, loss=loss, truncate=10, seed=0, progress=False)
    assert kinds == {torch.Tensor}


def test_predictions_are_scores(large):
    net = model()
    assert recur.predict(net, ROWS, progress=False).shape == (4, 9, TOKENS)
    assert recur.evaluate(net, ROWS, TAGS, loss="cross_entropy")["loss"] == pytest.approx(
        recur.evaluate(net, ROWS, TAGS, loss="cross_entropy", metrics=["accuracy"])["loss"]
    )


def test_targets_that_are_probabilities_take_the_scores(large):
    net = model()
    x, wanted = torch.zeros(2, 3, dtype=torch.int64), torch.rand(2, 3, TOKENS).softmax(-1)
    found = recur.evaluate(net, x, wanted, loss="cross_entropy")["loss"]
    expected = -(wanted * net(x).log_softmax(-1)).sum(-1).mean().item()
    assert found == pytest.approx(expected, rel=1e-5)


def test_targets_outside_the_vocabulary_get_the_same_sentence(large):
    with pytest.raises(recur.InputError, match=f"from 0 to {TOKENS - 1}, as the model has"):
        recur.evaluate(model(), ROWS, [row + 1 for row in TAGS[:3]] + [TAGS[3] + TOKENS],
                       loss="cross_entropy")  # fmt: skip


def test_a_gradient_that_is_no_number_is_found_in_the_layer(large):
    net = model()
    with torch.no_grad():
        net.head.weight[0] = torch.nan
    with pytest.raises(recur.FailedError, match="weight of layer 'head'"):
        recur.fit(net, TEXT, loss="cross_entropy", truncate=10, seed=0, progress=False)


def test_a_model_with_several_heads_gives_scores(large):
    torch.manual_seed(0)
    net = recur.ManyToMany(vocabulary=TOKENS, outputs={"a": TOKENS, "b": 3}, units=8)
    caller = Caller(net, names=("a", "b"), scored=False)
    batch = recur.Batch(torch.zeros(2, 3, dtype=torch.int64), None, None)
    assert all(isinstance(each, torch.Tensor) for each in caller(batch).values())
