"""Bad input to models: sizes, states, numbers and targets, each said in one sentence."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import torch

from recur.messages import InputError
from recur.models import CTC, EncoderDecoder, ManyToMany, ManyToOne, OneToMany, OneToOne

MAKE = {
    "one to one": functools.partial(OneToOne, inputs=6, outputs=2),
    "one to many": functools.partial(OneToMany, inputs=6, vocabulary=7, units=4),
    "many to one": functools.partial(ManyToOne, inputs=3, outputs=2, units=4),
    "many to one, tokens": functools.partial(ManyToOne, vocabulary=7, outputs=2, units=4),
    "many to many": functools.partial(ManyToMany, inputs=3, outputs=2, units=4),
    "many to many, tokens": functools.partial(ManyToMany, vocabulary=7, outputs=7, units=4),
    "ctc": functools.partial(CTC, inputs=3, labels=2, units=4),
    "encoder-decoder": functools.partial(EncoderDecoder, inputs=3, vocabulary=7, units=4),
    "encoder-decoder, tokens": functools.partial(
        EncoderDecoder, source_vocabulary=7, vocabulary=7, units=4
    ),
}
SIZES = ("inputs", "outputs", "vocabulary", "source_vocabulary", "labels", "units", "layers")
WHOLE = r"^{} must be a whole number of at least \d; got {}\."


@pytest.mark.parametrize("name", MAKE)
@pytest.mark.parametrize("wrong", [0, -1, 1.5, True])
def test_sizes(name, wrong):
    make = MAKE[name]
    for size in (*make.keywords, "units", "layers"):
        if (size, wrong) == ("layers", 0) and make.func is OneToOne:
            continue  # that is a linear model
        assert size in SIZES
        with pytest.raises(InputError, match=WHOLE.format(size, wrong)):
            make(**{size: wrong})


@pytest.mark.parametrize("name", [name for name in MAKE if name != "one to one"])
@pytest.mark.parametrize("residual", [False, True])
def test_no_layers(name, residual):
    with pytest.raises(InputError, match=WHOLE.format("layers", 0)):
        MAKE[name](layers=0, residual=residual)


@pytest.mark.parametrize("name", [name for name in MAKE if "tokens" in name])
@pytest.mark.parametrize("wrong", [0, -1])
def test_an_embedding_without_numbers(name, wrong):
    with pytest.raises(InputError, match=WHOLE.format("embedding", wrong)):
        MAKE[name](embedding=wrong)


@pytest.mark.parametrize("name", MAKE)
@pytest.mark.parametrize("wrong", [-0.1, 1.1, float("nan"), "half"])
def test_dropout(name, wrong):
    with pytest.raises(InputError, match=r"^dropout must be from 0 to 1; got "):
        MAKE[name](dropout=wrong)


@pytest.mark.parametrize("name", [name for name in MAKE if name != "one to one"])
@pytest.mark.parametrize("option", ["batch_first", "return_sequences", "return_state", "proj_size"])
def test_what_the_model_decides_is_no_option(name, option):
    """Let through, it would quietly change what the outputs mean."""
    with pytest.raises(InputError) as caught:
        MAKE[name](**{option: True})
    sentence = f"{option} is no option here: the model itself decides it. Leave it out."
    assert str(caught.value) == sentence


def test_nothing_is_written_from_both_ends():
    with pytest.raises(InputError, match=r"^bidirectional is no option here"):
        MAKE["one to many"](bidirectional=True)


@pytest.mark.parametrize("name", ["one to many", "encoder-decoder"])
@pytest.mark.parametrize("end", [-1, 7, 1.5, True])
def test_an_end_that_is_no_token(name, end):
    with pytest.raises(InputError, match=r"^end must be .*; got "):
        MAKE[name](end=end)


ZEROS = torch.zeros
STATES = {
    "lstm": (
        (ZEROS(2, 2, 4), ZEROS(2, 2, 4)),
        "2 tensors of the shape (2, 3, 4) for 3 rows; got (2, 2, 4), (2, 2, 4)",
    ),
    "gru": (ZEROS(2, 4, 4), "a tensor of the shape (2, 3, 4) for 3 rows; got (2, 4, 4)"),
    "rnn": (ZEROS(1, 3, 4), "a tensor of the shape (2, 3, 4) for 3 rows; got (1, 3, 4)"),
}


@pytest.mark.parametrize("cell", STATES)
@pytest.mark.parametrize("residual", [False, True])
def test_a_state_of_another_batch(cell, residual):
    state, expected = STATES[cell]
    model = ManyToMany(vocabulary=7, outputs=7, cell=cell, units=4, layers=2, residual=residual)
    with pytest.raises(InputError) as caught:
        model(torch.ones(3, 5, dtype=torch.long), state=state)
    todo = "Begin from None, or with the state of as many rows."
    assert str(caught.value) == f"state must be {expected}. {todo}"


@pytest.mark.parametrize("state", ["zero", 5, [1, 2], (ZEROS(2, 3, 4),) * 3, ()])
@pytest.mark.parametrize("residual", [False, True])
def test_no_state_at_all(state, residual):
    model = ManyToMany(vocabulary=7, outputs=7, units=4, layers=2, residual=residual)
    with pytest.raises(InputError, match=r"^state must be a tensor of the shape \(2, 3, 4\)"):
        model(torch.ones(3, 5, dtype=torch.long), state=state)


NUMBERS = {
    "whole": (torch.ones(2, 5, 3, dtype=torch.long), "x must be numbers with a fraction; got"),
    "features": (ZEROS(2, 5, 4), "x must be numbers (batch, time, 3); got the shape (2, 5, 4)."),
    "one row": (ZEROS(5, 3), "x must be numbers (batch, time, 3); got the shape (5, 3)."),
    "four axes": (ZEROS(1, 2, 5, 3), "x must be numbers (batch, time, 3); got the shape (1, 2"),
    "a list": ([[1.0]], "x must be a tensor; got list. Convert it with torch.as_tensor."),
}
TOKENS = {
    "flags": (ZEROS(2, 5, dtype=torch.bool), "token ids must be integers; got torch.bool."),
    "one row": (torch.ones(5, dtype=torch.long), "token ids must be (batch, time); got the"),
    "three axes": (torch.ones(1, 2, 5, dtype=torch.long), "token ids must be (batch, time); got"),
    "a list": ([[1]], "token ids must be a tensor; got list. Convert it with torch.as_tensor."),
}


@pytest.mark.parametrize("name", ["many to one", "many to many", "ctc", "encoder-decoder"])
@pytest.mark.parametrize("case", NUMBERS)
def test_numbers_that_do_not_fit(name, case):
    given, sentence = NUMBERS[case]
    more = {"targets": torch.tensor([[1], [2]])} if name == "encoder-decoder" else {}
    with pytest.raises(InputError) as caught:
        MAKE[name]()(given, **more)
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize("name", [name for name in MAKE if "tokens" in name])
@pytest.mark.parametrize("case", TOKENS)
def test_tokens_that_do_not_fit(name, case):
    given, sentence = TOKENS[case]
    more = {"targets": torch.tensor([[1], [2]])} if "encoder" in name else {}
    with pytest.raises(InputError) as caught:
        MAKE[name]()(given, **more)
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize("name", ["one to one", "one to many"])
@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (torch.ones(2, 6, dtype=torch.long), "x must be numbers with a fraction; got torch.int64."),
        (torch.tensor(1.0), "x must be (batch, ...) with 6 numbers each; got the shape ()."),
        ([[1.0]], "x must be a tensor; got list."),
    ],
)
def test_vectors_that_do_not_fit(name, given, sentence):
    more = {"targets": torch.tensor([[1], [2]])} if name == "one to many" else {}
    with pytest.raises(InputError) as caught:
        MAKE[name]()(given, **more)
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize("name", ["one to many", "encoder-decoder"])
@pytest.mark.parametrize(
    ("targets", "sentence"),
    [
        (torch.ones(3, 2, dtype=torch.long), "targets must be a row for each of 2; got 3 rows."),
        (torch.ones(2, 2, dtype=torch.bool), "targets must be class numbers (batch, time); got"),
        ([[1], [2]], "targets must be a tensor; got list. Convert it with torch.as_tensor."),
    ],
)
def test_targets_that_do_not_fit(name, targets, sentence):
    x = ZEROS(2, 6) if name == "one to many" else ZEROS(2, 5, 3)
    with pytest.raises(InputError) as caught:
        MAKE[name]()(x, targets=targets)
    assert str(caught.value).startswith(sentence)


def test_a_loss_over_no_rows():
    model = MAKE["ctc"]()
    with pytest.raises(InputError, match=r"^There is nothing to learn from: the batch has no"):
        model.loss(model(ZEROS(0, 5, 3)), torch.ones(0, 2, dtype=torch.long))
    with pytest.raises(InputError, match=r"^targets for CTC must be a tensor; got list\."):
        model.loss(model(ZEROS(1, 5, 3)), [[1]])


def test_generate_takes_the_lists_that_fit_takes():
    """And answers as for the padded tensor, token by token."""
    rows = [[1, 2, 3], [3], [2, 1]]
    padded, lengths = torch.tensor([[1, 2, 3], [3, 0, 0], [2, 1, 0]]), [3, 1, 2]
    for model in (
        EncoderDecoder(vocabulary=5, source_vocabulary=5, units=4),
        ManyToMany(vocabulary=5, outputs=5, units=4),
    ):
        want = model.eval().generate(padded, lengths, max_steps=3).tokens
        arrays = [np.array(row) for row in rows]
        for given in (rows, arrays, [torch.tensor(row) for row in rows]):
            assert torch.equal(model.generate(given, max_steps=3).tokens, want)
        assert torch.equal(model.generate(padded.numpy(), lengths, max_steps=3).tokens, want)
        with pytest.raises(InputError, match="lengths must be left out: a list of sequences has"):
            model.generate(rows, lengths, max_steps=3)
        for wrong in ([], [1, 2], [["a"]], 3):
            with pytest.raises(InputError, match="must be a tensor, or a list of sequences of num"):
                model.generate(wrong, max_steps=3)
    writer = OneToMany(inputs=2, vocabulary=5, units=4).eval()
    vectors = [np.array([0.1, 0.2]), np.array([0.3, 0.4])]
    want = writer.generate(torch.tensor([[0.1, 0.2], [0.3, 0.4]]), max_steps=3).tokens
    assert torch.equal(writer.generate(vectors, max_steps=3).tokens, want)
    with pytest.raises(InputError, match="x must be examples of one shape; got lengths from 1 to"):
        writer.generate([[0.1, 0.2], [0.3]], max_steps=3)
