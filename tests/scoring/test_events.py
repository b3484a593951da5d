"""Anomalies that last: the volume under the surface, and events."""

from __future__ import annotations

import numpy as np
import pytest

from recur import InputError
from recur.scoring.events import event_f1, runs, volume


def naive(scores, strange, longest):
    """By loops, as the authors' package goes: every buffer, every threshold, every row."""
    rows, events = len(scores), runs(strange)
    lines = np.sort(scores)[::-1][np.linspace(0, rows - 1, 250).astype(int)]
    areas = []
    for buffer in range(longest + 1):
        half, soft = buffer // 2, strange.astype(float)
        for start, end in events:
            for row in range(rows):
                away = start - row if row < start else row - end + 1
                if not start <= row < end and away <= half:
                    soft[row] = min(1, soft[row] + np.sqrt(1 - away / buffer))
        recalls, precisions = [0.0], []
        for line in lines:
            alarms = scores >= line
            right = (soft * alarms).sum()
            near = (soft * alarms)[~strange].sum()
            wanted = strange.sum() + near / 2
            there = runs(soft > 0)
            found = sum(alarms[start:end].any() for start, end in there) / len(there)
            recalls.append(min(right / wanted, 1) * found)
            precisions.append(right / alarms.sum())
        areas.append(sum(np.diff(recalls) * precisions))
    return np.mean(areas)


@pytest.mark.parametrize("longest", [0, 1, 6])
def test_the_volume_by_loops(longest):
    chance = np.random.default_rng(longest)
    strange = np.zeros(120, dtype=bool)
    strange[0:4] = strange[40:52] = strange[56:58] = strange[118:] = True
    scores = chance.random(120) + 0.4 * strange
    found = volume(scores, strange, buffer=longest)
    assert found["vus_pr"] == pytest.approx(naive(scores, strange, longest), abs=1e-12)


def test_chance_is_worth_little_and_all_found_is_worth_all():
    strange = np.zeros(4000, dtype=bool)
    for start in range(100, 4000, 400):
        strange[start : start + 20] = True
    chance = np.random.default_rng(0).random(4000)
    assert volume(chance, strange)["vus_pr"] < 0.15
    assert volume(strange + chance / 10, strange, buffer=0)["vus_pr"] > 0.99
    one_alarm = np.isin(np.arange(4000), np.flatnonzero(strange)[::20])
    assert event_f1(one_alarm, strange)["event_f1"] == 1
    assert event_f1(np.ones(4000), strange)["event_f1"] == pytest.approx(2 * 0.05 / 1.05)
    assert event_f1(np.zeros(4000), strange)["event_f1"] == 0


def test_runs_and_wrong_shapes():
    assert runs([1, 1, 0, 0, 1]) == [(0, 2), (4, 5)]
    assert runs([]) == []
    for scores, strange in (([1, 2], [1]), ([1, np.nan], [1, 0]), ([1, 2], [1, 1]), ([1], [0])):
        with pytest.raises(InputError):
            volume(scores, strange)
