"""Scores and answers of a trained model: `evaluate` and `predict`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recur.training import losses, metrics
from recur.training.call import caller, device_of, to_device
from recur.training.feed import Feed, SequenceFeed, feed_of
from recur.training.losses import Loss, find_loss
from recur.training.metrics import Metric, find_metrics
from recur.training.totals import Totals


def evaluate(
    model: nn.Module,
    x: Any,
    y: Any = None,
    *,
    lengths: Any = None,
    loss: str | losses.Function,
    metrics: Sequence[str | metrics.Function] = (),
    batch_size: int = 256,
) -> dict[str, float]:
    """Returns the mean loss and the metrics over data, by name.

    Args:
        model: any module; it is put in evaluation mode for the time.
        x: data, as for `fit`.
        y: targets, as for `fit`.
        lengths: as for `fit`.
        loss: a name or a callable, as for `fit`.
        metrics: names or callables.
        batch_size: rows at a time; the result does not depend on it, but for rounding.

    Raises:
        InputError: data, a loss or metrics that do not fit.
    """
    found = find_loss(loss)
    feed = feed_of(x, y, lengths=lengths, batch_size=batch_size)
    return measured(model, feed, found, find_metrics(metrics, found))


def measured(
    model: nn.Module, feed: Feed, loss: Loss, metrics: Sequence[Metric], prefix: str = ""
) -> dict[str, float]:
    """One pass without gradients: the means by name."""
    call, device = caller(model), device_of(model)
    totals = Totals(loss, metrics)
    with evaluating(model):
        for batch in feed.batches(None):
            batch = to_device(batch, device)
            totals.add(batch, call(batch))
    return totals.means(prefix)


def predict(model: nn.Module, x: Any, *, lengths: Any = None, batch_size: int = 256) -> Tensor:
    """Returns the model's outputs for data, on the CPU, in the order of the data.

    Args:
        model: any module; it is put in evaluation mode for the time.
        x: data, as for `fit`.
        lengths: as for `fit`.
        batch_size: rows at a time.

    Returns:
        (N, ...). Outputs for every step are padded with zeros to the longest sequence.

    Raises:
        InputError: data that do not fit.
    """
    feed = feed_of(x, lengths=lengths, batch_size=batch_size)
    call, device = caller(model), device_of(model)
    with evaluating(model):
        outputs = [call(to_device(batch, device)).cpu() for batch in feed.batches(None)]
    if not outputs:
        return torch.empty(0)
    if outputs[0].dim() > 2:
        longest = max(output.shape[1] for output in outputs)
        outputs = [_padded(output, longest) for output in outputs]
    together = torch.cat(outputs)
    if not isinstance(feed, SequenceFeed):
        return together
    order = torch.cat([torch.as_tensor(rows) for rows in feed.order(None)])
    answers = torch.empty_like(together)
    answers[order] = together
    return answers


def _padded(output: Tensor, steps: int) -> Tensor:
    missing = steps - output.shape[1]
    return F.pad(output, [0, 0] * (output.dim() - 2) + [0, missing]) if missing else output


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
