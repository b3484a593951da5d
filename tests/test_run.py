"""A run directory: whole, refused when it is not, and never lost."""

from __future__ import annotations

import itertools
import json
import os
import resource
import shutil
import signal
import threading

import pytest
import torch

from recur import files, run, training
from recur.messages import FailedError, InputError
from recur.run import weights
from recur.tasks import preparing, sources
from recur.tasks.sources import IN_MEMORY
from recur.tasks.task import Objective

QUICK = {"epochs": 2, "batch_size": 16, "progress": False}


@pytest.fixture
def trained(counting):
    return run.train("counting", out="a", **QUICK)


def tensors(path):
    return files.read_tensors(path)[0]


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


def test_a_run_holds_what_the_other_verbs_need(trained):
    assert {path.name for path in trained.path.iterdir()} == {
        *run.NEEDED,
        "calibration.json",
        "layers.csv",
        "plots",
        "checkpoint",
    }
    config = files.read_json("a/config.json")
    assert config["task"] == "counting"
    assert config["options"]["epochs"] == 2
    assert config["options"]["seed"] == 0
    assert set(config["versions"]) == {"recur", "python", "torch", "numpy"}
    assert len(trained.history) == 2
    assert sorted(path.name for path in trained.plot()) == ["accuracy.png", "loss.png"]


def test_a_loaded_run_answers_the_same(trained):
    loaded = run.load("a")
    assert same(loaded.model.state_dict(), trained.model.state_dict())
    assert loaded.options == trained.options
    assert loaded.history.rows == trained.history.rows
    assert loaded.history.notes == trained.history.notes
    assert loaded.evaluate().values == trained.scores.values == loaded.scores.values
    assert [str(p) for p in loaded.predict(["101", "0"])] == [
        str(p) for p in trained.predict(["101", "0"])
    ]
    assert len(loaded.predict("101")) == 1


def test_the_weights_of_the_best_validation_epoch_are_kept(counting):
    trained = run.train("counting", **{**QUICK, "epochs": 10, "learning_rate": 0.05})
    best = trained.metrics["best_epoch"]
    accuracy = trained.history.val_accuracy
    assert accuracy[best - 1] == max(accuracy)
    assert accuracy[-1] < max(accuracy)  # else this proves nothing
    prepared = preparing.prepare(counting, trained.options)
    part = prepared.splits.validation, prepared.validation
    found = counting.score(trained.trained, *part).values["accuracy"]
    assert found == pytest.approx(max(accuracy))


def test_a_metric_that_declares_which_way_is_up_names_the_epoch_that_was_kept(
    counting, monkeypatch
):
    def kappa(outputs, targets):  # its name says nothing
        return ((outputs > 0) == (targets > 0.5)).double().mean()

    kappa.higher_is_better = True
    by_kappa = Objective("binary_crossentropy_with_logits", ("accuracy", kappa), "val_kappa")
    monkeypatch.setattr(type(counting), "objective", lambda *_: by_kappa)
    given = {**QUICK, "epochs": 10, "learning_rate": 0.05}
    trained = run.train("counting", out="k", **given)
    values = trained.history.val_kappa
    assert min(values) < max(values)
    assert values[trained.metrics["best_epoch"] - 1] == max(values)
    prepared = preparing.prepare(counting, trained.options)
    part = prepared.splits.validation, prepared.validation
    found = counting.score(trained.trained, *part).values
    assert found["accuracy"] == pytest.approx(max(values))
    loaded = run.load("k").history
    assert loaded.best_epoch("val_kappa") == trained.metrics["best_epoch"]
    assert loaded.higher_is_better == trained.history.higher_is_better


def test_scores_come_with_what_must_be_said(trained):
    assert "Made up for tests." in str(trained.scores)
    assert run.load("a").scores.notes == ("Made up for tests.",)


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(trained):
    torch.rand(3)  # whatever happened before must not matter
    again = run.train("counting", out="b", **QUICK)
    other = run.train("counting", out="c", seed=1, **QUICK)
    assert same(again.model.state_dict(), trained.model.state_dict())
    assert not same(other.model.state_dict(), trained.model.state_dict())


def test_the_random_state_outside_is_left_alone(counting):
    before = torch.get_rng_state()
    run.train("counting", **QUICK)
    assert torch.equal(torch.get_rng_state(), before)


def test_without_out_a_fresh_directory_is_counted_up(counting):
    first, second = run.train("counting", **QUICK), run.train("counting", **QUICK)
    assert str(first.path) == os.path.join("runs", "counting-1")
    assert str(second.path) == os.path.join("runs", "counting-2")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"task": "countin"}, "Did you mean 'counting'?"),
        ({"task": "counting", "epoch": 3}, "no option 'epoch'. Did you mean 'epochs'?"),
        ({"task": "counting", "cell": "lsmt"}, "Did you mean 'lstm'?"),
        ({"task": "counting", "resume": True}, "resume needs out"),
        ({"task": "counting", "resume": True, "out": "none"}, "There is no run directory none"),
    ],
)
def test_wrong_use_gets_a_sentence_and_makes_nothing(counting, tmp_path, given, sentence):
    with pytest.raises(InputError) as error:
        run.train(**given)
    assert sentence in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_an_out_that_exists_is_refused_and_untouched(trained):
    before = {path: path.read_bytes() for path in trained.path.rglob("*") if path.is_file()}
    with pytest.raises(InputError, match="a exists already, and nothing is overwritten") as error:
        run.train("counting", out="a", **QUICK)
    assert "recur train counting --out a --resume" in str(error.value)
    assert before == {path: path.read_bytes() for path in trained.path.rglob("*") if path.is_file()}


def test_an_out_that_is_a_file_or_holds_other_things_is_refused(counting, tmp_path):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "mine").write_text("mine")
    for out in ("file", "folder"):
        with pytest.raises(InputError, match=f"{out} exists already.*Choose another."):
            run.train("counting", out=out, **QUICK)
    (tmp_path / "empty").mkdir()
    assert run.train("counting", out="empty", **QUICK).path.name == "empty"


@pytest.mark.parametrize("name", run.NEEDED[1:])
def test_an_incomplete_run_names_what_is_missing(trained, name):
    (trained.path / name).unlink()
    with pytest.raises(InputError, match=f"The run a is incomplete: {name} is missing"):
        run.load("a")


def test_no_run_directory(counting, tmp_path):
    for name in ("x" * 300, "nul\0", "x" * 100_000):
        for use in (run.load, lambda name: run.train("counting", out=name, **QUICK)):
            with pytest.raises(InputError, match="cannot be a path: "):
                use(name)
    for use in (run.load, lambda name: run.train("counting", out=name, **QUICK)):
        with pytest.raises(InputError, match="An empty text is no path"):
            use("")
    with pytest.raises(InputError, match="There is no run directory nowhere"):
        run.load("nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"empty is no run directory: it has no config.json"):
        run.load("empty")


def test_a_run_from_a_newer_version(trained):
    config = files.read_json("a/config.json")
    config["format"] = run.FORMAT + 1
    files.write_json("a/config.json", config)
    with pytest.raises(InputError, match=r"written by a newer recur \(run format 3.*Update recur"):
        run.load("a")


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("config.json", "{", "is damaged: it is not JSON"),
        ("config.json", "[]", "is damaged: it must be an object; got []"),
        ("config.json", '{"task": "counting"}', "it must be an object with format; got"),
        ("config.json", '{"format": true}', "format of it must be a whole number; got True"),
        ("config.json", '{"format": 1}', "is damaged: it must be an object with task and options"),
        ("config.json", '{"format": 1, "task": "counting", "options": {"x": 1}}', "no option 'x'"),
        ("config.json", '{"format": 1, "task": "counting", "options": 3}', "is damaged"),
        ("config.json", '{"format": 1, "task": "gone", "options": {}}', "task must be"),
        ("preprocessing.json", "{}", "preprocessing.json is damaged"),
        ("preprocessing.json", "[1]", "preprocessing.json is damaged"),
        ("history.csv", "epoch,loss\n1,what\n", "history.csv is damaged"),
        ("metrics.json", "{}", "metrics.json is damaged"),
        ("metrics.json", '{"test": {"loss": 1}, "notes": []}', "KeyError: 'accuracy'"),
        ("metrics.json", '{"test": {"accuracy": NaN}, "notes": []}', "NaN, which is not finite"),
        ("metrics.json", '{"test": {"accuracy": 1e999}, "notes": []}', "1e999, which is not"),
        ("metrics.json", '{"test": 1' + "0" * 5000 + "}", "holds a number of 5,001 digits"),
        ("metrics.json", "[" * 100_000, "is nested too deeply"),
    ],
)
def test_damaged_files_are_named(trained, name, content, sentence):
    (trained.path / name).write_text(content)
    with pytest.raises(InputError) as error:
        run.load("a")
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


def test_weights_cut_short_are_damaged(trained):
    path = trained.path / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(InputError, match=r"model.safetensors is damaged"):
        run.load("a")


def test_weights_with_a_changed_byte_are_damaged(trained):
    path = trained.path / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-9] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"model.safetensors is damaged"):
        run.load("a")


def test_weights_of_another_model_do_not_fit(trained):
    run.train("counting", out="b", units=5, **QUICK)
    files.write_tensors("a/model.safetensors", tensors("b/model.safetensors"))  # without its seal
    with pytest.raises(InputError, match=r"does not fit the run.s config.json: .* of shape"):
        run.load("a")


@pytest.mark.parametrize("name", ["config.json", "preprocessing.json", "model.safetensors"])
def test_files_of_two_runs_are_told_apart(trained, name):
    run.train("counting", out="b", data="other", **{**QUICK, "batch_size": 8})
    shutil.copy(f"b/{name}", f"a/{name}")
    with pytest.raises(InputError, match=r"is not the one that model.safetensors was trained with"):
        run.load("a")


def test_one_changed_byte_of_the_preprocessing_is_seen(trained):
    path = trained.path / "preprocessing.json"
    path.write_text(path.read_text().replace('"1"', '"3"'))
    with pytest.raises(InputError, match=r"a.preprocessing.json is not the one that model.safe"):
        run.load("a")


def test_what_may_rightly_change_is_not_sealed(trained, monkeypatch):
    monkeypatch.setattr(type(trained.task), "reading", ("steps",))
    run.train("counting", out="b", **QUICK)
    config = files.read_json("b/config.json")
    changes = {"data": "moved", "steps": 9, "epochs": 7, "learning_rate": 0.5, "clip_norm": 2.0}
    files.write_json("b/config.json", {**config, "options": {**config["options"], **changes}})
    assert run.load("b").options.data == "moved"
    files.write_json("b/config.json", {**config, "options": {**config["options"], "seed": 3}})
    with pytest.raises(InputError, match=r"trained with: seed was 0 and is 3\. Restore both"):
        run.load("b")


def test_a_model_larger_than_its_weights_is_not_made(trained):
    """Neither the time nor the memory of one that a config.json merely claims."""
    files.write_tensors("a/model.safetensors", tensors("a/model.safetensors"))  # without its seal
    config = files.read_json("a/config.json")
    files.write_json("a/config.json", {**config, "options": {**config["options"], "units": 9000}})
    with pytest.raises(InputError, match=r"config.json: that model is larger\.$"):
        run.load("a")

    def endless():
        return torch.nn.ModuleList(torch.nn.Linear(4, 4) for _ in itertools.count())

    with pytest.raises(InputError, match="that model is larger"):
        weights.built(endless, tensors("a/model.safetensors"), trained.path)


def as_format_1(path, **answering):
    """Writes a run as it was when how to answer stood among the options."""
    config = files.read_json(f"{path}/config.json")
    options = {**config["options"], **answering}
    files.write_json(f"{path}/config.json", {**config, "format": 1, "options": options})
    kept, seal = files.read_tensors(f"{path}/model.safetensors")
    seal["options"] = json.dumps({**json.loads(seal["options"]), **answering})
    files.write_tensors(f"{path}/model.safetensors", kept, seal)


def test_a_run_of_format_1_answers_as_it_did_and_still_when_it_went_on(trained):
    as_format_1("a", digits=5)
    old = run.load("a")
    (usual,), (asked,) = old.predict("101"), old.predict("101", digits=2)
    assert len(str(usual)) == len("101: 0.12345")
    assert len(str(asked)) == len("101: 0.12")
    assert old.evaluate().values == trained.scores.values
    longer = run.train("counting", out="a", resume=True, epochs=3, progress=False)
    assert files.read_json("a/config.json")["format"] == run.FORMAT
    assert "digits" not in files.read_json("a/config.json")["options"]
    for each in (longer, run.load("a")):
        assert len(str(each.predict("101")[0])) == len("101: 0.12345")


def test_how_to_answer_is_no_option_of_training(counting, trained):
    for given in ({}, {"out": "a", "resume": True}):
        with pytest.raises(InputError, match=r"digits is no option of training: .*in predict"):
            run.train("counting", digits=2, **given)
    assert len(str(trained.predict("101", digits=2)[0])) == len("101: 0.12")


def test_data_in_memory_are_needed_again(counting):
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"row": ["101"]})
    trained = run.train("counting", data=table, out="a", **QUICK)
    assert files.read_json("a/config.json")["options"]["data"] == IN_MEMORY
    assert trained.evaluate(table).values
    with pytest.raises(InputError, match="a table must be the path of a file, or"):
        run.train("counting", data=object(), out="b", **QUICK)
    assert not os.path.exists("b")
    with pytest.raises(InputError, match="The data were a table in memory, which no run keeps"):
        sources.dataset(trained.options.data, counting)


def test_a_run_without_a_seal_opens(trained):
    """Those of an older recur have none."""
    path = trained.path / "model.safetensors"
    stored, metadata = files.read_tensors(path)
    assert set(metadata) == {"task", "options", "preprocessing"}
    files.write_tensors(path, stored)
    assert run.load("a").scores.values == trained.scores.values


def stop_after(monkeypatch, batches):
    """Presses Ctrl-C once, after so many batches."""
    done = []
    step = torch.optim.Adam.step

    def stepping(self, *args, **kwargs):
        done.append(1)
        if len(done) == batches:
            os.kill(os.getpid(), signal.SIGINT)
        return step(self, *args, **kwargs)

    monkeypatch.setattr(torch.optim.Adam, "step", stepping)


def test_ctrl_c_says_how_to_go_on_and_the_end_is_the_same_bit_for_bit(counting, monkeypatch):
    whole = run.train("counting", out="a", **QUICK)
    with monkeypatch.context() as patched:
        stop_after(patched, 6)  # in the middle of the second epoch of 4 batches
        with pytest.raises(training.TrainingInterrupted) as stopped:
            run.train("counting", out="b", **QUICK)
    assert run.stopped(stopped.value) == (
        "Stopped in epoch 2, after batch 2; all of it is saved. "
        "Go on with: recur train counting --out b --resume"
    )
    with pytest.raises(InputError, match="If training was stopped, go on with: recur train c"):
        run.load("b")
    resumed = run.train("counting", out="b", resume=True, progress=False)
    assert same(resumed.model.state_dict(), whole.model.state_dict())
    assert resumed.scores.values == whole.scores.values


def test_a_finished_run_can_go_on_for_more_epochs(trained):
    longer = run.train("counting", out="a", resume=True, progress=False, epochs=4)
    whole = run.train("counting", out="b", **{**QUICK, "epochs": 4})
    assert len(longer.history) == 4
    assert same(longer.model.state_dict(), whole.model.state_dict())
    assert run.load("a").options.epochs == 4


def test_what_a_run_was_trained_with_cannot_change_when_it_goes_on(trained):
    with pytest.raises(InputError, match="cell of a run that goes on must be the same, 'rnn'"):
        run.train("counting", out="a", resume=True, cell="lstm")
    files.write_json("a/preprocessing.json", {"words": ["other", "data"]})
    with pytest.raises(InputError, match="The data have changed since the run a began"):
        run.train("counting", out="a", resume=True)


def fail_in_epoch(monkeypatch, number, error):
    """Four batches are an epoch."""
    done = []
    step = torch.optim.Adam.step

    def stepping(self, *args, **kwargs):
        done.append(1)
        if len(done) == 4 * number - 1:
            raise error
        return step(self, *args, **kwargs)

    monkeypatch.setattr(torch.optim.Adam, "step", stepping)


def test_a_training_that_fails_keeps_what_was_saved(counting, monkeypatch):
    with monkeypatch.context() as patched:
        fail_in_epoch(patched, 2, MemoryError())
        with pytest.raises(MemoryError):
            run.train("counting", out="a", **QUICK)
    with pytest.raises(InputError, match="incomplete"):
        run.load("a")
    again = run.train("counting", out="a", resume=True, progress=False)
    assert len(again.history) == 2


def test_a_training_that_fails_before_anything_is_learnt_leaves_nothing(
    counting, monkeypatch, tmp_path
):
    with pytest.raises(FailedError, match="is not finite"):
        run.train("counting", out="a", broken=True, **QUICK)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "mine").mkdir()
    for error in (MemoryError(), InputError("late"), RuntimeError("out of memory")):
        for out in ("a", "mine", None):
            with monkeypatch.context() as patched:
                fail_in_epoch(patched, 1, error)
                with pytest.raises(type(error)):
                    run.train("counting", out=out, **QUICK)
        assert {path.name for path in tmp_path.rglob("*")} == {"mine", "runs"}
    assert run.train("counting", out="a", **QUICK).path.name == "a"


def test_what_others_put_into_a_failing_run_stays(counting, monkeypatch, tmp_path):
    def learn(*args, **given):
        (tmp_path / "a" / "notes.txt").write_text("mine")
        raise InputError("late")

    monkeypatch.setattr(preparing, "learn", learn)
    with pytest.raises(InputError, match="late"):
        run.train("counting", out="a", **QUICK)
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["notes.txt"]


def test_evaluate_takes_only_options_that_say_how_other_data_are_read(trained, monkeypatch):
    files.write_text("other", "numbers")
    with pytest.raises(InputError, match="an option of evaluate must be none; got 'units'"):
        trained.evaluate("other", units=3)
    monkeypatch.setattr(type(trained.task), "reading", ("steps",))
    with pytest.raises(InputError, match=r"steps says how other data are read: name them \(data\)"):
        trained.evaluate(steps=3)
    assert trained.evaluate("other", steps=3).values != trained.evaluate("other").values


class Killed(BaseException):
    """What nothing catches, as a kill."""


def kill_at(monkeypatch, number):
    """Kills at a rename, the first being 1; returns how many there have been."""
    done = []
    replace = type(files.path_of("x")).replace

    def renamed(path, target):
        done.append(target)
        if len(done) == number:
            raise Killed
        return replace(path, target)

    monkeypatch.setattr(type(files.path_of("x")), "replace", renamed)
    return done


def test_killed_at_any_rename_a_run_begins_or_goes_on_and_ends_bit_for_bit(counting, monkeypatch):
    with monkeypatch.context() as patched:
        renames = kill_at(patched, 0)
        whole = run.train("counting", out="whole", **QUICK)
    assert len(renames) == 12
    layers = (whole.path / "layers.csv").read_text().splitlines()
    for number in range(1, len(renames) + 1):
        out = f"killed-{number}"
        with monkeypatch.context() as patched:
            kill_at(patched, number)
            with pytest.raises(Killed):
                run.train("counting", out=out, **QUICK)
        os.makedirs(f"{out}/plots", exist_ok=True)
        for left in (".lock", ".u6lb1nyo.part.json", "plots/.u6lb1nyo.part.png"):
            (whole.path.parent / out / left).write_text("half of")
        if number == 1:  # nothing had begun: the same command begins it
            os.remove(f"{out}/plots/.u6lb1nyo.part.png")
            os.rmdir(f"{out}/plots")
            with pytest.raises(InputError, match="stopped before it began"):
                run.train("counting", out=out, resume=True)
            again = run.train("counting", out=out, **QUICK)
        else:
            again = run.train("counting", out=out, resume=True, progress=False)
        assert same(again.model.state_dict(), whole.model.state_dict()), number
        assert run.load(out).scores.values == whole.scores.values
        assert len((again.path / "layers.csv").read_text().splitlines()) == len(layers)
        assert not [path.name for path in again.path.rglob(".*")]


def test_two_trainings_into_one_out_do_not_mix(counting, monkeypatch):
    def second(**given):
        with pytest.raises(FailedError, match="Another training is under way in a"):
            run.train("counting", out="a", **given)

    learn, prepare = preparing.learn, preparing.prepare

    def meanwhile(*args, **given):
        second(resume=True)
        return learn(*args, **given)

    def first(*args):
        """Another begins and ends while this one reads its data."""
        monkeypatch.setattr(preparing, "prepare", prepare)
        run.train("counting", out="a", **QUICK)
        return prepare(*args)

    monkeypatch.setattr(preparing, "learn", meanwhile)
    monkeypatch.setattr(preparing, "prepare", first)
    with pytest.raises(InputError, match="a exists already"):
        run.train("counting", out="a", seed=1, **QUICK)
    assert run.load("a").options.seed == 0


@pytest.mark.parametrize("when", ["fit", "evaluate"])
@pytest.mark.parametrize("how", ["moved", "deleted", "replaced"])
def test_a_run_that_is_moved_or_deleted_while_training_is_noticed(
    counting, monkeypatch, tmp_path, when, how
):
    whole = run.train("counting", out="whole", **QUICK)

    def lose():
        (tmp_path / "a").rename(tmp_path / "b")
        if how == "deleted":
            shutil.rmtree(tmp_path / "b")
        if how == "replaced":
            (tmp_path / "a").mkdir()
            (tmp_path / "a" / "mine").write_text("")

    with monkeypatch.context() as patched:
        if when == "fit":
            size = run.train.__globals__["LayerSizes"]
            call = size.__call__
            patched.setattr(size, "__call__", lambda *a: (call(*a), lose())[0])
        else:
            learn = preparing.learn

            def learnt(*args, **given):
                history = learn(*args, **given)
                lose()
                return history

            patched.setattr(preparing, "learn", learnt)
        with pytest.raises(FailedError, match="a was moved or deleted while training") as error:
            run.train("counting", out="a", **QUICK)
    if how == "replaced":
        assert "another is there now" in str(error.value)
        assert os.listdir("a") == ["mine"]
        if when == "evaluate":
            run.train("counting", out="b", resume=True, progress=False)
        return
    if when == "fit":
        assert "recur train counting --out a --resume" in str(error.value)
        run.train("counting", out="a", resume=True, progress=False)
    assert same(run.load("a").model.state_dict(), whole.model.state_dict())


def test_nothing_is_written_through_a_link(trained, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    for name in ("plots", "checkpoint"):
        (tmp_path / "a" / name).rename(tmp_path / f"own-{name}")
        (tmp_path / "a" / name).symlink_to(outside)
        with pytest.raises(InputError, match=f"{name} is a symbolic link"):
            run.train("counting", out="a", resume=True)
        with pytest.raises(InputError, match=f"{name} is a symbolic link"):
            trained.plot()
        (tmp_path / "a" / name).unlink()
        (tmp_path / f"own-{name}").rename(tmp_path / "a" / name)
    assert list(outside.iterdir()) == []
    assert len(trained.plot("outside")) == len(list(outside.iterdir())) == 2


def test_paths_as_people_write_them(counting, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    run.train("counting", out="~/mine", **QUICK)
    assert run.load("~/mine").path == tmp_path / "mine"
    (tmp_path / "broken").symlink_to("/no/where")
    told = []
    for out, sentence in (("broken", "is a link to /no/where"), ("a" * 300, "File name too long")):
        with pytest.raises(InputError, match=sentence):
            run.train("counting", out=out, tell=told.append, **QUICK)
        assert not [line for line in told if "kept in" in line]
    with pytest.raises(InputError, match="File name too long"):
        run.load("a" * 300)


def test_data_are_found_again_from_another_folder_and_after_a_move(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [[step, f"{step % 7 + step / 100:.2f}"] for step in range(120)]
    files.write_csv("all/x.csv", ("step", "x"), rows)
    given = {"window": 8, "horizon": 2, "units": 4, "progress": False}
    first = run.train("forecast", out="all/run", data="all/x.csv", epochs=1, **given)
    scores = first.evaluate().values

    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    files.write_csv("all/x.csv", ("step", "x"), rows[:60])  # other data by the path as given
    assert run.load("../all/run").evaluate().values == scores
    (tmp_path / "all").rename(tmp_path / "moved")  # with the run
    assert run.load("../moved/run").evaluate().values == scores

    monkeypatch.chdir(tmp_path / "moved")
    os.rename("x.csv", "y.csv")  # without it
    lost = run.load("run")
    with pytest.raises(InputError, match=f"There is no file {tmp_path / 'all' / 'x.csv'}"):
        lost.evaluate()
    assert lost.evaluate("y.csv").values == scores
    assert lost.inspect("y.csv").trained
    with pytest.raises(InputError, match="must be those that the run was trained on"):
        lost.inspect("../elsewhere/all/x.csv")
    with pytest.raises(InputError, match="data of a run that goes on must be the same"):
        run.train("forecast", out="run", resume=True, data="../elsewhere/all/x.csv")
    longer = run.train("forecast", out="run", resume=True, data="y.csv", epochs=2, progress=False)
    assert len(longer.history) == 2
    config = files.read_json("run/config.json")
    del config["source"]  # a run of an earlier recur
    files.write_json("run/config.json", config)
    assert run.load("run").evaluate().values == longer.scores.values
    assert run.load("run").options.data == "y.csv"


def by_sides(folder):
    words = "abcdefghijklmnopqr"
    files.write_text(folder / "en", "".join(f"{a} {a}\n" for a in words))
    files.write_text(folder / "de", "".join(f"x {a}\n" for a in words))
    small = {"unit": "words", "embedding": 4, "attention": "dot", "bidirectional": False}
    return "translate", {"data": "data/en", "target": "data/de", **small}, "data/de"


def by_folders(folder):
    for label, word in (("good", "fine"), ("bad", "dull")):
        (folder / label / ".hidden").mkdir(parents=True)
        for n in range(8):
            files.write_text(folder / label / f"{n}.txt", f"a {word} film {n}")
    return "classify", {"data": "data", "maxlen": 5}, "data/bad/3.txt"


@pytest.mark.parametrize("make", [by_sides, by_folders])
def test_all_that_the_data_are_made_of_is_kept_an_eye_on(make, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    task, options, part = make(tmp_path / "data")
    given = {"out": "data/run", "epochs": 1, "units": 4, "progress": False}
    scores = run.train(task, **given, **options).evaluate().values
    if (tmp_path / "data" / "bad").exists():  # in a folder of data more may lie
        files.write_text(tmp_path / "data" / "bad" / ".hidden" / "x.txt", "not read")
    assert run.load("data/run").evaluate().values == scores
    before = files.read_text(part)
    files.write_text(part, before.replace("x c", "x d").replace("dull", "long"))
    sentence = r"The data have changed since the run data/run began: .*has another content"
    with pytest.raises(InputError, match=sentence):
        run.load("data/run").evaluate()
    with pytest.raises(InputError, match=sentence):
        run.train(task, out="data/run", resume=True, progress=False, epochs=2)
    files.write_text(part, before)

    (tmp_path / "data").rename(tmp_path / "moved")
    assert run.load("moved/run").evaluate().values == scores
    assert run.load("moved/run").evaluate(f"moved{options['data'][4:]}").values == scores
    longer = run.train(task, out="moved/run", resume=True, progress=False, epochs=2)
    assert len(longer.history) == 2
    config = files.read_json("moved/run/config.json")
    config["source"].pop("target_sha256", None)  # a run of an earlier recur
    files.write_json("moved/run/config.json", config)
    assert run.load("moved/run").evaluate().values == longer.scores.values


def test_pictures_decide_about_nothing(counting, monkeypatch):
    def fails(*_):
        raise RuntimeError("no LaTeX")

    told = []
    with monkeypatch.context() as patched:
        patched.setattr(run.Run, "plot", fails)
        run.train("counting", out="a", tell=told.append, **QUICK)
    assert told[-1] == "No picture could be drawn: no LaTeX"
    assert run.load("a").scores.values


@pytest.fixture
def small_disk():
    """No file can grow beyond some size: what a full disk does, for one process."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def shrink(size):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))

    yield shrink
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_loses_nothing(trained, small_disk):
    before = {path: path.read_bytes() for path in trained.path.rglob("*") if path.is_file()}
    small_disk(1000)
    with pytest.raises(FailedError, match=r"could not be written: File too large. The file that"):
        run.train("counting", out="a", resume=True, progress=False, epochs=3)
    small_disk(resource.RLIM_INFINITY)
    kept = {path: path.read_bytes() for path in trained.path.rglob("*") if path.is_file()}
    changed = {path.name for path in before if kept[path] != before[path]}
    assert kept.keys() == before.keys()  # no half file is left behind
    assert changed <= {"config.json", "layers.csv"}  # a row of later epochs is forgotten
    assert run.load("a").evaluate().values == trained.scores.values
    assert len(run.train("counting", out="a", resume=True, progress=False).history) == 3


def test_a_directory_that_cannot_be_written_is_named(counting, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FailedError, match=r"file.below.* could not be written"):
        run.train("counting", out="file/below", **QUICK)
    (tmp_path / "runs").write_text("")
    with pytest.raises(FailedError, match=r"runs.counting-1 could not be made"):
        run.train("counting", **QUICK)


def test_two_trainings_at_once_take_two_directories(counting):
    found = []
    workers = [
        threading.Thread(target=lambda: found.append(run.train("counting", **QUICK).path.name))
        for _ in range(2)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(found) == ["counting-1", "counting-2"]


def test_json_files_are_readable_by_any_program(trained):
    for name in ("config.json", "preprocessing.json", "metrics.json"):
        assert json.loads((trained.path / name).read_text(encoding="utf-8"))
