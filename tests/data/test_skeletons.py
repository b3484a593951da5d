"""Skeletons: their files, and what is the same from wherever a person is seen."""

from __future__ import annotations

import numpy as np
import pytest

from recur import InputError
from recur.data.skeletons import Posture, alike, of_array, read_skeleton, turned, without_gaps
from recur.data.variations import Variations

JOINTS = ("hip", "head", "hand")


def posture(**given):
    how = {"hip": "hip", "joints": JOINTS, "frames": 8, "turn": 0.0, "variations": Variations()}
    return Posture(**{**how, **given})


@pytest.fixture
def values():
    return np.random.default_rng(0).normal(size=(5, 3, 3))


def test_a_table_and_an_array_are_the_same_skeleton(values, tmp_path):
    names = [f"{joint}_{axis}" for axis in "xyz" for joint in JOINTS]
    rows = values.transpose(0, 2, 1).reshape(5, 9)
    text = "\n".join(",".join(map(repr, row)) for row in rows.tolist())
    (tmp_path / "a.csv").write_text(
        f"time,{','.join(names)}\n"
        + "\n".join(f"{n},{line}" for n, line in enumerate(text.split("\n")))
    )
    found = read_skeleton(tmp_path / "a.csv")
    assert found.joints == JOINTS
    assert np.allclose(found.values, values)
    np.savez(tmp_path / "a.npz", joints=values)
    np.save(tmp_path / "a.npy", values)
    for name in ("a.npz", "a.npy"):
        same = read_skeleton(tmp_path / name)
        assert np.array_equal(same.values, values)
        assert same.joints == ("1", "2", "3")


@pytest.mark.parametrize(
    ("name", "content", "wrong"),
    [
        ("a.csv", b"hip_x,hip_y,head_x\n1,2,3\n", "two axes or three of each joint"),
        ("a.csv", b"hip,head\n1,2\n", "two axes or three of each joint"),
        ("a.csv", b"hip_x,hip_y\n1,\n", r"step 1 of 'hip_y' of .* must be a value"),
        ("a.npy", b"nothing", "no file of numpy's with numbers, or a damaged one"),
        ("a.npz", b"nothing", "no file of numpy's with numbers, or a damaged one"),
    ],
)
def test_what_is_no_skeleton_is_named(name, content, wrong, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=wrong):
        read_skeleton(tmp_path / name)


def test_arrays_of_other_shapes_are_refused():
    for wrong in (
        np.zeros((4, 5)),
        np.zeros((4, 5, 4)),
        np.zeros((0, 5, 3)),
        np.zeros((4, 5, 3)),
        np.full((4, 5, 3), 1e300),
        np.full((1, 1, 2), np.nan),
    ):
        with pytest.raises(InputError, match="it must be"):
            of_array(wrong, "it")
    with pytest.raises(InputError, match="b must be of 5 joints in 3 axes, as a; got 4 in 3"):
        alike([of_array(np.ones((2, n, 3)), "") for n in (5, 4)], ["a", "b"])


def test_place_and_size_of_a_person_do_not_matter(values):
    found = posture()(values)
    assert found.shape == (8, 2 * 3 * 3)
    assert np.allclose(posture()(3 * values + np.array([1.0, -2.0, 5.0])), found)
    assert np.allclose(found[:, :3], 0)  # the hip
    assert np.allclose(found[0, 9:], 0)  # nothing moved before the first frame
    assert np.allclose(np.cumsum(found[:, 9:], axis=0) + found[0, :9], found[:, :9])


def test_turning_leaves_the_height_and_the_distances(values):
    other = turned(values, 0.7)
    assert np.array_equal(other[..., 1], values[..., 1])
    assert np.allclose(np.linalg.norm(other, axis=2), np.linalg.norm(values, axis=2))
    assert np.allclose(turned(other, -0.7), values)
    assert np.array_equal(turned(values[..., :2], 0.7), values[..., :2])


def test_one_frame_and_no_size_are_no_trouble():
    for still in (np.zeros((1, 3, 3)), np.ones((4, 3, 2))):
        changed = posture(turn=30.0, variations=Variations(0.1, 0.1, 0.2, 0.5))
        found = changed(still, np.random.default_rng(0))
        assert len(found) == 8
        assert np.isfinite(found).all()


def test_frames_in_which_the_tracker_lost_the_person_are_filled_up(values):
    lost = values.copy()
    lost[[0, 2, 3]] = 0
    found = without_gaps(lost)
    assert np.array_equal(found[[0, 1, 4]], values[[1, 1, 4]])
    assert np.allclose(found[2], (2 * values[1] + values[4]) / 3)
    assert np.array_equal(without_gaps(values), values)
    assert not without_gaps(np.zeros((3, 2, 3))).any()


def test_without_a_hip_the_middle_of_all_joints_takes_its_place(values):
    found = posture(hip="belly")(values)[:, :9].reshape(8, 3, 3)
    assert np.allclose(found.mean(axis=1), 0)
