"""What a step is made of and what follows it: accumulation, label smoothing, averaged weights."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tests.training.problems import LOGITS, dense, line_model, numbers, same_bits, weights
from tests.training.test_weights import PROBLEMS, loss_of
from torch import nn

from recur.messages import FailedError, InputError
from recur.training import evaluate, fit

QUIET = {"progress": False, "seed": 0, "shuffle": False, "bucket": False, "clip_norm": None}


def sgd(rate=0.5):
    return lambda p: torch.optim.SGD(p, lr=rate)


def fitted(model, *data, **given):
    history = fit(model, *data, **{**QUIET, "optimizer": sgd(), **given})
    return weights(model), history


# Accumulation


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("weigh", [False, True])
def test_the_gradient_is_that_of_one_batch_that_holds_them_all(name, weigh):
    """Also where the batches have other numbers of targets, and in the last group, of fewer."""
    make, data = PROBLEMS[name]
    x, y = data()
    more = {"sample_weight": np.linspace(0, 2, len(x))} if weigh else {}
    given = {"loss": loss_of(name), **more}
    whole, before = fitted(make(), x, y, batch_size=12, **given)
    parts, after = fitted(make(), x, y, batch_size=3, accumulate=4, **given)
    torch.testing.assert_close(parts, whole)
    column = "gradient_norm_max"
    assert after[column] == pytest.approx(before[column], rel=1e-4)
    for column in ("loss", "learning_rate"):
        assert after[column] == pytest.approx(before[column], rel=1e-5)


def test_sums_and_the_weights_of_a_module_of_torch():
    x, y = dense()
    for loss, target in (
        (nn.MSELoss(reduction="sum"), dense(seed=1)[0] / 50),
        (nn.CrossEntropyLoss(weight=torch.tensor([1.0, 7.0])), y.long()),
    ):
        given = {"loss": loss, "optimizer": sgd(0.01)}
        whole, _ = fitted(line_model(2), x, target, batch_size=16, **given)
        parts, _ = fitted(line_model(2), x, target, batch_size=4, accumulate=4, **given)
        torch.testing.assert_close(parts, whole)


def test_a_schedule_counts_steps_and_clipping_sees_the_whole_gradient():
    x, y = dense()
    given = {"loss": LOGITS, "schedule": "linear", "epochs": 2, "clip_norm": 0.05}
    whole, before = fitted(line_model(), x, y, batch_size=20, **given)
    parts, after = fitted(line_model(), x, y, batch_size=5, accumulate=4, **given)
    torch.testing.assert_close(parts, whole)
    assert after.learning_rate == before.learning_rate == [0.5 * (1 - n / 6) for n in (2, 5)]


def test_a_bad_batch_of_a_group_reaches_no_weight():
    x, y = dense()
    x[30] = math.nan
    model = line_model()
    with pytest.raises(FailedError, match=r"batch 4\. The input has a value that is not finite"):
        fitted(model, x, y, loss=LOGITS, batch_size=8, accumulate=6)
    assert same_bits(weights(model), weights(line_model()))


# Label smoothing


def test_smooth_labels():
    x, y = dense(6)
    targets = torch.tensor([0, 1, 2, 2, -100, 0])
    outputs = line_model(3)(x)
    history = fitted(line_model(3), x, targets, loss="cross_entropy", label_smoothing=0.2,
                     metrics=["perplexity", "accuracy"], batch_size=2)[1]  # fmt: skip
    still = fit(line_model(3), x, targets, loss="cross_entropy", label_smoothing=0.2, batch_size=2,
                metrics=["perplexity"], validation_data=(x, targets), progress=False,
                optimizer=sgd(0.0))  # fmt: skip
    expected = F.cross_entropy(outputs, targets, label_smoothing=0.2).item()
    assert still.loss[0] == pytest.approx(expected, rel=1e-6)
    plain = F.cross_entropy(outputs, targets).item()
    assert still.val_loss[0] == pytest.approx(plain, rel=1e-6)
    assert still.perplexity[0] == pytest.approx(math.exp(plain), rel=1e-6)
    assert history.accuracy[0] <= 1
    smooth = F.binary_cross_entropy_with_logits(line_model()(x).squeeze(1), y * 0.9 + 0.05)
    binary = fitted(line_model(), x, y, loss=LOGITS, label_smoothing=0.1, metrics=["accuracy"],
                    optimizer=sgd(0.0))[1]  # fmt: skip
    assert binary.loss[0] == pytest.approx(smooth.item(), rel=1e-6)
    weighed = fitted(line_model(), x, y, loss=LOGITS, label_smoothing=0.1, sample_weight=[1.0] * 6,
                     optimizer=sgd(0.0))[1]  # fmt: skip
    assert weighed.loss[0] == pytest.approx(smooth.item(), rel=1e-6)


# The average of the weights


def test_the_average_is_validated_kept_and_left_at_the_end():
    x, y = dense()
    model, seen = line_model(), [line_model().weight.detach().clone()]
    raw = []
    given = {"loss": LOGITS, "epochs": 3, "batch_size": 16, "validation_data": (x, y)}
    keep = lambda epoch, row: raw.append(model.weight.detach().clone())  # noqa: E731
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    optimizer.register_step_post_hook(lambda *_: seen.append(model.weight.detach().clone()))
    history = fit(model, x, y, ema=0.9, optimizer=optimizer, on_epoch=keep, **given, **QUIET)
    average = seen[0]
    for n, value in enumerate(seen[1:]):
        decay = min(0.9, (1 + n) / (10 + n))
        average = decay * average + (1 - decay) * value
    torch.testing.assert_close(model.weight.detach(), average)
    plain, without = fitted(line_model(), x, y, **given)
    assert torch.equal(raw[-1], plain["weight"])  # the training itself is as without
    assert history.loss == without.loss
    found = evaluate(model, x, y, loss=LOGITS)["loss"]
    assert history.val_loss[-1] == pytest.approx(found, rel=1e-6)
    assert found != pytest.approx(without.val_loss[-1], rel=1e-3)


def test_the_best_average_comes_back():
    x, y = dense()
    model = line_model()
    data = {"validation_data": (x, 1 - y), "loss": LOGITS, "batch_size": 16, "epochs": 4}
    history = fitted(model, x, y, ema=0.9, restore_best=True, **data)[1]
    assert history.best_epoch() == 1
    found = evaluate(model, x, 1 - y, loss=LOGITS)["loss"]
    assert found == pytest.approx(min(history.val_loss), rel=1e-6)


def test_what_is_not_taught_is_not_averaged():
    model = nn.Sequential(line_model(2), nn.BatchNorm1d(2), nn.Linear(2, 1))
    model[0].weight.requires_grad_(False)
    before = model[0].weight.clone()
    fitted(model, *dense(), loss=LOGITS, ema=0.5, epochs=2)
    assert torch.equal(model[0].weight, before)
    assert int(model[1].num_batches_tracked) == 4


def test_autocast_is_for_the_products_of_training():
    """The gradient is that of half precision; weights and what is measured are in single."""
    (x, y), seen = dense(), []
    rounded, validated = line_model(), line_model()
    rounded.register_forward_hook(lambda layer, x, out: seen.append((layer.training, out.dtype)))
    how = {"loss": LOGITS, "batch_size": len(x)}
    found, history = fitted(rounded, x, y, **how, validation_data=(x, y), autocast="bfloat16")
    assert set(seen) == {(True, torch.bfloat16), (False, torch.float32)}
    whole, expected = fitted(validated, x, y, **how)
    assert all(value.dtype == torch.float32 for value in found.values())
    torch.testing.assert_close(found, whole, atol=0.01, rtol=0.01)
    assert history.loss != expected.loss
    assert history.val_loss[0] == evaluate(rounded, x, y, loss=LOGITS)["loss"]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"accumulate": 0}, "accumulate must be a whole number of at least 1; got 0"),
        ({"ema": 1.0}, "ema must be between 0 and 1, or None for no average; got 1.0"),
        ({"autocast": "float16"}, "autocast must be bfloat16; got 'float16'"),
        ({"label_smoothing": -0.1}, "label_smoothing must be from 0 on and below 1; got -0.1"),
        ({"label_smoothing": 0.1, "loss": "mse"}, "by name; got the loss 'mse'"),
        ({"label_smoothing": 0.1, "loss": nn.BCEWithLogitsLoss()}, "a binary loss by name; got"),
    ],
)
def test_mistakes(given, sentence):
    with pytest.raises(InputError, match=sentence):
        fit(line_model(), *dense(), **{"loss": LOGITS, "progress": False, **given})


def test_another_option_is_refused_when_going_on(tmp_path):
    given = {"loss": LOGITS, "checkpoint": tmp_path, "resume": True}
    fitted(line_model(), *dense(), **given, ema=0.9, accumulate=2)
    with pytest.raises(InputError, match=r"accumulate was 2 and is None.*ema was 0.9 and is None"):
        fitted(line_model(), *dense(), **given, epochs=2)
    assert numbers(fitted(line_model(), *dense(), **given, ema=0.9, accumulate=2)[1])
