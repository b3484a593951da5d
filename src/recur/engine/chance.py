"""Which units zoneout keeps: a hash of the seed, the step, the row, the state and the unit.

The same as engine/cpu/chance.h, so that the reference keeps the same units, on any device, and
nothing has to be stored for the way back. Arithmetic is modulo 2^64 or 2^32, in int64.
"""

from __future__ import annotations

import torch
from torch import Tensor

STATES = 4
"""Places for states in the numbering of steps and rows."""


def _signed(number: int) -> int:
    return number - (1 << 64) if number >> 63 else number


def _shifted(x: Tensor, by: int) -> Tensor:
    """The bits moved right, as of a number without a sign."""
    return (x >> by) & ((1 << (64 - by)) - 1)


def _mixed(x: Tensor) -> Tensor:
    x = (x ^ _shifted(x, 30)) * _signed(0xBF58476D1CE4E5B9)
    x = (x ^ _shifted(x, 27)) * _signed(0x94D049BB133111EB)
    return x ^ _shifted(x, 31)


_LOW = (1 << 32) - 1


def kept_units(seed: Tensor, t: int, state: int, share: float, batch: int, units: int) -> Tensor:
    """(batch, units) bool: each True with probability `share`, at time `t`."""
    rows = torch.arange(batch, device=seed.device)
    place = (t * batch + rows) * STATES + state
    key = _mixed(seed + (place + 1) * _signed(0x9E3779B97F4A7C15)).unsqueeze(1)
    low, high = key & _LOW, _shifted(key, 32)
    x = (torch.arange(units, device=seed.device) * 0x9E3779B1 + low) & _LOW
    x = ((x ^ (x >> 16)) * 0x85EBCA6B) & _LOW
    x = (((x ^ (x >> 13)) + high) * 0xC2B2AE35) & _LOW
    x = x ^ (x >> 16)
    return x < int(share * 4294967296.0)
