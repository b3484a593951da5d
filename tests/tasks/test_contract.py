"""What every task promises, proven on each. None is named here: a new file is found and tested."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from recur import InputError, run, tasks
from recur.data import audio
from recur.data.examples import Examples
from recur.tasks import preparing
from recur.tasks.options import Answering, Options
from recur.tasks.preparing import prepare
from recur.tasks.task import Task
from recur.training.call import caller

NAMES = sorted(tasks.described())
TOY = "counting"
QUICK = {"epochs": 1, "batch_size": 16, "units": 4, "progress": False, "out": "run"}


@pytest.fixture(params=[*NAMES, TOY])
def task(request, counting) -> Task:
    return tasks.find(request.param)


@pytest.fixture
def tiny(task, tmp_path):
    return task.tiny(tmp_path)


@pytest.fixture
def trained(task, tiny):
    return run.train(task.name, **{**QUICK, **tiny.options})


def options_of(task, tiny, **given) -> Options:
    return task.options.of(task.name, {**tiny.options, **given})


def same(one, other) -> bool:
    """Whether two examples are: tensors, or several by name."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, tuple):
        return all(same(a, b) for a, b in zip(one, other, strict=True))
    return torch.equal(one, other)


def both_ways(task, tiny) -> bool:
    """Whether the task's networks may read a sequence from its end."""
    try:
        options_of(task, tiny, bidirectional=True)
    except InputError:
        return False
    return True


def test_a_fresh_file_in_the_folder_is_a_task(counting):
    assert TOY not in NAMES
    assert set(tasks.every()) == {*NAMES, TOY}


def test_a_task_describes_itself(task):
    assert task.kind in ("one-to-one", "one-to-many", "many-to-one", "many-to-many")
    assert task.summary
    assert not task.summary.endswith(".")
    assert task.inputs
    for said in (task.takes, task.gives):
        assert said
        assert not said.endswith(".")
    assert task.data == task.options().data
    assert issubclass(task.options, Options)
    assert issubclass(task.answering, Answering)
    for declared in (task.options, task.answering):
        for name, field in declared.__dataclass_fields__.items():
            assert field.metadata["about"], name
    assert set(task.reading) <= set(task.options.__dataclass_fields__)
    assert task.records.noun


def test_the_file_that_its_help_shows_can_be_read(task, tmp_path):
    if task.sample is None:
        return
    name, content = task.sample
    for named in re.findall(r"^\w+\.jpg", content, re.MULTILINE):
        Image.new("L", (240, 30), 255).save(tmp_path / named)
    for named in re.findall(r"^[\w/]+\.(?:wav|flac|mp3)", content, re.MULTILINE):
        (tmp_path / named).parent.mkdir(exist_ok=True)
        (tmp_path / named).write_bytes(audio.wav(np.linspace(-0.5, 0.5, 8000), 8000))
    for named in re.findall(r"^\w+\.(?:jpg|mp4)", content, re.MULTILINE):
        (tmp_path / named).touch()
    (tmp_path / name).write_text(content, encoding="utf-8")
    data = str(tmp_path / name)
    assert len(content.splitlines()) <= 5
    try:
        assert len(task.read(task.options(data=data)).train) >= 1
    except InputError as error:  # it was read and counted; a training takes more
        if "must be enough to learn from" not in str(error):
            raise


def test_options_go_through_json(task, tiny):
    options = options_of(task, tiny)
    assert task.options.of(task.name, json.loads(json.dumps(options.to_json()))) == options


def test_every_recipe_makes_options_and_gives_way_to_what_is_given(task, tiny):
    for name, recipe in task.recipes.items():
        assert recipe.about
        assert not recipe.about.endswith(".")
        made = task.settled(tiny.options, name)
        for option, value in {**recipe.values, **tiny.options}.items():
            assert getattr(made, option) == value
        assert task.settled({"epochs": 77}, name).epochs == 77
    assert task.settled(tiny.options) == options_of(task, tiny)
    with pytest.raises(InputError, match=r"recipe.*xyzzy"):
        task.settled(tiny.options, "xyzzy")


def test_every_recipe_is_kept_by_its_run(task, tiny):
    for name, recipe in task.recipes.items():
        given = {**QUICK, **tiny.options, "out": f"of-{name}"}
        trained = run.train(task.name, recipe=name, **given)
        config = json.loads(Path(f"of-{name}/config.json").read_text())
        assert config["recipe"] == name
        kept = {**recipe.values, **{n: v for n, v in given.items() if n in config["options"]}}
        assert {option: config["options"][option] for option in kept} == kept
        assert run.load(f"of-{name}").evaluate().values == trained.scores.values
        on = {"out": f"of-{name}", "resume": True, "progress": False}
        longer = run.train(task.name, **on, epochs=2)
        assert longer.options == trained.options.__class__(
            **{**trained.options.to_json(), "epochs": 2}
        )
        assert json.loads(Path(f"of-{name}/config.json").read_text())["recipe"] == name
        run.train(task.name, **on, recipe=name)
        with pytest.raises(InputError, match=f"must be its own, '{name}'; got 'other'"):
            run.train(task.name, **on, recipe="other")


def test_preparing_twice_gives_the_same(task, tiny):
    options = options_of(task, tiny)
    first, second = prepare(task, options), prepare(task, options)
    assert first.preprocessing.to_json() == second.preprocessing.to_json()
    for part in ("train", "validation"):
        one, other = getattr(first, part), getattr(second, part)
        assert len(one) == len(other) > 0
        assert same(one[0], other[0])
    assert first.about


def test_preprocessing_goes_through_json(task, tiny):
    fitted = prepare(task, options_of(task, tiny)).preprocessing
    stored = json.loads(json.dumps(fitted.to_json(), allow_nan=False))
    assert task.preprocessing.from_json(stored).to_json() == stored
    for name in stored:
        with pytest.raises((KeyError, TypeError, ValueError)):
            task.preprocessing.from_json({n: v for n, v in stored.items() if n != name})


def test_the_model_fits_the_data_and_every_cell_trains(task, tiny):
    both = both_ways(task, tiny)
    for cell in ("rnn", "lstm", "gru"):
        options = options_of(task, tiny, cell=cell, bidirectional=both, layers=2, units=3)
        prepared = prepare(task, options)
        batch = prepared.train.batch(range(2))
        model = task.model(options, prepared.preprocessing)
        outputs = caller(model, names=None)(batch)
        each = list(outputs.values()) if isinstance(outputs, dict) else [outputs]
        sum(output.sum() for output in each).backward()
        assert all(len(output) == 2 for output in each)
        assert all(p.grad is not None for p in model.parameters())


def test_options_that_shape_the_model_do(task, tiny):
    def parameters(**given):
        options = options_of(task, tiny, **given)
        model = task.model(options, prepare(task, options).preprocessing)
        return sum(p.numel() for p in model.parameters())

    small = {"units": 3, "cell": "rnn", "bidirectional": False}
    smallest = parameters(**small)
    both = ({"bidirectional": True},) if both_ways(task, tiny) else ()
    for larger in ({"units": 5}, {"cell": "lstm"}, {"layers": 3}, *both):
        assert parameters(**{**small, **larger}) > smallest, larger


def test_train_save_load_evaluate_predict(task, tiny, trained):
    loaded = run.load("run")
    assert loaded.model is not trained.model
    assert loaded.trained.calibration == trained.trained.calibration
    scores = loaded.evaluate()
    assert task.metric in str(scores), "what the list of tasks says that evaluate prints"
    assert scores.values == trained.scores.values == loaded.scores.values
    assert scores.notes == trained.scores.notes
    assert all(math.isfinite(value) for value in scores.values.values())
    assert str(scores)
    answers, again = trained.predict(tiny.inputs), loaded.predict(tiny.inputs)
    assert len(answers) == len(tiny.inputs)
    for answer, other in zip(answers, again, strict=True):
        assert str(answer) == str(other)
        assert answer.to_json() == other.to_json()
        json.dumps(answer.to_json(), allow_nan=False)
    for path in [*loaded.draw(answers), *loaded.draw_evaluation(scores)]:
        assert path.stat().st_size > 1000


def test_answers_that_are_files_are_saved_once(task, tiny, trained):
    answers = trained.predict(tiny.inputs)
    if not any(list(answer.files()) for answer in answers):
        with pytest.raises(InputError, match="is no file"):
            trained.save(answers, "saved")
        return
    paths = trained.save(answers, "saved")
    assert paths
    assert all(path.parent == Path("saved") and path.stat().st_size for path in paths)
    with pytest.raises(InputError, match="exists already"):
        trained.save(answers, "saved")


def test_what_predict_does_not_know_is_named(task, tiny, trained):
    with pytest.raises(InputError, match=f"predict of {task.name} has no option 'xyzzy'"):
        trained.predict(tiny.inputs, xyzzy=1)


def test_every_run_can_be_looked_into(task, trained):
    found = run.load("run").inspect()
    assert set(found.untrained) == {"rnn", "lstm", "gru"}
    assert all(norm >= 0 for flow in found.trained.flows for norm in flow.norms)
    assert max(found.trained.flows[-1].norms) > 0
    assert all(name in str(found) for name in ("As trained", "Before training", "In training"))
    json.dumps(found.to_json(), allow_nan=False)
    for path in trained.draw_inside(found):
        assert path.stat().st_size > 1000


def test_a_run_says_which_steps_mattered(task, tiny, trained):
    if not task.explains:
        with pytest.raises(InputError, match=f"The task {task.name} does not say why"):
            trained.why(tiny.inputs)
        return
    reasons = trained.why(tiny.inputs)
    assert len(reasons) == len(tiny.inputs)
    for each in reasons:
        assert len(each.values) == len(each.labels) > 0
        assert abs(each.error) < 1e-3
        assert each.name in str(each)
        json.dumps(each.to_json(), allow_nan=False)
    for path in trained.draw_why(reasons):
        assert path.stat().st_size > 1000


def test_answers_do_not_depend_on_their_neighbours(task, tiny, trained):
    together = trained.predict(tiny.inputs)
    for text, answer in zip(tiny.inputs, together, strict=True):
        alone = trained.predict([text])[0].to_json()
        for name, value in answer.to_json().items():
            if isinstance(value, float):
                assert alone[name] == pytest.approx(value, abs=1e-5)
            else:
                assert alone[name] == value


def test_the_test_part_is_the_same_whenever_it_is_read(task, tiny):
    options = options_of(task, tiny)
    prepared = prepare(task, options)
    held = preparing.held_out(task, options, prepared.preprocessing)
    assert len(held.examples) == len(prepared.test.examples)
    assert same(held.examples[0], prepared.test.examples[0])
    assert prepared.test.notes == held.notes


def test_limit_takes_fewer_examples(task, tiny):
    whole = prepare(task, options_of(task, tiny))
    few = prepare(task, options_of(task, tiny, limit=20))
    assert 0 < len(few.train) < len(whole.train)


def test_no_share_is_asked_for_in_vain(task, tiny):
    prepared = prepare(task, options_of(task, tiny))
    options = options_of(task, tiny, validation_split=0.3)
    if "validation" in prepared.splits.cut:
        assert len(prepare(task, options).validation) > len(prepared.validation)
        return
    with pytest.raises(InputError, match="has a validation part of its own"):
        preparing.check_asked(prepared.splits, options)


def test_data_that_are_missing_are_named(task, tiny):
    options = options_of(task, tiny)
    fitted = prepare(task, options).preprocessing
    with pytest.raises(InputError, match=r"There is no file .*missing"):
        preparing.held_out(task, options, fitted, "missing.csv")


def test_lazy_examples_are_examples(task, tiny):
    prepared = prepare(task, options_of(task, tiny))
    for part in (prepared.train, prepared.validation, prepared.test.examples):
        assert isinstance(part, Examples) or hasattr(part, "pieces")
        assert len(np.asarray(part.batch([0]).x)) == 1


def test_what_a_task_says_of_itself_is_read_without_importing_it(counting):
    assert list(tasks.described()) == list(tasks.every())
    for name, about in tasks.described().items():
        task = tasks.find(name)
        assert about == tuple(getattr(task, field) for field in tasks.About._fields)
