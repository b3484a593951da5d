"""Classify: one class of many, several, ratings; folders; what stands beside it."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch

from recur import files, run, tasks
from recur.diagnostics.telling import Telling
from recur.messages import FailedError, InputError
from recur.scoring import log_ratios, scores
from recur.tasks import label_kinds, ngrams, preparing

TASK = tasks.find("classify")
QUICK = {
    "batch_size": 16,
    "units": 8,
    "embedding": 8,
    "progress": False,
    "epochs": 12,
    "dropout": 0.2,
    "bidirectional": False,
    "learning_rate": 0.03,
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rows(names, n=120, several=False):
    """Texts of fillers and of the words of their labels."""
    chance = np.random.default_rng(0)
    for number in range(n):
        chosen = [names[number % len(names)]]
        if several and number % 2:
            chosen.append(names[(number + 1) % len(names)])
        fillers = chance.choice(["the", "of", "was", "a"], chance.integers(1, 5))
        yield " ".join([*fillers, *(f"word{name}" for name in chosen), "it"]), chosen


def write(names, name="texts.csv", label="label", **how):
    found = [(text, "|".join(chosen)) for text, chosen in rows(names, **how)]
    files.write_csv(name, ("text", label), found)


def test_many_classes(here):
    write(["red", "green", "blue", "grey"])
    trained = run.train("classify", data="texts.csv", out="run", **QUICK)
    values = trained.scores.values
    assert values["accuracy"] > 0.9
    assert values["linear_accuracy"] == values["linear_macro_f1"] == 1
    assert "TF-IDF and a linear model: accuracy 1.0000  macro-F1 1.0000" in str(trained.scores)
    assert trained.predict("the wordblue it")[0].label == "blue"
    scores = run.load("run").evaluate()
    assert scores.values == values
    assert scores.evaluation.detail.confusion.labels == ("blue", "green", "grey", "red")
    words = TASK.telling(trained.trained, scores.evaluation.detail).words
    assert list(words) == ["blue", "green", "grey", "red"]
    assert all(f"word{name}" in dict(found[:2]) for name, found in words.items())
    assert max(trained.why("a wordred it")[0].values) == trained.why("a wordred it")[0].values[1]


@pytest.mark.parametrize("names", [["red", "blue"], ["red", "green", "blue", "grey"]])
def test_a_linear_model_of_n_grams_stands_beside_the_network(here, names):
    write(names)
    given = {**QUICK, "data": "texts.csv", "out": "run", "wide": True, "ngrams": 3}
    plain = run.train("classify", **{**given, "wide": False, "epochs": 1, "out": "plain"})
    trained = run.train("classify", **{**given, "epochs": 1})
    # The recurrent layers learn as without it.
    assert trained.history.val_loss == plain.history.val_loss
    values = trained.scores.values
    assert values["accuracy"] == values["ngrams_accuracy"] == 1
    assert values["recurrent_accuracy"] == plain.scores.values["accuracy"] < 1
    assert f"alone: accuracy {values['recurrent_accuracy']:.4f}; the n-grams: 1.0000" in str(
        trained.scores
    )
    assert run.load("run").evaluate().values == values
    again = run.train("classify", out="run", resume=True, epochs=2, progress=False)
    assert again.evaluate().values["accuracy"] == 1
    (why,) = trained.why(f"a word{names[0]} it")
    assert abs(why.error) < 1e-3
    assert max(why.values) == why.values[1]
    told = TASK.telling(trained.trained, trained.evaluate().evaluation.detail).words
    assert all(f"word{name}" in dict(found[:2]) for name, found in told.items())
    assert "wide" not in str(trained.inspect())  # it looks inside all the same


def test_the_linear_model_learns_from_what_validated_too(here):
    write(["red", "blue"], n=40)
    options = TASK.options.of("classify", {"data": "texts.csv", "wide": True, "epochs": 1})
    prepared = preparing.prepare(TASK, options)
    model = TASK.model(options, prepared.preprocessing)
    before = [weight.clone() for weight in model.recurrent.parameters()]
    fitted = []

    def spy(found, *rest, **how):
        fitted.append(1 + max(int(each.text.max()) for each in found))
        return log_ratios.log_ratio_regression(found, *rest, **how)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ngrams, "log_ratio_regression", spy)
        TASK.complete(model, prepared, options)
    assert fitted == [len(prepared.train), len(prepared.train) + len(prepared.validation)]
    assert all(map(torch.equal, before, model.recurrent.parameters()))


@pytest.mark.parametrize(
    ("given", "several", "sentence"),
    [
        ({}, True, r"wide must be left out but with one class a text; got 'several' labels"),
        ({"ngrams": 0}, False, "ngrams must be at least 1 with wide; got 0"),
        ({"ngrams": 4}, False, "ngrams must be at most 3; got 4"),
        ({"limit": 3}, False, "wide must be left out where no word of the texts stands twice"),
    ],
)
def test_what_a_linear_model_cannot_have(here, given, several, sentence):
    if "limit" in given:
        files.write_csv("texts.csv", ("text", "label"), [(f"w{n}", f"{n % 2}") for n in range(20)])
    else:
        write(["red", "blue", "green"], several=several)
    with pytest.raises(InputError, match=sentence):
        run.train("classify", data="texts.csv", out="run", **{**QUICK, "wide": True, **given})
    assert not (here / "run").exists()


def test_a_table_that_does_not_fit_is_a_sentence(here):
    write(["red", "blue"])
    run.train("classify", data="texts.csv", out="run", **{**QUICK, "wide": True, "epochs": 1})
    weights, _ = files.read_tensors("run/model.safetensors")
    files.write_tensors("run/model.safetensors", weights)  # without its seal
    stored = files.read_json("run/preprocessing.json")
    for grams in (-1, 0, 1, 10**12):
        files.write_json("run/preprocessing.json", {**stored, "grams": grams})
        with pytest.raises(InputError):
            run.load("run")


def test_the_report_says_where_the_parts_are_better():
    parts = {"recurrent_accuracy": 0.4, "ngrams_accuracy": 0.6}
    assert "the better ones" in TASK.report({"accuracy": 0.5, **parts})
    assert "the better ones" not in TASK.report({"accuracy": 0.7, **parts})


def test_the_report_says_where_the_linear_model_wins(here):
    said = TASK.report({"accuracy": 0.5, "linear_accuracy": 0.6})
    assert said.endswith("The linear model is the better one here.")
    assert "better" not in TASK.report({"accuracy": 0.6, "linear_accuracy": 0.5})
    both = {"quadratic_kappa": 0.5, "accuracy": 0.4}
    beside = {"linear_quadratic_kappa": 0.4, "linear_accuracy": 0.6}
    assert "better" not in TASK.report({**both, **beside})


def test_several_labels(here):
    write(["red", "green", "blue"], several=True)
    trained = run.train("classify", data="texts.csv", out="run", **QUICK)
    assert any("is read as several labels of a text with '|'" in n for n in trained.scores.notes)
    assert trained.scores.values["micro_f1"] > 0.9
    assert trained.scores.values["linear_micro_f1"] > 0.9
    assert len(trained.trained.calibration["thresholds"]) == 3
    both, none = run.load("run").predict(["wordred wordgreen it", "the of was"])
    assert set(both.labels) == {"red", "green"}
    assert set(both.probabilities) == {"red", "green", "blue"}
    assert str(none).endswith("  the of was")
    assert len(trained.why("wordred it")) == 1
    assert trained.draw_evaluation(trained.evaluate())


def test_ratings(here):
    write(["1", "2", "3", "10"], label="stars")
    given = {**QUICK, "data": "texts.csv", "label": "stars"}
    trained = run.train("classify", out="run", **given)
    assert any("read as ratings, from 1 up to 10" in note for note in trained.scores.notes)
    assert trained.trained.preprocessing.classes == ("1", "2", "3", "10")
    assert trained.scores.values["quadratic_kappa"] > 0.8
    lowest, highest = run.load("run").predict(["a word1 it", "a word10 it"])
    assert (lowest.label, highest.label) == ("1", "10")
    assert [why.name for why in trained.why(["a word1 it", "a word10 it"])] == [
        "not above 1",
        "above 3",
    ]
    plain = TASK.options.of("classify", {"data": "texts.csv", "label": "stars", "labels": "one"})
    assert TASK.read(plain).train.kind == "one"


def test_a_folder_and_a_table_in_memory(here):
    for part in ("train", "test"):
        for number, (text, (label,)) in enumerate(rows(["red", "blue"], 40)):
            path = here / "data" / part / label / f"{number}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    trained = run.train("classify", data="data", **{**QUICK, "epochs": 1})
    assert "linear_accuracy" in trained.scores.values
    assert preparing.held_out(TASK, trained.options, trained.trained.preprocessing).notes == ()
    shutil.rmtree("data/test/red")
    with pytest.raises(InputError, match="a folder of texts for each of two classes at least"):
        run.train("classify", data="data/test", **QUICK)
    assert "accuracy" in trained.evaluate("data/test").values
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(
        [(text, chosen) for text, chosen in rows(["red", "blue"], 60, several=True)],
        columns=["text", "label"],
    )
    in_memory = run.train("classify", data=table, **{**QUICK, "epochs": 1})
    assert "linear_micro_f1" in in_memory.scores.values
    assert in_memory.evaluate(table).values == in_memory.scores.values
    again = in_memory.evaluate(table.iloc[:20])
    assert "linear_micro_f1" not in again.values
    assert "Nothing else that learns stands beside it: The data were a table" in str(again)


def test_without_scikit_learn_nothing_is_begun(here, monkeypatch):
    write(["red", "blue"])

    def missing(name):
        raise FailedError("Install it with: pip install 'recur[scores]'")

    monkeypatch.setattr(scores, "package", missing)
    with pytest.raises(FailedError, match=r"recur\[scores\]"):
        run.train("classify", data="texts.csv", out="run", **QUICK)
    assert not (here / "run").exists()


def test_a_file_that_is_asked_keeps_its_lines_and_a_table_its_rows(here):
    files.write_csv("texts.csv", ("body", "label"), [(t, c) for t, (c,) in rows(["red", "blue"])])
    trained = run.train("classify", data="texts.csv", text="body", **{**QUICK, "epochs": 4})
    files.write_text("asked.txt", "\nwordred it\r\n \nwordblue it\x0cthe\n")
    given = TASK.inputs_of("asked.txt", trained.options)
    assert given == ["", "wordred it", " ", "wordblue it\x0cthe"]
    answers = trained.predict(given)
    assert [each.to_json()["label"] for each in answers] == [None, "red", None, "blue"]
    assert [str(answers[0]), str(answers[2])] == ["", ""]
    assert len(trained.why(given)) == 4
    files.write_csv("asked.csv", ("n", "body"), [("1", "wordred, it"), ("2", ""), ("3", "a")])
    assert TASK.inputs_of("asked.csv", trained.options) == ["wordred, it", "", "a"]
    files.write_csv("asked.csv", ("n", "text"), [("1", "wordred it")])
    with pytest.raises(InputError, match=r"no column 'body'; it has 'n' and 'text'\. A table is"):
        TASK.inputs_of("asked.csv", trained.options)


def test_other_data_are_read_as_the_run_has_them(here):
    write(["red", "blue"], several=True)
    trained = run.train("classify", data="texts.csv", **{**QUICK, "epochs": 1})
    write(["red"], name="alone.csv", n=9)  # advice for training would be in vain
    assert "micro_f1" in trained.evaluate("alone.csv").values
    write(["red", "blue"], name="single.csv", n=20)
    assert "micro_f1" in trained.evaluate("single.csv").values
    write(["red", "pink"], name="odd.csv")
    with pytest.raises(InputError, match="a label must be 'blue' or 'red'; got 'pink'"):
        trained.evaluate("odd.csv")


def test_ratings_by_hand():
    kind = label_kinds.KINDS["ordinal"]
    assert kind.targets([[0], [2], [3]], 4).tolist() == [[0, 0, 0], [1, 1, 0], [1, 1, 1]]
    above = torch.tensor([[0.9, 0.6, 0.7], [0.2, 0.1, 0.05]])
    found = kind.probabilities(above.logit())
    # The third cannot be more probable than the second.
    torch.testing.assert_close(found[0], torch.tensor([0.1, 0.3, 0.0, 0.6]))
    assert kind.chosen(found) == [(3,), (0,)]


def test_thresholds_give_the_best_f1():
    chance = np.random.default_rng(0)
    meant = (chance.random((200, 3)) < [0.3, 0.5, 0.02]).astype(np.float32)
    probabilities = np.clip(0.2 * meant + 0.3 * chance.random((200, 3)), 0, 1)
    found = label_kinds.thresholds(probabilities, meant)

    def f1(c, threshold):
        said = probabilities[:, c] >= threshold
        return 2 * (said * meant[:, c]).sum() / (said.sum() + meant[:, c].sum())

    for c in (0, 1):
        assert f1(c, found[c]) == max(f1(c, t) for t in np.unique(probabilities[:, c]))
    assert label_kinds.thresholds(probabilities, np.zeros((200, 3))) == [0.5] * 3


def test_rare_classes_may_count_more(here):
    write(["red", "blue", "blue", "blue"], n=80)
    options = TASK.options.of("classify", {"data": "texts.csv", "class_weight": "balanced"})
    assert TASK.recipe(options)["class_weight"] == "balanced"
    run.train("classify", data="texts.csv", class_weight="balanced", **{**QUICK, "epochs": 1})
    write(["red", "blue"], several=True)
    with pytest.raises(InputError, match="class weight must be left out but with one class a text"):
        preparing.prepare(TASK, options)


def test_many_telling_words_are_drawn_and_listed(tmp_path):
    words = {f"a long $name$ of a class {n}": [("w$x", 1.0), ("y", 0.5)] for n in range(50)}
    found = Telling({**words, "none": []})
    assert str(found).splitlines()[0].endswith("w$x y")
    figure = found.figure()
    assert "the first 40 classes of 51" in figure.get_suptitle()
    figure.savefig(tmp_path / "telling.png")
    assert found.to_json()["none"] == []
    with pytest.raises(InputError, match="those of one class at least"):
        Telling({}).figure()
