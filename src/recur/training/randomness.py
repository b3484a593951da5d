"""Chance, from one seed.

Every epoch starts from a random state that follows from the seed and its number alone. Besides
torch's, the random states of numpy and of Python are set, since data sets that vary their examples
use those.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from recur import files
from recur.messages import InputError, must, whole


def seed_or_drawn(seed: int | None) -> int:
    """Returns `seed`, or one drawn from torch's random state.

    Raises:
        InputError: if it is no whole number of at least 0.
    """
    if seed is None:
        return int(torch.randint(0, 2**31, ()).item())
    return whole("seed", seed, least=0)


def epoch_seed(seed: int, epoch: int) -> int:
    """Returns the seed of an epoch (from 0), below 2**63."""
    mixed = np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64)
    return int(mixed[0]) >> 1


def set_seed(seed: int) -> None:
    """Sets every random state."""
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed % 2**32)


@contextlib.contextmanager
def kept_apart(device: torch.device) -> Iterator[None]:
    """Puts every random state back as it was before the block."""
    devices = [device] if device.type == "cuda" else []
    python, legacy = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=devices):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(legacy)


def states(device: torch.device) -> dict[str, Tensor]:
    """Returns every random state, as tensors by name."""
    version, words, gauss = random.getstate()
    _, keys, place, has_gauss, cached = np.random.get_state(legacy=True)
    found = {
        "torch": torch.get_rng_state(),
        "python": torch.tensor([version, *words]),
        # NaN stands for None: no second normal number in store.
        "python_gauss": torch.tensor(np.nan if gauss is None else gauss, dtype=torch.float64),
        "numpy": torch.from_numpy(np.asarray([*keys, place, has_gauss], dtype=np.int64)),
        "numpy_gauss": torch.tensor(cached, dtype=torch.float64),
    }
    if device.type == "cuda":
        found["cuda"] = torch.cuda.get_rng_state(device)
    return found


def restore(found: dict[str, Tensor], device: torch.device) -> None:
    """Puts random states back; see `states`.

    Raises:
        InputError: if they are no random states.
    """
    here = states(device)
    expected = {n: t for n, t in here.items() if n in found or n != "cuda"}
    differ = files.differences({n: t for n, t in found.items() if n in here}, expected)
    *keys, place, has_gauss = found["numpy"].tolist() if not differ else [0, 0]
    # Numpy reads from this place of the keys without a look.
    if differ or not 0 <= place <= len(keys) or has_gauss not in (0, 1):
        raise InputError(must("random states", "those of torch, numpy and Python", "others"))
    try:
        _restore(found, device)
    except (ValueError, RuntimeError, OverflowError, TypeError) as error:
        raise InputError(must("random states", "ones that can be set", str(error))) from error


def _restore(found: dict[str, Tensor], device: torch.device) -> None:
    torch.set_rng_state(found["torch"])
    version, *words = found["python"].tolist()
    gauss = found["python_gauss"].item()
    random.setstate((version, tuple(words), None if gauss != gauss else gauss))
    *keys, place, has_gauss = found["numpy"].tolist()
    cached = found["numpy_gauss"].item()
    np.random.set_state(("MT19937", np.array(keys, dtype=np.uint32), place, has_gauss, cached))
    if device.type == "cuda" and "cuda" in found:
        torch.cuda.set_rng_state(found["cuda"], device)
