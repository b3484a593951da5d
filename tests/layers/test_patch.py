"""`recur.patch`: torch's own layers on recur's loops, in a program as it stands."""

from __future__ import annotations

import copy
import io
import pickle
import sys
import threading

import pytest
import torch
from tests.layers.kinds import KINDS, initial, tensors, theirs
from torch import nn
from torch.nn import GRU, LSTM, RNN, Embedding
from torch.nn.utils import parametrizations
from torch.nn.utils.rnn import pack_padded_sequence

import recur
from recur.engine.cpu import embedding, library
from recur.engine.cpu import operator as walks

pytestmark = pytest.mark.skipif(
    library.library() is None, reason="no compiled engine in this installation"
)
X = torch.linspace(-1, 1, 9 * 2 * 3).reshape(9, 2, 3)
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
    packed = pack_padded_sequence(X, [9, 3])
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
        assert recur.patch() is report  # by the program itself: what its user left stays left
        Mine(3, 4)(X)
        assert len(walked) == 1
        assert recur.patch(place) is report
        Mine(3, 4)(X)
        assert len(walked) == 2


def test_where_layers_were_made_and_what_became_of_them(patched):
    line = sys._getframe().f_lineno
    layers = [LSTM(3, 4) for _ in range(2)]
    handy = Handy(3, 4)
    Embedding(8, 3, sparse=True)
    GRU(3, 4, device="meta")
    LSTM(3, 4, dtype=torch.bfloat16)
    file = "tests/layers/test_patch.py"
    assert not any(row.swapped for row in patched.rows)
    assert "no call of it has been worth taking (2 times)" in patched.rows[0].about
    for layer in (*layers, handy):
        layer(X)
    rows = {(row.path, row.kind, row.swapped): row.about for row in patched.rows}
    assert rows[f"{file}:{line + 1}", "torch.nn.LSTM", True] == "recur.LSTM (2 times)"
    assert rows[f"{file}:{line + 2}", f"{__name__}.Handy", True] == "recur.LSTM"
    assert "sparse" in rows[f"{file}:{line + 3}", "torch.nn.Embedding", False]
    assert "'meta'" in rows[f"{file}:{line + 4}", "torch.nn.GRU", False]
    assert "torch's own LSTM is faster" in rows[f"{file}:{line + 5}", "torch.nn.LSTM", False]
    assert len(rows) == 5
    assert "not swapped: sparse=True" in str(patched)
    # Where a layer is now is what counts.
    layers[0].bfloat16()(X.bfloat16())
    assert "recur.LSTM" in [row.about for row in patched.rows]


def test_layers_that_are_moved_and_cast(patched, walked):
    layer = LSTM(3, 4)
    layer.bfloat16()(X.bfloat16())
    layer.to("meta")(X.bfloat16().to("meta"))
    assert walked == []
    with torch.autocast("cpu"):
        LSTM(3, 4)(X)
    assert walked == []
    GRU(3, 4).half()(X.half())
    RNN(3, 4).double()(X.double())
    assert walked == ["gru", "rnn_tanh"]


def test_few_steps_are_left_to_torch(patched, walked):
    layer = GRU(3, 4, batch_first=True)
    layer(X[:2])
    (row,) = patched.rows
    assert (walked, row.swapped) == ([], False)
    assert "fewer than 4 steps" in row.about
    layer(X.transpose(0, 1))
    layer(X[:2])
    (row,) = patched.rows
    assert (walked, row.swapped) == (["gru"], True)
    layer(pack_padded_sequence(X, [3, 2]))
    assert walked == ["gru"]


def test_subclasses(patched, walked):
    layer, doubled = Handy(3, 4), Doubled(3, 4)
    assert [row.swapped for row in patched.rows] == [False, False]
    results = [layer.twice(X), doubled(X)]
    assert walked == ["lstm", "gru"]
    assert all(row.swapped for row in patched.rows)
    recur.unpatch()
    alike(results, [layer.twice(X), doubled(X)])
    assert (layer.own, layer.options) == ("mine", {"cell": 3})


class Careful(LSTM):
    """A subclass that says no where torch's forward asks it."""

    def check_forward_args(self, *given):
        raise RuntimeError("not this")


def test_what_torch_s_forward_asks_of_a_subclass(patched):
    layer = Careful(3, 4)
    with pytest.raises(RuntimeError, match="not this"):
        layer(X)
    assert "its own check_forward_args" in patched.rows[0].about


def test_classes_stay_torch_s(patched):
    layer = nn.LSTM(3, 4)
    assert type(layer) is LSTM
    assert nn.LSTM is LSTM
    twin = copy.deepcopy(layer)
    assert type(twin) is LSTM
    alike(twin(X), layer(X), rtol=0, atol=0)
    assert ("(a copy, or from a file)", True) in [(r.path, r.swapped) for r in patched.rows]


def test_files_go_both_ways(patched):
    plain = nn.Sequential(Embedding(8, 3), Handy(3, 4), GRU(3, 4))
    recur.unpatch()
    before = pickle.dumps(plain)
    recur.patch()
    plain[0](TOKENS), plain[1](X), plain[2](X)
    assert pickle.dumps(plain) == before  # so what is written needs no recur
    file = io.BytesIO()
    torch.save(plain, file)
    file.seek(0)
    read = torch.load(file, weights_only=False)
    alike([read[1](X), read[2](X)], [plain[1](X), plain[2](X)], rtol=0, atol=0)


def test_a_parametrized_layer(patched, walked):
    layer = GRU(3, 4)
    parametrizations.weight_norm(layer, "weight_hh_l0")
    quick, slopes = layer(X), gradients(layer, X)
    assert walked == ["gru"] * 2
    recur.unpatch()
    alike(quick, layer(X))
    alike(slopes, gradients(layer, X))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize("kind", KINDS)
def test_scripted_traced_exported_and_quantized_as_without(kind, patched):
    model = nn.Sequential(theirs(kind, 3, 4))
    plain = model(X)
    made = [torch.jit.script(model), torch.jit.trace(model, X)]
    made += [torch.export.export(model, (X,), strict=strict).module() for strict in (False, True)]
    for each in made:
        alike(each(X), plain)
        assert "recur" not in str(each.graph)
    if kind in ("lstm", "gru"):
        quantized = torch.ao.quantization.quantize_dynamic(model, {LSTM, GRU})
        assert "torch.ao" in type(quantized[0]).__module__


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_under_a_compiler(patched):
    model = nn.Sequential(Embedding(8, 3), LSTM(3, 4))
    alike(torch.compile(model, backend="eager")(TOKENS), model(TOKENS))
    torch._dynamo.reset()


def test_under_a_transform(patched):
    layer = Embedding(8, 3)
    alike(torch.func.vmap(layer)(TOKENS), layer(TOKENS), rtol=0, atol=0)


def test_from_many_threads(patched):
    def make():
        for _ in range(50):
            made.append(LSTM(3, 4))
            made[-1](X)

    made: list[nn.Module] = []
    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (row,) = patched.rows
    assert row.about == "recur.LSTM (200 times)"


def test_recur_s_own_layers_are_as_they_were(patched, walked):
    layer = recur.LSTM(3, 4, return_sequences=False)
    assert layer(X).shape == (2, 4)
    assert patched.rows == ()
    recur.Embedding(8, 3)(TOKENS)
    model = nn.Sequential(GRU(3, 4))
    recur.accelerate(model)
    model(X)
    assert walked == ["lstm", "gru"]
    assert recur.restore(model) == ("0",)


def test_torch_s_words_for_what_is_wrong(patched):
    layer = LSTM(3, 4)
    with pytest.raises(ValueError, match="does not match weight dtype"):
        layer(X.double())
    with pytest.raises(TypeError, match=r"LSTM\.forward"):
        layer(X, lengths=[3, 2])
    with pytest.raises(RuntimeError, match="input_size"):
        layer(X[..., :2])


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU", "Embedding"])
def test_recur_s_class_put_in_the_place_of_torch_s(name, monkeypatch):
    """The obvious way: `torch.nn.LSTM = recur.LSTM`."""
    monkeypatch.setattr(nn, name, getattr(recur, name))
    kind = getattr(nn, name)

    class Own(kind):
        pass

    for layer in (kind(3, 4), Own(3, 4)):
        assert isinstance(layer, kind)
        given = TOKENS.clamp(max=2) if name == "Embedding" else X
        alike(copy.deepcopy(layer)(given), layer(given), rtol=0, atol=0)
    with recur.patch():
        assert type(kind(3, 4)) is getattr(recur, name)
