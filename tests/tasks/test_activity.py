"""Activity: what the contract of all tasks does not say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from recur import InputError, run, tasks
from recur.tasks.preparing import prepare
from recur.tasks.tiny import movements

SMALL = {"filters": 4, "units": 8, "progress": False}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("activity") / "movements"
    movements(folder)
    return folder


@pytest.fixture(scope="module")
def trained(folder):
    how = {"epochs": 15, "batch_size": 4, "learning_rate": 0.01, **SMALL}
    return run.train("activity", data=str(folder), out=folder.parent / "run", **how)


def test_it_learns_to_tell_shaking_from_resting(trained, folder):
    assert trained.scores.values["accuracy"] == 1
    still = 0.1 * np.random.default_rng(1).normal(size=(6, 2))
    answers = trained.predict([still, 20 * still])
    assert [each.label for each in answers] == ["resting", "shaking"]
    assert str(trained.predict(folder / "resting" / "00.csv")[0]).startswith("resting  ")


def test_what_needs_no_network_stands_beside(trained):
    values = trained.scores.values
    assert {"linear_accuracy", "nearest_accuracy", "linear_macro_f1"} <= values.keys()
    assert "the nearest by warping: accuracy" in str(trained.scores)


def test_a_recording_of_one_step_is_judged_drawn_and_explained(trained):
    (answer,) = trained.predict([np.ones((1, 2))])
    (path,) = trained.draw([answer])
    assert path.name == "recording.png"
    (why,) = trained.why([np.ones((1, 2))])
    assert [name for name, _ in why.channels] == ["x", "y"]
    assert sum(value for _, value in why.channels) == pytest.approx(sum(why.values), abs=1e-5)
    assert why.to_json()["channels"] == [list(pair) for pair in why.channels]


def test_other_channels_are_refused(trained, tmp_path):
    (tmp_path / "other.csv").write_text("x,z\n1,2\n")
    with pytest.raises(InputError, match=r"with the channel 'y', as the others have it; got x, z"):
        trained.predict(tmp_path / "other.csv")


def test_chance_changes_what_is_learnt_from_and_nothing_else(folder):
    task = tasks.find("activity")
    prepared = prepare(task, task.settled({"data": str(folder), "filters": 4}))
    torch.manual_seed(3)
    one, other = (prepared.train.batch(range(4)).x for _ in range(2))
    assert one.shape != other.shape or not torch.equal(one, other)
    torch.manual_seed(3)
    assert torch.equal(prepared.train.batch(range(4)).x, one)
    assert torch.equal(prepared.validation.batch([0]).x, prepared.validation.batch([0]).x)


def test_whole_people_are_held_out(tmp_path):
    for number, path in enumerate(movements(tmp_path / "all")):
        kind, name = path.split("/")[-2:]
        place = tmp_path / "by" / kind / f"p{number % 5}" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(Path(path).read_text())
    task = tasks.find("activity")
    splits = prepare(task, task.settled({"data": str(tmp_path / "by"), "filters": 4})).splits
    parts = [set(part.subjects) for part in (splits.train, splits.validation, splits.test)]
    assert all(parts)
    assert len(set.union(*parts)) == sum(map(len, parts)) == 5
