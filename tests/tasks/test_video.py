"""Video: what the contract of all tasks does not say."""

from __future__ import annotations

import numpy as np
import pytest

from recur import InputError, run, tasks
from recur.tasks.preparing import prepare
from recur.tasks.tiny import clips

SMALL = {"size": 6, "features": 8, "units": 8, "progress": False}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("video") / "clips"
    clips(folder)
    return folder


@pytest.fixture(scope="module")
def trained(folder):
    how = {"epochs": 15, "batch_size": 8, "learning_rate": 0.01, "dropout": 0.0, **SMALL}
    return run.train("video", data=str(folder), out=folder.parent / "run", **how)


@pytest.fixture(scope="module")
def danced(tmp_path_factory):
    """Skeletons of six people, whose hand goes up or down."""
    folder = tmp_path_factory.mktemp("danced")
    rng = np.random.default_rng(0)
    for label, way in (("down", -1.0), ("up", 1.0)):
        for who in range(6):
            (folder / "data" / label / f"p{who}").mkdir(parents=True)
            for take in range(3):
                values = 0.05 * rng.normal(size=(rng.integers(4, 12), 3, 3))
                values[:, 1, 1] += 1.0
                values[:, 2, 1] += way * np.linspace(0, 1, len(values))
                np.savez(folder / "data" / label / f"p{who}" / f"{take}.npz", values)
    how = {"epochs": 8, "learning_rate": 0.01, "hip": "1", "frames": 8, "units": 8, "views": 3}
    return run.train("video", data=str(folder / "data"), out=folder / "run", progress=False, **how)


def test_a_clip_gets_a_label_and_each_of_its_frames_a_tag(trained):
    values = trained.scores.values
    assert values["accuracy"] == 1
    assert values["tag_accuracy"] > 0.9
    assert values["all_right"] > 0.5
    frames = np.zeros((3, 5, 7, 3), np.uint8)
    frames[0, ..., 2], frames[1:, ..., 2] = 255, 127
    (answer,) = trained.predict([frames])
    assert answer.label == "blue"
    assert answer.tags == ("light", "dark", "dark")
    assert str(answer).splitlines()[1:] == ["    frames 1 to 1: light", "    frames 2 to 3: dark"]


def test_a_clip_of_one_frame_and_a_long_one_have_all_their_tags(trained):
    for frames in (1, 100):
        (answer,) = trained.predict([np.full((frames, 4, 4, 3), 200, np.uint8)])
        assert len(answer.tags) == frames
        (path,) = trained.draw([answer])
        assert path.name == "strip.png"


def test_frames_of_a_film_mattered(trained, folder):
    (why,) = trained.why([folder / "red" / "01.gif"])
    assert why.name == "red"
    assert why.labels[0] == "frame 1"
    assert why.channels == ()


def test_a_wrong_number_of_tags_is_named(folder, tmp_path):
    paths = clips(tmp_path / "clips")
    for path in paths:
        with open(path.replace(".gif", ".txt"), "a") as beside:
            beside.write("\nlight")
    with pytest.raises(
        InputError, match=r"the tags of .*\.gif must be one for each of its \d+ frames"
    ):
        run.train("video", data=str(tmp_path / "clips"), epochs=1, **SMALL)


def test_a_damaged_clip_ends_a_training_before_it_begins(folder, tmp_path):
    paths = clips(tmp_path / "clips")
    with open(paths[7], "wb") as damaged:
        damaged.write(b"GIF89a")
    with pytest.raises(InputError, match=r"07\.gif cannot be read"):
        run.train("video", data=str(tmp_path / "clips"), epochs=1, **SMALL)
    found = run.train("video", data=str(tmp_path / "clips"), epochs=1, drop_bad=True, **SMALL)
    assert "1 clip left out" in str(found.scores)


def test_skeletons_are_told_apart_and_their_joints_matter(danced):
    assert danced.scores.values["accuracy"] == 1
    assert "tag_accuracy" not in danced.scores.values
    values = np.zeros((6, 3, 3))
    values[:, 1, 1] = 1
    values[:, 2, 1] = np.linspace(0, 1, 6)
    (answer,) = danced.predict([values])
    assert (answer.label, answer.tags) == ("up", ())
    (path,) = danced.draw([answer])
    assert path.name == "strip.png"
    (why,) = danced.why([values])
    assert dict(why.channels).keys() == {"1", "2", "3"}
    assert max(why.channels, key=lambda pair: abs(pair[1]))[0] == "3"
    with pytest.raises(InputError, match=r"of the 3 joints that are known"):
        danced.predict([np.ones((6, 4, 3))])
    with pytest.raises(InputError, match="the clips must be skeletons; got films"):
        danced.predict([np.ones((6, 4, 4, 3), np.uint8)])


def test_no_person_stands_on_both_sides(danced):
    splits = prepare(danced.task, danced.options).splits
    parts = [set(part.people) for part in (splits.train, splits.validation, splits.test)]
    assert all(parts)
    assert len(set.union(*parts)) == sum(map(len, parts)) == 6


def test_films_in_a_mirror_and_moved_keep_their_tags(folder):
    task = tasks.find("video")
    given = {"data": str(folder), "size": 6, "features": 4, "flip": True, "shift": 1}
    prepared = prepare(task, task.settled(given))
    batch = prepared.train.batch(range(6))
    plain = prepare(task, task.settled({**given, "flip": False, "shift": 0})).train.batch(range(6))
    assert batch.x.shape == plain.x.shape
    assert not batch.x.equal(plain.x)
    assert batch.y["tag"].equal(plain.y["tag"])
