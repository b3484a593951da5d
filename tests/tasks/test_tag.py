"""Tags: parts of speech and spans, own files in and out, and what stands beside the network."""

from __future__ import annotations

import json

import numpy as np
import pytest

from recur import run, tasks
from recur.cli import show
from recur.data.tagged import parse
from recur.messages import InputError
from recur.scoring.yardsticks import MostFrequentTag
from recur.tasks import preparing
from recur.tasks.task import Evaluation

TASK = tasks.find("tag")
SMALL = {"units": 16, "embedding": 8, "character_units": 4, "character_embedding": 4}
QUICK = {"epochs": 6, "batch_size": 8, "learning_rate": 0.02, "dropout": 0.1, "progress": False}


def spans(number=90):
    """Sentences such as "Ann Smith saw Rome": the second name of a person is in no other place."""
    rng = np.random.default_rng(0)
    first, last = ("Ann", "Bob", "Eve", "Kim", "Joe"), ("Smith", "Jones", "Lee", "Fox", "Hill")
    for _ in range(number):
        words = [(rng.choice(first), "B-PER"), (rng.choice(last), "I-PER")][: rng.integers(1, 3)]
        words += [(rng.choice(("saw", "left", "liked", "knows", "missed")), "O")]
        words += [(rng.choice(("Rome", "Oslo", "Lima", "Bern", "Kyiv")), "B-LOC")]
        words += [(rng.choice((".", "!", "?", "again")), "O")]
        yield "\n".join(f"{word}\tX\t{tag}" for word, tag in words)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("tag")
    (made / "spans.tsv").write_text("\n\n".join(spans()), encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def trained(folder):
    given = {"data": str(folder / "spans.tsv"), "out": str(folder / "run")}
    return run.train("tag", **SMALL, **QUICK, **given)


@pytest.fixture(scope="module")
def conllu(tmp_path_factory):
    made = tmp_path_factory.mktemp("tag")
    tiny = TASK.tiny(made)
    return run.train("tag", **{**tiny.options, **SMALL, **QUICK, "out": str(made / "run")})


def test_spans_are_learnt_and_scored(trained):
    scores = trained.scores.values
    assert scores["f1"] > 0.95
    assert scores["f1_PER"] > 0.9
    assert scores["accuracy"] > 0.95
    lines = str(trained.scores).splitlines()
    assert lines[0].startswith("test spans: precision")
    assert lines[2].startswith("the most frequent tag of each word: ")
    assert "(spans: f1 " in lines[2]
    answer = trained.predict("Eve Smith saw Oslo .")[0]
    assert str(answer) == "Eve/B-PER Smith/I-PER saw Oslo/B-LOC ."


def test_the_most_frequent_tag_of_a_word_is_that_of_training(trained, folder):
    prepared = preparing.prepare(TASK, trained.options)
    train, test = prepared.splits.train, prepared.splits.test
    beside = MostFrequentTag(train.words, train.tags(0))
    said = beside.answers(test.words)
    pairs = [
        s == m for both in zip(said, test.tags(0), strict=True) for s, m in zip(*both, strict=True)
    ]
    found = trained.scores.values["accuracy_most_frequent_tag"]
    assert found == pytest.approx(sum(pairs) / len(pairs))


def test_words_never_seen_are_scored_apart(trained):
    held = preparing.held_out(TASK, trained.options, trained.trained.preprocessing)
    text = "Zoe\tX\tB-PER\nsaw\tX\tO\nRome\tX\tB-LOC"
    records = parse(text, "f").chosen(["3"], "f")
    encoded = TASK.encode(records, trained.options, trained.trained.preprocessing)
    values = TASK.score(trained.trained, records, encoded).values
    assert values["accuracy_unseen"] in (0, 1)
    assert "accuracy_unseen" not in TASK.score(trained.trained, held.records, held.examples).values


def test_without_seqeval_the_other_scores_are_there(trained, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "seqeval.metrics", None)
    found = trained.evaluate()
    assert "f1" not in found.values
    assert found.values["accuracy"] == trained.scores.values["accuracy"]
    assert any("recur[scores]" in note for note in found.notes)


def test_another_column_is_another_task(trained, folder):
    assert trained.trained.preprocessing.names == ("3",)
    options = {"data": str(folder / "spans.tsv"), "column": "2", **SMALL}
    with pytest.raises(InputError, match=r"of two tags at least in the column 2; got only 'X'"):
        preparing.prepare(TASK, TASK.options.of("tag", options))
    with pytest.raises(InputError, match=r"a column of tags of spans.tsv must be 2 or 3; got '9'"):
        preparing.prepare(TASK, TASK.options.of("tag", {**options, "column": "9"}))


def test_other_data_may_have_their_tags_elsewhere(trained, tmp_path):
    other = tmp_path / "other.txt"
    other.write_text("Eve B-PER\nsaw O\nRome B-LOC\n\nBob B-PER\nleft O\nOslo B-LOC\n")
    assert trained.evaluate(other).values["accuracy"] > 0.8
    other.write_text("Eve B-DOG\nsaw O\n")
    with pytest.raises(InputError, match=r"a tag of the column 3 must be one of the 4 .*'B-DOG'"):
        trained.evaluate(other)


def test_several_columns_are_learnt_at_once(folder, tmp_path):
    text = (folder / "spans.tsv").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in text.split("\n")]
    given = [
        "\t".join((row[0], "UP" if row[0][0].isupper() else "LOW", row[2])) if row[0] else ""
        for row in rows
    ]
    (tmp_path / "two.tsv").write_text("\n".join(given), encoding="utf-8")
    options = {"data": str(tmp_path / "two.tsv"), "column": "3,2", "out": str(tmp_path / "run")}
    trained = run.train("tag", **SMALL, **QUICK, **options)
    scores = trained.scores.values
    assert scores["3_f1"] > 0.9
    assert scores["2_accuracy"] > 0.9
    assert str(trained.scores).count("the most frequent tag of each word") == 2
    loaded = run.load(tmp_path / "run")
    (answer,) = loaded.predict("Eve saw Oslo")
    assert str(answer) == "Eve/B-PER/UP saw/O/LOW Oslo/B-LOC/UP"
    assert loaded.why("Eve saw Oslo")[0].labels == ("Eve", "saw", "Oslo")
    assert len(loaded.draw_evaluation(loaded.evaluate())) == 2
    (path,) = loaded.save([answer], tmp_path / "saved")
    assert path.read_text(encoding="utf-8").splitlines()[0] == "Eve\tB-PER\tUP"
    assert loaded.inspect().trained.flows


def test_files_of_every_form_are_tagged_and_written(conllu, tmp_path):
    source = tmp_path / "in.conllu"
    rows = ["1\tthe\tLEMMA\t_\t_\t_\t_\t_\t_\t_", "2\tcat\t_\t_\t_\t_\t_\t_\t_\t_"]
    source.write_text("\n".join(["# sent_id = a", *rows, "", *rows[:1], "", ""]))
    answers = conllu.predict(TASK.inputs_of(str(source)))
    assert [str(each) for each in answers] == ["the/DET cat/NOUN", "the/DET"]
    (path,) = conllu.save(answers, tmp_path / "saved")
    assert path.name == "tagged.conllu"
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[:2] == ["# sent_id = a", "1\tthe\tLEMMA\tDET\t_\t_\t_\t_\t_\t_"]
    assert [len(each) for each in parse("\n".join(lines), "f").words] == [2, 1]
    source.write_text("the\ncat\n\nthe\n")
    assert [str(each) for each in conllu.predict(TASK.inputs_of(str(source)))] == [
        "the/DET cat/NOUN",
        "the/DET",
    ]
    source.write_text("the cat was so good.\nthe cat\n")
    assert len(conllu.predict(TASK.inputs_of(str(source)))) == 2


def test_lists_of_words_and_what_is_none(conllu):
    (answer,) = conllu.predict([["the", "cat"]])
    assert answer.to_json()["words"] == ["the", "cat"]
    for wrong in (" ", 3, ["the", 1], "-DOCSTART-\t-X-"):
        with pytest.raises(InputError, match="a sentence"):
            conllu.predict([wrong])


def test_why_is_said_of_the_least_certain_word(conllu):
    (answer,) = conllu.predict("the light was so fine")
    (reason,) = conllu.why("the light was so fine")
    least = int(np.argmin(answer.probabilities["upos"]))
    word, tag = answer.sentence.words[least], answer.tags["upos"][least]
    assert reason.name == f"{word!r} as {tag}"
    assert reason.labels == answer.sentence.words


def test_colours_on_a_terminal_and_none_in_a_pipe(trained, monkeypatch, capsys):
    answers = trained.predict("Eve Smith saw Rome")
    text = answers[0].__rich__()
    assert text.plain == str(answers[0])
    styles = [span.style for span in text.spans]
    assert styles[1] == styles[3]  # one for a kind of span
    assert styles[1] != styles[5]
    show.predictions(trained, answers, list, False)
    assert capsys.readouterr().out == f"{answers[0]}\n"
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    show.predictions(trained, answers, list, False)
    assert answers[0].sentence.words[0] in capsys.readouterr().out


def test_long_words_are_read_from_both_ends(trained):
    fitted = trained.trained.preprocessing
    one, other = fitted.read(["a" * 50 + "b", "a" * 90 + "b"])
    assert (one == other).all()
    assert not (fitted.read(["a" * 50]) == one).all()


def test_the_picture_of_many_tags_holds_the_most_frequent(trained):
    said = [[f"t{n}" for n in range(100)]]
    evaluation = Evaluation({}, detail={"3": (said, said)})
    ((name, figure),) = TASK.evaluation_figures(trained.trained, evaluation)
    assert name == "confusion"
    assert len(figure.axes[0].get_xticks()) == 40


def test_runs_go_through_json(trained):
    stored = json.loads(json.dumps(trained.trained.preprocessing.to_json()))
    assert TASK.preprocessing.from_json(stored) == trained.trained.preprocessing
