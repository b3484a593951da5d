"""Weights of examples and classes: what a step goes down, and what is reported."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tests.training.problems import LOGITS, dense, line_model, ragged, same_bits, weights
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import recur
from recur.data.sequences import Batch, Sequences
from recur.data.targets import IGNORED
from recur.messages import InputError
from recur.training import Weighted, evaluate, fit
from recur.training.feed import feed_of
from recur.training.losses import find_loss
from recur.training.weights import find_class_weights

STILL = {"optimizer": lambda p: torch.optim.SGD(p, lr=0.0), "progress": False, "seed": 0}


def steps():
    """A tagger's data: 3 tags, of unequal length, the first step of every sequence ignored."""
    rng = np.random.default_rng(0)
    x = [rng.normal(size=(n, 2)) for n in rng.integers(2, 7, 20)]
    y = [rng.choice(3, len(row), p=[0.7, 0.2, 0.1]) for row in x]
    for row in y:
        row[0] = IGNORED
    return x, y


def tagger():
    torch.manual_seed(0)
    return recur.ManyToMany(inputs=2, outputs=3, units=4)


PROBLEMS = {
    "cross_entropy": (lambda: line_model(3), lambda: (dense()[0], torch.arange(48) % 3)),
    LOGITS: (line_model, dense),
    "binary_crossentropy": (
        lambda: nn.Sequential(line_model(), nn.Sigmoid()), dense),
    "mse": (lambda: line_model(2), lambda: (dense()[0], dense(seed=1)[0])),
    "steps": (tagger, steps),
}  # fmt: skip


def loss_of(name):
    return "cross_entropy" if name == "steps" else name


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("batch_size", [1, 7, 48])
def test_a_weight_of_two_is_the_example_twice_in_what_is_reported(name, batch_size):
    make, data = PROBLEMS[name]
    model, (x, y) = make(), data()
    n = len(x)
    times = np.arange(n) % 3  # 0, 1, 2
    twice = np.repeat(np.arange(n), times)
    repeated = [part[twice] if isinstance(part, torch.Tensor) else [part[i] for i in twice]
                for part in (x, y)]  # fmt: skip
    loss = loss_of(name)
    expected = evaluate(model, *repeated, loss=loss)["loss"]
    found = evaluate(model, x, y, sample_weight=times, loss=loss, batch_size=batch_size)
    assert found["loss"] == pytest.approx(expected, rel=1e-5)
    history = fit(model, x, y, sample_weight=times, loss=loss, batch_size=batch_size, **STILL)
    assert history.loss[0] == pytest.approx(expected, rel=1e-5)


def gradient(model, **given):
    """Of one step over everything."""
    before = weights(model)
    fit(model, **given, batch_size=1000, clip_norm=None, shuffle=False, bucket=False, seed=0,
        progress=False, optimizer=lambda p: torch.optim.SGD(p, lr=1.0))  # fmt: skip
    return {name: before[name] - value for name, value in weights(model).items()}


@pytest.mark.parametrize("name", PROBLEMS)
def test_weights_of_one_change_nothing(name):
    make, data = PROBLEMS[name]
    x, y = data()
    given = {"x": x, "y": y, "loss": loss_of(name)}
    plain = gradient(make(), **given)
    found = gradient(make(), **given, sample_weight=np.ones(len(x)))
    torch.testing.assert_close(found, plain)
    if name != "mse":
        torch.testing.assert_close(gradient(make(), **given, class_weight={}), plain)


def test_a_step_goes_down_the_weighted_sum_over_the_number_of_targets():
    x, y = dense(6)[0], torch.tensor([0, 1, 2, 0, IGNORED, 1])
    of_class, of_example = torch.tensor([1.0, 2.0, 5.0]), torch.tensor([1.0, 0.5, 2, 0, 9, 1])
    model, like = line_model(3), line_model(3)
    found = gradient(model, x=x, y=y, loss="cross_entropy", class_weight=of_class,
                     sample_weight=of_example)  # fmt: skip
    each = F.cross_entropy(like(x), y, reduction="none", ignore_index=IGNORED)
    all_weights = of_class[y.clamp(min=0)] * of_example * (y != IGNORED)
    ((all_weights * each).sum() / 5).backward()
    torch.testing.assert_close(found["weight"], like.weight.grad)
    fresh = line_model(3)
    history = fit(fresh, x, y, loss="cross_entropy", class_weight=of_class,
                  sample_weight=of_example, batch_size=2, **STILL)  # fmt: skip
    expected = (all_weights * each).sum() / all_weights.sum()
    assert history.loss[0] == pytest.approx(expected.item(), rel=1e-5)


def test_the_modules_of_torch_take_weights_of_examples_too():
    x, y = dense()
    sample = torch.linspace(0, 2, 48)
    classes = torch.tensor([1.0, 4.0])
    module = nn.CrossEntropyLoss(weight=classes)
    model, y = line_model(2), y.long()
    each = F.cross_entropy(model(x), y, weight=classes, reduction="none")
    expected = (sample * each).sum() / (sample * classes[y]).sum()
    found = evaluate(model, x, y, sample_weight=sample, loss=module, batch_size=5)["loss"]
    assert found == pytest.approx(expected.item(), rel=1e-5)
    summed = nn.MSELoss(reduction="sum")
    target = dense(seed=1)[0]
    found = gradient(line_model(2), x=x, y=target, loss=summed, sample_weight=sample)
    like = line_model(2)
    (sample.unsqueeze(1) * (like(x) - target).square()).sum().backward()
    torch.testing.assert_close(found["bias"], like.bias.grad)


def test_balanced_is_as_scikit_learn_has_it():
    x, y = steps()
    found = find_class_weights("balanced", find_loss("cross_entropy"), feed_of(x, y))
    flat = np.concatenate(y)
    counts = np.bincount(flat[flat >= 0])
    expected = {n: counts.sum() / (3 * times) for n, times in enumerate(counts)}
    assert found.by_class == pytest.approx(expected)
    padded = feed_of(np.zeros((2, 3, 1)), np.array([[0, 1, 0], [1, 1, 1]]), lengths=[2, 1])
    found = find_class_weights("balanced", find_loss("cross_entropy"), padded)
    assert found.by_class == pytest.approx({0: 1.5, 1: 0.75})
    loader = DataLoader(TensorDataset(*dense()), batch_size=5, shuffle=True)
    model, before = line_model(), torch.get_rng_state()
    fit(model, loader, loss=LOGITS, class_weight="balanced", progress=False, seed=0)
    assert torch.equal(torch.get_rng_state(), before)


def test_validation_measures_without_the_weights_of_classes():
    x, y = dense()
    given = {"loss": LOGITS, "validation_data": (x, y), **STILL}
    history = fit(line_model(), x, y, class_weight={1: 9.0}, **given)
    plain = evaluate(line_model(), x, y, loss=LOGITS)["loss"]
    assert history.val_loss[0] == pytest.approx(plain, rel=1e-6)
    assert abs(history.loss[0] - plain) > 1e-3
    sample = torch.linspace(0, 2, 48)
    given["validation_data"] = Weighted(Sequences(x, y), sample)
    expected = evaluate(line_model(), x, y, loss=LOGITS, sample_weight=sample)["loss"]
    assert fit(line_model(), x, y, **given).val_loss[0] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("more", [{}, {"truncate": 2}, {"validation_split": 0.25}])
def test_weights_stay_with_their_examples(more):
    """Shuffled, put together by length, cut in pieces, split: what weighs nothing is not learnt."""

    class Seen(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner, self.rows = nn.Linear(1, 1), []

        def forward(self, x, lengths=None, state=None):
            out = self.inner(x.unsqueeze(-1).float())
            return (out, state) if more.get("truncate") else out

    x, _ = ragged(40)
    weight = np.array([float(row[0] > 5) for row in x])
    y = [np.where(w, 0.0, 1e6) * np.ones(len(row)) for row, w in zip(x, weight, strict=True)]
    history = fit(Seen(), x, y, sample_weight=weight, loss="mse", batch_size=4, epochs=2, **more,
                  **STILL)  # fmt: skip
    assert max(history.loss + history.history.get("val_loss", [])) < 1e4


def test_a_loader_may_give_weights_itself():
    x, y = dense()
    sample = torch.linspace(0, 2, 48)

    def collate(rows):
        return Batch(x[rows], None, y[rows], weight=sample[rows])

    loader = DataLoader(range(48), batch_size=5, collate_fn=collate)
    expected = evaluate(line_model(), x, y, sample_weight=sample, loss=LOGITS)["loss"]
    found = evaluate(line_model(), loader, loss=LOGITS)["loss"]
    assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"sample_weight": [1.0]}, "one for each of 48 examples; got 1"),
        ({"sample_weight": [-1.0] * 48}, "sample_weight must be finite and at least 0; got -1"),
        ({"sample_weight": [0.0] * 48}, "above 0 for some example"),
        ({"sample_weight": "x"}, "sample_weight must be a list of numbers; got 'x'"),
        ({"class_weight": "even"}, "or \"balanced\"; got 'even'"),
        ({"class_weight": [1.0, 1.0, 1.0]}, "weights of the 2 classes.*got one of class 2"),
        ({"class_weight": [1.0]}, "weights of the 2 classes.*got 1 of them"),
        ({"class_weight": {2: 1.0}}, "numbered from 0; got one of class 2"),
        ({"class_weight": {0: -1.0}}, "class_weight of 0 must be a finite number of at least 0"),
        ({"class_weight": {"a": 1.0}}, "a class of class_weight must be a whole number"),
        ({"class_weight": [1.0, 2.0], "loss": "mse"}, "with a loss of classes; got the loss 'mse'"),
        ({"sample_weight": [1.0] * 48, "loss": lambda o, t: (o.squeeze() - t).mean()},
         "returns with weights must be a number for each example"),
        ({"sample_weight": [1.0] * 48, "loss": lambda o, t: o.squeeze() - t},
         r"a number for each example; got shape \(32, 32\)"),
        ({"sample_weight": [1.0] * 48, "x": TensorDataset(*dense()), "y": None},
         "with arrays or Sequences; got beside TensorDataset"),
        ({"class_weight": "balanced", "y": dense()[1] / 2}, "class numbers with class_weight"),
    ],
)  # fmt: skip
def test_mistakes_get_one_sentence_before_any_step(given, sentence):
    x, y = dense()
    model = line_model()
    before = weights(model)
    with pytest.raises(InputError, match=sentence):
        fit(model, **{"x": x, "y": y, "loss": LOGITS, "progress": False, **given})
    assert same_bits(weights(model), before)


def test_a_function_of_ones_own_gives_a_number_for_each_example():
    x, y = dense()
    sample = torch.linspace(0, 2, 48)
    model = line_model()

    def squares(outputs, targets):
        return (outputs - targets).square()  # targets have the shape of the outputs

    found = evaluate(model, x, y, sample_weight=sample, loss=squares, batch_size=5)["loss"]
    expected = evaluate(model, x, y, sample_weight=sample, loss="mse")["loss"]
    assert found == pytest.approx(expected, rel=1e-5)


def test_weights_of_classes_that_are_all_0_teach_nothing():
    with pytest.raises(InputError, match="class_weight must be above 0 for one class at least"):
        fit(line_model(), *dense(), loss=LOGITS, class_weight=[0.0, 0.0], progress=False)
