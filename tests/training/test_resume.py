"""The promise: with every option, a training that was cut anywhere goes on bit for bit."""

from __future__ import annotations

import os

import pytest
import torch
from tests.training.problems import LOGITS, numbers, ragged_data, same_bits, token_model, weights
from torch.optim import lr_scheduler as torchs

from recur.training import EachStep, Plateau, Steps, TrainingInterrupted, fit

GIVEN = {
    "loss": LOGITS, "metrics": ["accuracy"], "epochs": 3, "batch_size": 8, "progress": False,
    "seed": 5, "restore_best": True, "learning_rate": 0.02,
}  # fmt: skip

OPTIONS = {
    "linear": {"schedule": "linear"},
    "cosine after warm-up": {"schedule": "cosine", "warmup": 0.2},
    "steps": {"schedule": Steps(0.5, after=2)},
    "by validation": {"schedule": Plateau(0.5, patience=0), "learning_rate": 0.5},
    "by epoch, of torch": {"schedule": lambda o: torchs.MultiStepLR(o, [1, 2])},
    "by step, of torch": {"schedule": lambda o: torchs.OneCycleLR(o, 0.1, total_steps=24)},
    "several, of torch": {"schedule": EachStep(lambda o: torchs.SequentialLR(
        o, [torchs.LinearLR(o, 0.1, total_iters=5), torchs.MultiStepLR(o, [2, 9])], [5]))},
    "weights of classes": {"class_weight": "balanced"},
    "averaged weights": {"ema": 0.9},
    "smooth labels": {"label_smoothing": 0.1},
    "half precision": {"autocast": "bfloat16"},
    "groups of batches": {"accumulate": 3, "schedule": "linear"},
    "everything": {"accumulate": 3, "ema": 0.9, "class_weight": {1: 2.0}, "label_smoothing": 0.1,
                   "schedule": lambda o: torchs.ExponentialLR(o, 0.5)},
    "weights of examples": {"sample_weight": [0.1 * n for n in range(60)]},
}  # fmt: skip

# 60 examples are 8 batches of 8: within an epoch, within validation, at the end of an epoch.
CUTS = {"first batch": (1, True), "within an epoch": (11, True), "validating": (2, False),
        "end of an epoch": (16, True)}  # fmt: skip


def made(cut=0, training=True):
    """A model; Ctrl-C arrives while it works on its `cut`th batch of training or validation."""
    model = token_model(dropout=0.3)
    left = [cut]

    def press(module, inputs):
        left[0] -= module.training == training
        if left[0] == 0 and module.training == training:
            os.kill(os.getpid(), 2)

    model.register_forward_pre_hook(press)
    return model


def fitted(model, option, **more):
    data = {"x": ragged_data(), "validation_data": ragged_data(20, 1)}
    return fit(model, **{**GIVEN, **data, **OPTIONS[option], **more})


@pytest.fixture(scope="module")
def whole():
    """What each option comes to without a stop."""
    known = {}

    def of(option):
        if option not in known:
            model = made()
            known[option] = numbers(fitted(model, option)), weights(model)
        return known[option]

    return of


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("cut", CUTS)
def test_a_training_that_was_cut_goes_on_bit_for_bit(option, cut, whole, tmp_path):
    rows, expected = whole(option)
    with pytest.raises(TrainingInterrupted):
        fitted(made(*CUTS[cut]), option, checkpoint=tmp_path)
    torch.rand(3)
    model = made()
    history = fitted(model, option, checkpoint=tmp_path, resume=True)
    assert numbers(history) == rows
    assert same_bits(weights(model), expected)


@pytest.mark.parametrize("option", OPTIONS)
def test_the_option_makes_a_difference(option, whole):
    """Else the promise would be kept by doing nothing."""
    plain = {name: OPTIONS[option].get(name, value) for name, value in GIVEN.items()}
    data = {"x": ragged_data(), "validation_data": ragged_data(20, 1)}
    assert numbers(fit(made(), **plain, **data)) != whole(option)[0]
    if "schedule" in OPTIONS[option]:
        assert len({row["learning_rate"] for row in whole(option)[0]}) > 1
