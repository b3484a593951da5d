"""Image: what the contract of all tasks does not say."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from recur import InputError, run
from recur.data.scanned import ORDERS
from recur.diagnostics import beliefs
from recur.tasks import find
from recur.tasks.preparing import prepare
from recur.tasks.tiny import pictures_by_class

SMALL = {"size": 6, "units": 8, "batch_size": 8, "progress": False}
STILL = dict.fromkeys(("shift", "rotate", "zoom", "shear"), 0.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("image") / "pictures"
    pictures_by_class(folder)
    return folder


@pytest.fixture(scope="module")
def trained(folder):
    how = {"epochs": 20, "learning_rate": 0.01, "layers": 1, "bidirectional": False, **SMALL}
    return run.train("image", data=str(folder), out=folder.parent / "run", **how)


@pytest.fixture(scope="module")
def plain(folder):
    how = {"network": "plain", "epochs": 20, "out": folder.parent / "plain", **SMALL}
    return run.train("image", data=str(folder), **how)


def lit(side):
    light = np.tile(np.linspace(255, 0, 10), (10, 1)).astype(np.uint8)
    return light if side == "left" else light.T


def test_it_learns_from_where_a_picture_is_lit(trained, plain):
    for network in (trained, plain):
        assert network.scores.values["accuracy"] == 1
        answers = network.predict([lit("left"), lit("above"), np.stack([lit("left")] * 3, 2)])
        assert [each.label for each in answers] == ["left", "above", "left"]
        assert answers[0].probability == max(answers[0].probabilities.values())


def test_what_stands_beside_is_named_and_said(trained, plain):
    assert {"nearest_accuracy", "plain_accuracy"} <= set(trained.scores.values)
    assert "plain_accuracy" not in plain.scores.values
    better = {**trained.scores.values, "accuracy": 0.1}
    assert "Better here: the nearest picture and a plain network" in trained.task.report(better)


def test_beliefs_are_those_of_the_rows_so_far(trained):
    scan = trained.trained.preprocessing.scan
    x = torch.randn(*scan.shape)
    found = beliefs(trained.model, x, range(1, 7)).softmax(dim=1)
    assert found.shape == (6, 2)
    outputs = trained.model.recurrent(x[None])  # the last layer is judged after each row
    assert outputs.shape == (1, 8)
    for row in (1, 4, 6):
        alone = trained.model(x[None, :row]).softmax(dim=1)[0]
        assert found[row - 1].tolist() == pytest.approx(alone.tolist(), abs=1e-6)


def test_pictures_of_beliefs_and_of_pixels(trained, plain):
    for network in (trained, plain):
        (seen,) = network.draw(network.predict(lit("left")))
        assert seen.name == "seen.png"
        (why,) = network.why(lit("left"))
        assert why.picture.shape == (6, 6)
        assert len(why.values) == 36
        assert why.labels[7] == "row 2, column 2"
        assert [len(line) for line in why.marked().splitlines()] == [6] * 6


def test_why_says_the_same_of_a_pixel_whatever_the_order(trained):
    """A weight on one pixel is found at that pixel, in every order that steps can have."""
    from recur.data.scanned import Scan
    from recur.diagnostics.pictures import pixels_that_mattered

    picture = lit("left")[:6, :6]
    for order in ORDERS:
        places = tuple(np.random.default_rng(1).permutation(36).tolist())
        scan = Scan(order, 6, 1, 0.5, 0.2, places if order == "permuted" else ())
        marked = np.zeros((1, 6, 6), np.float32)
        marked[0, 2, 4] = 1
        weights = scan.steps(torch.from_numpy(marked)[None] * scan.deviation + scan.mean)
        reads = torch.nn.Linear(weights.numel(), 2)
        network = torch.nn.Sequential(torch.nn.Flatten(), reads)
        with torch.no_grad():
            reads.weight[:] = weights.flatten() * torch.tensor([[1.0], [-1.0]])
        found = pixels_that_mattered(network, scan, picture[None], ["a", "b"])
        assert np.flatnonzero(np.abs(found.values) > 1e-6).tolist() == [2 * 6 + 4], order


def test_every_order_reads_the_same_pixels(folder):
    task = find("image")
    seen = {}
    for order in ORDERS:
        options = task.options.of("image", {"data": str(folder), "order": order, **STILL})
        prepared = prepare(task, options)
        scan = prepared.preprocessing.scan
        seen[order] = prepared.train.batch([0]).x
        assert tuple(seen[order].shape[1:]) == scan.shape
    rows = seen["rows"][0]
    assert torch.equal(seen["columns"][0], rows.T)
    assert torch.equal(seen["both"][0], torch.cat([rows, rows.T], dim=1))
    assert torch.equal(seen["pixels"].flatten(), rows.flatten())
    assert not torch.equal(seen["permuted"], seen["pixels"])
    assert torch.equal(seen["permuted"].flatten().sort()[0], rows.flatten().sort()[0])


def test_the_permutation_is_kept_by_the_run(folder, tmp_path):
    how = {"order": "permuted", "epochs": 1, "data": str(folder), **SMALL}
    first = run.train("image", out=tmp_path / "run", **how)
    kept = run.load(tmp_path / "run").trained.preprocessing.scan
    assert sorted(kept.permutation) == list(range(36))
    assert kept == first.trained.preprocessing.scan


def test_pictures_are_changed_in_training_alone_and_the_same_from_the_same_seed(folder):
    task = find("image")
    given = {"data": str(folder), "flip": True, "light": 0.3}
    prepared = prepare(task, task.options.of("image", given))
    batches = []
    for _ in range(2):
        torch.manual_seed(1)
        batches.append(prepared.train.batch(range(8)).x)
    assert torch.equal(*batches)
    assert not torch.equal(batches[0], prepared.train.batch(range(8)).x)
    still = prepared.validation.batch([0]).x
    assert torch.equal(still, prepared.validation.batch([0]).x)


def test_colour_is_found_and_sizes_may_differ(tmp_path):
    for number in range(12):
        for name, shade in (("red", (255, 0, 0)), ("blue", (0, 0, 255))):
            (tmp_path / name).mkdir(exist_ok=True)
            size = (5 + number, 9 - number // 2)
            Image.new("RGB", size, shade).save(tmp_path / name / f"{number}.png")
    scan = prepare(find("image"), find("image").options(data=str(tmp_path))).preprocessing.scan
    assert scan.channels == 3
    options = find("image").options(data=str(tmp_path), colour="grey", size=4)
    grey = prepare(find("image"), options)
    assert grey.preprocessing.scan.shape == (4, 4)


def test_parts_that_a_folder_sets_apart_are_kept(tmp_path):
    for part in ("train", "test"):
        pictures_by_class(tmp_path / part)
    splits = find("image").read(find("image").options(data=str(tmp_path)))
    assert splits.cut == ("validation",)
    assert len(splits.test) == 60
    found = run.train("image", data=str(tmp_path), epochs=1, out=tmp_path / "run", **SMALL)
    assert found.scores.values["accuracy"] <= 1


def test_a_picture_that_is_there_twice_stands_on_one_side(folder):
    splits = find("image").read(find("image").options(data=str(folder)))
    parts = [
        {each.content() for each in part.pictures}
        for part in (splits.train, splits.validation, splits.test)
    ]
    assert sum(map(len, parts)) == 59  # of 60 two are the same
    assert len(set.union(*parts)) == 59


def test_damaged_pictures_are_named_or_left_out(folder, tmp_path):
    pictures_by_class(tmp_path)
    whole = (tmp_path / "left" / "01.png").read_bytes()
    (tmp_path / "left" / "01.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "above" / "00.png").write_bytes(b"")
    read = find("image").read
    with pytest.raises(InputError, match=r"00.png cannot be read: .*1 other\..*\(drop bad\)"):
        read(find("image").options(data=str(tmp_path)))
    splits = read(find("image").options(data=str(tmp_path), drop_bad=True))
    (note,) = (each for each in splits.notes if "left out" in each)
    assert note == "2 of 60 pictures left out (00.png, 01.png): not to be read."


def test_tables_of_pictures(folder, tmp_path):
    rows = [
        f"{folder / side / name}.png,{side}" for side, name in (("above", "00"), ("left", "01"))
    ]
    table = tmp_path / "all.csv"
    table.write_text("\n".join(["picture,label", *rows * 6]))
    assert len(find("image").open(str(table), find("image").options()).train) == 12
    table.write_text("\n".join(["picture,label", *rows, f"{folder / 'left' / '03.png'},"]))
    with pytest.raises(InputError, match=r"row 3 of the column 'label'.*drop bad"):
        find("image").open(str(table), find("image").options())
    splits = find("image").open(str(table), find("image").options(drop_bad=True))
    assert splits.notes == ("1 of 3 rows left out: no picture or label.",)
    table.write_text("\n".join(["picture,label", rows[0]]))
    with pytest.raises(InputError, match="pictures of two classes at least; got 1 picture of 1"):
        find("image").open(str(table), find("image").options())


def test_what_cannot_be_is_refused(trained, folder, tmp_path):
    with pytest.raises(InputError, match=r"There is no file .*gone\.png"):
        trained.predict(folder / "gone.png")
    with pytest.raises(InputError, match="chrono must be used with cell lstm or gru"):
        run.train("image", cell="rnn", chrono=True)
    with pytest.raises(InputError, match=r"two classes at least \(FOLDER/CLASS/\*\.png"):
        run.train("image", data=str(folder / "left"), out=tmp_path / "run")
    (tmp_path / "right").mkdir()
    Image.fromarray(lit("left")).save(tmp_path / "right" / "1.png")
    with pytest.raises(InputError, match="a label must be 'above' or 'left'; got 'right'"):
        trained.evaluate(tmp_path)


def test_no_recurrent_layers_no_inspection(plain):
    with pytest.raises(InputError, match="recurrent layer"):
        plain.inspect()
