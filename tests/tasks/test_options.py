"""Options: every wrong value gets one sentence, and Python and JSON agree."""

import json

import pytest

from recur import run
from recur.messages import InputError
from recur.tasks.options import INITIALISATIONS, OPTIMIZERS, Options, kinds, optional
from recur.training import optimizers


def test_the_defaults_are_allowed_and_go_through_json():
    options = Options()
    assert Options.of("any", json.loads(json.dumps(options.to_json()))) == options


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"cell": "lsmt"},
            "cell must be rnn, lstm, gru, indrnn, mingru, minlstm or slstm; "
            "got 'lsmt'. Did you mean 'lstm'?",
        ),
        ({"units": 0}, "units must be at least 1; got 0."),
        ({"units": 2.5}, "units must be a whole number; got 2.5."),
        ({"units": True}, "units must be a whole number; got True."),
        ({"units": None}, "units must be a whole number; got None."),
        ({"bidirectional": 1}, "bidirectional must be true or false; got 1."),
        ({"dropout": 1.0}, "dropout must be below 1; got 1.0."),
        ({"dropout": float("nan")}, "dropout must be a finite number; got nan."),
        ({"learning_rate": float("inf")}, "learning rate must be a finite number; got inf."),
        ({"learning_rate": 0}, "learning rate must be above 0; got 0.0."),
        ({"batchsize": 3}, "The task any has no option 'batchsize'. Did you mean 'batch_size'?"),
        (
            {"xyzzy": 3},
            "The task any has no option 'xyzzy'. `recur train any --help` lists them.",
        ),
    ],
)
def test_a_wrong_value_gets_one_sentence(given, sentence):
    with pytest.raises(InputError) as error:
        Options.of("any", given)
    assert str(error.value) == sentence


@pytest.mark.parametrize("task", ["language", "music"])
def test_a_table_where_a_file_must_be_gets_a_sentence(task, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table = pytest.importorskip("pandas").DataFrame({"text": ["a"]})
    with pytest.raises(InputError, match=f"data of {task} must be a file, .*; got a DataFrame"):
        run.train(task, data=table, progress=False)
    assert not list(tmp_path.iterdir())


def test_whole_numbers_pass_where_numbers_are_wanted():
    assert Options.of("any", {"learning_rate": 1}).learning_rate == 1.0


def test_a_path_passes_for_data(tmp_path):
    assert Options.of("any", {"data": tmp_path}).data == str(tmp_path)


def test_types_are_read_from_the_annotations():
    assert kinds(Options)["learning_rate"] is float
    assert optional(Options, "learning_rate")
    assert not optional(Options, "units")


def test_every_optimizer_and_start_that_there_is_can_be_chosen():
    assert set(OPTIMIZERS) == set(optimizers._KNOWN)
    for start in INITIALISATIONS:
        assert Options(recurrent_init=start).recurrent()["recurrent_init"] in (None, start)


@pytest.mark.parametrize("name", [name for name, kind in kinds(Options).items() if kind is int])
def test_every_whole_number_has_an_end(name):
    with pytest.raises(
        InputError, match=f"{name.replace('_', ' ')} must be at most [0-9,]+; got 1"
    ):
        Options(**{name: 10**23})
