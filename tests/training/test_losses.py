"""Losses by name: values against torch's, shapes never broadcast, mistakes named."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from recur.messages import InputError
from recur.training.losses import LOSSES, Loss, find_loss
from recur.training.targets import existing


def mean(loss: Loss, outputs, targets):
    return loss.mean(outputs, loss.align(outputs, targets))


def example(name, n=7):
    outputs = torch.randn(n, 3 if "entropy" in name and "binary" not in name else 1)
    if name == "binary_crossentropy":
        outputs = outputs.sigmoid()
    if outputs.shape[1] == 3:
        return outputs, torch.arange(n) % 3
    return outputs, (torch.arange(n) % 2).float() if "binary" in name else torch.randn(n)


EXPECTED = {
    "binary_crossentropy": F.binary_cross_entropy,
    "binary_crossentropy_with_logits": F.binary_cross_entropy_with_logits,
    "mse": F.mse_loss,
    "mae": F.l1_loss,
    "huber": F.huber_loss,
}


@pytest.mark.parametrize("name", EXPECTED)
@pytest.mark.parametrize("squeezed", [False, True])
def test_value_and_gradient_are_torchs_for_either_shape_of_targets(name, squeezed):
    outputs, targets = example(name)
    ours, theirs = outputs.clone().requires_grad_(), outputs.clone().requires_grad_()
    found = mean(find_loss(name), ours, targets if squeezed else targets.unsqueeze(1))
    expected = EXPECTED[name](theirs.squeeze(1), targets)
    found.backward()
    expected.backward()
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(ours.grad, theirs.grad)


@pytest.mark.parametrize("name", ["cross_entropy", "sparse_categorical_crossentropy"])
@pytest.mark.parametrize("dtype", [torch.int64, torch.int32, torch.float64])
@pytest.mark.parametrize("shape", [(7,), (7, 1)])
def test_cross_entropy_takes_class_numbers_of_any_type(name, dtype, shape):
    outputs, targets = example(name)
    found = mean(find_loss(name), outputs, targets.to(dtype).reshape(shape))
    torch.testing.assert_close(found, F.cross_entropy(outputs, targets))


def test_cross_entropy_for_every_step_and_for_probabilities():
    scores, targets = torch.randn(4, 5, 3), torch.randint(0, 3, (4, 5))
    loss = find_loss("cross_entropy")
    expected = F.cross_entropy(scores.movedim(2, 1), targets)
    torch.testing.assert_close(mean(loss, scores, targets), expected)
    torch.testing.assert_close(mean(loss, scores, F.one_hot(targets, 3)), expected)
    targets[0, 2:] = -100  # counts for nothing
    expected = F.cross_entropy(scores.movedim(2, 1), targets)
    torch.testing.assert_close(mean(loss, scores, targets), expected)


def test_a_probability_of_0_or_1_that_is_wrong_is_finite():
    loss = mean(
        find_loss("binary_crossentropy"), torch.tensor([[0.0], [1.0]]), torch.tensor([1, 0])
    )
    assert loss.item() == pytest.approx(-math.log(1e-7), rel=0.05)


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_nan_outputs_give_a_nan_loss_and_no_other_error(name):
    outputs, targets = example(name)
    assert mean(find_loss(name), outputs * math.nan, targets).isnan()


@pytest.mark.parametrize("value", [-0.25, 1.5])
def test_logits_given_for_probabilities_are_said(value):
    outputs = torch.tensor([[0.5], [value]])
    with pytest.raises(InputError, match=rf"from 0 to 1.*got {value}.*with_logits"):
        mean(find_loss("binary_crossentropy"), outputs, torch.zeros(2))


@pytest.mark.parametrize("name", ["mse", nn.MSELoss(), "binary_crossentropy_with_logits"])
def test_shapes_that_would_broadcast_are_refused(name):
    with pytest.raises(InputError, match=r"of the model's outputs, \(4, 1\); got shape \(3,\)"):
        mean(find_loss(name), torch.zeros(4, 1), torch.zeros(3))
    with pytest.raises(InputError, match=r"\(4, 2\); got shape \(4,\).*cross_entropy"):
        mean(find_loss(name), torch.zeros(4, 2), torch.zeros(4))


@pytest.mark.parametrize(
    "loss", [nn.MSELoss(), nn.L1Loss(), nn.BCEWithLogitsLoss(), lambda o, y: ((o - y) ** 2).mean()]
)
def test_objects_and_functions_are_never_broadcast(loss):
    outputs, targets = torch.randn(5, 1), torch.tensor([0.0, 1.0, 1.0, 0.0, 1.0])
    expected = loss(outputs.squeeze(1), targets)
    torch.testing.assert_close(mean(find_loss(loss), outputs, targets.double()), expected)


def test_a_function_gets_its_own_kind_of_targets():
    seen = []

    def loss(outputs, targets):
        seen.append(targets)
        return outputs.sum()

    mean(find_loss(loss), torch.zeros(4, 3), torch.arange(4))
    assert seen[0].dtype == torch.int64
    assert seen[0].shape == (4,)


def test_torchs_cross_entropy_is_for_rows_of_scores():
    scores, targets = torch.randn(6, 3), torch.arange(6) % 3
    loss = find_loss(nn.CrossEntropyLoss(label_smoothing=0.1))
    expected = nn.CrossEntropyLoss(label_smoothing=0.1)(scores, targets)
    torch.testing.assert_close(mean(loss, scores, targets.float()), expected)
    with pytest.raises(InputError, match="take the loss 'cross_entropy'"):
        mean(loss, torch.randn(2, 3, 3), torch.zeros(2, 3))


def test_a_loss_without_a_mean_is_refused():
    with pytest.raises(InputError, match=r"MSELoss.*one number; got shape \(4, 1\).*reduction"):
        mean(find_loss(nn.MSELoss(reduction="none")), torch.zeros(4, 1), torch.zeros(4))


@pytest.mark.parametrize(
    ("name", "meant"), [("binary_crossentrpy", "binary_crossentropy"), ("MSE", "mse")]
)
def test_unknown_names_are_answered_with_the_likely_one(name, meant):
    with pytest.raises(InputError, match=f"got '{name}'. Did you mean '{meant}'"):
        find_loss(name)
    with pytest.raises(InputError, match="a name or a callable; got 3"):
        find_loss(3)


@pytest.mark.parametrize("classes", [(4, 1), (4,)])
def test_one_output_is_no_score_for_classes(classes):
    with pytest.raises(InputError, match="binary_crossentropy_with_logits"):
        mean(find_loss("cross_entropy"), torch.zeros(classes), torch.zeros(4))


def test_targets_are_checked_against_what_the_loss_and_the_model_know():
    binary, classes = find_loss("binary_crossentropy_with_logits"), find_loss("cross_entropy")
    one, three = torch.zeros(2, 1), torch.zeros(2, 3)
    binary.check(one, one, torch.tensor([0.0, 0.1, 0.9, 1.0]))
    with pytest.raises(InputError, match=r"from 0 to 1; got 2\. Number two classes 0 and 1"):
        binary.check(one, one, torch.tensor([1, 2]))
    classes.check(three, torch.zeros(2), torch.tensor([0, 2, -100]))
    for wrong in (3, -1, 0.5):
        with pytest.raises(InputError, match=f"from 0 to 2, as the model has 3.*got {wrong}"):
            classes.check(three, torch.zeros(2), torch.tensor([0, wrong]))


def test_padded_steps_are_left_out_where_each_step_has_a_target():
    outputs, targets = torch.randn(3, 4, 2), torch.randn(3, 4, 2)
    lengths = torch.tensor([4, 0, 2])
    kept, wanted = existing(outputs, targets, lengths, 4)
    assert torch.equal(kept, torch.cat([outputs[0], outputs[2, :2]]))
    assert torch.equal(wanted, torch.cat([targets[0], targets[2, :2]]))
    last = torch.randn(3, 2)
    assert existing(last, last, lengths, 4) == (last, last)
    # (B, outputs) that happen to be as many as the steps are no steps when targets are one a row.
    one = torch.randn(3)
    assert existing(torch.randn(3, 4), one, lengths, 4)[1] is one
