from __future__ import annotations

import json

import numpy as np
import pytest

from recur.data.scaling import Scaler

VALUES = np.random.default_rng(0).normal([5, -300], [0.1, 40], (200, 2))


def test_columns_get_mean_0_and_deviation_1():
    scaled = Scaler.fit(VALUES).transform(VALUES)
    assert scaled.mean(axis=0) == pytest.approx([0, 0], abs=1e-9)
    assert scaled.std(axis=0) == pytest.approx([1, 1])


def test_inverse_gives_the_unit_back_for_any_shape():
    scaler = Scaler.fit(VALUES)
    windows = scaler.transform(VALUES)[:, 1].reshape(10, 20)
    assert scaler.inverse(windows, 1) == pytest.approx(VALUES[:, 1].reshape(10, 20))


@pytest.mark.parametrize("constant", [0.0, 0.1, -3e8])
def test_a_column_that_never_changes_is_only_shifted(constant):
    scaler = Scaler.fit(np.full((7, 1), constant))
    assert scaler.deviation.tolist() == [1]
    assert scaler.transform(np.array([constant + 2])) == pytest.approx([2])


def test_json_both_ways_keeps_every_bit():
    scaler = Scaler.fit(VALUES)
    again = Scaler.from_json(json.loads(json.dumps(scaler.to_json())))
    assert (again.transform(VALUES) == scaler.transform(VALUES)).all()
