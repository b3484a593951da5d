"""Bad calls: the types of torch.nn's errors in its words, and one sentence for what is recur's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.layers.kinds import KINDS, ours, theirs
from torch.nn.utils.rnn import pack_padded_sequence, pack_sequence

import recur
from recur.messages import InputError

X = torch.zeros(5, 3, 2)
H = torch.zeros(1, 3, 4)


def hx(kind, h, c=None):
    return (h, h if c is None else c) if kind == "lstm" else h


def layer_call(make):
    return lambda cls, kind: make(cls(kind, 2, 4), kind)


# Each gets the maker of a layer (torch's or recur's) and its kind.
ALIKE = {
    "one axis": layer_call(lambda m, k: m(X[0, 0])),
    "four axes": layer_call(lambda m, k: m(X[None])),
    "feature size": layer_call(lambda m, k: m(torch.zeros(5, 3, 7))),
    "feature size, unbatched": layer_call(lambda m, k: m(torch.zeros(5, 7))),
    "feature size, packed": layer_call(lambda m, k: m(pack_sequence([torch.zeros(3, 7)]))),
    "no features, packed": layer_call(lambda m, k: m(pack_sequence([torch.zeros(3)]))),
    "integers": layer_call(lambda m, k: m(X.long())),
    "double": layer_call(lambda m, k: m(X.double())),
    "half the model": layer_call(lambda m, k: m.double()(X)),
    "another device": layer_call(lambda m, k: m(X.to("meta"))),
    "state, unbatched rank": layer_call(lambda m, k: m(X, hx(k, H[:, 0]))),
    "state, batched rank": layer_call(lambda m, k: m(X[:, 0], hx(k, H))),
    "state, four axes": layer_call(lambda m, k: m(X, hx(k, H[None]))),
    "state, batch": layer_call(lambda m, k: m(X, hx(k, H[:, :2]))),
    "state, size": layer_call(lambda m, k: m(X, hx(k, H[..., :3]))),
    "state, layers": layer_call(lambda m, k: m(X, hx(k, torch.zeros(2, 3, 4)))),
    "state, unbatched size": layer_call(lambda m, k: m(X[:, 0], hx(k, H[:, 0, :3]))),
    "state, another device": layer_call(lambda m, k: m(X, hx(k, H.to("meta")))),
    "state, packed batch": layer_call(lambda m, k: m(pack_sequence([X[:, 0]]), hx(k, H))),
    "dropout above one": lambda cls, k: cls(k, 2, 4, 2, dropout=1.5),
    "dropout true": lambda cls, k: cls(k, 2, 4, 2, dropout=True),
    "dropout below zero": lambda cls, k: cls(k, 2, 4, 2, dropout=-0.1),
    "no units": lambda cls, k: cls(k, 2, 0),
    "no features": lambda cls, k: cls(k, 0, 4),
    "no layers": lambda cls, k: cls(k, 2, 4, num_layers=0),
    "units of 2.5": lambda cls, k: cls(k, 2, 2.5),
    "bias of 1": lambda cls, k: cls(k, 2, 4, bias=1),
    "batch_first of 1": lambda cls, k: cls(k, 2, 4, batch_first=1),
    "projection of all": lambda cls, k: cls(k, 2, 4, proj_size=4),
    "projection below zero": lambda cls, k: cls(k, 2, 4, proj_size=-1),
    "unknown argument": lambda cls, k: cls(k, 2, 4, unit=3),
    "a key too many": lambda cls, k: cls(k, 2, 4).load_state_dict(cls(k, 2, 4, 2).state_dict()),
    "a key too few": lambda cls, k: cls(k, 2, 4, 2).load_state_dict(cls(k, 2, 4).state_dict()),
    "weights of another size": lambda cls, k: cls(k, 2, 4).load_state_dict(
        cls(k, 2, 5).state_dict()
    ),
}


def error_of(call, *args):
    with pytest.raises(Exception) as caught:
        call(*args)
    return caught.value


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", ALIKE)
def test_the_error_of_torch(case, kind):
    # Torch's LSTM walks a packed input of another size without a word: its GRU's error, then.
    other = "gru" if kind == "lstm" and "packed" in case else kind
    want, got = error_of(ALIKE[case], theirs, other), error_of(ALIKE[case], ours, kind)
    assert type(got) is type(want), got
    if case == "unknown argument":  # Python's own words, about another function
        return
    # Programs match the beginning; recur may end otherwise, with what to do.
    begin = 10 if other != kind else min(len(str(want)), 24)
    assert str(got)[:begin] == str(want)[:begin]


def test_an_unknown_nonlinearity():
    want = error_of(lambda: torch.nn.RNN(2, 4, nonlinearity="sigmoid"))
    got = error_of(lambda: recur.RNN(2, 4, nonlinearity="sigmoid"))
    assert type(got) is type(want)
    assert str(got) == str(want)


@pytest.mark.parametrize("kind", KINDS)
def test_dropout_that_has_no_place_is_warned_of_as_in_torch(kind):
    with pytest.warns(UserWarning, match="dropout option adds dropout after all but last") as own:
        ours(kind, 2, 4, dropout=0.5)
    with pytest.warns(UserWarning, match="dropout option") as other:
        theirs(kind, 2, 4, dropout=0.5)
    assert [str(w.message) for w in own] == [str(w.message) for w in other]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("given", [np.zeros((5, 3, 2)), [[1.0, 2.0]], None, "text"], ids=type)
def test_what_is_no_tensor_is_refused_with_what_to_do(kind, given):
    with pytest.raises(TypeError, match=r"Expected input to be a Tensor .* Convert it with"):
        ours(kind, 2, 4)(given)


def test_a_state_of_another_kind_of_layer():
    with pytest.raises(RuntimeError, match=r"to be 1 tensors \(hx\), got 2"):
        recur.GRU(2, 4)(X, (H, H))
    with pytest.raises(RuntimeError, match=r"to be 2 tensors \(hx, cx\), got 1"):
        recur.LSTM(2, 4)(X, H)
    with pytest.raises(TypeError, match="initial state must be made of tensors; got ndarray"):
        recur.GRU(2, 4)(X, H.numpy())


@pytest.mark.parametrize("kind", KINDS)
def test_a_state_of_another_type(kind):
    with pytest.raises(RuntimeError, match=r"^hx must be torch.float32, as the input is; got torc"):
        ours(kind, 2, 4)(X, hx(kind, H.double()))
    if kind == "lstm":
        with pytest.raises(RuntimeError, match=r"^cx must be torch.float32"):
            ours(kind, 2, 4)(X, (H, H.bfloat16()))


SENTENCES = {
    "too few": ([5, 3], "lengths must be one number for each of the 3 rows; got the shape (2,)."),
    "a number": (5, "lengths must be one number for each of the 3 rows; got the shape ()."),
    "two axes": (
        [[5], [3], [2]],
        "lengths must be one number for each of the 3 rows; got the shape (3, 1).",
    ),
    "too long": (
        [5, 6, 2],
        "lengths must be between 0 and 5, the steps of the padded input; got 6 in row 1. Check "
        "the lengths, and that batch_first matches the input.",
    ),
    "negative": (
        [5, 1, -1],
        "lengths must be between 0 and 5, the steps of the padded input; got -1 in row 2. Check "
        "the lengths, and that batch_first matches the input.",
    ),
    "floats": (
        [5.0, 1.0, 2.0],
        "lengths must be integers; got torch.float32. Convert with .long().",
    ),
    "booleans": (
        [True, True, False],
        "lengths must be integers; got torch.bool. Convert with .long().",
    ),
    "words": (
        ["a", "b", "c"],
        "lengths must be integers, one for each row; got ['a', 'b', 'c'].",
    ),
    "a hole": ([5, None, 3], "lengths must be integers, one for each row; got [5, None, 3]."),
    "uneven": ([[5], [3, 2]], "lengths must be integers, one for each row; got [[5], [3, 2]]."),
    "a word": ("533", "lengths must be integers, one for each row; got array('533', dtype='<U3')."),
    "meta": (
        torch.zeros(3, dtype=torch.int64, device="meta"),
        "lengths must be numbers; got a tensor on the device 'meta'. Give a list of integers.",
    ),
}


@pytest.mark.parametrize("case", SENTENCES)
@pytest.mark.parametrize("kind", KINDS)
def test_lengths_that_do_not_fit(kind, case):
    given, sentence = SENTENCES[case]
    with pytest.raises(InputError) as caught:
        ours(kind, 2, 4)(X, lengths=given)
    assert str(caught.value) == sentence
    assert isinstance(caught.value, ValueError)


FLAGS = {
    "time and batch exchanged": (
        torch.ones(3, 5, dtype=torch.bool),
        "must be of the shape (5, 3), a flag for each step and row of the input; got the shape "
        "(3, 5). Its axes are laid out as the input's are (batch_first).",
    ),
    "one axis": (
        [1, 0, 1],
        "must be of the shape (5, 3), a flag for each step and row of the input; got the shape "
        "(3,). Its axes are laid out as the input's are (batch_first).",
    ),
    "other numbers": (torch.full((5, 3), 2), "must be booleans, or 0 and 1; got the value 2."),
    "nan": (torch.full((5, 3), torch.nan), "must be booleans, or 0 and 1; got the value nan."),
    "words": ([["a"]], "must be booleans, one for each step and row; got [['a']]."),
}


@pytest.mark.parametrize("case", FLAGS)
@pytest.mark.parametrize("which", ["mask", "reset"])
def test_flags_that_do_not_fit(which, case):
    given, sentence = FLAGS[case]
    with pytest.raises(InputError) as caught:
        recur.GRU(2, 4)(X, **{which: given})
    assert str(caught.value) == f"{which} {sentence}"


def test_flags_of_one_sequence_have_one_axis():
    with pytest.raises(
        InputError, match=r"^mask must be of the shape \(5,\), .* got the shape \(5, 1\)"
    ):
        recur.GRU(2, 4)(X[:, 0], mask=torch.ones(5, 1, dtype=torch.bool))


def test_a_packed_sequence_takes_no_lengths_beside_it():
    packed = pack_padded_sequence(X, torch.tensor([5, 3, 1]))
    with pytest.raises(InputError) as caught:
        recur.GRU(2, 4)(packed, lengths=[5, 3, 1], mask=torch.ones(5, 3))
    assert str(caught.value) == (
        "A PackedSequence holds its own lengths; got lengths and mask beside it. Give the padded "
        "tensor instead of the packed one to use them."
    )


def test_words_that_are_no_way_to_start():
    with pytest.raises(
        InputError, match=r"^recurrent_init must be orthogonal or identity; got 'ortho"
    ):
        recur.RNN(2, 4, recurrent_init="orthogonl")
    with pytest.raises(InputError, match=r"^forget_bias must be a number; got '1'"):
        recur.LSTM(2, 4, forget_bias="1")
    with pytest.raises(InputError, match=r"^recurrent_init must be .*; got True\."):
        recur.RNN(2, 4, recurrent_init=True)
    with pytest.raises(InputError, match=r"^return_sequences must be True, False or None; got 0\."):
        recur.RNN(2, 4, return_sequences=0)
    with pytest.raises(InputError, match=r"^return_state must be True or False; got None\."):
        recur.GRU(2, 4, return_state=None)
    with pytest.raises(
        InputError, match=r"^bias must be True where a forget_bias is given; got False\."
    ):
        recur.LSTM(2, 4, bias=False, forget_bias=1.0)


@pytest.mark.parametrize("every", [-1, True, 2.0, "3", None])
def test_checkpoints_are_counted_in_steps(every):
    with pytest.raises(InputError, match=r"^checkpoint_every must be .*0 or more; got "):
        recur.LSTM(2, 4, checkpoint_every=every)
