"""Step sizes that fall: the line itself, and that a training cut in two follows it."""

from __future__ import annotations

import pytest
import torch
from tests.training.problems import LOGITS, dense, line_model, numbers, same_bits, weights

from recur.messages import InputError
from recur.training import fit
from recur.training.optimizers import find_optimizer
from recur.training.schedule import decay_by_epoch, decay_linearly


def sizes(optimizer, parameter, steps):
    """How far a gradient of 1 moved the parameter at each step."""
    moved = []
    for _ in range(steps):
        before = parameter.item()
        parameter.grad = torch.ones_like(parameter)
        optimizer.step()
        moved.append(before - parameter.item())
    return moved


def test_the_size_falls_in_a_straight_line_and_stays_at_0():
    parameter = torch.nn.Parameter(torch.zeros((), dtype=torch.float64))
    optimizer = decay_linearly(torch.optim.SGD([parameter], lr=0.5), 4)
    assert sizes(optimizer, parameter, 6) == [0.5, 0.375, 0.25, 0.125, 0, 0]


def test_each_group_falls_from_its_own_start():
    first, second = (torch.nn.Parameter(torch.zeros(())) for _ in range(2))
    groups = [{"params": [first]}, {"params": [second], "lr": 0.1}]
    optimizer = decay_linearly(torch.optim.SGD(groups, lr=1.0), 2)
    for _ in range(2):
        first.grad = second.grad = torch.ones(())
        optimizer.step()
    assert (first.item(), second.item()) == pytest.approx((-1.5, -0.15))


def test_the_size_falls_by_a_factor_at_every_later_epoch():
    parameter = torch.nn.Parameter(torch.zeros((), dtype=torch.float64))
    optimizer = torch.optim.SGD([parameter], lr=8.0)
    decay_by_epoch(optimizer, 0.5, after=2, steps=3)
    # As Zaremba et al.: two whole epochs, then half of the one before.
    expected = [8.0] * 6 + [4.0] * 3 + [2.0] * 3 + [1.0]
    assert sizes(optimizer, parameter, 13) == expected


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"factor": 0.0}, "factor must be above 0 and at most 1; got 0.0"),
        ({"factor": 1.5}, "factor must be above 0 and at most 1; got 1.5"),
        ({"after": 0}, "after must be at least 1; got 0"),
        ({"steps": 0}, "steps must be at least 1; got 0"),
    ],
)
def test_a_fall_by_the_epoch_is_one(given, sentence):
    optimizer = find_optimizer("sgd", line_model(), None)
    with pytest.raises(InputError, match=sentence):
        decay_by_epoch(optimizer, **{"factor": 0.5, "after": 1, "steps": 1, **given})


@pytest.mark.parametrize("steps", [0, -3])
def test_a_training_has_steps(steps):
    with pytest.raises(InputError, match=f"steps must be at least 1; got {steps}"):
        decay_linearly(find_optimizer("sgd", line_model(), None), steps)


@pytest.mark.parametrize("name", ["sgd", "adam", "rmsprop", "nadam"])
@pytest.mark.parametrize("epochs_before", [1, 2])
def test_a_training_cut_in_two_goes_on_bit_for_bit(name, epochs_before, tmp_path):
    data, steps = dense(), 3 * 6

    def train(model, epochs=3, **given):
        optimizer = decay_linearly(find_optimizer(name, model, 0.05), steps)
        given |= {"loss": LOGITS, "batch_size": 8, "seed": 1, "progress": False}
        return fit(model, *data, optimizer=optimizer, epochs=epochs, **given)

    expected, again = line_model(), line_model()
    history = train(expected)
    train(line_model(), epochs=epochs_before, checkpoint=tmp_path)
    resumed = train(again, checkpoint=tmp_path, resume=True)
    assert same_bits(weights(again), weights(expected))
    assert numbers(resumed) == numbers(history)
    assert history.learning_rate == pytest.approx([0.05 * (1 - n / 18) for n in (5, 11, 17)])
