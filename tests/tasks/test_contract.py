"""What every task promises, proven on each: a new task adds a line to TINY."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

from recur import InputError, files, run, tasks
from recur.tasks.options import Options
from recur.tasks.task import Task, Trained

WORDS = ("good", "fine", "bad", "dull", "film", "plot", "the", "a", "was")


def reviews(path):
    """60 short texts with two labels."""
    rng = np.random.default_rng(0)
    rows = []
    for number in range(60):
        label = "pos" if number % 3 else "neg"
        words = [*rng.choice(WORDS, rng.integers(1, 9)), "good" if label == "pos" else "bad"]
        rows.append((" ".join(words), label))
    files.write_csv(path, ("text", "label"), rows)


def prices(path):
    """120 days with a week in them."""
    days = np.arange("2024-01-01", "2024-04-30", dtype="datetime64[D]")
    rng = np.random.default_rng(0)
    values = 10 + np.sin(np.arange(len(days)) * 2 * np.pi / 7) + 0.1 * rng.normal(size=len(days))
    rows = [(str(day), f"{value:.4f}") for day, value in zip(days, values, strict=True)]
    files.write_csv(path, ("date", "close"), rows)


def lines(path):
    """60 short texts, a line each."""
    rng = np.random.default_rng(0)
    texts = (" ".join(rng.choice(WORDS, rng.integers(2, 9))) for _ in range(60))
    files.write_text(path, "\n".join(texts))


def pieces(path):
    """60 short pieces of three chords."""
    rng = np.random.default_rng(0)
    chords = ([60, 64, 67], [65, 69, 72], [62, 67, 71])
    made = [[chords[n] for n in rng.integers(0, 3, rng.integers(2, 9))] for _ in range(60)]
    files.write_json(path, made)


# For each task: small data, the options that make it quick, and what to ask of it.
TINY = {
    "counting": (lambda path: None, {}, ["101", "0"]),
    "sentiment": (reviews, {"data": "data.csv", "maxlen": 8}, ["good film", "bad"]),
    "memory": (lambda path: None, {"lag": 5, "examples": 64}, ["0.5* 0.1 0.25*", "1* 1*"]),
    "language": (lines, {"data": "data.csv", "documents": "lines"}, ["the film", "a"]),
    "music": (pieces, {"data": "data.csv"}, ["C4 E4 G4 | F4 A4 C5", "60 64 67"]),
    "forecast": (prices, {"data": "data.csv", "horizon": 3, "window": 7}, ["data.csv"]),
}
ONE_WAY = {"language", "music"}  # tasks whose networks may not read a sequence from its end
QUICK = {"epochs": 1, "batch_size": 16, "units": 4, "progress": False, "out": "run"}


@pytest.fixture(params=sorted(TINY))
def task(request, counting, tmp_path) -> Task:
    make, _, _ = TINY[request.param]
    make(tmp_path / "data.csv")
    return tasks.find(request.param)


@pytest.fixture
def trained(task):
    return run.train(task.name, **{**QUICK, **TINY[task.name][1]})


def test_every_task_is_in_the_contract(counting):
    assert set(tasks.every()) == set(TINY)


def test_a_task_describes_itself(task):
    assert task.kind in ("one-to-one", "one-to-many", "many-to-one", "many-to-many")
    assert task.summary
    assert not task.summary.endswith(".")
    assert task.inputs
    assert issubclass(task.options, Options)
    for name, field in task.options.__dataclass_fields__.items():
        assert field.metadata["about"], name


def test_options_go_through_json(task):
    options = task.options.of(task.name, TINY[task.name][1])
    assert task.options.of(task.name, json.loads(json.dumps(options.to_json()))) == options


def test_preparing_twice_gives_the_same(task):
    options = task.options.of(task.name, TINY[task.name][1])
    first, second = task.prepare(options), task.prepare(options)
    assert first.preprocessing.to_json() == second.preprocessing.to_json()
    for part in ("train", "validation"):
        one, other = getattr(first, part), getattr(second, part)
        assert len(one) == len(other) > 0
        assert all(torch.equal(a, b) for a, b in zip(one[0], other[0], strict=True))
    assert first.about


def test_preprocessing_goes_through_json(task):
    fitted = task.prepare(task.options.of(task.name, TINY[task.name][1])).preprocessing
    stored = json.loads(json.dumps(fitted.to_json(), allow_nan=False))
    assert task.preprocessing.from_json(stored).to_json() == stored


def test_damaged_preprocessing_is_refused(task):
    fitted = task.prepare(task.options.of(task.name, TINY[task.name][1])).preprocessing
    for name in fitted.to_json():
        stored = fitted.to_json()
        del stored[name]
        with pytest.raises((KeyError, TypeError, ValueError)):
            task.preprocessing.from_json(stored)


def test_the_model_fits_the_data_and_every_cell_trains(task):
    for cell in ("rnn", "lstm", "gru"):
        both = task.name not in ONE_WAY
        given = {**TINY[task.name][1], "cell": cell, "bidirectional": both, "layers": 2, "units": 3}
        options = task.options.of(task.name, given)
        prepared = task.prepare(options)
        batch = prepared.train.batch(range(2))
        model = task.model(options, prepared.preprocessing)
        outputs = model(batch.x, lengths=batch.lengths)
        outputs.sum().backward()
        assert len(outputs) == 2
        assert all(p.grad is not None for p in model.parameters())


def test_options_that_shape_the_model_do(task):
    def parameters(**given):
        options = task.options.of(task.name, {**TINY[task.name][1], **given})
        model = task.model(options, task.prepare(options).preprocessing)
        return sum(p.numel() for p in model.parameters())

    smallest = parameters(units=3, cell="rnn")
    both = () if task.name in ONE_WAY else ({"bidirectional": True},)
    for larger in ({"units": 5}, {"cell": "lstm"}, {"layers": 3}, *both):
        assert parameters(**{"units": 3, "cell": "rnn", **larger}) > smallest, larger


def test_train_save_load_evaluate_predict(task, trained):
    loaded = run.load("run")
    assert loaded.model is not trained.model
    scores = loaded.evaluate()
    assert scores.values == trained.scores.values == loaded.scores.values
    assert scores.notes == trained.scores.notes
    assert all(math.isfinite(value) for value in scores.values.values())
    assert str(scores)
    inputs = TINY[task.name][2]
    answers, again = trained.predict(inputs), loaded.predict(inputs)
    assert len(answers) == len(inputs)
    for answer, other in zip(answers, again, strict=True):
        assert str(answer) == str(other)
        assert answer.to_json() == other.to_json()
        json.dumps(answer.to_json(), allow_nan=False)
    for path in loaded.draw(answers):
        assert path.stat().st_size > 1000


def test_every_run_can_be_looked_into(task, trained):
    found = run.load("run").inspect()
    assert set(found.untrained) == {"rnn", "lstm", "gru"}
    assert all(norm >= 0 for flow in found.trained.flows for norm in flow.norms)
    assert max(found.trained.flows[-1].norms) > 0
    assert all(name in str(found) for name in ("As trained", "Before training", "In training"))
    json.dumps(found.to_json(), allow_nan=False)
    for path in trained.draw_inside(found):
        assert path.stat().st_size > 1000


def test_a_run_says_which_steps_mattered(task, trained):
    inputs = TINY[task.name][2]
    if task.name == "counting":
        with pytest.raises(InputError, match="The task counting does not say why"):
            trained.why(inputs)
        return
    reasons = trained.why(inputs)
    assert len(reasons) == len(inputs)
    for each in reasons:
        assert len(each.values) == len(each.labels) > 0
        assert abs(each.error) < 1e-3
        assert each.name in str(each)
        json.dumps(each.to_json(), allow_nan=False)
    for path in trained.draw_why(reasons):
        assert path.stat().st_size > 1000


def test_answers_do_not_depend_on_their_neighbours(task, trained):
    inputs = TINY[task.name][2]
    together = trained.predict(inputs)
    for text, answer in zip(inputs, together, strict=True):
        alone = trained.predict([text])[0].to_json()
        for name, value in answer.to_json().items():
            if isinstance(value, float):
                assert alone[name] == pytest.approx(value, abs=1e-5)
            else:
                assert alone[name] == value


def test_the_test_part_is_the_same_whenever_it_is_read(task):
    options = task.options.of(task.name, TINY[task.name][1])
    prepared = task.prepare(options)
    held = task.held_out(options, prepared.preprocessing)
    model = task.model(options, prepared.preprocessing)
    trained = Trained(options, prepared.preprocessing, model)
    assert task.evaluate(trained, held.data) == task.evaluate(trained, prepared.test.data)
    assert prepared.test.notes == held.notes


def test_limit_takes_fewer_examples(task):
    given = TINY[task.name][1]
    whole = task.prepare(task.options.of(task.name, given))
    few = task.prepare(task.options.of(task.name, {**given, "limit": 40}))
    assert 0 < len(few.train) < len(whole.train)


def test_data_that_are_missing_are_named(task):
    options = task.options.of(task.name, TINY[task.name][1])
    fitted = task.prepare(options).preprocessing
    with pytest.raises(ValueError, match=r"There is no file .*missing"):
        task.held_out(options, fitted, "missing.csv" if task.name != "counting" else "missing")


def test_what_a_task_says_of_itself_is_read_without_importing_it(counting):
    assert list(tasks.described()) == list(tasks.every())
    for name, about in tasks.described().items():
        task = tasks.find(name)
        assert about == (task.name, task.kind, task.summary, task.inputs)
