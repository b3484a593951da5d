"""What a model that writes writes for data: `write`."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from recur.messages import InputError, must
from recur.training.call import device_of, takes_lengths
from recur.training.feed import SequenceFeed, feed_of
from recur.training.measure import evaluating
from recur.training.progress import passing


def write(
    model: nn.Module,
    x: Any,
    *,
    lengths: Any = None,
    batch_size: int = 32,
    progress: bool | None = None,
    **how: Any,
) -> list[list[int]]:
    """Returns the tokens that a model writes for data, in the order of the data.

    Args:
        model: one with `generate`, such as `OneToMany` and `EncoderDecoder`; it is put in
            evaluation mode for the time.
        x: data, as for `fit`; targets in it are not looked at.
        lengths: as for `fit`.
        batch_size: rows at a time.
        progress: None: a bar on a terminal if it takes more than a second; False: nothing.
        how: arguments for the model's `generate`: `max_steps`, `search`, `width`, ...

    Returns:
        a list of token ids for each example, the best one of several, without the one that ends it.

    Raises:
        InputError: a model that does not write, or data or arguments that do not fit.
    """
    generate: Any = getattr(model, "generate", None)
    if generate is None:
        expected = "one that writes (with generate), such as EncoderDecoder"
        raise InputError(must("the model", expected, type(model).__name__))
    feed = feed_of(x, lengths=lengths, batch_size=batch_size)
    device, with_lengths = device_of(model), takes_lengths(model)
    written: list[list[int]] = []
    with passing("writing", len(feed), progress) as advance, evaluating(model):
        for batch in feed.batches(None):
            steps = {"lengths": batch.lengths} if with_lengths else {}
            found = generate(batch.x.to(device), **steps, **how)
            tokens, ends = found.tokens, found.lengths
            if tokens.dim() == 3:  # a beam: the best hypothesis comes first
                tokens, ends = tokens[:, 0], ends[:, 0]
            rows = zip(tokens.tolist(), ends.tolist(), strict=True)
            written += [row[:end] for row, end in rows]
            advance()
    if not isinstance(feed, SequenceFeed):
        return written
    order = torch.cat([torch.as_tensor(rows) for rows in feed.order(None)]).tolist()
    places = dict(zip(order, written, strict=True))
    return [places[row] for row in range(len(written))]
