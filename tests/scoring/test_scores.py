"""Scores: by hand, or by the examples of the packages that compute them."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest

from recur import plots
from recur.messages import FailedError, InputError
from recur.scoring import (
    Scores,
    anomalies,
    captions,
    classes,
    scores,
    summaries,
    tags,
    translation,
    words,
    yardsticks,
)


def test_translations():
    answers = ["The dog bit the man.", "It wasn't surprising.", "The man had just bitten him."]
    references = [
        ["The dog bit the man.", "The dog had bit the man."],
        ["It was not unexpected.", "No one was surprised."],
        ["The man bit him first.", "The man had bitten the dog."],
    ]
    found = translation.bleu_and_chrf(answers, references)
    assert found["bleu"] == pytest.approx(48.5308, abs=1e-4)  # as sacrebleu's README
    assert found.how["bleu"].startswith("BLEU|nrefs:2|case:mixed|eff:no|tok:13a|smooth:exp|")
    assert found.how["chrf_lowercase"].startswith("chrF2|nrefs:2|case:lc|")
    shouted = translation.bleu_and_chrf(["THE DOG BIT THE MAN."], ["the dog bit the man."])
    assert shouted["bleu_lowercase"] == pytest.approx(100)
    assert shouted["chrf_lowercase"] == pytest.approx(100)
    assert shouted["bleu"] < 50
    unequal = translation.bleu_and_chrf(answers[:2], [references[0], references[1][:1]])
    assert "nrefs:var" in unequal.how["bleu"]


def test_what_was_heard():
    found = words.error_rates(["one  too", "three", "x y"], ["one two ", "three four", "x y"])
    # "too": a word replaced, a letter replaced; " four" is a word, and five letters, left out.
    assert (found["wer"], found["words"]) == (pytest.approx(2 / 6), 6)
    assert (found["cer"], found["characters"]) == (pytest.approx(6 / 20), 20)
    assert [found[f"word_{kind}"] for kind in words.KINDS] == [1, 1, 0]
    assert [found[f"character_{kind}"] for kind in words.KINDS] == [1, 5, 0]
    assert found["right"] == pytest.approx(1 / 3)
    assert words.error_rates([""], ["a b"])["wer"] == 1
    assert "jiwer" in str(found)


def test_which_character_was_read_for_which():
    read, true = words.characters(["cat ", "xy", ""], ["cut", "xyz", "a"])
    assert read == list("catxy")
    assert true == list("cutxy")


def test_tags():
    # The example of seqeval's README.
    meant = [["O", "O", "O", "B-MISC", "I-MISC", "I-MISC", "O"], ["B-PER", "I-PER", "O"]]
    said = [["O", "O", "B-MISC", "I-MISC", "I-MISC", "I-MISC", "O"], ["B-PER", "I-PER", "O"]]
    found = tags.entities(said, meant)
    assert (found["precision"], found["recall"], found["f1"]) == (0.5, 0.5, 0.5)
    assert (found["f1_MISC"], found["f1_PER"], found["spans"]) == (0, 1, 2)
    each = tags.accuracy(said, meant)
    assert (each["accuracy"], each["sentences"], each["words"]) == (0.8, 0.5, 10)
    assert tags.entities([["O"]], [["O"]])["f1"] == 0
    # An I- that begins a span does so to CoNLL's script, and not where IOB2 is asked for.
    open_ended = [["I-PER", "O"]]
    assert tags.entities(open_ended, open_ended)["f1"] == 1
    assert tags.entities([["B-PER", "O"]], open_ended, scheme="IOB2")["recall"] == 0


def test_summaries():
    # The example of rouge-score's README.
    found = summaries.rouge(
        ["The quick brown dog jumps on the log."], ["The quick brown fox jumps over the lazy dog"]
    )
    assert found["rouge1"] == pytest.approx(12 / 17)
    assert found["rougeL"] == pytest.approx(10 / 17)
    assert found["rouge2"] == pytest.approx(4 / 15)
    assert "no stemming" in found.how["rouge1"]


def test_the_lead_of_the_best_length():
    texts = [f"word {n} said so again and again" for n in range(20)]
    found = summaries.Lead.fit(texts, [f"Word {n} said." for n in range(20)])
    assert found.words == 3
    assert found.answers(texts[:1]) == ["word 0 said"]
    assert summaries.rouge(found.answers(texts), texts, kinds=("rouge1",)).keys() == {"rouge1"}


def test_captions_that_end_in_a_dot_of_its_own_are_no_matter(caplog):
    many = ["a dog runs ."] * 120
    assert captions.bleu(many, [[text] for text in many])["bleu4"] == pytest.approx(100)
    assert not caplog.records


def test_captions():
    found = captions.bleu(["A dog runs"], [["a dog runs fast", "a dog sits", "the cat runs"]])
    assert found["bleu1"] == pytest.approx(100)
    assert found["bleu2"] == pytest.approx(100)
    assert found["bleu3"] > found["bleu4"]
    assert found.how["bleu2"].startswith("BLEU|words:2|nrefs:3|case:lc|")


def test_one_class():
    said, meant = ["a", "b", "b", "c"], ["a", "a", "b", "b"]
    found = classes.single(said, meant)
    assert found["accuracy"] == 0.5
    assert found["macro_f1"] == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)
    table = classes.by_class(said, meant, ["b", "a"])
    assert list(table) == ["b", "a"]
    assert table["a"] == {"precision": 1, "recall": 0.5, "f1": pytest.approx(2 / 3), "examples": 2}


def test_several_classes():
    meant = [[1, 0, 0, 0], [1, 1, 0, 0]]
    said = [[1, 1, 0, 0], [1, 0, 0, 0]]
    numbers = [[0.9, 0.6, 0, 0], [0.8, 0.4, 0, 0]]
    found = classes.several(said, meant, numbers)
    assert found["micro_f1"] == pytest.approx(2 / 3)
    assert found["macro_f1"] == 0.5  # of the two classes that occur
    assert found["exact"] == 0
    assert found["mean_average_precision"] == pytest.approx((1 + 0.5) / 2)
    none = classes.several([[0, 0]], [[0, 0]], [[0, 0]])
    assert none == {"micro_f1": 0, "macro_f1": 0, "exact": 1}


def test_ratings():
    found = classes.ordinal([1, 2, 3, 5], [1, 2, 3, 4])
    # Disagreement: observed 1 of 4, expected from the margins (30 + 39 - 2 * 10 * 11 / 4) / 4.
    assert found["quadratic_kappa"] == pytest.approx(1 - 1 / (30 + 39 - 2 * 10 * 11 / 4))
    assert (found["mae"], found["accuracy"]) == (0.25, 0.75)
    assert classes.ordinal([3, 3], [3, 3])["quadratic_kappa"] == 1
    assert classes.ordinal([3, 3], [3, 4])["quadratic_kappa"] == 0


def test_anomalies():
    numbers, strange = [0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]
    found = anomalies.detection(numbers, strange, threshold=0.3, false_alarms=0.0)
    # The example of scikit-learn's documentation.
    assert found["roc_auc"] == 0.75
    assert found["pr_auc"] == pytest.approx(0.8333, abs=1e-4)
    assert (found["anomalies"], found["detection"]) == (0.5, 0.5)
    assert (found["precision"], found["recall"]) == (pytest.approx(2 / 3), 1)
    assert found["f1"] == pytest.approx(0.8)
    assert found["false_alarms"] == 0.5
    assert anomalies.detection(numbers, strange, false_alarms=0.5)["detection"] == 1
    assert "f1" not in anomalies.detection(numbers, strange)


def test_confusion():
    found = classes.Confusion.of(["a", "b", "b", "c"], ["a", "a", "b", "b"])
    assert found.counts.tolist() == [[1, 1, 0], [0, 1, 1], [0, 0, 0]]
    assert found.mistakes() == [("a", "b", 1), ("b", "c", 1)]
    assert str(found).splitlines() == [
        "true class  a  b  c",
        "a           1  1  0",
        "b           0  1  1",
        "c           0  0  0",
    ]
    assert found.to_json() == {"labels": ["a", "b", "c"], "counts": found.counts.tolist()}
    many = [f"class {n:02}" for n in range(30)]
    shifted = classes.Confusion.of(["class 01", *many[1:]], many)
    assert str(shifted) == "what was mistaken most often:\nclass 00 taken for class 01: 1"
    with pytest.raises(InputError, match="classes must be in labels; got 'b'"):
        classes.Confusion.of(["a"], ["b"], ["a"])


@pytest.mark.parametrize("many", [15, 100])
def test_confusion_is_drawn(many, tmp_path):
    rng = np.random.default_rng(0)
    labels = tuple(f"{'a long $name$ ' * (n % 3)}{n}" for n in range(many))
    found = classes.Confusion(
        labels, rng.integers(0, 9, (many, many)) * (1 - np.eye(many, dtype=int))
    )
    figure = found.figure()
    axes = figure.axes[0]
    assert len(axes.texts) == (many * many if many <= 15 else 0)
    assert len(axes.get_xticklabels()) == many
    assert axes.images[0].get_array().sum() == pytest.approx(many)
    assert max(figure.get_size_inches()) < 22
    if many <= 15:
        plots.save(figure, tmp_path / "confusion.png")
    with pytest.raises(InputError, match=r"counts must be of the shape \(1, 1\); got \(2, 2\)"):
        plots.confusion(np.ones((2, 2)), ["one"])


def test_yardsticks():
    assert yardsticks.most_frequent(["a", "b", "b", "a", "b"]) == "b"
    sentences = [["the", "saw", "cuts"], ["we", "saw", "it"], ["they", "saw", "us"]]
    marks = [["D", "N", "V"], ["P", "V", "P"], ["P", "V", "P"]]
    tagger = yardsticks.MostFrequentTag(sentences, marks)
    assert tagger.answers([["the", "saw", "there"], []]) == [["D", "V", "P"], []]


def test_a_linear_model_of_texts():
    texts = ["good film", "a good one", "bad film", "a bad one", "so so film", "so so one"]
    labels = ["+", "+", "-", "-", "0", "0"]
    model = yardsticks.LinearTexts(texts, labels)
    assert model.classes == ["+", "-", "0"]
    assert model.answers(["good", "so bad bad"]) == ["+", "-"]
    assert model.scores(["good"]).shape == (1, 3)
    assert model.telling(1) == {"+": ["good"], "-": ["bad"], "0": ["so"]}
    two = yardsticks.LinearTexts(texts[:4], labels[:4])
    assert two.answers(texts[:4]) == labels[:4]
    assert two.telling(1) == {"+": ["good"], "-": ["bad"]}
    both = yardsticks.LinearTexts(
        ["red ball", "red car", "blue ball", "blue car", "green"],
        [["red", "toy"], ["red"], ["toy"], [], []],
    )
    assert both.answers(["red ball", "red car", "green"]) == [["red", "toy"], ["red"], []]
    assert both.scores(["red"]).shape == (1, 2)


def test_scores_are_a_dictionary_that_says_how():
    found = Scores({"a": np.float64(0.5), "bc": 2}, {"a": "so", "bc": "so"})
    assert str(found) == "a          0.5  so\nbc           2"
    assert json.loads(json.dumps(found)) == {"a": 0.5, "bc": 2}
    again = pickle.loads(pickle.dumps(found))
    assert (again, again.how) == (found, found.how)


def test_a_package_that_is_missing():
    with pytest.raises(FailedError) as caught:
        scores.package("sacrebleu.nothing")
    assert str(caught.value) == (
        "These scores need the package sacrebleu, which is not installed. Install it with: "
        "pip install 'recur[scores]'"
    )


BAD = {
    "unequal": (
        lambda: words.error_rates(["a"], ["a", "b"]),
        "answers must be one for each of 2 references, one at least; got 1 answer.",
    ),
    "none": (
        lambda: summaries.rouge([], []),
        "answers must be one for each of 0 references, one at least; got 0 answers.",
    ),
    "no lead": (
        lambda: summaries.Lead(0),
        "words of a lead must be a whole number of at least 1; got 0.",
    ),
    "no reference": (
        lambda: captions.bleu(["a"], [[]]),
        "references must be at least one for each answer; got none of 0.",
    ),
    "unequal sentences": (
        lambda: tags.accuracy([["a"]], [["a", "b"]]),
        "the tags of sentence 0 must be as many as its words, 2; got 1.",
    ),
    "no words": (
        lambda: tags.entities([[]], [[]]),
        "the sentences must be of at least one word; got none.",
    ),
    "scheme": (
        lambda: tags.entities([["O"]], [["O"]], scheme="BIO"),
        "scheme must be None or one of IOB1, IOB2, IOE1, IOE2, IOBES, BILOU; got 'BIO'.",
    ),
    "one kind": (
        lambda: anomalies.detection([1, 2], [0, 0]),
        "what is scored must be both anomalies and others; got no anomaly.",
    ),
    "not a number": (
        lambda: anomalies.detection([1, np.nan], [0, 1]),
        "scores must be finite; got nan.",
    ),
    "shapes": (
        lambda: classes.several([[1, 0]], [[1]]),
        "answers must be (examples, classes), as the references are, (1, 1); got the shape (1, 2).",
    ),
    "one class": (
        lambda: yardsticks.LinearTexts(["a", "b"], ["x", "x"]),
        "labels must be at least two classes; got ['x'].",
    ),
    "texts without words": (
        lambda: yardsticks.LinearTexts(["!", "?"], ["x", "y"]),
        "the texts must be of words; got none (empty vocabulary; perhaps the documents only contai",
    ),
    "no class": (lambda: yardsticks.most_frequent([]), "labels must be at least one; got none."),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_sentence(name):
    call, sentence = BAD[name]
    with pytest.raises(InputError) as caught:
        call()
    assert str(caught.value).startswith(sentence)
