"""Timing layers side by side: the same weights, the same input, in turns, checked before timing."""

from recur.bench.case import Case
from recur.bench.compare import Compared, compare
from recur.bench.machine import machine, peak_flops
from recur.bench.sides import MODES, Inputs, Side, ours, torchs
from recur.bench.turns import Runner, in_turns, timed

__all__ = [
    "MODES",
    "Case",
    "Compared",
    "Inputs",
    "Runner",
    "Side",
    "compare",
    "in_turns",
    "machine",
    "ours",
    "peak_flops",
    "timed",
    "torchs",
]
