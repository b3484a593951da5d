from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from recur import InputError
from recur.data.scaling import Scaler
from recur.data.window_examples import WindowExamples
from recur.data.windows import Strip, split_by_time, starts_of, windows

STEPS = np.arange(20.0)[:, None] + np.array([0, 100])


def test_what_is_known_and_what_follows():
    cut = windows(STEPS, length=3, horizon=2, target=1)
    assert cut.x.shape == (16, 3, 2)
    assert cut.y.shape == (16, 2)
    assert cut.x[0].tolist() == [[0, 100], [1, 101], [2, 102]]
    assert cut.y[0].tolist() == [103, 104]
    assert cut.x[-1, -1].tolist() == [17, 117]
    assert cut.y[-1].tolist() == [118, 119]
    assert cut.starts.tolist() == list(range(3, 19))


def test_exactly_one_window():
    assert len(windows(STEPS[:5], 3, 2, 0).x) == 1


def test_parts_follow_one_another():
    parts = split_by_time(100, validation=0.1, test=0.2)
    assert parts == ((0, 70), (70, 80), (80, 100))


@given(
    st.integers(10, 80),
    st.floats(0.05, 0.45),
    st.floats(0.05, 0.45),
    st.integers(1, 6),
    st.integers(1, 4),
)
def test_no_target_of_one_part_is_seen_by_another(steps, validation, test, length, horizon):
    parts = split_by_time(steps, validation=validation, test=test)
    assume(all(end - begin >= length + horizon for begin, end in parts))
    values = np.arange(float(steps))[:, None]  # a value is its own time
    targets = []
    for begin, end in parts:
        cut = windows(values, length, horizon, 0, part=(begin, end))
        assert begin <= cut.y.min()
        assert cut.y.max() < end
        # What is known ends right before what follows.
        assert (cut.x[:, -1, 0] == cut.y[:, 0] - 1).all()
        targets.append(set(cut.y.ravel()))
    assert not targets[0] & targets[1]
    assert not targets[1] & targets[2]
    # Windows of the later parts use all of their steps: none is lost at a border.
    assert targets[1] == set(map(float, range(*parts.validation)))
    assert targets[2] == set(map(float, range(*parts.test)))


def test_nothing_leaks_into_what_the_model_learns_from():
    """Whatever comes after the training part, training windows and scaling stay the same bits."""
    past = np.random.default_rng(0).normal(size=(100, 2))
    parts = split_by_time(100, validation=0.2, test=0.2)
    future = past.copy()
    future[parts.train[1] :] = 1e9

    def learnt_from(values: np.ndarray) -> list[np.ndarray]:
        scaler = Scaler.fit(values[slice(*parts.train)])
        cut = windows(scaler.transform(values), 8, 3, 0, part=parts.train)
        return [scaler.mean, scaler.deviation, cut.x, cut.y]

    for before, after in zip(learnt_from(past), learnt_from(future), strict=True):
        assert before.tobytes() == after.tobytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"length": 19, "horizon": 2, "name": "prices.csv"},
            r"prices.csv or a part of it must be at least as long as one window \(19 known steps "
            r"and 2 to foretell\); got 20 steps. Give a longer series",
        ),
        ({"length": 4, "horizon": 3, "part": (18, 20)}, "at least as long as one window"),
        ({"length": 0, "horizon": 3}, "the length of a window must be at least 1 step; got 0"),
        ({"length": 2, "horizon": 0}, "the horizon must be at least 1 step; got 0"),
    ],
)
def test_no_window(arguments, message):
    with pytest.raises(InputError, match=message):
        windows(STEPS, target=0, **arguments)


@pytest.mark.parametrize(("validation", "test"), [(0, 0.2), (0.2, 0), (0.6, 0.4), (-0.1, 0.5)])
def test_shares_that_leave_nothing(validation, test):
    with pytest.raises(InputError, match="must be above 0, below 1 together; got"):
        split_by_time(100, validation=validation, test=test)


def test_windows_of_several_series_are_cut_as_they_are_asked_for():
    """A value says its series and its step: none of another series or of its future is seen."""
    strips = []
    for number, steps in enumerate((9, 7, 12)):
        values = (100 * number + np.arange(steps))[:, None] + np.array([0, 0.5])
        known = (100 * number + np.arange(steps + 2))[:, None]
        starts = starts_of((0, steps), 4, 2)
        static = np.array([number], dtype=np.float32)
        strips.append(Strip(np.float32(values), starts, np.float32(known), static))
    examples = WindowExamples(strips, 4, 2, 1)
    assert len(examples) == 4 + 2 + 7
    rows = np.random.default_rng(0).permutation(len(examples))
    batch = examples.batch(rows)
    assert batch.y.shape == (13, 2, 1)
    first, before = batch.y[:, 0, 0], torch.arange(-4, 2)
    assert (batch.x[:, :, 0] == first[:, None] + before[:4]).all()
    assert (batch.x[:, :, 1] == batch.x[:, :, 0] + 0.5).all()
    assert (batch.y[:, 1, 0] == first + 1).all()
    assert (batch.also["known"][..., 0] == first[:, None] + before).all()
    assert (batch.also["static"][:, 0] == first.div(100, rounding_mode="floor")).all()
    after = WindowExamples([dataclasses.replace(strips[0], starts=np.array([9]))], 4, 2, 0).batch(
        [0]
    )
    assert after.y is None
    assert after.also["known"][0, :, 0].tolist() == [5, 6, 7, 8, 9, 10]
