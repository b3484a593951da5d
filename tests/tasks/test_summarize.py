"""Summarize: what the contract of all tasks does not say."""

from __future__ import annotations

import json

import numpy as np
import pytest

from recur import InputError, files, run
from recur.data.records.pairs import Pairs
from recur.scoring.summaries import Lead, rouge
from recur.tasks import find
from recur.tasks.tiny import pairs

QUICK = {"epochs": 1, "units": 8, "embedding": 4, "progress": False}
NAMES = ("Anna", "Bert", "Cora", "Dora")


def news(number, names=NAMES, seed=0):
    """Texts in which somebody speaks, and who it was: a word that has to be copied."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(number):
        who, day = rng.choice(names), rng.choice(["monday", "friday"])
        text = f"On {day} the mayor {who} spoke of it for {rng.integers(1000)} hours."
        found.append((text, f"{who} spoke on {day}"))
    return found


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("summarize")
    data = pairs(folder / "pairs.txt")
    return run.train("summarize", data=data, coverage=1.0, out=folder / "run", **QUICK)


def test_a_file_is_summarized_line_by_line_empty_ones_too(trained, tmp_path):
    (tmp_path / "in.txt").write_text("good film\n\n   \nthe plot\n")
    answers = trained.predict(trained.task.inputs_of(str(tmp_path / "in.txt")))
    assert [str(each) for each in answers][1:3] == ["", ""]
    assert len(answers) == 4
    assert all("\n" not in str(each) for each in answers)
    assert trained.draw(answers) == [], "standard output holds nothing but the lines"
    with pytest.raises(InputError, match="a text to say why of must be one with words"):
        trained.why(["good film", " "])


def test_each_word_says_how_much_of_it_was_copied(trained):
    (answer,) = trained.predict("good film bad plot", beam=1, length=4)
    stored = json.loads(json.dumps(answer.to_json()))
    assert [each["word"] for each in stored["words"]] == list(answer.words)
    assert 0 < len(answer.words) <= 4
    assert all(0 <= each["copied"] <= 1 for each in stored["words"])
    assert any(each["copied"] > 0 for each in stored["words"])
    (path,) = trained.draw([answer])
    assert path.name == "copied.png"


def test_the_lead_is_chosen_on_validation_and_scored_as_the_summaries_are(trained):
    splits = trained.task.read(trained.options)
    lead = Lead.fit(splits.validation.sources, splits.validation.targets)
    calibration = trained.trained.calibration
    assert calibration["lead"] == lead.words
    scores = trained.scores.values
    want = rouge(lead.answers(splits.test.sources), splits.test.targets)
    assert scores["rouge1_lead"] == pytest.approx(want["rouge1"])
    assert any("rouge-score" in note for note in trained.scores.notes)
    for ours, verdict in ((0.1, "The lead wins by 40.0"), (0.9, "40.0 points of ROUGE-1 above")):
        said = trained.task.report({**scores, "rouge1": ours, "rouge1_lead": 0.5})
        assert verdict in said.splitlines()[-1]


def test_the_runs_that_are_barred_are_chosen_on_validation(trained):
    validation = trained.task.read(trained.options).validation
    worth = {}
    for run_of_words in (3, 2, 1):
        answers = trained.predict(validation.sources, no_repeat=run_of_words)
        worth[run_of_words] = rouge([a.text for a in answers], validation.targets)["rouge1"]
    chosen = trained.trained.calibration["no_repeat"]
    assert worth[chosen] == max(worth.values())
    for answer in trained.predict(validation.sources, no_repeat=1):
        assert len(set(answer.words)) == len(answer.words)
    usual = trained.predict(validation.sources)
    assert [str(a) for a in usual] == [
        str(a) for a in trained.predict(validation.sources, no_repeat=chosen)
    ]


def test_names_that_were_never_learnt_are_copied(tmp_path):
    lines = "\n".join("\t".join(pair) for pair in news(300))
    (tmp_path / "news.txt").write_text(lines)
    small = {"units": 24, "embedding": 16, "dropout": 0.0, "embedding_dropout": 0.0, "ema": None}
    # With so few words all names are some text's own.
    how = {
        "vocabulary": 12,
        "learning_rate": 0.02,
        "epochs": 10,
        "cell": "lstm",
        "progress": False,
        **small,
    }
    found = run.train("summarize", data=tmp_path / "news.txt", out=tmp_path / "run", **how)
    (answer,) = found.predict("On Friday the mayor McZoe spoke of it for 7 hours.")
    assert answer.text == "McZoe spoke on friday"
    assert answer.words == ("mczoe", "spoke", "on", "friday")
    assert answer.copied[0] == pytest.approx(1.0)
    reason = found.why("On Friday the mayor McZoe spoke of it for 7 hours.")[0]
    assert reason.labels[4] == "mczoe"


def test_words_of_a_text_beyond_those_that_have_room_are_unknown(tmp_path):
    task, data = find("summarize"), pairs(tmp_path / "pairs.txt")
    options = task.options.of("summarize", {"data": data, "own_words": 1, "maxlen": 3})
    fitted = task.fit(task.read(options), options)
    size = len(fitted.vocabulary)
    x, y = task.encode(Pairs(["film xx yy zz"], ["yy xx film"]), options, fitted)[0]
    film = fitted.vocabulary.ids["film"]
    assert (x.tolist(), y.tolist()) == ([film, size, 1], [1, size, film, 0])


def test_options_that_shape_the_network(tmp_path):
    task, data = find("summarize"), pairs(tmp_path / "pairs.txt")

    def made(**given):
        options = task.options.of("summarize", {"data": data, **given})
        return task.model(options, task.fit(task.read(options), options))

    assert made().decoder.coverage is None
    assert made(coverage=0.5).decoder.coverage == 0.5
    assert made(copy=False).decoder.extended == 0
    assert made(copy=False).decoder.switch is None
    with pytest.raises(InputError, match="coverage must be at least 0"):
        made(coverage=-1.0)


def test_why_explains_what_was_answered(trained):
    how = {"beam": 1, "length": 2}
    (answer,), (reason,) = trained.predict("good film", **how), trained.why("good film", **how)
    assert reason.name == answer.text


def test_of_a_table_the_column_of_texts_is_read(trained, tmp_path):
    files.write_text(tmp_path / "in.csv", 'source,target\n"good, film",x\n,y\nthe plot,z\n')
    asked = trained.task.inputs_of(str(tmp_path / "in.csv"), trained.options)
    assert asked == ["good, film", "", "the plot"]
