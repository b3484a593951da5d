"""The training loop: a ladder of short steps from `fit` down to one batch."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from recur.data.sequences import Batch, Sequences
from recur.files import PathLike
from recur.messages import InputError, must, one_of
from recur.training import checkpoint as store
from recur.training import losses, metrics
from recur.training.call import Call, caller, device_of, takes_lengths, to_device
from recur.training.checkpoint import Live, Position
from recur.training.feed import Feed, SequenceFeed, feed_of, sequences_of
from recur.training.guard import exploded, not_finite
from recur.training.history import History, direction
from recur.training.interrupt import Interrupt, TrainingInterrupted
from recur.training.losses import Loss, find_loss
from recur.training.measure import measured
from recur.training.metrics import Metric, find_metrics
from recur.training.optimizers import find_optimizer
from recur.training.progress import Progress
from recur.training.totals import Totals


def fit(
    model: nn.Module,
    x: Any,
    y: Any = None,
    *,
    loss: str | losses.Function,
    lengths: Any = None,
    metrics: Sequence[str | metrics.Function] = (),
    validation_data: Any = None,
    validation_split: float = 0.0,
    epochs: int = 1,
    batch_size: int = 32,
    optimizer: str | Optimizer = "adam",
    learning_rate: float | None = None,
    clip_norm: float | None = 1.0,
    shuffle: bool = True,
    bucket: bool | None = None,
    seed: int | None = None,
    monitor: str | None = None,
    patience: int | None = None,
    restore_best: bool = False,
    checkpoint: PathLike | None = None,
    resume: bool = False,
    progress: bool | None = None,
    device: str | torch.device | None = None,
    on_epoch: Callable[[int, dict[str, float]], object] | None = None,
) -> History:
    """Trains a model, in place.

    With the same `seed` on the same machine and number of threads, every number comes out the same,
    bit for bit: the order of batches and the random numbers of dropout come from it. The random
    state outside is left as it was.

    Args:
        model: any module. It is called as `model(x)`, or as `model(x, lengths=lengths)` where the
            data have lengths and its forward takes them.
        x: an array or tensor (N, ...), a list of N sequences of unequal length, `Sequences`, a
            `Dataset` or a `DataLoader`.
        y: N targets, unless `x` holds them.
        loss: "binary_crossentropy" (of probabilities), "binary_crossentropy_with_logits",
            "cross_entropy" (scores and class numbers; also "sparse_categorical_crossentropy"),
            "mse", "mae", "huber", or a callable (outputs, targets) -> scalar.
        lengths: the steps of each row, where `x` is one padded array.
        metrics: names ("accuracy", "mae", "mse", "rmse") or callables (outputs, targets) -> values.
        validation_data: (x, y), (x, y, lengths), `Sequences` or a `DataLoader`.
        validation_split: the last part of the data, before any shuffling, is kept for validation.
        epochs: passes over the data.
        batch_size: rows in a batch.
        optimizer: "adam", "adamw", "sgd", "rmsprop", "adagrad", "nadam", or a torch.optim object.
        learning_rate: the step size; None for torch's default.
        clip_norm: the norm that the whole gradient is cut to; None not to. The norm before cutting
            is in the history.
        shuffle: another order in every epoch.
        bucket: put rows of similar length in a batch; None: where they differ in length.
        seed: see above; None draws one.
        monitor: the column that says which epoch is best; None: "val_loss", or "loss" without
            validation data. Accuracy is best when high, everything else when low.
        patience: stop after so many epochs without a better value; None: never.
        restore_best: end with the weights of the best epoch.
        checkpoint: a folder for the state after every epoch and on Ctrl-C.
        resume: go on from the state in `checkpoint` if there is one.
        progress: None: a bar on a terminal, a line an epoch elsewhere; False: nothing.
        device: where to train; None: where the model is.
        on_epoch: called with the epoch (from 1) and its row after each epoch.

    Returns:
        The history; a row an epoch.

    Raises:
        InputError: data or arguments that do not fit.
        FailedError: a loss or gradient that is not finite (the best weights are untouched), or a
            checkpoint that cannot be written.
        TrainingInterrupted: on Ctrl-C, after the batch has ended and the state is saved.
    """
    _positive("epochs", epochs)
    _positive("batch_size", batch_size)
    if patience is not None:
        _positive("patience", patience)
    if clip_norm is not None and not clip_norm > 0:
        raise InputError(must("clip_norm", "above 0, or None not to clip", clip_norm))
    if resume and checkpoint is None:
        raise InputError("resume needs checkpoint: the folder with the state to go on from.")
    if device is not None:
        model.to(device)
    train, validation = _feeds(
        x, y, lengths, validation_data, validation_split, batch_size=batch_size, bucket=bucket
    )
    found = find_loss(loss)
    chosen = find_metrics(metrics, found)
    columns = ["loss", *[metric.name for metric in chosen]]
    columns += [f"val_{name}" for name in columns] if validation is not None else []
    default = "val_loss" if validation is not None else "loss"
    training = _Training(
        model=model,
        call=caller(model),
        train=train,
        validation=validation,
        loss=found,
        metrics=chosen,
        optimizer=find_optimizer(optimizer, model, learning_rate),
        epochs=epochs,
        clip_norm=clip_norm,
        shuffle=shuffle,
        monitor=one_of("monitor", monitor or default, columns),
        patience=patience,
        restore_best=restore_best,
        folder=None if checkpoint is None else Path(checkpoint),
        on_epoch=on_epoch,
    )
    with torch.random.fork_rng(devices=[]):
        chosen_seed = _drawn() if seed is None else seed
        torch.manual_seed(chosen_seed)
        return training.run(chosen_seed, resume, progress)


@dataclass
class _Training:
    """One call of `fit`: what it was asked for, and its steps."""

    model: nn.Module
    call: Call
    train: Feed
    validation: Feed | None
    loss: Loss
    metrics: list[Metric]
    optimizer: Optimizer
    epochs: int
    clip_norm: float | None
    shuffle: bool
    monitor: str
    patience: int | None
    restore_best: bool
    folder: Path | None
    on_epoch: Callable[[int, dict[str, float]], object] | None

    def run(self, seed: int, resume: bool, show: bool | None) -> History:
        self.device = device_of(self.model)
        self.position = Position(seed)
        self.totals = Totals(self.loss, self.metrics)
        self.live = Live(self.model, self.optimizer, {}, self.totals.sums, torch.get_rng_state())
        if resume and self.folder is not None and store.exists(self.folder):
            self.position = store.restore(self.folder, self.live)
        with Progress(self.epochs, len(self.train), show) as self.progress, Interrupt() as heard:
            self._warn_of_padding()
            while self.position.epoch < self.epochs and not self._patience_is_over():
                self._run_epoch(heard)
        if self.restore_best and self.live.best:
            self.model.load_state_dict(self.live.best)
        return self._history()

    def _run_epoch(self, heard: Interrupt) -> None:
        position = self.position
        self.progress.begin(position.epoch + 1, position.batch)
        started = time.perf_counter() - position.seconds
        self.model.train()
        for batch in self._batches():
            if heard.asked:
                position.seconds = time.perf_counter() - started
                self._stop()
            loss = self._train_step(to_device(batch, self.device))
            position.batch += 1
            self.progress.batch(loss)
        position.seconds = time.perf_counter() - started
        if not position.batch:
            raise InputError("There is nothing to train on: the data hold no batch.")
        if heard.asked and not self._epoch_is_over():
            self._stop()
        self._end_epoch(started)
        if heard.asked and position.epoch < self.epochs:
            self._stop()

    def _batches(self) -> Any:
        """The batches of the epoch under way that are still to do."""
        position = self.position
        order = _mixed(position.seed, position.epoch) if self.shuffle else None
        if not position.batch:
            self.live.epoch_random = torch.get_rng_state()
            return self.train.batches(order)
        if isinstance(self.train, SequenceFeed):
            return self.train.batches(order, position.batch)
        return self._replayed(order)

    def _replayed(self, order: int | None) -> Any:
        """A DataLoader shuffles from the random state: its epoch is begun again as it was."""
        now = torch.get_rng_state()
        torch.set_rng_state(self.live.epoch_random)
        batches = self.train.batches(order, self.position.batch)
        first = next(batches, None)
        torch.set_rng_state(now)
        if first is not None:
            yield first
            yield from batches

    def _train_step(self, batch: Batch) -> float:
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.totals.add(batch, self.call(batch))
        loss.backward()  # type: ignore[no-untyped-call]
        norm = self._clip()
        value = loss.item()
        if not torch.isfinite(torch.tensor([value, norm])).all():
            self._fail(batch, value, norm)
        self.position.norms.append(norm)
        self.optimizer.step()
        return value

    def _clip(self) -> float:
        parameters = [p for p in self.model.parameters() if p.grad is not None]
        limit = self.clip_norm if self.clip_norm is not None else float("inf")
        norm: Tensor = nn.utils.clip_grad_norm_(parameters, limit)
        return norm.item()

    def _fail(self, batch: Batch, loss: float, norm: float) -> None:
        error = not_finite(
            self.model,
            batch,
            loss=loss,
            norm=norm,
            epoch=self.position.epoch + 1,
            number=self.position.batch + 1,
            rate=self.optimizer.param_groups[0]["lr"],
            clip_norm=self.clip_norm,
        )
        if self.restore_best and self.live.best:
            self.model.load_state_dict(self.live.best)
        raise error

    def _epoch_is_over(self) -> bool:
        return not len(self.train) or self.position.batch >= len(self.train)

    def _end_epoch(self, started: float) -> None:
        position = self.position
        row = self.totals.means()
        if self.validation is not None:
            row |= measured(self.model, self.validation, self.loss, self.metrics, "val_")
        row["gradient_norm"] = sum(position.norms) / len(position.norms)
        row["gradient_norm_max"] = max(position.norms)
        row["learning_rate"] = float(self.optimizer.param_groups[0]["lr"])
        row["seconds"] = time.perf_counter() - started
        self._note(exploded(position.norms, self.clip_norm))
        position.rows.append(row)
        self._keep_if_best(row)
        position.epoch += 1
        position.batch, position.norms, position.seconds = 0, [], 0.0
        self.totals.sums.zero_()
        self.progress.end(position.epoch, row)
        if self.folder is not None:
            store.save(self.folder, position, self.live)
        if self.on_epoch is not None:
            self.on_epoch(position.epoch, dict(row))

    def _keep_if_best(self, row: dict[str, float]) -> None:
        value, sign = row[self.monitor], direction(self.monitor)
        if value != value:
            return
        if self.position.best is None or sign * value > sign * self.position.best:
            self.position.best, self.position.best_epoch = value, self.position.epoch
            if self.restore_best:
                state = self.model.state_dict()
                self.live.best = {name: tensor.detach().clone() for name, tensor in state.items()}

    def _patience_is_over(self) -> bool:
        position = self.position
        if self.patience is None or position.best_epoch is None:
            return False
        waited = position.epoch - 1 - position.best_epoch
        if waited < self.patience:
            return False
        self._note(
            f"Stopped early: {self.monitor} has not improved for {waited} epochs; the best was "
            f"{position.best:.4f} in epoch {position.best_epoch + 1}."
        )
        return True

    def _warn_of_padding(self) -> None:
        ragged = isinstance(self.train, SequenceFeed) and self.train.lengths is not None
        if ragged and not takes_lengths(self.model):
            self._note(
                "The model's forward takes no `lengths`: it reads the padding as if it were data."
            )

    def _note(self, sentence: str | None) -> None:
        if sentence and sentence not in self.position.notes:
            self.position.notes.append(sentence)
            self.progress.say(sentence)

    def _stop(self) -> None:
        if self.folder is not None:
            store.save(self.folder, self.position, self.live)
        position = self.position
        raise TrainingInterrupted(position.epoch + 1, position.batch, self._history(), self.folder)

    def _history(self) -> History:
        history = History()
        history.rows, history.notes = list(self.position.rows), list(self.position.notes)
        return history


def _feeds(
    x: Any,
    y: Any,
    lengths: Any,
    validation_data: Any,
    validation_split: float,
    *,
    batch_size: int,
    bucket: bool | None,
) -> tuple[Feed, Feed | None]:
    if not validation_split:
        train = feed_of(x, y, lengths=lengths, batch_size=batch_size, bucket=bucket)
        return train, _validation(validation_data, batch_size)
    if validation_data is not None:
        raise InputError("Give validation_data or validation_split, not both.")
    if not isinstance(x, Sequences) and isinstance(x, torch.utils.data.Dataset):
        raise InputError("validation_split needs arrays or Sequences; split the Dataset yourself.")
    if isinstance(x, torch.utils.data.DataLoader):
        raise InputError("validation_split needs arrays or Sequences; a DataLoader has its own.")
    first, last = sequences_of(x, y, lengths).split(validation_split)
    train = feed_of(first, batch_size=batch_size, bucket=bucket)
    return train, feed_of(last, batch_size=max(batch_size, 256))


def _validation(data: Any, batch_size: int) -> Feed | None:
    if data is None:
        return None
    x, y, lengths = data, None, None
    if isinstance(data, tuple | list):
        if len(data) not in (2, 3):
            raise InputError(
                must("validation_data", "(x, y) or (x, y, lengths)", f"{len(data)} parts")
            )
        x, y, *rest = data
        lengths = rest[0] if rest else None
    return feed_of(x, y, lengths=lengths, batch_size=max(batch_size, 256))


def _positive(name: str, value: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InputError(must(name, "a whole number of at least 1", repr(value)))


def _drawn() -> int:
    return int(torch.randint(0, 2**31, (1,)).item())


def _mixed(seed: int, epoch: int) -> int:
    """A seed for each epoch; different seeds do not share epochs' orders."""
    return seed * 1_000_003 + epoch
