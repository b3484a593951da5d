"""Recordings changed by chance: the same for the same chance, and none where none is asked for."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from recur.data.log_mel import LogMel
from recur.data.sound_changes import Changes

RATE = 8000
HEAR = LogMel(RATE, 0.025, 0.01, 8, "slaney", "none")
EACH = [
    {"speed": 0.5},
    {"gain": 6.0},
    {"noise": 1.0},
    {"shift": 0.2},
    {"masks": 2},
    {"warp": 0.2},
    {"tempo": 0.2},
    {"colour": 6.0},
]


def sound():
    return (0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE // 2) / RATE)).astype(np.float32)


def fresh():
    return np.random.default_rng(3)


def test_none_is_none():
    assert not Changes()
    assert torch.equal(Changes().features(sound(), HEAR, fresh()), HEAR(sound()))


@pytest.mark.parametrize("each", EACH, ids=lambda each: next(iter(each)))
def test_each_changes_something_and_by_chance_alone(each):
    assert Changes(**each)
    first = Changes(**each).features(sound(), HEAR, fresh())
    assert torch.equal(first, Changes(**each).features(sound(), HEAR, fresh()))
    assert torch.isfinite(first).all()
    plain = HEAR(sound())
    assert first.shape != plain.shape or not torch.allclose(first, plain)


def test_masks_cover_no_more_than_a_fifth_each():
    features = HEAR(sound())
    masked = Changes(masks=2).seen(features, fresh())
    assert 0 < (masked != features).float().mean() < 0.7


@pytest.mark.parametrize("each", [{"speed": 0.5}, {"tempo": 0.5}], ids=["speed", "tempo"])
def test_as_many_frames_are_left_as_are_needed(each):
    for seed in range(8):
        found = Changes(**each).features(sound(), HEAR, np.random.default_rng(seed), least=0.5)
        assert len(found) >= len(HEAR(sound()))


def test_colour_is_up_to_so_many_decibels():
    changed = Changes(colour=6.0).features(sound(), HEAR, fresh()) - HEAR(sound())
    there = HEAR(sound()) > HEAR(sound()).max() - 10
    assert changed[there].abs().max() <= 6 / 10 * np.log(10) + 1e-3
