"""Caption: what the contract of all tasks does not say."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
import torch
from PIL import Image

from recur import InputError, files, run
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


COLOURS = {"red": (255, 0, 0), "green": (0, 160, 0), "blue": (0, 0, 255)}


def drawn(path, left, right):
    """Writes a picture of two colours; returns what a network might find in its four cells."""
    halves = Image.new("RGB", (8, 8), COLOURS[left])
    halves.paste(COLOURS[right], (4, 0, 8, 8))
    halves.save(path)
    found = np.eye(3)[[[list(COLOURS).index(each) for each in (left, right)]] * 2]
    return found.transpose(2, 0, 1)


@pytest.fixture(scope="module")
def looking(tmp_path_factory):
    """A network that says what is on the left and what on the right, from features."""
    folder = tmp_path_factory.mktemp("looking")
    rows, found = ["picture,caption"], {}
    for number, (left, right) in enumerate([*itertools.product(COLOURS, repeat=2)] * 6):
        name = f"{number}.png"
        found[name] = drawn(folder / name, left, right)
        rows.append(f"{name},{left} then {right}")
    (folder / "all.csv").write_text("\n".join(rows))
    np.savez(folder / "found.npz", **found)
    how = {"epochs": 25, "patience": 25, "learning_rate": 0.02, "dropout": 0.0, "batch_size": 8}
    given = {"data": str(folder / "all.csv"), "features_file": str(folder / "found.npz")}
    run.train("caption", out=folder / "run", **{**given, **SMALL, **how})
    return run.load(folder / "run")


def test_each_word_looks_at_its_own_part_of_the_picture(looking):
    assert looking.evaluate().values == looking.scores.values
    assert looking.scores.values["exact"] == 1
    folder = looking.path.parent
    asked = [folder / "2.png", folder / "3.png"]
    answers = looking.predict(asked)
    assert [each.text for each in answers] == ["red then blue", "green then red"]
    assert answers[0].words == ("red", "then", "blue")
    assert answers[0].looked.shape == (3, 2, 2)
    np.testing.assert_allclose(answers[0].looked.sum(axis=(1, 2)), 1, atol=1e-5)
    left, _, right = answers[0].looked.sum(axis=1)
    assert left[0] > left[1]
    assert right[1] > right[0]
    names = [path.name for path in looking.draw(answers)]
    assert names == ["captions.png", "looked-1.png", "looked-2.png"]
    assert [path.name for path in looking.draw(answers[:1])] == ["captions.png", "looked.png"]


def test_why_tells_of_the_cells_as_they_lie(looking):
    (reason,) = looking.why([looking.path.parent / "3.png"])
    assert reason.name == "green then red"
    assert reason.labels[1:3] == ("row 1, column 2", "row 2, column 1")
    assert abs(reason.error) < 1e-3
    assert reason.score > np.log(0.5) > reason.baseline
    assert [len(line.split()) for line in reason.marked().splitlines()] == [2, 2]
    assert looking.draw_why([reason])[0].stat().st_size > 1000


def test_features_of_pictures_that_were_not_learnt_from(looking, tmp_path):
    found = {"new.png": drawn(tmp_path / "new.png", "blue", "green")}
    with pytest.raises(InputError, match=r"has features of 54 pictures; new\.png is not among"):
        looking.predict(tmp_path / "new.png")
    np.savez(tmp_path / "more.npz", **found)
    how = {"features_file": str(tmp_path / "more.npz")}
    assert looking.predict(tmp_path / "new.png", **how)[0].text == "blue then green"
    assert len(looking.why(tmp_path / "new.png", **how)) == 1
    np.savez(tmp_path / "more.npz", **{"new.png": np.ones(4)})
    with pytest.raises(InputError, match=r"must be features \(3, 2, 2\), .*; got \(4,\)"):
        looking.predict(tmp_path / "new.png", **how)


@pytest.mark.parametrize("given", [{"flip": True}, {"crop": 0.1}])
def test_features_are_not_changed_at_random(given):
    with pytest.raises(InputError, match=f"{next(iter(given))} must be off with a features file"):
        find("caption").options(features_file="found.npz", **given)


def test_without_attention_it_is_as_it_was_before_there_was_any(folder, tmp_path):
    how = {"attention": "none", "decay": False, "epochs": 1, **SMALL}
    trained = run.train("caption", data=str(folder), out=tmp_path / "run", **how)
    asked = [folder / "00.png", folder / "01.png"]
    answers = trained.predict(asked)
    assert answers[0].looked is None
    assert [path.name for path in trained.draw(answers)] == ["captions.png"]
    with pytest.raises(InputError, match="takes a picture as a whole"):
        trained.why(asked)
    config = json.loads((tmp_path / "run/config.json").read_text())
    for new in ("attention", "decay", "label_smoothing", "drop_bad", "features_file"):
        del config["options"][new]
    files.write_json(tmp_path / "run/config.json", config)
    older = run.load(tmp_path / "run")
    assert older.options == trained.options
    assert [str(each) for each in older.predict(asked)] == [str(each) for each in answers]


def test_pictures_that_cannot_be_read_end_nothing_if_they_may_be_left_out(tmp_path):
    paths = pictures(tmp_path / "pictures")
    for path in paths[:2]:
        files.write_bytes(path, files.read_bytes(path)[:50])
    given = {"data": str(tmp_path / "pictures"), "epochs": 1, **SMALL}
    with pytest.raises(InputError, match=r"00\.png cannot be read.* So it is with 1 other\. Such"):
        run.train("caption", **given)
    trained = run.train("caption", out=tmp_path / "run", drop_bad=True, **given)
    assert any("2 of 60 pictures left out" in note for note in trained.scores.notes)


def test_a_missing_picture_and_two_ways_are_refused(trained, folder):
    with pytest.raises(InputError, match=r"There is no file .*gone\.jpg"):
        trained.predict(folder / "gone.jpg")
    with pytest.raises(InputError, match="bidirectional must be off for caption"):
        run.train("caption", data=str(folder), bidirectional=True)
