"""Features of pictures from a file: found by name, read as they are; what is wrong is named."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import save_file

from recur import InputError
from recur.data.picture_features import PictureFeatures

GRID = np.arange(12, dtype=np.float32).reshape(3, 2, 2)


def kept(path, **arrays):
    """A file of either kind that holds arrays by names, in which a slash is written __."""
    named = {name.replace("__", "/"): array for name, array in arrays.items()}
    if path.suffix == ".npz":
        np.savez(path, **named)
    else:
        save_file(named, path)
    return path


@pytest.mark.parametrize("name", ["features.npz", "features.safetensors"])
def test_features_are_found_by_what_is_left_of_the_path(tmp_path, name):
    path = kept(tmp_path / name, **{"dogs__1.jpg": GRID, "cats__1.jpg": 2 * GRID, "2.jpg": GRID})
    features = PictureFeatures(path)
    assert features.shape == (3, 2, 2)
    asked = ["/far/away/dogs/1.jpg", "cats/1.jpg", "/far/2.jpg", "/far/2.jpg"]
    names = features.names(asked)
    assert names == ["dogs/1.jpg", "cats/1.jpg", "2.jpg", "2.jpg"]
    assert np.array_equal(features.at(names[1]), 2 * GRID)
    assert features.at(names[0]).dtype == np.float32


def test_two_pictures_never_share_features(tmp_path):
    features = PictureFeatures(kept(tmp_path / "f.npz", **{"1.jpg": GRID}))
    with pytest.raises(InputError, match=r"1\.jpg in .*f\.npz must be of one picture; got dogs/1"):
        features.names(["dogs/1.jpg", "cats/1.jpg"])


def damaged(folder):
    whole = kept(folder / "whole.npz", a=GRID).read_bytes()
    (folder / "half.npz").write_bytes(whole[: len(whole) // 2])
    return folder / "half.npz"


BAD = {
    "ending": (lambda at: at / "features.pt", r"a file of features \(\.npz or \.safetensors\)"),
    "missing": (lambda at: at / "gone.npz", r"There is no file .*gone\.npz"),
    "damaged": (damaged, r"half\.npz is damaged, or no file of features"),
    "empty": (lambda at: kept(at / "none.npz"), "must be features of pictures; got none"),
    "rank": (lambda at: kept(at / "m.npz", a=GRID[0]), r"arrays \(E,\) or \(E, h, w\) of pictures"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_file_that_is_none_is_said(tmp_path, case):
    make, words = BAD[case]
    with pytest.raises(InputError, match=words):
        PictureFeatures(make(tmp_path))


def test_features_of_another_shape_or_not_finite_are_named(tmp_path):
    wrong = GRID.copy()
    wrong[0, 1, 1] = np.nan
    arrays = {"a.jpg": GRID, "b.jpg": GRID[:2], "c.jpg": wrong}
    features = PictureFeatures(kept(tmp_path / "f.safetensors", **arrays))
    with pytest.raises(InputError, match=r"b\.jpg in .* must be numbers \(3, 2, 2\); got"):
        features.at("b.jpg")
    with pytest.raises(InputError, match=r"c\.jpg in .* must be finite numbers"):
        features.at("c.jpg")
    with pytest.raises(InputError, match=r"has features of 3 pictures; d\.jpg is not among them"):
        features.names(["a.jpg", "far/d.jpg"])
