"""Caption: what the contract of all tasks does not say."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from recur import InputError, run
from recur.tasks import find
from recur.tasks.preparing import prepare
from recur.tasks.tiny import pictures

SMALL = {"size": 8, "features": 8, "embedding": 8, "units": 16, "progress": False}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("caption") / "pictures"
    pictures(folder)
    return folder


@pytest.fixture(scope="module")
def trained(folder):
    how = {"epochs": 20, "patience": 20, "batch_size": 8, "learning_rate": 0.01, **SMALL}
    return run.train("caption", data=str(folder), out=folder.parent / "run", **how)


def test_it_learns_the_colour_of_a_picture(trained, folder):
    red, blue = np.zeros((2, 5, 7, 3), np.uint8)
    red[..., 0], blue[..., 2] = 255, 255
    answers = trained.predict([red, blue])
    assert [each.text for each in answers] == ["all is red", "all is blue"]
    assert [each.picture for each in answers] == ["picture 1", "picture 2"]
    assert str(trained.predict(folder / "01.png")[0]).endswith("01.png: all is red")


def test_pictures_are_drawn_over_their_captions(trained, folder):
    (path,) = trained.draw(trained.predict([folder / "00.png", folder / "01.png"]))
    assert path.name == "captions.png"


def test_each_caption_is_an_example_and_the_test_part_is_pictures(trained, folder):
    prepared = prepare(trained.task, trained.options)
    assert len(prepared.train) == 2 * len(prepared.splits.train)
    assert 0 <= trained.scores.values["exact"] <= 1


def test_augmented_pictures_are_the_same_whatever_the_workers(folder):
    task = find("caption")
    given = {"data": str(folder), "flip": True, "crop": 0.2, "size": 8}
    batches = []
    for workers in (0, 3):
        options = task.options.of("caption", {**given, "workers": workers})
        prepared = prepare(task, options)
        torch.manual_seed(1)
        batches.append(prepared.train.batch(range(8)).x)
        assert torch.equal(prepared.validation.batch([0]).x, prepared.validation.batch([0]).x)
    assert torch.equal(*batches)


def test_a_missing_picture_and_two_ways_are_refused(trained, folder):
    with pytest.raises(InputError, match=r"There is no file .*gone\.jpg"):
        trained.predict(folder / "gone.jpg")
    with pytest.raises(InputError, match="bidirectional must be off for caption"):
        run.train("caption", data=str(folder), bidirectional=True)
