"""Scores and answers of a trained model: `evaluate` and `predict`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, overload

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recur.data.sequences import Batch
from recur.messages import InputError
from recur.training.aims import LossLike, MetricsLike, find_aims, named
from recur.training.call import Caller, aligned, caller, with_targets_on
from recur.training.feed import Feed, SequenceFeed, check_truncate, feed_of
from recur.training.progress import passing
from recur.training.totals import Measured, Totals
from recur.training.weights import weighted_examples

# Elsewhere than on the CPU, so many batches are sent to the device before their values are read.
UNREAD = 16


def evaluate(
    model: nn.Module,
    x: Any,
    y: Any = None,
    *,
    lengths: Any = None,
    sample_weight: Any = None,
    loss: LossLike,
    loss_weights: Mapping[str, float] | None = None,
    metrics: MetricsLike = (),
    batch_size: int = 256,
    truncate: int | None = None,
    progress: bool | None = None,
) -> dict[str, float]:
    """Returns the mean loss and the metrics over data, by name.

    Args:
        model: any module; it is put in evaluation mode for the time.
        x: data, as for `fit`.
        y: targets, as for `fit`.
        lengths: as for `fit`.
        sample_weight: as for `fit`; the loss is a weighted mean then.
        loss: a name or a callable, as for `fit`; a dict for several outputs.
        loss_weights: as for `fit`.
        metrics: names or callables; a dict of them for several outputs.
        batch_size: rows at a time; the result does not depend on it, but for rounding (and for a
            callable that is no mean over its targets: see `fit`). None of `Documents` is cut: each
            is read from its beginning to its end, and where there are fewer of them than rows, more
            steps are walked at a time.
        truncate: the steps walked at a time, as for `fit`; the state is carried on, so that the
            result does not depend on it either.
        progress: None: a bar on a terminal if it takes more than a second; False: nothing.

    Raises:
        InputError: data, a loss or metrics that do not fit.
    """
    check_truncate(truncate)
    aims = find_aims(loss, metrics, loss_weights)
    y = named(aims, y)
    if sample_weight is not None:
        x, y, lengths = weighted_examples(x, y, lengths, sample_weight), None, None
    feed = feed_of(x, y, lengths=lengths, batch_size=batch_size, truncate=truncate, cuts=False)
    names = [aim.name for aim in aims if aim.name]
    scored = any(aim.scored for aim in aims)
    call = caller(model, carries=truncate is not None, names=names, scored=scored)
    totals = Totals(aims, feed.targets, aligned=aligned(model))
    with passing("evaluating", len(feed), progress) as advance:
        return measured(call, feed, totals, after=advance)


def measured(
    call: Caller, feed: Feed, totals: Totals, *, after: Callable[[], None] | None = None
) -> dict[str, float]:
    """One pass without gradients: the means by name. `after` is called after each batch.

    Raises:
        InputError: no target at all, whose mean would look like a loss of 0.
    """
    device = call.device
    unread: list[Measured] = []
    with evaluating(call.model):
        for batch in feed.batches(None):
            batch = with_targets_on(batch, device)
            unread.append(totals.measure(batch, call(batch)))
            if device.type == "cpu" or len(unread) >= UNREAD:
                _read(unread, totals)
            if after is not None:
                after()
    _read(unread, totals)
    if not totals.examples:
        raise InputError("There is nothing to measure: the data hold no target that counts.")
    return totals.means()


@overload
def predict(
    model: nn.Module,
    x: Any,
    *,
    lengths: Any = ...,
    batch_size: int = ...,
    progress: bool | None = ...,
    return_lengths: Literal[False] = ...,
) -> Tensor: ...
@overload
def predict(
    model: nn.Module,
    x: Any,
    *,
    lengths: Any = ...,
    batch_size: int = ...,
    progress: bool | None = ...,
    return_lengths: Literal[True],
) -> tuple[Tensor, Tensor]: ...
def predict(
    model: nn.Module,
    x: Any,
    *,
    lengths: Any = None,
    batch_size: int = 256,
    progress: bool | None = None,
    return_lengths: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    """Returns the model's outputs for data, on the CPU, in the order of the data.

    A model that writes (`OneToMany`, `EncoderDecoder`) has no outputs without targets: call its
    `generate`.

    Args:
        model: any module; it is put in evaluation mode for the time.
        x: data, as for `fit`; targets in it are not looked at.
        lengths: as for `fit`.
        batch_size: rows at a time.
        progress: None: a bar on a terminal if it takes more than a second; False: nothing.
        return_lengths: return the lengths too.

    Returns:
        (N, ...). Outputs for every step are padded to the longest sequence; what stands beyond a
        row's length is no answer. A model that returns a dict of outputs gives a dict of these.
        With `return_lengths` a pair of these and (N,) int64, the steps
        of each sequence: `[row[:n] for row, n in zip(outputs, lengths)]` are the answers.

    Raises:
        InputError: data that do not fit.
    """
    feed = feed_of(x, lengths=lengths, batch_size=batch_size)
    call, outputs, steps = caller(model, names=None), [], []
    with passing("predicting", len(feed), progress) as advance, evaluating(model):
        for batch in feed.batches(None):
            found = call(batch._replace(y=None))
            outputs.append(found if isinstance(found, Mapping) else {"": found})
            steps.append(_steps(batch))
            advance()
    if not outputs:
        nothing = torch.empty(0), torch.empty(0, dtype=torch.int64)
        return nothing if return_lengths else nothing[0]
    every: Any = {name: _together(feed, [each[name] for each in outputs]) for name in outputs[0]}
    answers = every.get("", every)
    return (answers, _in_order(feed, torch.cat(steps))) if return_lengths else answers


@contextlib.contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode and no gradients; the mode of every part is restored."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, mode in modes:
            module.training = mode


def _steps(batch: Batch) -> Tensor:
    """(B,) the steps of each row."""
    if batch.lengths is not None:
        return batch.lengths.cpu().long()
    return torch.full((len(batch.x),), batch.x.shape[1] if batch.x.dim() > 1 else 1)


def _in_order(feed: Feed, together: Tensor) -> Tensor:
    """Rows as the feed's batches held them, in the order of the data."""
    if not isinstance(feed, SequenceFeed):
        return together
    order = torch.cat([torch.as_tensor(rows) for rows in feed.order(None)])
    answers = torch.empty_like(together)
    answers[order] = together
    return answers


def _together(feed: Feed, outputs: list[Tensor]) -> Tensor:
    """One output for all data, on the CPU."""
    return _in_order(feed, torch.cat(_of_one_width([each.cpu() for each in outputs])))


def _of_one_width(outputs: list[Tensor]) -> list[Tensor]:
    """Pads outputs for every step to those of the longest batch."""
    if outputs[0].dim() < 2:
        return outputs
    widest = max(output.shape[1] for output in outputs)
    return [
        F.pad(output, [0, 0] * (output.dim() - 2) + [0, widest - output.shape[1]])
        for output in outputs
    ]


def _read(unread: list[Measured], totals: Totals) -> None:
    for seen in unread:
        totals.add([list(map(float, each)) for each in seen.values], seen.counts)
    unread.clear()
