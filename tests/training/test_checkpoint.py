"""Checkpoints: training that was cut anywhere goes on as if nothing had happened, bit for bit."""

from __future__ import annotations

import json
import os

import pytest
import torch
from tests.training.problems import (
    LOGITS,
    dense,
    line_model,
    numbers,
    ragged_data,
    same_bits,
    token_model,
    weights,
)
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from recur import files
from recur.data.sequences import collate
from recur.messages import FailedError, InputError
from recur.training import TrainingInterrupted, checkpoint, fit, trainer


def cut_after(monkeypatch, calls, *, training=True):
    """Ctrl-C arrives while the model works on its `calls`th batch of training or validation."""
    left = [calls]
    real = nn.Module.__call__

    def forward(self, *args, **given):
        if hasattr(self, "watched") and self.training == training:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), 2)
        return real(self, *args, **given)

    monkeypatch.setattr(nn.Module, "__call__", forward)


GIVEN = {
    "loss": LOGITS, "metrics": ["accuracy"], "epochs": 3, "batch_size": 8, "progress": False,
    "seed": 5, "restore_best": True,
}  # fmt: skip


def loader():
    return DataLoader(ragged_data(), batch_size=8, shuffle=True, collate_fn=collate)


DATA = {"Sequences": ragged_data, "a shuffled DataLoader": loader}
# 60 examples are 8 batches of 8: within an epoch, at its last batch, at the very last one.
CUTS = {"early": 1, "within the first epoch": 3, "end of an epoch": 8, "within the last": 19,
        "the last batch": 24}  # fmt: skip


def watched(**given):
    model = token_model(dropout=0.3, **given)
    model.watched = True
    return model


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("cut", CUTS)
def test_interrupted_training_goes_on_bit_for_bit(data, cut, tmp_path, monkeypatch):
    given = {**GIVEN, "validation_data": ragged_data(20, 1)}
    whole = watched()
    expected = fit(whole, DATA[data](), **given)

    with monkeypatch.context() as patch:
        cut_after(patch, CUTS[cut])
        with pytest.raises(TrainingInterrupted) as stopped:
            fit(watched(), DATA[data](), **given, checkpoint=tmp_path)
    assert stopped.value.checkpoint == tmp_path
    assert (stopped.value.epoch, stopped.value.batch) == (
        (CUTS[cut] - 1) // 8 + 1,
        (CUTS[cut] - 1) % 8 + 1,
    )

    torch.rand(3)  # another process would have another random state
    again = watched(seed=99)  # and other weights at first
    history = fit(again, DATA[data](), **given, checkpoint=tmp_path, resume=True)
    assert same_bits(weights(again), weights(whole))
    assert numbers(history) == numbers(expected)


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd", "rmsprop", "adagrad", "nadam",
    lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
    lambda p: torch.optim.Adam(
        [{"params": [each], "betas": (0.8, 0.9)} for each in p], lr=torch.tensor(0.01)),
])  # fmt: skip
def test_every_optimizer_goes_on_bit_for_bit(optimizer, tmp_path, monkeypatch):
    given = {**GIVEN, "optimizer": optimizer}
    whole, again = watched(), watched()
    fit(whole, ragged_data(), **given)
    with monkeypatch.context() as patch:
        cut_after(patch, 11)
        with pytest.raises(TrainingInterrupted):
            fit(watched(), ragged_data(), **given, checkpoint=tmp_path)
    fit(again, ragged_data(), **given, checkpoint=tmp_path, resume=True)
    assert same_bits(weights(again), weights(whole))


def test_a_weighted_loss_goes_on_bit_for_bit(tmp_path, monkeypatch):
    loss = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 7.0]))
    given = {**GIVEN, "loss": loss, "monitor": "loss"}

    def made():
        model = line_model(2)
        model.watched = True
        return model

    x, y = dense()
    expected = fit(made(), x, y, **given)
    with monkeypatch.context() as patch:
        cut_after(patch, 9)
        with pytest.raises(TrainingInterrupted):
            fit(made(), x, y, **given, checkpoint=tmp_path)
    history = fit(made(), x, y, **given, checkpoint=tmp_path, resume=True)
    assert numbers(history) == numbers(expected)


def test_cut_while_validating(tmp_path, monkeypatch):
    given = {**GIVEN, "validation_data": ragged_data(600, 1)}
    whole = watched()
    expected = fit(whole, ragged_data(), **given)
    with monkeypatch.context() as patch:
        cut_after(patch, 2, training=False)
        with pytest.raises(TrainingInterrupted) as stopped:
            fit(watched(), ragged_data(), **given, checkpoint=tmp_path)
    assert (stopped.value.epoch, stopped.value.batch, len(stopped.value.history)) == (1, 8, 0)
    again = watched()
    history = fit(again, ragged_data(), **given, checkpoint=tmp_path, resume=True)
    assert same_bits(weights(again), weights(whole))
    assert numbers(history) == numbers(expected)


def test_cut_again_and_again(tmp_path, monkeypatch):
    whole = watched()
    expected = fit(whole, ragged_data(), **GIVEN)
    for _ in range(30):
        model = watched()
        with monkeypatch.context() as patch:
            cut_after(patch, 5)
            try:
                history = fit(model, ragged_data(), **GIVEN, checkpoint=tmp_path, resume=True)
            except TrainingInterrupted:
                continue
        break
    else:
        pytest.fail("training never ended")
    assert same_bits(weights(model), weights(whole))
    assert numbers(history) == numbers(expected)


def test_a_kill_within_a_long_epoch_loses_some_minutes_at_most(tmp_path, monkeypatch):
    """The state is saved by the clock too; here the clock has always run out."""
    monkeypatch.setattr(trainer, "SAVE_EVERY", 0.0)
    whole = watched()
    fit(whole, ragged_data(), **GIVEN)

    class Killed(BaseException):
        pass

    def kill(epoch, row):
        raise Killed

    with pytest.raises(Killed):
        fit(watched(), ragged_data(), **{**GIVEN, "epochs": 2}, checkpoint=tmp_path, on_epoch=kill)
    model = watched()
    model.steps = 0
    model.register_forward_pre_hook(lambda m, i: setattr(m, "steps", m.steps + m.training))
    real, calls = checkpoint.save, []

    def dies(*args):
        real(*args)
        calls.append(args)
        if len(calls) == 5:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "save", dies)
        with pytest.raises(Killed):
            fit(model, ragged_data(), **GIVEN, checkpoint=tmp_path, resume=True)
    assert model.steps == 4  # the first of them saved the epoch whose on_epoch was killed
    fit(model, ragged_data(), **GIVEN, checkpoint=tmp_path, resume=True)
    assert same_bits(weights(model), weights(whole))
    assert model.steps == 16


def test_training_longer(tmp_path):
    whole, model = token_model(dropout=0.3), token_model(dropout=0.3)
    given = {**GIVEN, "restore_best": False}
    expected = fit(whole, ragged_data(), **given)
    fit(model, ragged_data(), **{**given, "epochs": 1}, checkpoint=tmp_path)
    history = fit(model, ragged_data(), **given, checkpoint=tmp_path, resume=True)
    assert same_bits(weights(model), weights(whole))
    assert numbers(history) == numbers(expected)


def test_a_finished_training_is_only_read(tmp_path):
    model, again = token_model(), token_model(seed=1)
    expected = fit(model, ragged_data(), **GIVEN, checkpoint=tmp_path)
    history = fit(again, ragged_data(), **GIVEN, checkpoint=tmp_path, resume=True)
    assert same_bits(weights(model), weights(again))
    assert history.rows == expected.rows


def test_an_early_stop_stays_one(tmp_path):
    given = {**GIVEN, "epochs": 50, "patience": 1, "learning_rate": 0.3}
    model, again = token_model(), token_model(seed=1)
    expected = fit(model, ragged_data(), **given, checkpoint=tmp_path)
    assert len(expected) < 50
    history = fit(again, ragged_data(), **given, checkpoint=tmp_path, resume=True)
    assert history.rows == expected.rows
    assert history.notes == expected.notes
    assert same_bits(weights(model), weights(again))


def test_a_learning_rate_changed_on_the_way_is_kept_and_may_be_given_anew(tmp_path):
    def fitted(**more):
        model = line_model()
        step = torch.optim.SGD(model.parameters(), lr=0.5)

        def halve(epoch, row):
            step.param_groups[0]["lr"] /= 2

        x, y = dense()
        return fit(model, x, y, loss=LOGITS, seed=0, progress=False, optimizer=step,
                   checkpoint=tmp_path, on_epoch=halve, **more).learning_rate  # fmt: skip

    assert fitted(epochs=2) == [0.5, 0.25]
    assert fitted(epochs=3, resume=True) == [0.5, 0.25, 0.125]


@pytest.mark.parametrize("stop", [None, RuntimeError, KeyboardInterrupt])
def test_what_on_epoch_changes_goes_on_bit_for_bit(stop, tmp_path):
    """The step size, weights and what was drawn; also if it then fails, or is stopped."""

    def fitted(epochs, stop=None, **more):
        model = token_model(dropout=0.3)
        step = torch.optim.Adam(model.parameters(), lr=0.1)
        seen = []

        def change(epoch, row):
            seen.append((epoch, row["loss"], row["learning_rate"]))
            step.param_groups[0]["lr"] /= 2
            with torch.no_grad():
                model.head.weight.mul_(0.9)
            torch.rand(3)
            if epoch == 2 and stop:
                raise stop

        given = {**GIVEN, "optimizer": step, "epochs": epochs, "on_epoch": change, **more}
        try:
            history = fit(model, ragged_data(), **given)
        except (RuntimeError, KeyboardInterrupt):
            return None
        return weights(model), numbers(history), seen

    whole, rows, seen = fitted(4)
    fitted(2, stop, checkpoint=tmp_path)
    again, rows_again, seen_again = fitted(4, checkpoint=tmp_path, resume=True)
    assert same_bits(again, whole)
    assert rows_again == rows
    # What fails counts as done; what Ctrl-C stops at once is done again.
    assert seen_again == seen[1 if stop is KeyboardInterrupt else 2 :]


def test_two_trainings_do_not_share_a_folder(tmp_path):
    def again(epoch, row):
        with pytest.raises(FailedError, match="Another training is under way in"):
            fit(token_model(), ragged_data(), **GIVEN, checkpoint=tmp_path, resume=True)

    fit(token_model(), ragged_data(), **GIVEN, checkpoint=tmp_path, on_epoch=again)
    assert os.listdir(tmp_path) == [checkpoint.FILE]


@pytest.mark.parametrize("taken", [False, True])
def test_a_folder_that_is_moved_while_training_is_noticed(taken, tmp_path):
    folder, moved = tmp_path / "state", tmp_path / "moved"
    whole = token_model()
    fit(whole, ragged_data(), **GIVEN)

    def move(epoch, row):
        if epoch == 2:
            folder.rename(moved)
            if taken:
                folder.mkdir()

    told = "nothing was saved" if taken else "saved in a new one of that name"
    with pytest.raises(FailedError, match=f"state was moved or deleted while training.*{told}"):
        fit(token_model(), ragged_data(), **GIVEN, checkpoint=folder, on_epoch=move)
    model, goes_on = token_model(), moved if taken else folder
    assert taken == (not list(folder.iterdir()))
    history = fit(model, ragged_data(), **GIVEN, checkpoint=goes_on, resume=True)
    assert len(history) == 3
    assert same_bits(weights(model), weights(whole))


def test_another_learning_rate_may_be_given(tmp_path):
    given = {**GIVEN, "learning_rate": 0.01}
    fit(token_model(), ragged_data(), **{**given, "epochs": 1}, checkpoint=tmp_path)
    given["learning_rate"] = 0.002
    history = fit(token_model(), ragged_data(), **given, checkpoint=tmp_path, resume=True)
    assert history.learning_rate == [0.01, 0.002, 0.002]


def test_nothing_to_go_on_from_is_a_beginning(tmp_path):
    model, plain = token_model(), token_model()
    fit(plain, ragged_data(), **GIVEN)
    fit(model, ragged_data(), **GIVEN, checkpoint=tmp_path / "new", resume=True)
    assert same_bits(weights(model), weights(plain))


# What must not happen


def kept(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_an_earlier_training_is_not_overwritten(tmp_path):
    fit(token_model(), ragged_data(), **GIVEN, checkpoint=tmp_path)
    before = kept(tmp_path)
    with pytest.raises(InputError, match=r"resume=True to go on.*another checkpoint folder"):
        fit(token_model(), ragged_data(), **GIVEN, checkpoint=tmp_path)
    assert kept(tmp_path) == before


def test_going_on_in_another_way_is_refused_and_changes_nothing(tmp_path):
    fit(token_model(), ragged_data(), **{**GIVEN, "epochs": 1}, checkpoint=tmp_path)
    before, model = kept(tmp_path), token_model(seed=4)
    started = weights(model)
    changed = {"batch_size": 4, "seed": 6, "loss": "mse", "metrics": [], "optimizer": "sgd"}
    with pytest.raises(InputError) as error:
        fit(model, ragged_data(61), **{**GIVEN, **changed}, checkpoint=tmp_path, resume=True)
    for sentence in ("examples was 60 and is 61", "batch_size was 8 and is 4",
                     "seed was 5 and is 6", "optimizer was 'Adam' and is 'SGD'"):  # fmt: skip
        assert sentence in str(error.value)
    assert kept(tmp_path) == before
    assert same_bits(weights(model), started)


def test_another_model_is_refused(tmp_path):
    fit(token_model(), ragged_data(), **{**GIVEN, "epochs": 1}, checkpoint=tmp_path)
    with pytest.raises(InputError, match="the one that was saved; got another"):
        fit(token_model(cell="lstm"), ragged_data(), **GIVEN, checkpoint=tmp_path, resume=True)


def test_a_damaged_state_is_named(tmp_path):
    fit(token_model(), ragged_data(), **{**GIVEN, "epochs": 1}, checkpoint=tmp_path)
    path = tmp_path / checkpoint.FILE
    whole = path.read_bytes()
    for damaged in (b"", whole[:100], whole[:-7], whole[:-9] + b"\xff" * 9):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match="damaged"):
            fit(token_model(), ragged_data(), **GIVEN, checkpoint=tmp_path, resume=True)
    files.write_tensors(path, {"a": torch.zeros(1)})
    with pytest.raises(InputError, match="no checkpoint of recur"):
        fit(token_model(), ragged_data(), **GIVEN, checkpoint=tmp_path, resume=True)


def test_a_state_of_a_newer_recur_is_named(tmp_path):
    fit(token_model(), ragged_data(), **{**GIVEN, "epochs": 1}, checkpoint=tmp_path)
    tensors, header = files.read_tensors(tmp_path / checkpoint.FILE)
    header["format"] = json.dumps(checkpoint.FORMAT + 1)
    files.write_tensors(tmp_path / checkpoint.FILE, tensors, header)
    with pytest.raises(InputError, match="Install a newer recur"):
        fit(token_model(), ragged_data(), **GIVEN, checkpoint=tmp_path, resume=True)


def test_a_full_disk_keeps_the_state_before(tmp_path, monkeypatch):
    given = {**GIVEN, "checkpoint": tmp_path}
    fit(token_model(), ragged_data(), **{**given, "epochs": 1})
    before = kept(tmp_path)

    def full(handle):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(FailedError, match=r"No space left on device.*before is unchanged"):
            fit(token_model(), ragged_data(), **given, resume=True)
    assert kept(tmp_path) == before
    whole, model = token_model(), token_model()
    fit(whole, ragged_data(), **GIVEN)
    fit(model, ragged_data(), **given, resume=True)
    assert same_bits(weights(model), weights(whole))


def test_state_that_is_no_tensor_is_refused(tmp_path):
    class Odd(nn.Linear):
        def get_extra_state(self):
            return {"anything": object()}

        def set_extra_state(self, state):
            pass

    x, y = dense()
    with pytest.raises(InputError, match="tensors; got _extra_state of type dict"):
        fit(Odd(2, 1), x, y, loss=LOGITS, progress=False, checkpoint=tmp_path)

    class Remembering(torch.optim.SGD):
        def step(self, closure=None):
            for parameter in self.param_groups[0]["params"]:
                self.state[parameter]["thing"] = object()

    with pytest.raises(FailedError, match="state of this optimizer cannot be saved"):
        fit(line_model(), x, y, loss=LOGITS, progress=False, checkpoint=tmp_path,
            optimizer=Remembering)  # fmt: skip


def test_tied_weights_and_buffers_go_on(tmp_path):
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = nn.BatchNorm1d(2)
            self.first = nn.Linear(2, 2)
            self.second = nn.Linear(2, 2)
            self.second.weight = self.first.weight
            self.head = nn.Linear(2, 1)

        def forward(self, x):
            return self.head(self.second(self.first(self.norm(x))))

    def made():
        torch.manual_seed(0)
        return Tied()

    given = {"x": TensorDataset(*dense()), "loss": LOGITS, "seed": 0, "progress": False}
    whole, model = made(), made()
    fit(whole, **given, epochs=3)
    fit(made(), **given, epochs=2, checkpoint=tmp_path)
    fit(model, **given, epochs=3, checkpoint=tmp_path, resume=True)
    assert same_bits(weights(model), weights(whole))
    assert model.second.weight is model.first.weight


def test_data_that_vary_with_numpys_and_pythons_chance(tmp_path, monkeypatch):
    import random

    import numpy as np

    class Noisy(TensorDataset):
        def __getitem__(self, index):
            x, y = super().__getitem__(index)
            shift = np.random.normal() + random.gauss(0, 1) + torch.randn(()).item()
            return x + shift, y

    for data in (lambda: Noisy(*dense()), lambda: DataLoader(Noisy(*dense()), batch_size=8)):
        folder = tmp_path / type(data()).__name__
        whole, model = line_model(), line_model()
        whole.watched = model.watched = True
        given = {"loss": LOGITS, "seed": 0, "batch_size": 8, "epochs": 2, "progress": False}
        fit(whole, data(), **given)
        with monkeypatch.context() as patch:
            cut_after(patch, 4)
            with pytest.raises(TrainingInterrupted):
                fit(model, data(), **given, checkpoint=folder)
        np.random.normal(), random.gauss(0, 1)
        fit(model, data(), **given, checkpoint=folder, resume=True)
        assert same_bits(weights(model), weights(whole))
