"""Step sizes that fall: the line itself, and that a training cut in two follows it."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pytest
import torch
from tests.training.problems import LOGITS, dense, line_model, numbers, weights

from recur import files
from recur.messages import InputError
from recur.training import EachStep, Plateau, Steps, checkpoint, fit
from recur.training.optimizers import find_optimizer

RATE = 0.05


def rates(schedule=None, epochs=3, name="sgd", **given):
    """The step size of each step, the history's column, and the weights."""
    model, seen = line_model(), []
    optimizer = find_optimizer(name, model, RATE)
    optimizer.register_step_pre_hook(lambda o, *_: seen.append(o.param_groups[0]["lr"]))
    given = {"loss": LOGITS, "batch_size": 8, "seed": 1, "progress": False, **given}
    data = {} if "x" in given else dict(zip("xy", dense(), strict=True))
    history = fit(model, **data, optimizer=optimizer, schedule=schedule, epochs=epochs, **given)
    if schedule is None or isinstance(schedule, str | Steps):  # as large as it was
        assert optimizer.param_groups[0]["lr"] == RATE
    return seen, history.learning_rate, weights(model)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"factor": 0.0}, "factor must be above 0 and at most 1; got 0.0"),
        ({"factor": 1.5}, "factor must be above 0 and at most 1; got 1.5"),
        ({"after": 0}, "after must be a whole number of at least 1; got 0"),
    ],
)
def test_a_fall_by_the_epoch_is_one(given, sentence):
    with pytest.raises(InputError, match=sentence):
        Steps(**given)


def test_the_shapes():
    steps = range(18)
    assert rates("constant")[0] == rates()[0] == [RATE] * 18
    assert rates("linear")[0] == [RATE * (1 - n / 18) for n in steps]
    half = [RATE * (1 + math.cos(math.pi * n / 18)) / 2 for n in steps]
    assert rates("cosine")[0] == pytest.approx(half)
    warm = [RATE * (n + 1) / 4 for n in range(3)]  # ceil(18 * 0.15) steps
    assert rates("constant", warmup=0.15)[0] == pytest.approx(warm + [RATE] * 15)
    fall = [RATE * (1 - n / 15) for n in range(15)]
    assert rates("linear", warmup=0.15)[0] == pytest.approx(warm + fall)


def test_by_validation_the_size_falls_where_nothing_gets_better():
    x, y = dense()
    column = rates(Plateau(0.1, patience=1), epochs=5, validation_data=(x, 1 - y))[1]
    # The labels are the others: every epoch is worse than the first.
    assert column == pytest.approx([RATE, RATE, RATE, RATE / 10, RATE / 10])


@pytest.mark.parametrize("each", [False, True])
def test_schedulers_of_torch_go_on_by_the_epoch_or_the_step(each):
    def make(optimizer):
        return torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)

    seen = rates(EachStep(make) if each else make)[0]
    assert seen == pytest.approx([RATE * 0.5 ** (n if each else n // 6) for n in range(18)])


def test_a_scheduler_made_of_the_optimizer():
    model = line_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    halving = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    given = {"loss": LOGITS, "progress": False, "epochs": 3}
    history = fit(model, *dense(), optimizer=optimizer, schedule=halving, **given)
    assert history.learning_rate == [1.0, 0.5, 0.25]
    with pytest.raises(InputError, match="schedule must be made of the optimizer of fit"):
        fit(model, *dense(), schedule=halving, **given)


def test_another_size_may_be_given_to_go_on_with(tmp_path):
    def make(optimizer):
        return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.5**epoch)

    def column(epochs, rate, schedule):
        folder = tmp_path / type(schedule).__name__
        return fit(line_model(), *dense(), loss=LOGITS, epochs=epochs, learning_rate=rate, seed=0,
                   schedule=schedule, progress=False, checkpoint=folder,
                   resume=True).learning_rate  # fmt: skip

    assert column(1, 1.0, make) == [1.0]
    assert column(3, 8.0, make) == [1.0, 8.0, 2.0]  # from the next epoch on in its own course
    column(1, 1.0, "linear")
    assert column(2, 8.0, "linear")[1] == pytest.approx(8.0 * (1 - 3 / 4))


class Stream(torch.utils.data.IterableDataset):
    def __iter__(self):
        return iter(zip(*dense(), strict=True))


def test_without_a_known_length_only_what_needs_none():
    for given in ({"schedule": "linear"}, {"schedule": "cosine"}, {"warmup": 0.1}):
        with pytest.raises(InputError, match=r"needs the number of steps.*Take 'plateau'"):
            rates(**given, x=Stream())
    assert rates(Steps(0.5, after=1), x=Stream())[1] == [RATE, RATE / 2, RATE / 4]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"schedule": "linaer"}, "Did you mean 'linear'"),
        ({"schedule": 3}, "schedule must be a name, Steps, Plateau, a torch scheduler"),
        ({"schedule": lambda o: None}, "schedule must be a name.*got None"),
        ({"schedule": "linear", "warmup": 1.0}, "warmup must be a share of all steps"),
        ({"schedule": "plateau", "warmup": 0.1}, "Let the scheduler warm up itself"),
    ],
)
def test_a_schedule_is_one(given, sentence):
    with pytest.raises(InputError, match=sentence):
        rates(**given)


def test_a_state_of_another_schedule_is_said(tmp_path):
    given = {"loss": LOGITS, "progress": False, "checkpoint": tmp_path, "resume": True, "seed": 0}
    fit(line_model(), *dense(), schedule="plateau", **given)
    step = lambda o: torch.optim.lr_scheduler.StepLR(o, 1)  # noqa: E731
    with pytest.raises(InputError, match="its schedule must be that of the same schedule"):
        fit(line_model(), *dense(), schedule=step, epochs=2, **given)


def test_a_state_of_the_first_format_goes_on(tmp_path):
    """Saved by the code before there were schedules in `fit`, in the middle of the second epoch."""
    stored = Path(__file__).parent / "states" / "format-1.safetensors"
    shutil.copy(stored, tmp_path / checkpoint.FILE)
    assert files.read_tensors(stored)[1]["format"] == "1"

    def train(**given):
        model = line_model()
        optimizer = find_optimizer("adam", model, RATE)
        history = fit(model, *dense(), loss=LOGITS, metrics=["accuracy"], batch_size=8, seed=1,
                      progress=False, optimizer=optimizer, schedule="linear", epochs=3,
                      restore_best=True, **given)  # fmt: skip
        return numbers(history), weights(model)

    rows, found = train(checkpoint=tmp_path, resume=True)
    expected, whole = train()
    assert [pytest.approx(row, rel=1e-5) for row in expected] == rows
    torch.testing.assert_close(found, whole)


@pytest.mark.parametrize(
    ("schedule", "sentence"),
    [
        (Steps, r"schedule must be an object: Steps\(\); got the class Steps"),
        (Plateau, r"schedule must be an object: Plateau\(\); got the class Plateau"),
        (
            lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 0.1, total_steps=2),
            "total_steps of OneCycleLR must be at least 18, the steps of the training; got 2",
        ),
    ],
)
def test_a_schedule_that_cannot_go_to_the_end_is_said_before(schedule, sentence):
    given = {"loss": LOGITS, "batch_size": 8, "epochs": 3, "progress": False}
    with pytest.raises(InputError, match=sentence):
        fit(line_model(), *dense(), schedule=schedule, **given)
