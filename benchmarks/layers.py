"""Layers: recur beside torch.nn and the peers, the same weights and the same input.

torch.nn is given its better layout (time first or batch first); onnxruntime only infers. Before a
case is timed, the outputs and every gradient of all sides are compared. "share" is the rate of
recur's matrix products over the peak of a plain one, measured in the same run.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from peer import KINDS, Peer, PeerSide, Tell, running
from table import geometric_mean, milliseconds, table, times

from recur.bench import MODES, Case, Compared, Inputs, Side, compare, peak_flops
from recur.messages import FailedError

CELLS = ("rnn", "lstm", "gru")
# (batch, time, inputs, hidden), declared once.
GRID = (
    (32, 500, 32, 32),
    (32, 500, 32, 64),
    (32, 100, 128, 128),
    (32, 100, 256, 256),
    (32, 50, 512, 512),
    (20, 35, 650, 650),
    (128, 28, 28, 128),
    (128, 784, 1, 128),
    (1, 100, 64, 64),
    (1, 100, 512, 512),
    (1, 1, 64, 64),
    (8, 1000, 64, 64),
    (64, 200, 128, 256),
)
# What the short run shows of the peers, which take seconds to compile each case.
PEERS = ((32, 500, 32, 32), (32, 100, 128, 128))
OTHERS = ("torch.nn", *(kind.name for kind in KINDS))


def cases() -> list[Case]:
    """All that are timed: one direction, then both."""
    one = [Case(cell, *sizes) for cell in CELLS for sizes in GRID]
    return one + [dataclasses.replace(case, bidirectional=True) for case in one]


def measure(full: bool, tell: Tell) -> str:
    """Returns the tables."""
    peak = peak_flops()
    found: list[Compared] = []
    with running(tell) as peers:
        for case in cases():
            with_peers = full or (_sizes(case) in PEERS and not case.bidirectional)
            peak = max(peak, peak_flops(calls=5))  # the best of the run: a busy moment is no peak
            more = _sides(peers if with_peers else [], tell)
            seconds, rounds = (1.0, 5) if full else (0.15, 3)
            found += compare(case, more=more, seconds=seconds, rounds=rounds)
            tell(f"{case}: {', '.join(f'{each.mode} {_ratio(each)}' for each in found[-2:])}")
    return "\n\n".join(
        [
            f"Matrix product: {peak / 1e9:.0f} GFLOP/s.",
            *(_table(found, mode, peak) for mode in MODES),
        ]
    )


def _sides(peers: Sequence[Peer], tell: Tell) -> Callable[[Case, Inputs], Sequence[Side]]:
    """What makes the sides of a case; a peer that cannot is left out of it, and that is said."""

    def more(case: Case, inputs: Inputs) -> Sequence[Side]:
        sides = []
        for peer in peers:
            try:
                sides.append(PeerSide(peer, case, inputs))
            except FailedError as error:
                tell(f"{case}: {error}")
        return sides

    return more


def _sizes(case: Case) -> tuple[int, int, int, int]:
    return case.batch, case.time, case.inputs, case.hidden


def _ratio(each: Compared) -> str:
    return times(each.ratio("torch.nn"))


def _table(found: Sequence[Compared], mode: str, peak: float) -> str:
    seen = [each for each in found if each.mode == mode]
    others = [side for side in OTHERS if any(side in each.seconds for each in seen)]
    columns = ["cell", "B, T, I, H", "directions", "recur, ms", "share"]
    body = table(
        [*columns, *(f"over {side}" for side in others)],
        [_row(each, others, peak) for each in seen],
        words=2,
    )
    head = f"{mode.capitalize()}: recur's time, and how many times as fast as each it is."
    return "\n\n".join([head, body, "\n".join(_mean(seen, side) for side in others)])


def _row(each: Compared, others: Sequence[str], peak: float) -> list[str]:
    ratios = [times(each.ratio(side)) if side in each.seconds else "-" for side in others]
    return [
        each.case.cell,
        ", ".join(map(str, _sizes(each.case))),
        str(each.case.directions),
        milliseconds(each.seconds["recur"]),
        f"{each.flops / peak:.0%}",
        *ratios,
    ]


def _mean(seen: Sequence[Compared], side: str) -> str:
    ratios = [each.ratio(side) for each in seen if side in each.seconds]
    return (
        f"- over {side}: {geometric_mean(ratios):.1f}x in the geometric mean of {len(ratios)} "
        f"cases, {min(ratios):.2f}x in the worst"
    )
