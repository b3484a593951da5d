"""Translate: what the contract of all tasks does not say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recur import InputError, files, run
from recur.data.records.pairs import Pairs
from recur.scoring.translation import bleu_and_chrf
from recur.tasks import find
from recur.tasks.tiny import pairs

QUICK = {"epochs": 1, "units": 8, "embedding": 4, "progress": False}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("translate")
    data = pairs(folder / "pairs.txt")
    return run.train("translate", data=data, unit="words", out=folder / "run", **QUICK)


def test_a_file_is_translated_line_by_line_empty_ones_too(trained, tmp_path):
    (tmp_path / "in.txt").write_text("good film\n\n   \nthe plot\n")
    lines = trained.task.inputs_of(str(tmp_path / "in.txt"))
    answers = trained.predict(lines)
    assert lines == ["good film", "", "   ", "the plot"]
    assert [str(each) for each in answers][1:3] == ["", ""]
    assert all("\n" not in str(each) for each in answers)
    assert trained.draw(answers) == [], "standard output holds nothing but the lines"


def test_a_single_translation_is_drawn(trained):
    (path,) = trained.draw(trained.predict("good film"))
    assert path.name == "alignment.png"


def test_greedy_is_a_beam_of_one_and_no_more_is_written_than_asked(trained):
    greedy = trained.predict("good film", beam=1, length=3)[0]
    assert len(greedy.pieces) <= 3
    assert trained.predict("good film", length=1)[0].text.count(" ") == 0


def test_the_yardsticks_are_scored_as_the_translations_are(trained):
    test = trained.task.read(trained.options).test
    copied = bleu_and_chrf(test.sources, test.targets)["bleu"]
    assert trained.scores.values["bleu_copied"] == pytest.approx(copied)
    assert any("BLEU|nrefs:1" in note for note in trained.scores.notes)


def test_subwords_write_what_they_read(tmp_path):
    task, data = find("translate"), pairs(tmp_path / "pairs.txt")
    options = task.options.of("translate", {"data": data, "vocabulary": 300})
    fitted = task.fit(task.read(options), options)
    text = "Zwölf ☃, sagte er."
    ids = fitted.target.encode(text)
    assert ids[-1] == fitted.target.end == 0
    assert fitted.target.decode(ids) == text
    x, y = task.encode(Pairs([text * 100], [text]), options, fitted)[0]
    assert (len(x), y.tolist()) == (options.maxlen, ids)


def test_it_learns_to_write_from_the_end(tmp_path):
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(list("abcdef"), rng.integers(1, 4))) for _ in range(300)]
    lines = "\n".join(f"{text}\t{' '.join(text.split()[::-1])}" for text in texts)
    (tmp_path / "pairs.txt").write_text(lines)
    small = {"units": 32, "embedding": 16, "dropout": 0.0, "embedding_dropout": 0.0}
    plain = {**find("translate").before, "ema": None, "batch_size": 32, **small}
    how = {"unit": "words", "learning_rate": 0.02, "epochs": 8, "progress": False, **plain}
    found = run.train("translate", data=tmp_path / "pairs.txt", out=tmp_path / "run", **how)
    assert found.predict("a b c")[0].text == "c b a"


def test_without_attention(trained, tmp_path):
    how = {"unit": "words", "attention": "none", "out": tmp_path / "run", **QUICK}
    found = run.train("translate", data=trained.options.data, **how)
    assert found.model.decoder.head.weight.shape[1] == 8, "untied: there is nothing between"
    assert found.draw(found.predict("good film")) == []


def test_a_run_that_is_older_than_an_option_opens_as_it_was(trained, tmp_path):
    """It names no option that was not there, and each changed what the model is."""
    how = {"unit": "words", "out": tmp_path / "run", **find("translate").before, **QUICK}
    found = run.train("translate", data=trained.options.data, **how)
    config = files.read_json(tmp_path / "run" / "config.json")
    for name in find("translate").before:
        del config["options"][name]
    files.write_json(tmp_path / "run" / "config.json", config)
    again = run.load(tmp_path / "run")
    assert again.options == found.options
    assert again.evaluate().values == found.scores.values


def test_two_files_and_their_translations(tmp_path):
    lines = Path(pairs(tmp_path / "p.txt")).read_text().splitlines()
    for name, place in (("a.en", 0), ("a.de", 1)):
        (tmp_path / name).write_text("\n".join(line.split("\t")[place] for line in lines))
    sides = {"data": str(tmp_path / "a.en"), "target": str(tmp_path / "a.de")}
    found = run.train("translate", **sides, unit="words", out=tmp_path / "run", **QUICK)
    again = run.load(tmp_path / "run")
    assert again.evaluate().values == found.scores.values
    (tmp_path / "p2.txt").write_text("x\n")
    with pytest.raises(InputError, match=r"a\.de must be as many lines as p2\.txt"):
        again.evaluate(tmp_path / "p2.txt")
    assert again.evaluate(tmp_path / "p.txt", target="").values["bleu_copied"] >= 0


def test_why_explains_what_was_answered(trained):
    how = {"beam": 1, "length": 2}
    (answer,), (reason,) = trained.predict("good film", **how), trained.why("good film", **how)
    assert reason.name == answer.text


def test_of_a_table_the_column_of_texts_is_read(trained, tmp_path):
    files.write_text(tmp_path / "in.csv", 'source,target\n"good, film",x\n,y\nthe plot,z\n')
    asked = trained.task.inputs_of(str(tmp_path / "in.csv"), trained.options)
    assert asked == ["good, film", "", "the plot"]
