"""Features of sound that comes piece by piece: the same as those of the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from recur.data.audio import Samples, check_rate, package
from recur.data.log_mel import LogMel, Running
from recur.messages import InputError, must

if TYPE_CHECKING:
    from torch import Tensor


class MelStream:
    """Features (T, M) of samples (S,) that come, as `LogMel` finds them in the whole.

    It remembers no more than a frame.

    Args:
        hear: which features.
        rate: samples a second of what comes.

    Raises:
        InputError: features that are normalised by what comes later.
        FailedError: if the package soxr is not installed, and the rates differ.
    """

    def __init__(self, hear: LogMel, rate: int) -> None:
        if hear.normalised != "running":
            todo = "The others look at the whole recording."
            raise InputError(must("normalised", "running, in a stream", hear.normalised, todo))
        check_rate(rate)
        self.hear, self.running = hear, Running(hear)
        self._resampler: Any = None
        if rate != hear.rate:
            self._resampler = package("soxr").ResampleStream(rate, hear.rate, 1, dtype="float32")
        self._kept = np.zeros(hear.size // 2, np.float32)

    def __call__(self, samples: Samples, *, last: bool = False) -> Tensor:
        """The frames that can be told now.

        Args:
            samples: (S,) what follows; may be empty.
            last: nothing comes any more.
        """
        if self._resampler is not None:
            samples = self._resampler.resample_chunk(samples, last=last)
        after = [np.zeros(self.hear.size // 2, np.float32)] if last else []
        found = np.concatenate([self._kept, samples, *after])
        energies = self.hear.framed(found)
        self._kept = found[len(energies) * self.hear.step :]
        return self.running(energies)
