"""Callbacks: when they are called, what they see, and that their faults cost nothing."""

from __future__ import annotations

import os
import sys

import pytest
import torch
from tests.training.problems import LOGITS, dense, line_model, numbers, same_bits, weights

from recur.messages import FailedError, InputError
from recur.training import Callback, TensorBoard, Training, TrainingInterrupted, checkpoint, fit
from recur.training.callbacks import MOMENTS

GIVEN = {"loss": LOGITS, "progress": False, "seed": 0, "batch_size": 24, "epochs": 2}


class Noting(Callback):
    """Notes where training stands at each moment."""

    def __init__(self):
        self.seen = []


def _note(moment):
    def method(self, training):
        self.seen.append((moment.removeprefix("on_"), training.epoch, training.batch))
        assert isinstance(training, Training)
        assert (training.epochs, training.batches) == (2, 2)

    return method


for _moment in MOMENTS:
    setattr(Noting, _moment, _note(_moment))


def test_the_moments_in_their_order():
    noting, x, y = Noting(), *dense()
    fit(line_model(), x, y, **GIVEN, callbacks=[noting])
    expected = [("train_begin", 1, 0)]
    for epoch in (1, 2):
        expected += [("epoch_begin", epoch, 0)]
        for batch in (1, 2):
            expected += [("batch_begin", epoch, batch), ("batch_end", epoch, batch)]
        expected += [("epoch_end", epoch, 2)]
    assert noting.seen == [*expected, ("train_end", 2, 2)]


def test_rows_and_the_order_of_callbacks():
    told, rows = [], []

    class Second(Callback):
        def on_epoch_end(self, training):
            told.append("second")
            rows.append(training.row)
            assert training.optimizer.param_groups[0]["lr"] == training.row["learning_rate"]

    first = lambda epoch, row: told.append((epoch, row["loss"]))  # noqa: E731
    history = fit(line_model(), *dense(), **GIVEN, on_epoch=first, callbacks=[Second()])
    assert rows == history.rows
    assert told == [(1, history.loss[0]), "second", (2, history.loss[1]), "second"]


@pytest.mark.parametrize("fault", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("moment", [name for name in MOMENTS if name != "on_train_end"])
def test_a_fault_costs_nothing_and_what_was_changed_goes_on(moment, fault, tmp_path):
    """The second time that it is called it raises, after it has changed weights and step size."""

    class Changing(Callback):
        calls = ended = 0

        def on_train_end(self, training):
            self.ended += 1

    def change(self, training):
        self.calls += 1
        with torch.no_grad():
            training.model.weight.mul_(0.9)
        training.optimizer.param_groups[0]["lr"] /= 2
        if self.calls == raises_at:
            raise fault

    def train(**more):
        model = line_model()
        try:
            history = fit(model, *dense(), **GIVEN, learning_rate=0.1, callbacks=[hears], **more)
        except (RuntimeError, KeyboardInterrupt):
            return None
        return weights(model), numbers(history)

    raises_at = 0
    hears = Changing()
    setattr(Changing, moment, change)
    whole = train()
    again = moment in ("on_epoch_end", "on_batch_end") and fault is RuntimeError
    raises_at, hears.calls = 1 if moment == "on_train_begin" else 2, 0
    assert train(checkpoint=tmp_path) is None
    assert hears.ended == 2
    if not again:
        return
    raises_at = 0
    resumed = train(checkpoint=tmp_path, resume=True)
    assert same_bits(resumed[0], whole[0])
    assert resumed[1] == whole[1]


def test_the_end_of_a_training_that_is_stopped():
    class Stops(Callback):
        ended = False

        def on_batch_end(self, training):
            os.kill(os.getpid(), 2)

        def on_train_end(self, training):
            self.ended = True

    stops = Stops()
    with pytest.raises(TrainingInterrupted):
        fit(line_model(), *dense(), **GIVEN, callbacks=[stops])
    assert stops.ended


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"callbacks": [print]}, r"a list of recur.training.Callback; got <built-in"),
        ({"callbacks": [Noting]}, r"Make an object of it: Name\(\)"),
        ({"callbacks": 3}, "callbacks must be a list of recur.training.Callback; got 3"),
        ({"on_epoch": 3}, "on_epoch must be a function of an epoch and its row; got 3"),
    ],
)
def test_other_things_are_no_callbacks(given, sentence):
    with pytest.raises(InputError, match=sentence):
        fit(line_model(), *dense(), **GIVEN, **given)


def test_tensorboard_shows_every_column_also_of_a_training_that_went_on(tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    given = {**GIVEN, "checkpoint": tmp_path / "state", "validation_split": 0.25, "resume": True}
    board = tmp_path / "board"
    fit(line_model(), *dense(), **{**given, "epochs": 1}, callbacks=[TensorBoard(board)])
    history = fit(line_model(), *dense(), **given, callbacks=[TensorBoard(board)])
    read = accumulator.EventAccumulator(str(board))
    read.Reload()
    assert sorted(read.Tags()["scalars"]) == sorted(history.columns)
    events = read.Scalars("val_loss")
    assert [event.step for event in events] == [1, 2]
    assert [event.value for event in events] == pytest.approx(history.val_loss)
    assert (tmp_path / "state" / checkpoint.FILE).exists()


def test_without_the_package_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(FailedError, match=r"pip install 'recur\[tensorboard\]'"):
        TensorBoard(tmp_path)
