"""The memory task: the problems as the papers pose them, their yardsticks, what is learnt."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from recur import FailedError, InputError, run, tasks
from recur.tasks import problems
from recur.tasks.memory import recall
from recur.tasks.preparing import prepare

QUICK = {"progress": False, "out": "run", "seed": 0}


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_adding_marks_one_number_in_each_half_and_asks_for_their_sum():
    x, y = problems.adding(200, 11, np.random.default_rng(0))
    assert x.shape == (200, 11, 2)
    assert y.shape == (200, 1)
    assert (x[:, :5, 1].sum(axis=1) == 1).all()
    assert (x[:, 5:, 1].sum(axis=1) == 1).all()
    assert np.allclose((x[..., 0] * x[..., 1]).sum(axis=1), y[:, 0])
    assert 0 <= x[..., 0].min() < x[..., 0].max() <= 1


def test_who_always_answers_one_has_the_yardsticks_error():
    _, y = problems.adding(100_000, 4, np.random.default_rng(0))
    assert np.mean((y - 1) ** 2) == pytest.approx(problems.MEAN_SQUARED_ERROR_OF_THE_MEAN, rel=0.02)


def test_copying_asks_for_the_symbols_after_the_pause_and_the_signal():
    x, y = problems.copying(50, 7, np.random.default_rng(0))
    assert x.shape == y.shape == (50, 27)
    assert (x[:, 10:16] == problems.BLANK).all()
    assert (x[:, 16] == problems.GO).all()
    assert (x[:, 17:] == problems.BLANK).all()
    assert (y[:, :17] == problems.BLANK).all()
    assert np.array_equal(x[:, :10], y[:, 17:])
    assert set(np.unique(x[:, :10])) == set(range(1, 9))


def test_the_yardstick_of_copying_is_the_loss_of_guessing():
    _, y = problems.copying(20_000, 7, np.random.default_rng(0))
    # Certain of the blanks, even among the symbols.
    chances = torch.zeros(*y.shape, 9).fill_(-1e4)
    chances[:, :17, 0] = 0
    chances[:, 17:, 1:] = 0
    loss = torch.nn.functional.cross_entropy(chances.flatten(0, 1), torch.tensor(y).flatten())
    assert loss.item() == pytest.approx(problems.copying_without_memory(7), rel=1e-5)


def test_sentences_have_their_length_and_one_country():
    rng = np.random.default_rng(0)
    for lag in (0, 1, 13):
        words = problems.sentence("Japan", lag, rng)
        assert len(words) == lag + 9
        assert [word for word in words if word in problems.LANGUAGES] == ["Japan"]
        assert not set(words) & set(problems.LANGUAGES.values())
    x, y = problems.agreement(30, 13, rng)
    known = ["", *problems.words()]
    assert [known[n] for n in x[:, 4]] == [list(problems.LANGUAGES)[n] for n in y]
    assert x.min() >= 1
    assert x.max() < len(known)


def test_recall_counts_the_symbols_only():
    targets = torch.zeros(2, 15, dtype=torch.long)
    targets[:, -10:] = 3
    targets[1, -5:] = -100
    scores = torch.nn.functional.one_hot(targets.clamp(min=0), 9).float()
    assert recall(scores, targets) == 1
    scores[:, :5] = torch.randn(2, 5, 9)
    scores[0, -3:] = torch.arange(9.0)
    assert recall(scores, targets) == pytest.approx(12 / 15)


@pytest.mark.parametrize("problem", ["adding", "copying", "agreement"])
def test_mixed_lags_are_shorter_in_training_only(problem):
    task = tasks.find("memory")
    options = task.options.of(
        "memory", {"problem": problem, "lag": 40, "mixed": True, "examples": 200}
    )
    prepared = prepare(task, options)
    full = prepared.validation.batch([0]).x.shape[1]
    assert prepared.validation.lengths is None or set(prepared.validation.lengths) == {full}
    lengths = prepared.train.lengths
    assert (lengths[::4] == full).all()
    assert lengths.min() < full - 30
    assert 0.3 < (lengths[1::4] < full - 30).mean() < 0.95
    batch = prepared.train.batch(range(20))
    for x, length, y in zip(batch.x, batch.lengths, batch.y, strict=True):
        x = x[:length]
        if problem == "adding":
            assert torch.allclose(x.prod(dim=1).sum(), y)
        elif problem == "copying":
            assert torch.equal(x[:10], y[length - 10 : length])
            assert x[-11] == problems.GO
            assert (y[length:] == -100).all()
        else:
            known = ["", *problems.words()]
            assert list(problems.LANGUAGES).index(known[x[4]]) == y


@pytest.mark.parametrize(
    ("problem", "given", "questions"),
    [
        ("adding", {"lag": 8, "learning_rate": 0.01}, ["0.5* 0.1 0.9 0.4 0.25* 0 0 0"]),
        ("copying", {"lag": 3, "units": 64, "mixed": True, "epochs": 12}, ["1234567812"]),
        (
            "agreement",
            {"lag": 3, "epochs": 12},
            ["I grew up in Japan my dog saw so I speak fluent"],
        ),
    ],
)
def test_short_memories_are_learnt_and_shown(problem, given, questions):
    options = {"examples": 2500, "units": 24, "epochs": 8, "batch_size": 32, **given}
    trained = run.train("memory", problem=problem, **options, **QUICK)
    scores = trained.scores.values
    assert scores["loss"] < (0.95 if problem == "copying" else 0.5) * scores["loss_without_memory"]
    (answer,) = trained.predict(questions)
    if problem == "adding":
        assert float(answer.answer) == pytest.approx(0.75, abs=0.2)
        assert answer.right == "0.750"
    elif problem == "agreement":
        assert scores["accuracy"] > 0.99
        assert answer.answer == answer.right == "Japanese"
        assert "Solved" in str(trained.scores)
    else:
        assert scores["recall"] > 1.5 / 8
        assert len(answer.answer) == 10


def test_nothing_learnt_is_said():
    trained = run.train(
        "memory", problem="agreement", lag=40, cell="rnn", units=4, examples=100, epochs=1, **QUICK
    )
    assert "Nothing is remembered" in str(trained.scores)
    assert trained.scores.values["accuracy_without_memory"] == pytest.approx(1 / 12)
    assert trained.scores.values["loss_without_memory"] == pytest.approx(math.log(12))


@pytest.mark.parametrize(
    ("problem", "question", "sentence"),
    [
        ("adding", "0.5 0.1", "two of them marked: .*; got '0.5 0.1'"),
        ("adding", "a* b*", "numbers, two of them marked"),
        ("copying", "123", "ten digits from 1 to 8; got '123'"),
        ("agreement", "I grew up in Peru", "words that memory knows .*; got 'Peru'"),
        ("agreement", " ", "got ' '"),
    ],
)
def test_wrong_questions_get_a_sentence(problem, question, sentence):
    trained = run.train("memory", problem=problem, lag=4, examples=20, units=4, epochs=1, **QUICK)
    with pytest.raises(InputError, match=sentence):
        trained.predict(question)
    with pytest.raises(InputError, match="memory needs a question"):
        trained.predict()


def test_data_and_a_plain_cell_with_chrono_are_refused(tmp_path):
    (tmp_path / "a.csv").write_text("1")
    for data in ("a.csv", "imdb"):
        with pytest.raises(InputError, match="draws its examples from the seed"):
            run.train("memory", data=data, **QUICK)
    for given, sentence in (
        ({"cell": "rnn", "chrono": True}, "chrono must be used with cell lstm or gru; got rnn"),
        ({"cell": "gru", "activation": "relu"}, "activation must be tanh with cell gru; got relu"),
        ({"cell": "mingru", "activation": "relu"}, "activation must be tanh with cell mingru"),
        ({"lag": 0}, "lag must be at least 2; got 0"),
        ({"lag": -5}, "lag must be at least 2; got -5"),
        ({"problem": "ading"}, "problem must be adding, copying or agreement; got 'ading'. Did"),
    ):
        with pytest.raises(InputError, match=sentence):
            run.train("memory", examples=20, **given, **QUICK)
    assert not Path("run").exists()


def test_more_examples_than_memory_holds_are_refused():
    with pytest.raises(FailedError, match="examples over 1,000,000 steps do not fit into mem"):
        run.train("memory", lag=1_000_000, examples=1_000_000_000, **QUICK)


def test_it_says_which_steps_mattered():
    options = {"examples": 2500, "epochs": 8, "units": 24, "batch_size": 32}
    lag = {"lag": 6, "learning_rate": 0.01}
    trained = run.train("memory", problem="adding", **lag, **options, **QUICK)
    (found,) = trained.why("0.9* 0.8 0.7 0.2 0.8* 0.9")
    assert found.labels == ("0.9*", "0.8", "0.7", "0.2", "0.8*", "0.9")
    assert found.name == "the sum"
    assert abs(found.error) < 0.02
    both = sum(abs(found.values[n]) for n in (0, 4))
    assert both > 2 * sum(abs(found.values[n]) for n in (1, 2, 3, 5))


def test_of_a_sentence_the_country_mattered_most():
    options = {"lag": 3, "examples": 2500, "epochs": 8, "units": 24, "batch_size": 32}
    trained = run.train("memory", problem="agreement", **options, **QUICK)
    (found,) = trained.why("I grew up in Japan my dog saw so I speak fluent")
    assert found.name == "Japanese"
    assert found.labels[max(range(12), key=lambda t: found.values[t])] == "Japan"


def test_copying_does_not_say_why():
    trained = run.train("memory", problem="copying", lag=2, examples=20, units=4, epochs=1, **QUICK)
    with pytest.raises(InputError, match="does not say why of copying"):
        trained.why("1234567812")


@pytest.mark.parametrize("given", [{"cell": "gru", "chrono": True}, {"activation": "relu"}])
def test_all_cells_stand_beside_a_run_with_options_of_its_own_cell(given):
    options = {"lag": 30, "examples": 40, "units": 8, "epochs": 1, "cell": "rnn", **given}
    found = run.train("memory", **options, **QUICK).inspect()
    assert list(found.untrained) == ["rnn", "lstm", "gru"]
    assert not found.refused


def test_a_cell_that_the_options_refuse_is_named(monkeypatch):
    trained = run.train("memory", lag=5, examples=40, units=4, epochs=1, **QUICK)
    build = trained.task.model

    def model(options, fitted):
        if options.cell == "lstm":
            raise InputError("This option is not for an lstm.")
        return build(options, fitted)

    monkeypatch.setattr(trained.task, "model", model)
    found = trained.inspect()
    assert list(found.untrained) == ["rnn", "gru"]
    assert "lstm  not with these options: This option is not for an lstm." in str(found)


def test_the_irnn_can_be_asked_for():
    task = tasks.find("memory")
    options = task.options.of(
        "memory", {"cell": "rnn", "activation": "relu", "recurrent_init": "identity", "lag": 5}
    )
    model = task.model(options, prepare(task, options).preprocessing)
    assert model.recurrent.nonlinearity == "relu"
    assert torch.equal(model.recurrent.weight_hh_l0, torch.eye(64))
