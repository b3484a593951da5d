"""Faces: verification beside its definition, who is nearest, and eigenfaces; nearest pictures."""

from __future__ import annotations

import numpy as np
import pytest

from recur import InputError
from recur.scoring.faces import Eigenfaces, Verification, apart, centres, left_out, pairs, unit
from recur.scoring.nearest import Nearest, room

CHANCE = np.random.default_rng(0)


def test_pairs_are_each_two_once():
    rows = unit(CHANCE.normal(size=(4, 3)))
    nearness, same = pairs(rows, ["a", "b", "a", "b"])
    assert nearness == pytest.approx([rows[i] @ rows[j] for i in range(4) for j in range(i + 1, 4)])
    assert same.tolist() == [False, True, False, False, True, False]


def test_the_equal_error_rate_is_where_both_errors_are_as_many():
    nearness = np.array([0.9, 0.8, 0.7, 0.3, 0.6, 0.2, 0.1, 0.75])
    same = np.array([1, 1, 1, 1, 0, 0, 0, 0])
    found = Verification.of(nearness, same)
    assert found.scores["equal_error_rate"] == pytest.approx(0.25)  # 0.3 refused, 0.75 taken
    above = (nearness[same == 1][:, None] > nearness[same == 0]).mean()
    assert found.scores["roc_auc"] == pytest.approx(above)
    with pytest.raises(InputError, match="of the same person and of others"):
        Verification.of(nearness, np.ones(8))


def test_people_are_the_mean_direction_of_their_pictures():
    rows = unit([[1, 0], [0, 1], [0, -1.0]])
    people, middle = centres(rows, ["b", "b", "a"])
    assert people == ("a", "b")
    assert middle == pytest.approx(np.array([[0, -1], [0.5**0.5, 0.5**0.5]]))
    mine, others = apart(rows @ middle.T, [1, 1, 0])
    assert mine == pytest.approx([0.5**0.5, 0.5**0.5, 1])
    assert others == pytest.approx([0, -1, -(0.5**0.5)])
    near, asked = left_out(rows, ["b", "b", "a"])
    assert asked.tolist() == [0, 1]
    assert near == pytest.approx(np.array([[0, 0], [-1, 0]]), abs=1e-12)  # the other of b's two


def test_eigenfaces_are_apart_where_pictures_are():
    pictures = CHANCE.integers(0, 256, (12, 1, 6, 6))
    model = Eigenfaces(pictures)
    rows = model.embed(pictures)
    assert rows.shape == (12, 11)
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1)
    noisy = np.clip(pictures + CHANCE.integers(-4, 5, pictures.shape), 0, 255)
    assert (model.embed(noisy) @ rows.T).argmax(axis=1).tolist() == list(range(12))


def test_the_nearest_picture_says_its_label():
    known = CHANCE.integers(0, 256, (40, 1, 5, 5)).astype(np.uint8)
    labels = [str(n) for n in range(40)]
    asked = np.clip(known[::-1].astype(int) + 3, 0, 255).astype(np.uint8)
    assert Nearest(known, labels).answers(asked) == labels[::-1]
    assert room(784) > 20_000
    assert room(1 << 30) == 1
    with pytest.raises(InputError):
        Nearest(known, labels[1:])
