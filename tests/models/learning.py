"""A training loop for models whose forward is given the targets."""

from __future__ import annotations

import torch
import torch.nn.functional as F


def filled(rows):
    """Targets (N, T) of unequal length, filled up with -100."""
    width = max((len(row) for row in rows), default=0)
    return torch.tensor([[*row, *[-100] * (width - len(row))] for row in rows])


def padded(rows):
    """Token ids (N, T) and their lengths."""
    width = max(len(row) for row in rows)
    return (
        torch.tensor([[*row, *[0] * (width - len(row))] for row in rows]),
        torch.tensor([len(row) for row in rows]),
    )


def loss_of(scores, targets):
    return F.cross_entropy(scores.flatten(0, 1), targets.flatten())


def learn(call, model, targets, *, steps, batch=32, learning_rate=0.01):
    """Adam on random batches; `call(rows)` gives the scores of those rows' targets."""
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    for _ in range(steps):
        rows = torch.randint(0, len(targets), (batch,))
        optimizer.zero_grad()
        loss_of(call(rows), targets[rows]).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    model.eval()


def written(found):
    """The best sequence of each row, as lists."""
    tokens, lengths = found.tokens, found.lengths
    if tokens.dim() == 3:
        tokens, lengths = tokens[:, 0], lengths[:, 0]
    return [row[:n] for row, n in zip(tokens.tolist(), lengths.tolist(), strict=True)]
