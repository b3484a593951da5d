"""Several outputs of one model, each with a loss and targets of its own."""

from __future__ import annotations

import os

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tests.training.problems import numbers, same_bits, weights
from torch import nn
from torch.utils.data import DataLoader

import recur
from recur.data.sequences import Sequences, collate
from recur.data.targets import IGNORED
from recur.messages import FailedError, InputError
from recur.training import TrainingInterrupted, evaluate, fit, predict

LOSS = {"tag": "cross_entropy", "case": "mse"}
QUIET = {"progress": False, "seed": 0}


class Two(nn.Module):
    """A tag of every step, and a number for the whole sequence."""

    def __init__(self, form="dict"):
        super().__init__()
        torch.manual_seed(0)
        self.walk, self.form = recur.GRU(2, 4, batch_first=True), form
        self.tag, self.case = nn.Linear(4, 3), nn.Linear(4, 1)

    def forward(self, x, lengths=None, state=None, return_state=False):
        steps, last = self.walk(x, state, lengths=lengths)
        found = {"tag": self.tag(steps), "case": self.case(last[0])}
        found = found if self.form == "dict" else tuple(found.values())
        return (found, last) if return_state else found


def data(n=20):
    rng = np.random.default_rng(0)
    x = [rng.normal(size=(steps, 2)).astype(np.float32) for steps in rng.integers(2, 6, n)]
    tag = [rng.integers(0, 3, len(row)) for row in x]
    for row in tag[::2]:
        row[0] = IGNORED
    return x, {"tag": tag, "case": rng.normal(size=n).astype(np.float32)}


def by_hand(model, x, y):
    """The mean of each loss over everything that it is defined over."""
    tags, cases = [], []
    for row, tag, case in zip(x, y["tag"], y["case"], strict=True):
        found = model(torch.tensor(row).unsqueeze(0))
        tags.append((found["tag"][0], torch.tensor(tag)))
        cases.append((found["case"][0, 0] - case).square())
    scores, classes = (torch.cat(parts) for parts in zip(*tags, strict=True))
    return F.cross_entropy(scores, classes).item(), torch.stack(cases).mean().item()


@pytest.mark.parametrize("form", ["dict", "tuple"])
@pytest.mark.parametrize("batch_size", [3, 20])
def test_each_loss_is_a_mean_over_its_own_targets_and_the_loss_their_sum(form, batch_size):
    x, y = data()
    tag, case = by_hand(Two(), x, y)
    given = {"loss": LOSS, "loss_weights": {"case": 0.5}, "metrics": {"tag": ["accuracy"]}}
    answers = y if form == "dict" else tuple(y.values())
    still = {"optimizer": lambda p: torch.optim.SGD(p, lr=0.0), "validation_data": (x, answers)}
    history = fit(Two(form), x, answers, batch_size=batch_size, **given, **still, **QUIET)
    names = ["loss", "tag_loss", "tag_accuracy", "case_loss"]
    assert history.columns[:8] == [*names, *(f"val_{name}" for name in names)]
    expected = [tag + 0.5 * case, tag, case]
    for before in ("", "val_"):
        found = [history[f"{before}{name}"][0] for name in ("loss", "tag_loss", "case_loss")]
        assert found == pytest.approx(expected, rel=1e-5)
    found = evaluate(Two(form), x, answers, batch_size=batch_size, **given)
    assert found["loss"] == pytest.approx(expected[0], rel=1e-5)
    assert history.higher_is_better["val_tag_accuracy"]


def whole(form):
    x, y = data()
    sequences = Sequences(x, y)
    if form == "Sequences":
        return sequences
    if form == "a Dataset":
        return torch.utils.data.Subset(sequences, range(len(x)))
    return DataLoader(sequences, batch_size=32, collate_fn=collate)


@pytest.mark.parametrize("form", ["Sequences", "a Dataset", "a DataLoader"])
def test_all_that_holds_data_may_hold_several_targets(form):
    given = {"loss": LOSS, "epochs": 2, "shuffle": False, "bucket": False, **QUIET}
    expected, found = Two(), Two()
    fit(expected, *data(), **given)
    fit(found, whole(form), **given)
    torch.testing.assert_close(weights(found), weights(expected))


def test_torchs_own_collate_of_dicts_goes_too():
    x, case = torch.randn(8, 3, 2), torch.randn(8)
    rows = [(each, {"case": value}) for each, value in zip(x, case, strict=True)]
    fit(Two(), DataLoader(rows, batch_size=4), loss={"case": "mse"}, **QUIET)


@pytest.mark.parametrize("accumulate", [1, 3])
def test_a_step_is_that_of_all_losses_also_in_groups(accumulate):
    """The tags of a batch are more than its cases, and in every batch in another proportion."""
    x, y = data(18)
    model, like = Two(), Two()
    given = {"loss": LOSS, "loss_weights": {"tag": 2.0}, "shuffle": False, "bucket": False,
             "clip_norm": None, "optimizer": lambda p: torch.optim.SGD(p, lr=1.0)}  # fmt: skip
    fit(model, x, y, batch_size=18 // accumulate, accumulate=accumulate, **given, **QUIET)
    fit(like, x, y, batch_size=18, **given, **QUIET)
    torch.testing.assert_close(weights(model), weights(like))


@pytest.mark.parametrize("cut", [2, 5])
def test_it_goes_on_bit_for_bit(cut, tmp_path):
    given = {"loss": LOSS, "epochs": 2, "batch_size": 4, "accumulate": 3, "ema": 0.9,
             "metrics": {"tag": ["accuracy"]}, "class_weight": {"tag": "balanced"},
             **QUIET}  # fmt: skip
    expected, again, left = Two(), Two(), [cut]
    history = fit(expected, *data(), **given)

    def press(module, inputs):
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), 2)

    stopped = Two()
    stopped.register_forward_pre_hook(press)
    with pytest.raises(TrainingInterrupted):
        fit(stopped, *data(), **given, checkpoint=tmp_path)
    resumed = fit(again, *data(), **given, checkpoint=tmp_path, resume=True)
    assert numbers(resumed) == numbers(history)
    assert same_bits(weights(again), weights(expected))


def test_pieces_carry_the_state_and_cut_every_target():
    x, tag = torch.randn(4, 6, 2), torch.randint(0, 3, (4, 6))
    given = {"loss": {"tag": "cross_entropy"}, "truncate": 2}
    found = evaluate(Two(), x, {"tag": tag}, **given)["loss"]
    assert found == pytest.approx(F.cross_entropy(Two()(x)["tag"].mT, tag).item(), rel=1e-5)
    with pytest.raises(InputError, match="one for each step"):
        evaluate(Two(), x, {"tag": torch.zeros(4)}, **given)


def test_predict_gives_the_outputs_by_name_in_the_order_of_the_data():
    x, _ = data()
    found, steps = predict(Two(), x, batch_size=3, return_lengths=True)
    assert (found["tag"].shape, found["case"].shape) == ((20, 5, 3), (20, 1))
    for row in (0, 7):
        n = len(x[row])
        expected = Two()(torch.tensor(x[row]).unsqueeze(0))
        torch.testing.assert_close(found["tag"][row, :n], expected["tag"][0].detach())
    assert steps.tolist() == [len(row) for row in x]


def test_a_target_that_is_not_finite_is_named():
    x, y = data()
    y["case"][3] = np.nan
    with pytest.raises(FailedError, match="The targets have a value that is not finite, in row 3"):
        fit(Two(), x, y, loss=LOSS, shuffle=False, bucket=False, **QUIET)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"loss": "mse"}, "what the model returns must be a tensor; got a dict. Give loss a dict"),
        ({"loss": {}}, "loss must be a dict by the names of the outputs"),
        ({"loss": {**LOSS, "more": "mse"}}, "the output 'more' of the model must be a tensor"),
        ({"y": {"tag": data()[1]["tag"]}}, "targets must be a dict with tag and case; got a dict"),
        ({"y": data()[1]["case"]}, "targets must be a dict with tag and case; got Tensor"),
        ({"y": {**data()[1], "case": [1.0]}}, "case must be as long as x"),
        ({"y": {}}, "y must be a dict with the targets of each output; got an empty one"),
        ({"metrics": ["accuracy"]}, "metrics must be a dict of lists, as loss is a dict"),
        ({"metrics": {"tga": ["accuracy"]}}, "Did you mean 'tag'"),
        ({"loss_weights": {"cas": 1.0}}, "Did you mean 'case'"),
        ({"class_weight": "balanced"}, "class_weight must be a dict by the names of outputs"),
        ({"class_weight": {"case": [1.0]}}, "with a loss of classes; got the loss 'mse'"),
        ({"monitor": "tag_lose"}, "Did you mean 'tag_loss'"),
    ],
)
def test_mistakes_get_one_sentence_before_any_step(given, sentence):
    x, y = data()
    model = Two()
    before = weights(model)
    with pytest.raises(InputError, match=sentence):
        fit(model, **{"x": x, "y": y, "loss": LOSS, **QUIET, **given})
    assert same_bits(weights(model), before)


def test_one_loss_takes_no_weights_of_losses():
    x, y = torch.randn(4, 2), torch.zeros(4, 1)
    for given in ({"loss_weights": {"a": 1.0}}, {"metrics": {"a": ["mae"]}}):
        with pytest.raises(InputError, match="needs a dict of losses"):
            fit(nn.Linear(2, 1), x, y, loss="mse", **given)
    with pytest.raises(InputError, match="targets must be one tensor with one loss; got a dict"):
        fit(nn.Linear(2, 1), Sequences(x, {"a": y}), loss="mse", **QUIET)
