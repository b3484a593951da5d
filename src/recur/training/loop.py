"""`fit`: what it takes, checked and put together; the training itself is `Trainer`'s."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from recur.data.documents import Documents
from recur.data.sequences import Sequences
from recur.files import PathLike, path_of
from recur.messages import InputError, listed, must, one_of, real, whole
from recur.training.aims import (
    LossLike,
    MetricsLike,
    columns,
    find_aims,
    named,
    weights_of_classes,
)
from recur.training.call import aligned, check_model
from recur.training.callbacks import Callback, find_callbacks
from recur.training.feed import Feed, check_truncate, examples_of, feed_of
from recur.training.history import History
from recur.training.optimizers import OptimizerLike, find_optimizer
from recur.training.plan import OnEpoch, Plan
from recur.training.schedulers import ScheduleLike, find_schedule
from recur.training.trainer import Trainer
from recur.training.weights import Weighted, weighted_examples

TYPES = ("bfloat16",)
"""Of products, beside the weights' own. In float16 gradients would need to be scaled."""


def fit(
    model: nn.Module,
    x: Any,
    y: Any = None,
    *,
    loss: LossLike,
    loss_weights: Mapping[str, float] | None = None,
    lengths: Any = None,
    sample_weight: Any = None,
    class_weight: Any = None,
    metrics: MetricsLike = (),
    validation_data: Any = None,
    validation_split: float = 0.0,
    epochs: int = 1,
    batch_size: int = 32,
    optimizer: OptimizerLike = "adam",
    learning_rate: float | None = None,
    schedule: ScheduleLike | None = None,
    warmup: float = 0.0,
    clip_norm: float | None = 1.0,
    accumulate: int = 1,
    ema: float | None = None,
    label_smoothing: float = 0.0,
    autocast: str | None = None,
    truncate: int | None = None,
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
    on_epoch: OnEpoch | None = None,
    callbacks: Sequence[Callback] | Callback = (),
) -> History:
    """Trains a model, in place.

    With the same `seed` on the same machine and number of threads, every number comes out the same,
    bit for bit: the order of batches and the random numbers of dropout come from it, whatever was
    drawn before. The random state outside is left as it was. The weights at the start are the
    model's: call `torch.manual_seed` before making it.

    Args:
        model: any module. It is called as `model(x)`, with `lengths=lengths` where the data have
            lengths and its forward takes them, and with `targets=y` where it takes those (teacher
            forcing). A tensor of one number that it leaves in its attribute `added_loss` is added
            to the loss of the batch, in training alone, and not to what is reported.
        x: an array or tensor (N, ...), a list of N sequences of unequal length, `Sequences`, a
            `Dataset` or a `DataLoader`. With `truncate` also `Documents`, or an `IterableDataset`
            whose examples are documents, as long as they like: x or (x, y) with a target a step.
        y: N targets, unless `x` holds them. For a model of several outputs a dict of targets by
            their names, or a tuple of them in the order of `loss`.
        loss: "binary_crossentropy" (of probabilities), "binary_crossentropy_with_logits",
            "cross_entropy" (scores and class numbers; also "sparse_categorical_crossentropy"),
            "mse", "mae", "huber", or a callable (outputs, targets) -> scalar. Targets (N,) and
            outputs (N, 1) mean the same. Where each step has a target, padded steps do not count.
            What is reported is the mean over all targets, however they are cut into batches: of
            torch's losses with weights of classes over the sum of the weights, without the targets
            that they ignore. One that sums (`reduction="sum"`) trains on the sums of batches and is
            reported as the mean too. What a callable gives is taken for the mean over the targets
            of its batch: no more can be known of it. A dict of these for a model whose forward
            returns a dict of outputs, or a tuple of them in the order of `loss`: "loss" is the sum,
            and each has columns with its name in front ("tag_loss", "tag_accuracy").
        loss_weights: what each loss of a dict is multiplied by in the sum; 1 where none is named.
        lengths: the steps of each row, where `x` is one padded array.
        sample_weight: (N,) how much each example counts in the loss, 0 or more. Those of the part
            that `validation_split` takes count in validation.
        class_weight: how much each class counts in the loss of training: a dict by class number, a
            list or a tensor with one for each class, or "balanced": in inverse proportion to how
            often a class is there. With weights a step goes down the sum of the weighted losses
            over the number of targets; the loss that is reported is the weighted mean. Metrics have
            no weights, and validation measures the loss without those of classes.
        metrics: names ("accuracy", "mae", "mse", "rmse", "perplexity", "bits_per_character") or
            callables (outputs, targets) -> mean. With a dict of losses a dict of these lists.
        validation_data: (x, y), (x, y, lengths), `Sequences` or a `DataLoader`; with weights of
            its own `recur.training.Weighted(Sequences(x, y), weights)`.
        validation_split: the last part of the data, before any shuffling, is kept for validation.
        epochs: passes over the data.
        batch_size: rows in a batch.
        optimizer: "adam", "adamw", "sgd", "rmsprop", "adagrad", "nadam", a torch.optim object, or a
            function that makes one of the parameters.
        learning_rate: the step size; None for the optimizer's default.
        schedule: how the step size changes: "linear" or "cosine" (to 0 after the last step),
            "constant", `Steps` (by a factor after each of the later epochs), "plateau" or `Plateau`
            (by a factor where `monitor` gets no better), a scheduler of torch's that was made of
            the optimizer, or a function that makes one of it. Torch's go on after every epoch, but
            OneCycleLR, CyclicLR and those in an `EachStep` after every step. None: it stays.
        warmup: the share of all steps in which the step size rises to the whole one, in a straight
            line; "linear" and "cosine" then fall over the rest.
        clip_norm: the norm that the whole gradient is cut to; None not to. The norm before cutting
            is in the history.
        accumulate: batches of one step of the optimizer: its gradient is that of one batch which
            holds them all. The last ones of an epoch may be fewer.
        ema: the decay of an exponential moving average of the weights, such as 0.999: validation,
            the best epoch and the weights at the end are those of the average. In the first steps
            the decay is lower, so that the beginning is forgotten. None: the weights themselves.
        label_smoothing: the share of each target that goes to all classes alike, in training only;
            for "cross_entropy" and the binary losses.
        autocast: "bfloat16", for products of that type in training, as `torch.autocast` makes them;
            weights, sums, gradients of weights and all that is measured stay as they are. It is for
            processors and devices that are faster at it (on a CPU those with AMX or AVX512-BF16),
            and for large layers: the walk through time itself stays in the weights' type on a CPU.
            None: none.
        truncate: k, to walk at most k steps at a time (truncated backpropagation through time): a
            step of the optimizer after each, the state carried on to the next k steps without its
            gradient. Needs a model that takes `state` (or `hx`) and returns (outputs, state), and a
            target for every step. None: whole sequences, and gradients through all of them.
        shuffle: another order in every epoch; not of documents.
        bucket: put rows of similar length in a batch; None: where they differ in length.
        seed: see above; None draws one.
        monitor: the column that says which epoch is best; None: "val_loss", or "loss" without
            validation data. Accuracies and the like are best when high, all else when low.
        patience: stop after so many epochs without a better value; None: never.
        restore_best: end with the weights of the best epoch.
        checkpoint: a folder for the state: after every epoch, every five minutes within a long
            one, and on Ctrl-C, SIGTERM or SIGHUP. One training at a time uses it.
        resume: go on from the state in `checkpoint` if there is one.
        progress: None: a bar on a terminal, a line an epoch elsewhere; False: nothing.
        device: where to train; None: where the model is.
        on_epoch: called with the epoch (from 1) and its row after each epoch, before the state is
            saved: a step size or weights that it changes are in it.
        callbacks: objects of `recur.training.Callback`, that are told of more moments: when the
            training, each epoch and each batch begin and end. `recur.training.TensorBoard` is one.

    Returns:
        The history; a row an epoch.

    Raises:
        InputError: data or arguments that do not fit.
        FailedError: a loss or gradient that is not finite (the best weights are untouched), or a
            checkpoint folder that cannot be written, that another training uses, or that was moved
            away.
        TrainingInterrupted: on Ctrl-C, and on SIGTERM and SIGHUP unless the program handles or
            ignores them, after the batch has ended and the state is saved.
    """
    _check(epochs, batch_size, patience, clip_norm, resume, checkpoint)
    _check_more(accumulate, ema, label_smoothing, autocast)
    check_truncate(truncate)
    check_model(model)
    told = find_callbacks(callbacks, on_epoch)
    if device is not None:
        _move(model, device)
    aims = find_aims(loss, metrics, loss_weights)
    if isinstance(validation_data, tuple) and len(validation_data) > 1:
        given, answers, *rest = validation_data
        validation_data = (given, named(aims, answers), *rest)
    feeds = _feeds(
        x,
        named(aims, y),
        lengths,
        sample_weight,
        validation_data,
        validation_split,
        batch_size=batch_size,
        bucket=bucket,
        truncate=truncate,
    )
    balance = weights_of_classes(class_weight, aims, feeds[0], aligned=aligned(model))
    taught = [aim.taught(label_smoothing, balance[aim.name]) for aim in aims]
    up = columns(aims)
    watched = _watched(monitor, list(up), validated=feeds[1] is not None)
    plan = Plan(
        epochs=epochs,
        clip_norm=clip_norm,
        truncate=truncate,
        shuffle=shuffle,
        monitor=watched,
        up=up[watched if watched in up else watched.removeprefix("val_")],
        patience=patience,
        restore_best=restore_best,
        folder=None if checkpoint is None else path_of(checkpoint),
        learning_rate=learning_rate,
        accumulate=accumulate,
        ema=ema,
        label_smoothing=label_smoothing,
        autocast=autocast,
    )
    steps = find_optimizer(optimizer, model, learning_rate)
    total = epochs * math.ceil(len(feeds[0]) / accumulate)
    sizes = find_schedule(schedule, steps, warmup=warmup, steps=total, up=plan.up)
    trainer = Trainer(model, feeds, (taught, aims), steps, sizes, told, plan)
    return trainer.run(seed, resume, progress)


def _check(
    epochs: int,
    batch_size: int,
    patience: int | None,
    clip_norm: float | None,
    resume: bool,
    checkpoint: PathLike | None,
) -> None:
    """All that is wrong with the numbers, in one error."""
    counts = {"epochs": epochs, "batch_size": batch_size}
    if patience is not None:
        counts["patience"] = patience
    checks: list[Callable[[], object]] = [
        functools.partial(whole, name, value) for name, value in counts.items()
    ]
    if clip_norm is not None:
        words = "above 0, or None not to clip"
        checks.append(functools.partial(real, "clip_norm", clip_norm, lambda n: n > 0, words))
    wrong = []
    for check in checks:
        try:
            check()
        except InputError as error:
            wrong.append(str(error))
    if resume and checkpoint is None:
        wrong.append("resume needs checkpoint: the folder with the state to go on from.")
    if wrong:
        raise InputError(" ".join(wrong))


def _check_more(
    accumulate: int, ema: float | None, label_smoothing: float, autocast: str | None
) -> None:
    whole("accumulate", accumulate)
    real("label_smoothing", label_smoothing, lambda s: 0 <= s < 1, "from 0 on and below 1")
    if ema is not None:
        real("ema", ema, lambda decay: 0 < decay < 1, "between 0 and 1, or None for no average")
    if autocast is not None:
        one_of("autocast", autocast, TYPES)


def _move(model: nn.Module, device: str | torch.device) -> None:
    try:
        model.to(device)
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, AssertionError) as error:  # torch says both of a device that is not here
        reason = str(error).split("\n")[0].rstrip(".")
        expected = "one that torch has here, such as 'cpu'"
        raise InputError(must("device", expected, repr(device), f"{reason}.")) from error


def _watched(monitor: str | None, columns: list[str], *, validated: bool) -> str:
    """The column that says which epoch is best."""
    if not validated and (monitor or "").removeprefix("val_") in columns and monitor not in columns:
        todo = "Give validation_data or validation_split."
        raise InputError(must("monitor", f"{listed(columns)} without validation", monitor, todo))
    if validated:
        columns = columns + [f"val_{name}" for name in columns]
    return one_of("monitor", monitor or ("val_loss" if validated else "loss"), columns)


def _feeds(
    x: Any,
    y: Any,
    lengths: Any,
    sample_weight: Any,
    validation_data: Any,
    validation_split: float,
    *,
    batch_size: int,
    bucket: bool | None,
    truncate: int | None,
) -> tuple[Feed, Feed | None]:
    if sample_weight is not None:
        x, y, lengths = weighted_examples(x, y, lengths, sample_weight), None, None
    if not validation_split:
        train = feed_of(
            x, y, lengths=lengths, batch_size=batch_size, bucket=bucket, truncate=truncate
        )
        return train, _validation(validation_data, batch_size, truncate)
    if validation_data is not None:
        raise InputError("Give validation_data or validation_split, not both.")
    if not isinstance(x, Sequences) and isinstance(x, torch.utils.data.Dataset):
        raise InputError("validation_split needs arrays or Sequences; split the Dataset yourself.")
    if isinstance(x, torch.utils.data.DataLoader):
        raise InputError("validation_split needs arrays or Sequences; a DataLoader has its own.")
    whole = x if isinstance(x, Documents) else examples_of(x, y, lengths)
    if not isinstance(whole, Documents | Sequences | Weighted):
        kind = type(whole).__name__
        raise InputError(f"validation_split needs arrays or Sequences; split the {kind} yourself.")
    first, last = whole.split(validation_split)
    train = feed_of(first, batch_size=batch_size, bucket=bucket, truncate=truncate)
    return train, _validation(last, batch_size, truncate)


def _validation(data: Any, batch_size: int, truncate: int | None) -> Feed | None:
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
    if not isinstance(x, Documents):  # a long text takes no more memory than in training
        batch_size = max(batch_size, 256)
    return feed_of(x, y, lengths=lengths, batch_size=batch_size, truncate=truncate, cuts=False)
