"""Chance changes of recordings, by which more is learnt from them.

Legend: S samples, T frames (steps of the features), M bands of the mel scale.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from recur.data.audio import Samples, resampled
from recur.data.log_mel import LogMel

POINTS = 5
"""Bands, at equal distances, whose loudness chance changes; it is a straight line between them."""


@dataclass(frozen=True)
class Changes:
    """Chance changes of a recording; each from 0, for none.

    Attributes:
        speed: it goes up to this share faster or slower, and its pitch with it (T. Ko et al.,
            Interspeech 2015).
        gain: it is up to so many decibels louder or softer.
        noise: white noise as loud as up to this share of it is laid over.
        shift: up to so many seconds of silence before it, and after it.
        masks: so many masks over time and as many over bands, each up to a fifth of the recording
            and of the bands wide (D. S. Park et al., SpecAugment, arXiv:1904.08779).
        warp: as if by a vocal tract whose frequencies are up to this share higher or lower (N.
            Jaitly and G. Hinton, ICML 2013 workshop on audio, speech and language).
        tempo: it goes up to this share faster or slower, at the same pitch.
        colour: each band is up to so many decibels louder or softer, and its neighbours much as it
            is: another microphone, another room (H. Nam et al., FilterAugment, arXiv:2110.03282).
    """

    speed: float = 0.0
    gain: float = 0.0
    noise: float = 0.0
    shift: float = 0.0
    masks: int = 0
    warp: float = 0.0
    tempo: float = 0.0
    colour: float = 0.0

    def __bool__(self) -> bool:
        return any(dataclasses.astuple(self))

    def features(
        self, samples: Samples, hear: LogMel, chance: np.random.Generator, least: float = 0.0
    ) -> Tensor:
        """The features (T, M) of samples (S,) as they might have been.

        Args:
            samples: as they are, at the rate of `hear`.
            hear: the features.
            chance: where changes are drawn from.
            least: seconds that must be left of them.
        """
        samples = self.heard(samples, hear.rate, chance, least)
        # Nothing is drawn for what is not asked for: the numbers of older runs stay as they were.
        tempo = chance.uniform(1 - self.tempo, 1 + self.tempo) if self.tempo else 1.0
        if len(samples) / tempo < least * hear.rate:
            tempo = 1.0
        warp = chance.uniform(1 - self.warp, 1 + self.warp) if self.warp else 1.0
        energies = hear.energies(samples, tempo=tempo, warp=warp)
        if self.colour:
            energies = energies * self._louder(hear.bands, chance)
        return self.seen(hear.of(energies), chance)

    def _louder(self, bands: int, chance: np.random.Generator) -> Tensor:
        """(M,) by how much each band's energy is multiplied."""
        decibels = chance.uniform(-self.colour, self.colour, POINTS)
        smooth = np.interp(np.linspace(0, POINTS - 1, bands), np.arange(POINTS), decibels)
        return torch.from_numpy((10 ** (smooth / 10)).astype(np.float32))

    def heard(
        self, samples: Samples, rate: int, chance: np.random.Generator, least: float = 0.0
    ) -> Samples:
        """Samples (S,) as they might have been.

        Args:
            samples: as they are.
            rate: of them.
            chance: where they are drawn from.
            least: seconds that must be left of them.
        """
        factor = chance.uniform(1 - self.speed, 1 + self.speed)
        if self.speed and len(samples) / factor >= least * rate:
            samples = resampled(samples, rate * factor, rate)
        before, after = (int(chance.uniform(0, self.shift) * rate) for _ in range(2))
        samples = np.pad(samples, (before, after))
        loud = float(np.sqrt(np.mean(samples**2)))
        share = chance.uniform(0, self.noise) * loud
        added = share * chance.standard_normal(len(samples), np.float32)
        louder = 10 ** (chance.uniform(-self.gain, self.gain) / 20)
        return ((samples + added) * louder).astype(np.float32)

    def seen(self, features: Tensor, chance: np.random.Generator) -> Tensor:
        """Features (T, M) with masks, where the mean takes their place."""
        if not self.masks:
            return features
        masked = features.clone()
        mean = features.mean()
        for axis in (0, 1) * self.masks:
            size = features.shape[axis]
            wide = int(chance.integers(0, size // 5 + 1))
            begin = int(chance.integers(0, size - wide + 1))
            masked.narrow(axis, begin, wide).fill_(mean)
        return masked
