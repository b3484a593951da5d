"""Rows of unequal length: recur with `lengths` beside torch.nn with a PackedSequence.

Forward and backward, with the gradient of every output, as in a training step; torch packs and
unpacks, since that is how it is given lengths. Then whether recur's time follows the sum of the
lengths.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from peer import Tell
from reviews import TORCH
from table import milliseconds, table, times
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from recur.bench import in_turns, timed
from recur.bench.case import LAYERS

BATCH, SIZES = 32, (32, 128)
TIMES = (500, 1000)
SHARES = (0.25, 0.5, 0.75)


def measure(full: bool, tell: Tell) -> str:
    """Returns the tables."""
    packed, shares = [], []
    sizes = SIZES if full else SIZES[:1]
    seconds = 2.0 if full else 0.3
    for cell in LAYERS:
        for size in sizes:
            for time in TIMES:
                packed.append(_against_packed(cell, size, time, seconds))
                tell(f"ragged, {', '.join(packed[-1])}")
            shares.append(_by_share(cell, size, seconds))
            tell(f"ragged, {', '.join(shares[-1])}")
    return "\n\n".join(
        [
            f"Batch {BATCH}, lengths drawn evenly from 1 to T; forward and backward, in ms.",
            table(["cell", "units", "T", "recur", "PackedSequence", "recur is"], packed),
            "Recur's time for a step that exists, against the same without padding (T = 1000), "
            "where so many of the steps exist.",
            table(["cell", "units", *(f"{share:.0%}" for share in SHARES)], shares),
        ]
    )


def _against_packed(cell: str, size: int, time: int, seconds: float) -> list[str]:
    chance = torch.Generator().manual_seed(0)
    lengths = torch.randint(1, time + 1, (BATCH,), generator=chance)
    lengths[0] = time
    ours = LAYERS[cell](size, size, batch_first=True)
    theirs = TORCH[cell](size, size, batch_first=True)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(BATCH, time, size, generator=chance, requires_grad=True)
    gradient = torch.randn(BATCH, time, size, generator=chance)

    def recur_outputs() -> Tensor:
        outputs: Tensor = ours(x, lengths=lengths)[0]
        return outputs

    def packed_outputs() -> Tensor:
        rows = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        outputs: Tensor = pad_packed_sequence(theirs(rows)[0], batch_first=True)[0]
        return outputs

    _check(recur_outputs, packed_outputs, x, gradient)
    found = in_turns(
        {
            "recur": timed(lambda: _train(ours, x, recur_outputs, gradient)),
            "packed": timed(lambda: _train(theirs, x, packed_outputs, gradient)),
        },
        seconds=seconds,
        rounds=3,
    )
    ratio = times(found["packed"] / found["recur"])
    spent = [milliseconds(found[side]) for side in ("recur", "packed")]
    return [cell, str(size), str(time), *spent, ratio]


def _by_share(cell: str, size: int, seconds: float) -> list[str]:
    """The time of an existing step, over that without padding."""
    time, layer = TIMES[-1], LAYERS[cell](size, size, batch_first=True)
    x = torch.randn(BATCH, time, size, requires_grad=True)
    gradient = torch.randn(BATCH, time, size)

    def training(lengths: Tensor) -> Callable[[], None]:
        return lambda: _train(layer, x, lambda: layer(x, lengths=lengths)[0], gradient)

    cases = {share: _lengths(time, share) for share in (1.0, *SHARES)}
    runners = {str(share): timed(training(lengths)) for share, lengths in cases.items()}
    found = in_turns(runners, seconds=seconds)
    each = {share: found[str(share)] / lengths.sum().item() for share, lengths in cases.items()}
    return [cell, str(size), *(f"{each[share] / each[1.0]:.2f}" for share in SHARES)]


def _lengths(time: int, share: float) -> Tensor:
    """Lengths that differ, with one row full, whose mean is this share of the time."""
    spread = torch.rand(BATCH - 1, generator=torch.Generator().manual_seed(1)) - 0.5
    spread -= spread.mean()
    reach = 2 * min(share, 1 - share)
    rest = (share * BATCH - 1) / (BATCH - 1) + reach * 0.9 * spread
    return torch.cat([torch.tensor([time]), (rest * time).round().long().clamp(1, time)])


def _train(layer: nn.Module, x: Tensor, outputs: Callable[[], Tensor], gradient: Tensor) -> None:
    layer.zero_grad()
    x.grad = None
    outputs().backward(gradient)  # type: ignore[no-untyped-call]


def _check(
    ours: Callable[[], Tensor], theirs: Callable[[], Tensor], x: Tensor, gradient: Tensor
) -> None:
    """No timing on a wrong result."""
    found = []
    for outputs in (ours(), theirs()):
        found.append((outputs.detach(), torch.autograd.grad(outputs, x, gradient)[0]))
    for a, b in zip(*found, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-4)
