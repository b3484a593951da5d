"""Features of sound in pieces: those of the whole, whatever the pieces."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from recur.data.audio import resampled
from recur.data.log_mel import LogMel
from recur.data.mel_stream import MelStream
from recur.messages import InputError

HEAR = LogMel(8000, 0.025, 0.01, 8, "slaney", "running")


@pytest.mark.parametrize("rate", [8000, 11025, 44100])
@pytest.mark.parametrize("size", [7, 1000, 100_000])
@pytest.mark.parametrize("samples", [0, 50, 4321])
def test_pieces_are_heard_as_the_whole_is(rate, size, samples):
    chance = np.random.default_rng(0)
    x = (chance.standard_normal(samples) * np.linspace(0, 1, samples)).astype(np.float32)
    stream = MelStream(HEAR, rate)
    pieces = [stream(x[at : at + size]) for at in range(0, samples, size)]
    found = torch.cat([*pieces, stream(x[:0], last=True)])
    whole = resampled(x, rate, 8000) if samples else x
    torch.testing.assert_close(found, HEAR(whole), atol=1e-5, rtol=0)


def test_it_remembers_no_more_than_a_frame():
    stream = MelStream(HEAR, 8000)
    for _ in range(20):
        stream(np.ones(5000, np.float32))
        assert len(stream._kept) < HEAR.size


def test_what_looks_at_the_whole_is_refused():
    with pytest.raises(InputError, match="normalised must be running, in a stream; got whole"):
        MelStream(LogMel(8000, 0.025, 0.01, 8, "slaney", "whole"), 8000)
    with pytest.raises(InputError, match="rate must be samples a second"):
        MelStream(HEAR, -5)
