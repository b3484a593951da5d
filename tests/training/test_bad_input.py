"""Bad input to training and evaluation, each said in one sentence."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

import recur
from recur.messages import InputError

X = torch.randint(0, 7, (6, 12), generator=torch.Generator().manual_seed(0))
Y = X.roll(1, dims=1)
TEXT = X.flatten()
HOW = {"loss": "cross_entropy", "progress": False}


def model(**options):
    torch.manual_seed(0)
    return recur.ManyToMany(vocabulary=7, outputs=7, units=4, cell="gru", **options)


class Stream(IterableDataset):
    def __init__(self, documents):
        self.documents = documents

    def __iter__(self):
        return iter(self.documents)


def says(start, call):
    with pytest.raises(InputError) as caught:
        call()
    assert str(caught.value).startswith(start)


@pytest.mark.parametrize("run", [recur.fit, recur.evaluate])
@pytest.mark.parametrize("truncate", [0, -1, 1.5, True, "a", float("nan")])
@pytest.mark.parametrize("data", [(X, Y), (recur.Documents(TEXT),)])
def test_truncate(run, truncate, data):
    sentence = "truncate must be a whole number of steps, at least 1, or None for whole sequences; "
    says(f"{sentence}got {truncate!r}.", lambda: run(model(), *data, truncate=truncate, **HOW))


@pytest.mark.parametrize("batch_size", [0, -1, 1.5, True, "a", None])
@pytest.mark.parametrize("data", [(X, Y), (recur.Documents(TEXT),)])
def test_batch_size(batch_size, data):
    sentence = f"batch_size must be a whole number of at least 1; got {batch_size!r}."
    truncate = None if len(data) == 2 else 3
    for run in (recur.fit, recur.evaluate):
        call = functools.partial(run, model(), *data, truncate=truncate, batch_size=batch_size)
        says(sentence, lambda call=call: call(**HOW))
    if truncate is None:
        says(sentence, lambda: recur.predict(model(), X, batch_size=batch_size, progress=False))


NOTHING = {
    "an empty loader": (DataLoader([]), None),
    "a loader that drops all": (
        DataLoader(TensorDataset(X, Y), batch_size=7, drop_last=True),
        None,
    ),
    "no documents": (Stream([]), 3),
    "documents of one token": (Stream([torch.tensor([1]), torch.tensor([2])]), 3),
    "a text of documents of one token": (recur.Documents(TEXT, starts=range(len(TEXT))), 3),
}


@pytest.mark.parametrize("case", NOTHING)
def test_data_without_any_target(case):
    """Not a loss of 0, or a perplexity of 1."""
    data, truncate = NOTHING[case]
    says(
        "There is nothing to measure: the data hold no target that counts.",
        lambda: recur.evaluate(model(), data, truncate=truncate, **HOW),
    )
    says(
        "There is nothing to train on: the data hold no ",
        lambda: recur.fit(model(), data, truncate=truncate, **HOW),
    )
    other = (X, Y) if truncate is None else (recur.Documents(TEXT),)
    says(
        "There is nothing to measure",
        lambda: recur.fit(model(), *other, validation_data=data, truncate=truncate, **HOW),
    )


def test_sequences_without_any_step():
    empty = [TEXT[:0]] * 3
    says("There is nothing to measure", lambda: recur.evaluate(model(), empty, empty, **HOW))
    says("There is nothing to train on", lambda: recur.fit(model(), empty, empty, **HOW))


DOCUMENTS = {
    "one token": (([1],), "x must be at least 2 steps long; got 1 step. The target of a token is"),
    "none": (([],), "y must be given unless x is (steps,) tokens; got x of shape (0,)"),
    "unequal lists": (([[1], [1, 2]],), "x must be an array of numbers; got a list of lists. Put"),
    "words": ((["a", "b"],), "x must be an array of numbers, the steps first; got"),
}


@pytest.mark.parametrize("case", DOCUMENTS)
def test_documents(case):
    given, sentence = DOCUMENTS[case]
    says(sentence, lambda: recur.Documents(*given))


@pytest.mark.parametrize(
    ("starts", "sentence"),
    [
        ([-1], "starts must be between 0 and 71; got -1."),
        ([72], "starts must be between 0 and 71; got 72."),
        ([[1, 2]], "starts must be one number a document; got shape (1, 2)."),
        ([1.5], "starts must be whole numbers; got values of type float64."),
    ],
)
def test_starts(starts, sentence):
    says(sentence, lambda: recur.Documents(TEXT, starts=starts))


@pytest.mark.parametrize("fraction", [0, 1, -1, float("nan"), "half"])
@pytest.mark.parametrize("data", [recur.Documents(TEXT), recur.Sequences(X)])
def test_fractions(fraction, data):
    sentence = f"the fraction to split off must be between 0 and 1; got {fraction!r}."
    says(sentence, lambda: data.split(fraction))


def test_a_validation_part_shorter_than_a_piece():
    """Two tokens are one step to measure; with one there is none."""
    text = recur.Documents(TEXT[:40])
    found = recur.fit(model(), text, truncate=35, validation_split=0.05, **HOW)
    assert np.isfinite(found.val_loss[-1])
    says(
        "x must be at least 2 steps long; got 1 step.",
        lambda: recur.fit(model(), text, truncate=35, validation_split=0.025, **HOW),
    )


@pytest.mark.parametrize("given", [1, None, torch.tensor(3)])
def test_a_stream_of_something_else_than_documents(given):
    sentence = "a document of an IterableDataset must be a sequence of steps; got "
    says(sentence, lambda: recur.fit(model(), Stream([given]), truncate=3, **HOW))


def test_a_model_that_reads_from_the_end_has_nothing_to_carry():
    says(
        "bidirectional must be False with truncate; got True.",
        lambda: recur.fit(model(bidirectional=True), recur.Documents(TEXT), truncate=3, **HOW),
    )


ARGUMENTS = {
    "clip_norm": ("a", "clip_norm must be above 0, or None not to clip; got 'a'."),
    "learning_rate": ("a", "learning_rate must be above 0; got 'a'."),
    "metrics": (None, "metrics must be a list of names or functions; got None."),
    "on_epoch": (3, "on_epoch must be a function of an epoch and its row; got 3."),
    "device": ("gpu", "device must be one that torch has here, such as 'cpu'; got 'gpu'. "),
    "seed": (1.5, "seed must be a whole number of at least 0; got 1.5."),
    "epochs": (0, "epochs must be a whole number of at least 1; got 0."),
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_arguments(name):
    value, sentence = ARGUMENTS[name]
    says(sentence, lambda: recur.fit(model(), X, Y, **HOW | {name: value}))


def test_all_that_is_wrong_with_the_numbers_is_said_at_once():
    with pytest.raises(InputError) as caught:
        recur.fit(model(), X, Y, epochs=0, batch_size=-1, clip_norm=float("nan"), **HOW)
    sentences = [
        "epochs must be a whole number of at least 1; got 0.",
        "batch_size must be a whole number of at least 1; got -1.",
        "clip_norm must be above 0, or None not to clip; got nan.",
    ]
    assert str(caught.value) == " ".join(sentences)


@pytest.mark.parametrize("given", [None, 3, nn.GRU])
def test_a_model_that_is_none(given):
    for call in (
        lambda: recur.fit(given, X, Y, **HOW),
        lambda: recur.evaluate(given, X, Y, **HOW),
        lambda: recur.predict(given, X, progress=False),
    ):
        says("model must be a torch.nn.Module; got ", call)
