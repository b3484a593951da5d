"""Pen: what it writes, who judges it, what may not stand on both sides, and bad input."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from sklearn.mixture import GaussianMixture

from recur import InputError, run, tasks
from recur.scoring.densities import one_mixture
from recur.tasks import preparing
from recur.tasks.tiny import strokes

SMALL = {"units": 8, "components": 3, "gaussians": 2, "epochs": 2, "batch_size": 8}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return strokes(tmp_path_factory.mktemp("pen") / "strokes.jsonl")


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    out = tmp_path_factory.mktemp("pen") / "run"
    return run.train("pen", data=data, out=out, progress=False, **SMALL)


def test_no_writer_stands_on_both_sides(data):
    task = tasks.find("pen")
    splits = task.read(task.options.of("pen", {"data": data}))
    parts = [set(part.writers) for part in (splits.train, splits.validation, splits.test)]
    assert all(parts)
    assert sum(map(len, parts)) == len(set().union(*parts)) == 5


def test_the_same_seed_writes_the_same(trained):
    first, again = (trained.predict(["lu"], seed=3)[0] for _ in range(2))
    other = trained.predict(["lu"], seed=4)[0]
    assert first.to_json() == again.to_json() != other.to_json()
    assert [letter for letter, _ in first.letters] == ["l", "u"]
    cut = trained.predict(["lu"], points=2)[0]
    assert sum(map(len, cut.strokes)) == 3
    assert "cut off before its end" in str(cut)


def test_what_is_written_is_saved_as_files(trained, tmp_path):
    paths = trained.save(trained.predict(["lu", "u"], points=20), tmp_path / "out")
    names = {path.name for path in paths}
    assert {"pen-1.svg", "pen-1-moving.svg", "pen-1.png", "pen-2.inkml"} <= names
    drawn = trained.draw(trained.predict("lu", points=20), tmp_path)
    assert [path.name for path in drawn] == ["written.png", "window.png"]


def test_scores_are_those_of_all_points(trained):
    """In sizes of the letters; and of one mixture by scikit-learn."""
    task, fitted = trained.task, trained.trained.preprocessing
    prepared = preparing.prepare(task, trained.options)
    test, emission = prepared.test.examples, trained.model.emission
    total, number = 0.0, 0
    for row in range(len(test)):
        x, y = test[row]
        with torch.no_grad():
            scores = trained.model(x[None], targets=y[None])
        total += float(emission.log_likelihood(scores, y[None]).sum())
        number += len(y)
    expected = total / number - np.log(fitted.deviations).sum()
    assert trained.scores.values["log_likelihood"] == pytest.approx(expected, abs=1e-4)
    assert trained.scores.values["points"] == number


def test_one_mixture_for_all_moves():
    rng = np.random.default_rng(0)
    moves = np.column_stack([rng.normal(size=(400, 2)), rng.random(400) < 0.25])
    found = one_mixture(moves[:300], moves[300:], components=1)
    of_point = GaussianMixture(1).fit(moves[:300, :2]).score(moves[300:, :2])
    ends, share = moves[300:, 2], (moves[:300, 2].sum() + 0.5) / 301
    of_end = (ends * np.log(share) + (1 - ends) * np.log(1 - share)).mean()
    assert found["log_likelihood"] == pytest.approx(of_point + of_end, abs=1e-3)
    error = ((moves[300:, :2] - moves[:300, :2].mean(axis=0)) ** 2).sum(axis=1).mean()
    assert found["squared_error"] == pytest.approx(error)


def test_a_run_of_handwriting_judges_what_it_writes(trained, data, tmp_path):
    how = {"units": 4, "filters": 4, "layers": 1, "stride": 1, "epochs": 1, "order": 2}
    judge = run.train("handwriting", data=data, out=tmp_path / "judge", progress=False, **how)
    plain = trained.evaluate()
    found = trained.evaluate(judge=judge.path)
    assert found.values == {**plain.values, **trained.evaluate(judge=judge).values}
    assert set(found.values) - set(plain.values) == {"cer", "cer_unbiased", "cer_people"}
    assert "read by the judge: character error rate" in str(found)
    with pytest.raises(InputError, match="judge must be a run of handwriting; got one of pen"):
        trained.evaluate(judge=trained)
    with pytest.raises(InputError, match="No run judges what handwriting gives"):
        judge.evaluate(judge=trained)


def test_long_pieces_are_left_out_and_named(data, tmp_path):
    task = tasks.find("pen")
    splits = task.read(task.options.of("pen", {"data": data, "most": 4}))
    assert any("each has more than 4 points" in note for note in splits.notes)
    piece = {"text": "u", "strokes": [[[0, 4], [1, 0], [3, 0], [3, 4]]]}
    long = tmp_path / "long.jsonl"
    long.write_text("\n".join([json.dumps(piece)] * 9))
    with pytest.raises(InputError, match="pieces of at most 3 points in each part; got none"):
        task.read(task.options.of("pen", {"data": str(long), "most": 3}))


def test_letters_that_were_never_learnt(trained, tmp_path):
    with pytest.raises(InputError, match=r"what is written must be texts of 'lu'.*got 'ax'"):
        trained.predict(["luax"])
    for nothing in ([""], [7], [" "]):
        with pytest.raises(InputError, match="pen needs texts to write"):
            trained.predict(nothing)
    line = {"text": "l-u", "strokes": [[[0, 4], [1, 0], [2, 4]], [[1, 5]]]}
    other = tmp_path / "other.jsonl"
    other.write_text(json.dumps(line))
    assert "'-' was never learnt and is left out" in str(trained.evaluate(str(other)))
    other.write_text(json.dumps({**line, "text": "-"}))
    with pytest.raises(InputError, match="a text with some of 'lu'; got '-'"):
        trained.evaluate(str(other))


def test_nothing_is_written_from_both_ends():
    with pytest.raises(InputError, match="bidirectional must be off for pen"):
        tasks.find("pen").options.of("pen", {"bidirectional": True})
