"""Comparing: all sides equal, or nothing is timed."""

from __future__ import annotations

import pytest
import torch

from recur import FailedError
from recur.bench import Case, Compared, Inputs, compare, machine, peak_flops, torchs
from recur.bench.sides import ours

TINY = Case("gru", 2, 5, 3, 4)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_every_side_gives_the_same_outputs_and_gradients(cell, bidirectional):
    case = Case(cell, 2, 5, 3, 4, bidirectional)
    inputs = Inputs.of(case)
    first, *others = [side.results() for side in [*torchs(case, inputs), *ours(case, inputs)]]
    assert set(first) == {"outputs", "x", *inputs.weights}
    assert not inputs.x.requires_grad  # what all are given is changed by none
    assert first["outputs"].shape == (2, 5, 4 * case.directions)
    for other in others:
        for name, value in first.items():
            torch.testing.assert_close(other[name], value, rtol=1e-4, atol=1e-5)


def test_timings_of_both_modes():
    training, inference = compare(TINY, ("training", "inference"), seconds=0.0)
    for found, mode in ((training, "training"), (inference, "inference")):
        assert found.mode == mode
        assert set(found.seconds) == {"recur", "torch.nn"}  # the layouts of torch.nn are one
        assert all(value > 0 for value in found.seconds.values())


def test_the_better_layout_counts_and_the_rest_follows():
    found = Compared(TINY, "training", {"recur": 0.5, "torch.nn": 2.0})
    assert found.ratio("torch.nn") == 4.0
    assert found.flops == 3 * TINY.flops / 0.5


class Other:
    """A side that only infers, and is wrong by so much."""

    name = "other"

    def __init__(self, case, inputs, wrong):
        self.side = torchs(case, inputs)[0]
        self.runners = {"inference": self.side.runners["inference"]}
        self.wrong = wrong

    def results(self):
        return {"outputs": self.side.results()["outputs"] + self.wrong}


def test_another_side_takes_part_in_what_it_can_do():
    found = compare(TINY, more=lambda case, inputs: [Other(case, inputs, 0.0)], seconds=0.0)
    assert [set(each.seconds) for each in found] == [
        {"recur", "torch.nn", "other"},
        {"recur", "torch.nn"},
    ]


@pytest.mark.parametrize("wrong", [0.01, float("nan"), torch.zeros(1, 2, 5, 4)])
def test_a_side_that_differs_stops_it(wrong):
    with pytest.raises(FailedError, match=r"other and torch\.nn differ in outputs of gru 2, 5"):
        compare(TINY, more=lambda case, inputs: [Other(case, inputs, wrong)], seconds=0.0)


def test_inputs_are_the_same_every_time():
    one, two = Inputs.of(TINY), Inputs.of(TINY)
    assert torch.equal(one.x, two.x)
    assert all(torch.equal(one.weights[name], two.weights[name]) for name in one.weights)


def test_the_machine_in_a_line():
    assert f"torch {torch.__version__}" in machine()
    assert peak_flops(16, 2) > 0
