"""`recur.patch`: torch's own layers on recur's loops, in a program as it stands."""

from __future__ import annotations

import pytest
import torch
from tests.layers.kinds import KINDS, initial, tensors, theirs
from torch.nn import GRU, LSTM, RNN, Embedding
from torch.nn.utils.rnn import pack_padded_sequence

import recur
from recur.engine.cpu import embedding, library
from recur.engine.cpu import operator as walks

pytestmark = pytest.mark.skipif(
    library.library() is None, reason="no compiled engine in this installation"
)
X = torch.linspace(-1, 1, 5 * 2 * 3).reshape(5, 2, 3)
TOKENS = torch.tensor([[1, 5, 2, 0], [3, 3, 0, 0]])
CLASSES = (RNN, LSTM, GRU, Embedding)


@pytest.fixture
def patched(monkeypatch):
    monkeypatch.setattr(embedding, "FEW", 0)
    with recur.patch() as report:
        yield report


@pytest.fixture
def walked(monkeypatch):
    """The cells that the compiled loops walked."""
    cells, forward = [], walks._forward
    monkeypatch.setattr(walks, "_forward", lambda how, t: cells.append(how.cell) or forward(how, t))
    return cells


def alike(a, b, **close):
    for mine, other in zip(tensors(a), tensors(b), strict=True):
        torch.testing.assert_close(mine, other, **close)


def gradients(layer, *given):
    result = tensors(layer(*given))
    return torch.autograd.grad(sum(t.square().sum() for t in result), list(layer.parameters()))


class Handy(LSTM):
    """A thin subclass, of a class that was imported before the patch."""

    def __init__(self, *sizes, **more):
        super().__init__(*sizes, **more)
        self.own = "mine"  # a name that recur's layer has too
        self.options = {"cell": 3}

    def twice(self, x):
        return 2 * self(x)[0]


class Doubled(GRU):
    """A subclass with a forward of its own, which calls torch's."""

    def forward(self, x, hx=None):
        y, state = super().forward(x, hx)
        return 2 * y, state


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_numbers_by_recur_s_loops(kind, walked):
    layer = theirs(kind, 3, 4, num_layers=2, bidirectional=True)
    hx = initial(layer, 2)
    packed = pack_padded_sequence(X, [5, 3])
    given = [(X,), (X, hx), (packed, hx), (X[:, 0],)]
    plain = [layer(*each) for each in given]
    slopes = gradients(layer, X, hx)
    assert walked == []
    with recur.patch():
        quick = [layer(*each) for each in given]
        alike(gradients(layer, X, hx), slopes)
    assert len(walked) == 2 * 5
    for a, b in zip(quick, plain, strict=True):
        alike(a, b)
    alike(layer(X, hx), plain[1], rtol=0, atol=0)
    assert len(walked) == 2 * 5


def test_an_embedding_to_the_bit(monkeypatch):
    monkeypatch.setattr(embedding, "FEW", 0)
    layer = Embedding(8, 3, padding_idx=0)
    plain, slopes = layer(TOKENS), gradients(layer, TOKENS)
    used = []
    gather = embedding._gather
    monkeypatch.setattr(embedding, "_gather", lambda *a: used.append(1) or gather(*a))
    with recur.patch():
        alike(layer(TOKENS), plain, rtol=0, atol=0)
        alike(gradients(layer, TOKENS), slopes, rtol=0, atol=0)
        made = Embedding.from_pretrained(layer.weight.detach())
        alike(made(TOKENS), plain, rtol=0, atol=0)
    assert len(used) == 3


def test_everything_is_given_back():
    before = [dict(vars(each)) for each in CLASSES]
    report = recur.patch()
    assert recur.patch() is report
    for each in CLASSES:
        assert vars(each)["forward"].__wrapped__ is not None
    recur.unpatch()
    recur.unpatch()
    assert [dict(vars(each)) for each in CLASSES] == before
    with recur.patch() as again:
        assert again is not report
    assert [dict(vars(each)) for each in CLASSES] == before


def test_who_replaced_forward_since_keeps_it(walked, monkeypatch):
    recur.patch()
    inner, calls = LSTM.forward, []
    monkeypatch.setattr(LSTM, "forward", lambda *a: calls.append(1) or inner(*a))
    layer = LSTM(3, 4)
    layer(X)
    assert (len(calls), len(walked)) == (1, 1)
    recur.unpatch()
    layer(X)
    assert (len(calls), len(walked)) == (2, 1)
    monkeypatch.undo()
    LSTM.forward = inner.__wrapped__


def test_what_the_program_wants_left_stays(walked):
    class Mine(LSTM):
        pass

    with recur.patch(leave=["Mine", "torch.nn.GRU", "Embedding"]) as report:
        for kind in (Mine, LSTM, GRU):
            kind(3, 4)(X)
        Embedding(6, 3)(TOKENS.repeat(200, 1))
        assert len(walked) == 1
        left = {row.kind.rpartition(".")[2]: row.about for row in report.rows if not row.swapped}
        assert left == dict.fromkeys(["Mine", "GRU", "Embedding"], "the program asked for that")
        (place,) = (row.path for row in report.rows if row.swapped)
        assert recur.patch(place) is report
        Mine(3, 4)(X)
        assert len(walked) == 2
