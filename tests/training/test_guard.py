"""A value that is not finite stops training, is found where it began, and spoils nothing."""

from __future__ import annotations

import math

import pytest
import torch
from tests.training.problems import (
    LOGITS,
    dense,
    line_model,
    ragged,
    same_bits,
    token_model,
    weights,
)
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import TensorDataset

import recur
from recur.data.sequences import Sequences
from recur.files import read_tensors
from recur.messages import FailedError
from recur.training import checkpoint, fit

GIVEN = {"loss": LOGITS, "progress": False, "seed": 0, "batch_size": 8, "shuffle": False}


def failure(model, *data, **given):
    with pytest.raises(FailedError) as error:
        fit(model, *data, **{**GIVEN, **given})
    return str(error.value)


def model_with(middle):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 4), middle, nn.Linear(4, 1))


class Breaks(nn.Module):
    """Gives a bad value in its `at`th training batch."""

    def __init__(self, at, value=math.nan):
        super().__init__()
        self.at, self.value, self.seen = at, value, 0

    def forward(self, x):
        self.seen += self.training
        return x * self.value if self.seen >= self.at else x


def test_epoch_batch_and_layer_are_named():
    x, y = dense(40)  # 5 batches
    text = failure(model_with(Breaks(8)), x, y, epochs=3)
    assert text.startswith("The loss is nan in epoch 2, batch 3. ")
    assert "The first bad value is in the output of layer '1' (Breaks)." in text
    assert "Lower learning_rate (now 0.001), or scale inputs and targets." in text
    assert "set clip_norm" not in text
    assert "set clip_norm=1.0" in failure(model_with(Breaks(8)), x, y, epochs=3, clip_norm=None)


def test_the_first_layer_is_the_first_that_ran_not_the_first_that_was_made():
    class Backwards(nn.Module):
        def __init__(self):
            super().__init__()
            self.made_first = nn.Linear(2, 1)
            self.runs_first = nn.Sequential(nn.Linear(2, 2), Breaks(2))

        def forward(self, x):
            return self.made_first(self.runs_first(x))

    assert "layer 'runs_first.1' (Breaks)" in failure(Backwards(), *dense())


def test_a_bad_value_made_between_layers_is_the_models():
    class Divides(nn.Linear):
        def forward(self, x):
            return super().forward(x) / 0.0

    class Whole(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(2, 1)

        def forward(self, x):
            return self.head(x).sub(1e9).sqrt()

    assert "output of the model itself (Divides)" in failure(Divides(2, 1), *dense())
    assert "output of the model itself (Whole)" in failure(Whole(), *dense())


def test_a_bad_weight_is_named():
    model = model_with(nn.Tanh())
    with torch.no_grad():
        model[2].bias.fill_(math.inf)
    text = failure(model, *dense())
    assert "The first bad value is in bias of layer '2' (Linear)." in text
    assert text.endswith("Start again from weights that are finite.")


def test_a_bad_input_or_target_is_named_with_its_row():
    x, y = dense()
    x[20, 1] = math.inf
    text = failure(line_model(), x, y)
    assert "epoch 1, batch 3. The input has a value that is not finite, in row 4" in text
    assert text.endswith("Remove or fill such values in the data.")
    x, y = dense()
    y[9] = math.nan
    assert "batch 2. The targets have a value that is not finite, in row 1" in failure(
        line_model(), x, y
    )


def test_a_recurrent_layer_names_the_time_step():
    class Summing(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = recur.RNN(1, 1, nonlinearity="relu", batch_first=True)
            for parameter in self.layer.parameters():
                nn.init.constant_(parameter, 0.0)
            nn.init.constant_(self.layer.weight_ih_l0, 1.0)
            nn.init.constant_(self.layer.weight_hh_l0, 1e10)  # 1, 1e10, 1e20, 1e30, infinity

        def forward(self, x, lengths=None):
            outputs, _ = self.layer(x, lengths=lengths)
            return outputs[:, -1] * 0

    text = failure(Summing(), torch.ones(2, 6, 1), torch.zeros(2))
    assert "output of layer 'layer' (RNN), at time step 4 of row 0 of the batch" in text


def test_what_lies_beyond_a_length_is_not_the_cause():
    class Sums(nn.Linear):
        def forward(self, x, lengths):
            inside = torch.arange(x.shape[1]) < lengths.unsqueeze(1)
            return super().forward(torch.where(inside, x, 0.0).sum(1, keepdim=True)) * math.nan

    x = torch.full((8, 5), math.nan)
    x[:, :2] = 1.0
    data = Sequences(x, torch.zeros(8), lengths=[2] * 8)
    assert "output of the model itself (Sums)" in failure(Sums(1, 1), data)


def test_a_gradient_that_is_not_finite_is_named_walking_backwards():
    class Root(nn.Module):  # finite, with a slope that is not
        def forward(self, x):
            return (x * 0).sqrt()

    text = failure(model_with(Root()), *dense())
    assert text.startswith("The norm of the gradient is nan in epoch 1, batch 1. ")
    assert (
        "Walking backwards, the first bad value is in the gradient of weight of layer '0'" in text
    )


def test_a_loss_that_overflows_on_its_own():
    x, y = dense()
    text = failure(line_model(), x * 1e30, y, loss="mse")
    assert text.startswith("The loss is inf in epoch 1, batch 1. Every layer's output is finite")


def test_weights_checkpoint_and_best_weights_are_those_before(tmp_path):
    x, y = dense(40)
    expected, kept = [], {}

    def note(epoch, row):
        expected.append(weights(model))
        if epoch > 1:  # the state is saved after this
            kept[epoch - 1] = (tmp_path / checkpoint.FILE).read_bytes()

    model = model_with(Breaks(13))
    failure(model, x, y, epochs=4, on_epoch=note, checkpoint=tmp_path, restore_best=True,
            validation_data=(x, y))  # fmt: skip
    assert len(expected) == 2
    assert same_bits(weights(model), expected[1])
    state, _ = read_tensors(tmp_path / checkpoint.FILE)
    assert same_bits({n: state[f"model.{n}"] for n in expected[1]}, expected[1])
    assert (tmp_path / checkpoint.FILE).read_bytes() != kept[1]


def test_the_bad_batch_never_reaches_the_weights():
    x, y = dense(24)
    model, shorter = model_with(Breaks(3)), model_with(nn.Identity())
    failure(model, x, y)
    fit(shorter, x[:16], y[:16], **GIVEN)
    assert same_bits(weights(model), weights(shorter))


def test_batch_norm_survives_the_search():
    class Late(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm, self.head, self.broken = nn.BatchNorm1d(2), nn.Linear(2, 1), Breaks(1)

        def forward(self, x):
            return self.broken(self.head(self.norm(x)))

    model = Late()
    failure(model, *dense(8))
    assert model.norm.num_batches_tracked == 1


def test_validation_is_watched_too():
    x, y = dense()
    held_out = x.clone()
    held_out[30, 0] = math.nan
    text = failure(line_model(), x, y, validation_data=(held_out, y), epochs=2)
    assert text.startswith("The loss is nan in epoch 1, batch 1 of validation. The input has")
    assert "in row 30 of the batch" in text


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_a_learning_rate_that_is_far_too_high(cell):
    """The real thing: weights grow without limit."""
    x, y = ragged(80)
    model = token_model(cell=cell)
    text = failure(model, x, y * 1e20, loss="mse", learning_rate=1e30, epochs=50, clip_norm=None,
                   optimizer="sgd")  # fmt: skip
    assert "Lower learning_rate (now 1e+30), set clip_norm=1.0" in text
    assert all(value.isfinite().all() for value in weights(model).values())


# On devices that are not waited for, numbers are looked at some batches later.


@pytest.fixture
def unseen(monkeypatch):
    """Trains on the CPU the way that other devices do."""
    from recur.training import gradients, trainer

    real = gradients.Gradients.__init__

    def init(self, *given):
        real(self, *given)
        self.on_cpu = False

    monkeypatch.setattr(gradients.Gradients, "__init__", init)
    return trainer.UNREAD


def test_numbers_read_late_are_the_same(unseen):
    x, y = dense(8 * (2 * unseen + 3))
    late, model = line_model(), line_model()
    history = fit(late, x, y, **GIVEN, epochs=2)
    assert len(x) / 8 % unseen  # some are left at the end of an epoch
    expected = [
        {"loss": history.loss[0], "norm": history.gradient_norm[0]},
        {"loss": history.loss[1], "norm": history.gradient_norm[1]},
    ]
    step = torch.optim.Adam(model.parameters(), fused=True)
    for row in expected:
        losses, norms = [], []
        for start in range(0, len(x), 8):
            step.zero_grad()
            outputs, wanted = model(x[start : start + 8]), y[start : start + 8].unsqueeze(1)
            loss = nn.functional.binary_cross_entropy_with_logits(outputs, wanted)
            loss.backward()
            norms.append(nn.utils.clip_grad_norm_(model.parameters(), 1.0).item())
            losses.append(loss.item())
            step.step()
        assert sum(losses) / len(losses) == pytest.approx(row["loss"], rel=1e-5)
        assert sum(norms) / len(norms) == pytest.approx(row["norm"], rel=1e-5)


def test_a_bad_batch_seen_late_is_named_and_leaves_finite_weights(unseen):
    x, y = dense(8 * unseen)
    x[8 * 5 + 2] = math.nan
    model = line_model()
    text = failure(model, TensorDataset(x, y))
    assert "epoch 1, batch 6. The input has a value that is not finite, in row 2" in text
    assert all(value.isfinite().all() for value in weights(model).values())


def test_explosions_are_reported_in_words_once():
    x, y = dense(80)
    x[5] = 1e4  # one example with a feature in the wrong unit
    history = fit(line_model(), x, y, **{**GIVEN, "loss": "mse"}, epochs=5)
    (note,) = history.notes
    assert note.startswith("A gradient that exploded was cut to 1 (norm ")
    assert "in epoch 1, batch 1; usual: " in note
    assert history.gradient_norm_max[0] > 1000


def test_recurrent_explosions_are_reported():
    """The textbook case: a recurrent weight above 1, many steps."""
    x = pad_sequence([torch.ones(40, 1) for _ in range(8)], batch_first=True)
    model = nn.Sequential(
        recur.RNN(1, 1, nonlinearity="relu", batch_first=True, return_sequences=False),
        nn.Linear(1, 1),
    )
    for parameter in model.parameters():
        nn.init.constant_(parameter, 0.1)
    nn.init.constant_(model[0].weight_hh_l0, 1.3)
    history = fit(model, x, torch.zeros(8), **{**GIVEN, "loss": "mse"}, clip_norm=1.0)
    assert "A gradient that exploded was cut to 1" in history.notes[0]
