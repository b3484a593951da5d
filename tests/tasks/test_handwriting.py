"""Handwriting: its forms of data, what may not stand on both sides, bad pieces, what guides it."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
import torch

from recur import InputError, run, tasks
from recur.data.ink import Ink
from recur.data.records.handwritten import Handwritten, apart, read_handwritten
from recur.tasks import guided, preparing
from recur.tasks.guided import GuidedAnswering, Weighed
from recur.tasks.task import Evaluation, Trained

STROKES = [[[0, 4], [1, 0], [2, 4], [3, 0]], [[1, 5]]]
QUICK = {"units": 4, "filters": 4, "layers": 1, "stride": 1}


def lines(number=12, **given):
    piece = {"text": "no", "strokes": STROKES, **given}
    return [{**piece, "id": f"p{n}", "writer": f"w{n // 3}"} for n in range(number)]


def written(path, pieces):
    path.write_text("\n".join(json.dumps(each) for each in pieces))
    return str(path)


def prepared(data, **given):
    task = tasks.find("handwriting")
    options = task.options.of("handwriting", {**QUICK, "data": str(data), **given})
    return preparing.prepare(task, options)


def test_no_writer_stands_on_both_sides(tmp_path):
    found = prepared(written(tmp_path / "a.jsonl", lines())).splits
    parts = [set(part.writers) for part in (found.train, found.validation, found.test)]
    assert all(parts)
    assert sum(map(len, parts)) == len(set().union(*parts)) == 4


def test_without_writers_it_is_said(tmp_path):
    bare = [{name: each[name] for name in ("text", "strokes")} for each in lines()]
    read = read_handwritten(written(tmp_path / "a.jsonl", bare))
    assert "Who wrote is not said of all: a writer may stand on both sides" in read.notes[-1]
    assert read.train.names[0] == "row 1 of a.jsonl"
    kept, held = apart(read.train, 0.25)
    assert (len(kept), len(held)) == (9, 3)


def test_a_folder_of_inkml(tmp_path):
    ink = "<ink>{}<trace>0 0, 1 4, 2 0</trace></ink>"
    for place, said in (
        ("anna/a", ""),
        ("ben/b", '<annotation type="truth">hey  you</annotation>'),
    ):
        path = tmp_path / f"{place}.inkml"
        path.parent.mkdir()
        path.write_text(ink.format(said))
    (tmp_path / "anna/a.txt").write_text("good\nday\n")
    read = read_handwritten(tmp_path).train
    assert read.transcripts == ["good day", "hey you"]
    assert read.writers == ["anna", "ben"]
    assert read.names == ["a.inkml", "b.inkml"]
    # A table may name them too.
    (tmp_path / "all.csv").write_text("path,text\nanna/a.inkml,one\nben/b.inkml,two\n")
    assert read_handwritten(tmp_path / "all.csv").train.transcripts == ["one", "two"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"must be a folder with \.inkml files; got none"):
        read_handwritten(tmp_path / "empty")


def test_a_frame_and_screens_whose_y_grows_downward():
    frame = pd.DataFrame({"text": ["a", "b"], "strokes": [STROKES, STROKES]})
    read = read_handwritten(frame, down=True).train
    assert read.inks[0].points[0].tolist() == [0, -4]


@pytest.mark.parametrize(
    ("piece", "said"),
    [
        ({"text": ""}, "must be with the text that is written; got none"),
        ({"strokes": []}, "must be strokes, of one point at least; got none"),
        ({"strokes": [[[0, None]]]}, "must be points"),
        ({"strokes": "x"}, "must be strokes, each a list of points"),
    ],
)
def test_bad_pieces_are_named_or_left_out(piece, said, tmp_path):
    path = written(tmp_path / "a.jsonl", [*lines(), {**lines(1)[0], **piece}])
    with pytest.raises(InputError, match=said) as caught:
        read_handwritten(path)
    assert "row 13 of the column 'strokes' of a.jsonl" in str(caught.value)
    assert "(drop bad)" in str(caught.value)
    found = read_handwritten(path, drop_bad=True)
    assert len(found.train) == 12
    assert any("1 piece left out (row 13 of the column" in note for note in found.notes)


def test_a_text_that_no_alignment_can_say_is_left_out_with_a_count(tmp_path):
    long = {**lines(1)[0], "text": "far too long a text for two strokes" * 9, "id": "long"}
    endless = {**lines(1)[0], "strokes": [[[0, 0], [0, 1], [1e9, 0]]], "id": "endless"}
    found = prepared(written(tmp_path / "a.jsonl", [*lines(), long, endless]))
    said = "2 pieces left out (long, endless): each has too few points for its text, or more than"
    assert any(said in note for note in found.test.notes)


def test_only_what_is_learnt_from_is_changed_and_by_the_seed_alone(tmp_path):
    data = written(tmp_path / "a.jsonl", lines())

    def batch(workers):
        found = prepared(data, workers=workers)
        assert not found.validation.augment
        assert not found.test.examples.augment
        torch.manual_seed(4)
        return [found.train.batch([0, 1, 2]).x for _ in range(2)]

    first, second = batch(0)
    assert all(map(torch.equal, (first, second), batch(2)))
    assert first.shape != second.shape or not torch.equal(first, second)
    still = prepared(data, **dict.fromkeys(("turn", "shear", "stretch", "warp", "drop"), 0.0))
    assert not still.train.augment


def test_a_change_never_makes_a_piece_too_short(tmp_path):
    text = "n" * 7  # 13 steps, of about 16 points
    data = written(tmp_path / "a.jsonl", lines(text=text))
    found = prepared(data, stretch=0.9, drop=0.6)
    assert len(found.splits.train) == 6
    torch.manual_seed(0)
    shortest = min(int(found.train.batch([0]).x.shape[1]) for _ in range(40))
    assert shortest >= 13


def test_what_may_be_asked(tmp_path):
    (tmp_path / "a.inkml").write_text("<ink><trace>0 4, 1 0</trace></ink>")
    given = [
        tmp_path / "a.inkml",
        str(tmp_path / "a.inkml"),
        STROKES,
        {"strokes": STROKES, "id": "mine"},
        json.dumps(STROKES),
        json.dumps({"strokes": STROKES}),
        [np.array([[0.0, 1.0]])],
    ]
    asked = Handwritten.asked(given)
    assert asked.names == ["a.inkml", "a.inkml", "piece 3", "mine", "piece 5", "piece 6", "piece 7"]
    assert [len(ink.points) for ink in asked.inks] == [2, 2, 5, 5, 5, 5, 1]
    for wrong in ([], [3], ["a.png"], ["none.inkml"], ["{bad"], [{"ink": 1}], [[]], ["[]"]):
        with pytest.raises(InputError):
            Handwritten.asked(wrong)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run that has learnt two letters, l and u."""
    folder = tmp_path_factory.mktemp("letters")
    tiny = tasks.find("handwriting").tiny(folder).options
    how = {"units": 12, "layers": 1, "learning_rate": 0.02, "batch_size": 8, "epochs": 18}
    return run.train("handwriting", out=folder / "run", progress=False, **{**tiny, **how})


def test_it_learns_two_letters_and_says_where(trained):
    values = trained.scores.values
    assert max(values[name] for name in ("cer", "cer_language_model", "cer_lexicon")) <= 0.15
    assert {"nearest_accuracy", "nearest_cer"} <= set(values)
    assert "with their words as a lexicon" in str(trained.scores)
    tall, low = [[0, 8], [0.5, 0]], [[5, 4], [6, 0], [8, 0], [8, 4]]
    (answer,) = trained.predict([[tall, low]])
    assert answer.text == "lu"
    (_, first, _), (_, second, _) = answer.letters
    assert 0 <= first < second < len(answer.features)
    assert answer.to_json()["letters"][1]["point"] == second
    ((name, figure),) = trained.task.figures(trained.trained, [answer])
    assert name == "read"
    assert [text.get_text() for text in figure.axes[0].texts] == ["l", "u"]


def test_which_letter_was_taken_for_which_is_drawn(trained):
    ((name, figure),) = trained.task.evaluation_figures(
        trained.trained, Evaluation({}, detail=(["lu", "l"], ["lu", "u"]))
    )
    assert name == "letters"
    assert figure.axes


def test_a_lexicon_allows_no_other_words(trained, tmp_path):
    strokes = [[[0, 8], [0.5, 0]], [[5, 4], [6, 0], [8, 0], [8, 4]]]
    (tmp_path / "words.txt").write_text("ul\n\nlll\nzzz\n")
    (answer,) = trained.predict([strokes], lexicon=str(tmp_path / "words.txt"))
    assert answer.text in ("ul", "lll", "")
    (answer,) = trained.predict([strokes], lexicon="own", language_model="own", beam=5)
    assert answer.text == "lu"
    (tmp_path / "text.txt").write_text("lu lu\n")
    (answer,) = trained.predict([strokes], language_model=str(tmp_path / "text.txt"))
    assert answer.text == "lu"
    for content, said in (("zzz", "must be of words in the 2 labels"), (" \n", "a file of text")):
        (tmp_path / "bad.txt").write_text(content)
        with pytest.raises(InputError, match=said):
            trained.predict([strokes], lexicon=str(tmp_path / "bad.txt"))
    with pytest.raises(InputError, match="There is no file"):
        trained.predict([strokes], language_model=str(tmp_path / "none.txt"))


def test_the_weight_is_what_makes_the_fewest_errors():
    def candidate(text, heard, likely):
        return guided._Candidate(text, heard, likely, len(text))

    # Heard as "bat" by a little; the language model knows that it is "cat".
    lists = [[candidate("bat", -1.0, -9.0), candidate("cat", -2.0, -3.0)]] * 2
    found = guided._best(lists, ["cat", "cat"])
    assert found.weight == 0.2
    assert guided._best(lists, ["bat", "bat"]).weight == 0.0
    # Where both say too little, a bonus makes texts longer.
    lists = [[candidate("ab", -3.2, -4.0), candidate("a", -2.5, -1.0)]]
    assert guided._best(lists, ["ab"]) == Weighed(0.0, 1.0)


def test_words_are_of_letters_and_may_begin_with_a_capital(trained):
    fitted = dataclasses.replace(
        trained.trained.preprocessing, labels=(" ", ".", "A", "a", "b"), learnt=("ab. a", "b")
    )
    how = GuidedAnswering(lexicon="own")
    scorer = guided.guide(fitted, Weighed(1.0, 0.0), how)

    def allows(text):
        state = np.array([scorer.start()])
        for (label,) in fitted.spelling.encode(list(text)):
            if scorer.scores(state)[0, label] == -np.inf:
                return False
            state = scorer.after(state, np.array([label]))
        return bool(scorer.scores(state)[0, 0] == 0)

    allowed = ["ab", "Ab a", "a.", " . b", "", "A"]
    assert [text for text in [*allowed, "aa", "bA", "AA", "aba"] if allows(text)] == allowed
    assert guided.guide(fitted, Weighed(1.0, 0.0), GuidedAnswering()) is None
    whole = dataclasses.replace(fitted, label="words")
    with pytest.raises(InputError, match="A lexicon is of no use where words are told apart"):
        guided.guide(whole, Weighed(1.0, 0.0), how)


def test_of_new_sentences_no_nearest_shape_is_sought(trained):
    ink = Ink.of([[[0, 8], [0.5, 0]]])
    new = Handwritten([ink], ["a"], ["never seen"], [])
    fake = Trained(trained.options, trained.trained.preprocessing, torch.nn.Identity())
    assert trained.task.beside(fake, lambda: None, new) == {}
