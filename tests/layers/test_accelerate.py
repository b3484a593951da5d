"""Strangers' models with recur's layers inside, and back."""

from __future__ import annotations

import abc
import copy
import pickle
import re
from pathlib import Path

import pytest
import torch
from tests.layers.kinds import KINDS, initial, tensors, theirs
from torch import nn
from torch.nn.utils import parametrizations, parametrize, prune
from torch.nn.utils.rnn import pack_padded_sequence

import recur
from recur.engine.cpu import library, path
from recur.layers import taking

pytestmark = pytest.mark.skipif(
    library.library() is None, reason="no compiled engine in this installation"
)
TOKENS = torch.tensor([[1, 5, 2, 0], [3, 3, 0, 0], [7, 1, 1, 6]])
X = torch.linspace(-1, 1, 5 * 2 * 3).reshape(5, 2, 3)


class Tagger(nn.Module):
    """A model as people write them: layers in many places, one of them shared."""

    def __init__(self, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.words = nn.Embedding(8, 6, padding_idx=0, dtype=dtype)
        self.first = nn.LSTM(6, 6, batch_first=True, bidirectional=True, dtype=dtype)
        self.stack = nn.ModuleList([nn.GRU(12, 6, 2, dropout=0.3, dtype=dtype), nn.Tanh()])
        self.named = nn.ModuleDict({"relu": nn.RNN(6, 6, nonlinearity="relu", dtype=dtype)})
        self.again = self.named["relu"]
        self.out = nn.Linear(6, 8, bias=False, dtype=dtype)
        self.out.weight = self.words.weight  # tied

    def forward(self, tokens):
        y, _ = self.first(self.words(tokens))
        y, _ = self.stack[0](y.transpose(0, 1))
        y, _ = self.named["relu"](self.stack[1](y))
        return self.out(self.again(y)[0])


def train(model, steps=4, optimizer=None):
    """Losses and final weights of a short training."""
    torch.manual_seed(5)
    optimizer = optimizer or torch.optim.Adam(model.parameters(), lr=0.02)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = model(TOKENS).logsumexp(-1).sum()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def kinds_of(model):
    return [type(m) for m in model.modules()]


def alike(a, b, **close):
    for mine, other in zip(tensors(a), tensors(b), strict=True):
        torch.testing.assert_close(mine, other, **close)


def test_every_layer_is_swapped_and_nothing_else_changes():
    model = Tagger()
    before = dict(model.named_parameters(remove_duplicate=False))
    modules = dict(model.named_modules())
    keys, plan = list(model.state_dict()), kinds_of(model)
    report = recur.accelerate(model)
    assert report.swapped == ("words", "first", "stack.0", "named.relu")
    assert report.kept == ()
    assert isinstance(model.first, recur.LSTM)
    assert isinstance(model.words, recur.Embedding)
    assert model.named["relu"] is model.again
    assert list(model.state_dict()) == keys
    assert all(model.get_submodule(name) is layer for name, layer in modules.items())
    after = dict(model.named_parameters(remove_duplicate=False))
    assert after.keys() == before.keys()
    assert all(after[name] is before[name] for name in before)
    assert recur.restore(model) == report.swapped
    assert kinds_of(model) == plan
    assert all(vars(m).keys() == vars(nn.LSTM(1, 1)).keys() for m in [model.first])


def test_training_gives_the_same_numbers():
    plain = Tagger(torch.float64)
    quick = copy.deepcopy(plain)
    recur.accelerate(quick)
    assert train(quick) == pytest.approx(train(plain), rel=1e-10)
    for (name, a), b in zip(plain.state_dict().items(), quick.state_dict().values(), strict=True):
        torch.testing.assert_close(b, a, rtol=1e-8, atol=1e-10, msg=name)
    for model in (plain, quick):
        model.eval()
    alike(quick(TOKENS), plain(TOKENS))
    recur.restore(quick)
    alike(quick(TOKENS), plain(TOKENS))


def test_in_the_middle_of_a_training_with_the_optimizer_that_is_there():
    plain = Tagger(torch.float64)
    changed = copy.deepcopy(plain)
    optimizers = [torch.optim.Adam(m.parameters(), lr=0.02) for m in (plain, changed)]
    steps = [lambda m: None, recur.accelerate, lambda m: None, recur.restore]
    for change in steps:
        change(changed)
        a, b = (
            train(m, 2, optimizer)
            for m, optimizer in zip((plain, changed), optimizers, strict=True)
        )
        assert b == pytest.approx(a, rel=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_the_model_itself_may_be_a_layer(kind):
    layer = theirs(kind, 3, 4, num_layers=2, bidirectional=True)
    kept = copy.deepcopy(layer)
    report = recur.accelerate(layer)
    assert report.swapped == ("",)
    assert str(report).startswith("the model ")
    hx = initial(layer, 2)
    alike(layer(X, hx), kept(X, hx))
    packed = pack_padded_sequence(X, [5, 3])
    alike(layer(packed, hx), kept(packed, hx))
    alike(layer(X[:, 0]), kept(X[:, 0]))
    assert recur.restore(layer) == ("",)
    assert type(layer) is type(kept)
    alike(layer(X, hx), kept(X, hx), rtol=0, atol=0)


def test_again_changes_nothing():
    model = Tagger()
    first = recur.accelerate(model)
    plan = kinds_of(model)
    second = recur.accelerate(model)
    assert kinds_of(model) == plan
    assert second.swapped == ()
    assert second.kept == first.swapped
    assert all("recur's already" in row.about for row in second.rows)
    assert recur.restore(model) == first.swapped
    assert recur.restore(model) == ()


def test_layers_that_were_recur_s_stay_so():
    model = nn.ModuleList([recur.GRU(3, 4, return_sequences=False), nn.GRU(3, 4)])
    recur.accelerate(model)
    assert recur.restore(model) == ("1",)
    assert [type(layer) for layer in model] == [recur.GRU, nn.GRU]
    assert model[0].return_sequences is False


def test_mode_frozen_weights_and_hooks_stay():
    model = nn.Sequential(nn.Embedding(8, 3), nn.LSTM(3, 4, 2, dropout=0.5)).eval()
    model[1].weight_hh_l0.requires_grad_(False)
    seen = []
    model[1].register_forward_hook(lambda layer, given, result: seen.append(type(layer)))
    recur.accelerate(model)
    assert not model[1].training
    assert not model[1].weight_hh_l0.requires_grad
    alike(model(TOKENS), model(TOKENS), rtol=0, atol=0)  # no dropout
    assert seen == [recur.LSTM, recur.LSTM]
    model.double()
    assert tensors(model(TOKENS))[0].dtype == torch.float64


def test_layers_that_no_parent_registers():
    class Hidden(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.many = [nn.GRU(3, 4), "text", nn.Linear(4, 4)]
            self.by_name = {"a": nn.LSTM(3, 4), 7: None}
            object.__setattr__(self, "quiet", nn.RNN(3, 4))
            self.itself = (self,)

    model = nn.Sequential(Hidden())
    assert set(recur.accelerate(model).swapped) == {"0.many[0]", "0.by_name['a']", "0.quiet"}
    assert isinstance(model[0].quiet, recur.RNN)
    recur.restore(model)
    assert type(model[0].many[0]) is nn.GRU


class Doubled(nn.LSTM):
    """A subclass that computes something else."""

    def forward(self, x, hx=None):
        y, state = super().forward(x, hx)
        return 2 * y, state


def test_a_subclass_s_own_forward_is_what_calls_recur_s():
    layer = Doubled(3, 4)
    before = layer(X)
    assert recur.accelerate(layer).swapped == ("",)
    walked = []
    layer._walk = lambda *given: walked.append(1) or type(layer)._walk(layer, *given)
    alike(layer(X), before)
    assert walked == [1]


class Other(nn.RNNBase):
    """Neither an RNN nor an LSTM nor a GRU."""


class Named(nn.GRU):
    """A subclass with a name that recur's layers have."""

    def options(self):
        return 3


class Held(nn.GRU):
    """As that, in its objects."""

    def __init__(self, *sizes):
        super().__init__(*sizes)
        self.cell = "lstm"


class Handy(abc.ABC):
    """What libraries mix into torch's layers."""

    @abc.abstractmethod
    def first(self, batch):
        """An initial state."""


class HandyLSTM(Handy, nn.LSTM):
    """As pytorch-forecasting's layers."""

    def __init__(self, *sizes, **more):
        super().__init__(*sizes, **more)
        self.note = "mine"

    def first(self, batch):
        shape = (self.num_layers, batch, self.hidden_size)
        return torch.ones(shape), torch.ones(shape)

    def twice(self, x):
        return 2 * super().forward(x)[0]


class Words(nn.Embedding):
    """An embedding with a method more."""

    def mean(self, tokens):
        return self(tokens).mean(1)


@pytest.mark.parametrize("layer", [HandyLSTM(3, 4, 2), Words(8, 3)])
def test_subclasses_that_add_and_change_nothing(layer):
    kind, kept = type(layer), copy.deepcopy(layer)
    model = nn.Sequential(layer)
    report = recur.accelerate(model)
    assert report.swapped == ("0",)
    assert f"with what {kind.__name__} adds" in str(report)
    assert isinstance(layer, kind)
    assert isinstance(layer, (recur.LSTM, recur.Embedding))
    assert recur.accelerate(model).swapped == ()
    for each in (layer, copy.deepcopy(model)[0], pickle.loads(pickle.dumps(model))[0]):
        assert type(each) is type(layer)
        if kind is Words:
            alike(each.mean(TOKENS), kept.mean(TOKENS))
        else:
            assert each.note == "mine"
            alike(each(X, each.first(2)), kept(X, kept.first(2)))
            alike(each.twice(X), kept.twice(X))
        assert recur.restore(nn.Sequential(each)) == ("0",)
        assert type(each) is kind
        recur.accelerate(each)


@pytest.mark.filterwarnings("ignore:.*quantized tensor creation functions:UserWarning")
@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (lambda: Other("LSTM", 3, 4), "of the program's own"),
        (lambda: Named(3, 4), "subclass of torch.nn.GRU.*own options.*derive it from recur.GRU"),
        (lambda: Held(3, 4), "own cell"),
        (lambda: nn.GRU(3, 4, device="meta"), "meta"),
        (lambda: nn.Embedding(3, 4, sparse=True), "sparse"),
        (lambda: nn.Embedding(3, 4, device="meta"), "meta"),
        (lambda: nn.LSTMCell(3, 4), "one step"),
        (lambda: torch.ao.nn.quantized.Embedding(3, 4), "quantized"),
        (lambda: torch.ao.nn.quantizable.LSTM(3, 4), "quantized"),
        (lambda: recur.GRU(3, 4), "recur's already"),
    ],
)
def test_what_is_not_swapped_and_why(layer, words):
    model = nn.ModuleList([nn.Linear(1, 1), layer()])
    plan = kinds_of(model)
    report = recur.accelerate(model)
    assert kinds_of(model) == plan
    assert report.kept == ("1",)
    assert re.search(words, report.rows[0].about)
    assert recur.restore(model) == ()


def test_a_forward_that_the_program_replaced():
    layer = nn.LSTM(3, 4)
    layer.forward = lambda x: x
    assert "forward was replaced" in recur.accelerate(layer).rows[0].about
    assert type(layer) is nn.LSTM


@pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")
def test_a_scripted_layer():
    model = nn.Sequential(torch.jit.script(nn.Embedding(3, 4)))
    assert "TorchScript" in recur.accelerate(model).rows[0].about


def test_without_the_compiled_engine(monkeypatch):
    monkeypatch.setattr(library, "library", lambda: None)
    model = Tagger()
    report = recur.accelerate(model)
    assert report.swapped == ()
    assert all("no compiled engine" in row.about for row in report.rows)


class LiGRULayer(nn.Module):
    """A recurrent layer that a program wrote itself."""

    def __init__(self) -> None:
        super().__init__()
        self.step = nn.Linear(3, 3)


class GRUTagger(nn.Module):
    """A network named after a layer in it."""

    def __init__(self) -> None:
        super().__init__()
        self.lists = [nn.GRU(3, 4)]
        self.own = LiGRULayer()


class TheirLSTMCell(nn.Module):
    def forward(self, x):
        return x + 1


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")
def test_cells_and_layers_of_the_program_s_own_are_named():
    model = nn.ModuleDict({"net": GRUTagger(), "cell": torch.jit.script(TheirLSTMCell())})
    report = recur.accelerate(model)
    assert {row.path: row.swapped for row in report.rows} == {
        "net.lists[0]": True,
        "net.own": False,
        "cell": False,
    }
    about = {row.path: row.about for row in report.rows}
    assert "cell of the program's own" in about["net.own"]
    assert "TorchScript" in about["cell"]


def portable(made):
    """Whether it asks for no operator of recur's where it is loaded."""
    graph = str(getattr(made, "inlined_graph", made.graph))
    return "recur::" not in graph and "ops.recur" not in graph


# All of these are torch's, and come without recur too.
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize("kind", ["gru", "thin"])
def test_what_is_made_of_a_model_is_what_would_have_been(kind):
    layer = HandyLSTM(6, 4) if kind == "thin" else theirs(kind, 6, 4, bidirectional=True)
    model = nn.Sequential(nn.Embedding(8, 6), layer)
    plain = model(TOKENS)
    recur.accelerate(model)
    made = [torch.jit.trace(model, TOKENS)]
    made += [torch.export.export(model, (TOKENS,), strict=s).module() for s in (False, True)]
    assert isinstance(layer, recur.layers.Recurrent)
    if kind != "thin":  # which TorchScript does not compile of torch's own either
        made.append(torch.jit.script(model))
        assert type(model[1]) is type(theirs(kind, 6, 4))
        assert model[1] is layer
    for each in made:
        alike(each(TOKENS), plain)
        assert portable(each)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_quantized_as_without():
    model = nn.Sequential(nn.LSTM(3, 4), nn.Linear(4, 4))
    recur.accelerate(model)
    small = torch.ao.quantization.quantize_dynamic(model, {nn.LSTM, nn.Linear})
    assert type(small[0]) is torch.ao.nn.quantized.dynamic.LSTM
    assert type(model[0]) is recur.LSTM  # only the copy was restored
    mapping = torch.ao.quantization.QConfigMapping()
    mapping.set_global(torch.ao.quantization.default_dynamic_qconfig)
    from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx

    small = convert_fx(prepare_fx(nn.Sequential(model[0]), mapping, (X,)))
    assert type(small.get_submodule("0")) is torch.ao.nn.quantized.dynamic.LSTM


def test_an_lstm_in_half_precision_stays():
    report = recur.accelerate(nn.ModuleList([nn.LSTM(3, 4).half(), nn.GRU(3, 4).half()]))
    assert [row.swapped for row in report.rows] == [False, True]
    assert "torch's own LSTM is faster" in report.rows[0].about


def test_something_that_is_no_module():
    class Forecaster:
        def fit(self):
            """Trains."""

    for call in (recur.accelerate, recur.restore):
        with pytest.raises(recur.InputError, match=r"Module; got Forecaster\. Give the network"):
            call(Forecaster())
        with pytest.raises(recur.InputError, match=r"Module; got list\.$"):
            call([nn.LSTM(1, 1)])


def test_the_report_is_a_table():
    report = recur.accelerate(nn.ModuleDict({"words": nn.Embedding(3, 4), "odd": Named(3, 4)}))
    lines = str(report).splitlines()
    assert lines[0] == (
        f"words  {'torch.nn.Embedding':{len(report.rows[1].kind)}}  swapped: recur.Embedding"
    )
    assert lines[1].startswith(f"odd    {__name__}.Named")
    assert "not swapped: it is a subclass" in lines[1]
    assert "no recurrent" in str(recur.accelerate(nn.Linear(1, 1)))


def test_copies_and_pickles_go_on_and_can_be_restored():
    model = nn.Sequential(nn.Embedding(8, 3), nn.RNN(3, 4, nonlinearity="relu"))
    recur.accelerate(model)
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        alike(twin(TOKENS), model(TOKENS), rtol=0, atol=0)
        assert isinstance(twin[1], recur.RNN)
        assert recur.restore(twin) == ("0", "1")
        alike(twin(TOKENS), model(TOKENS))
    fresh = nn.Sequential(nn.Embedding(8, 3), nn.RNN(3, 4, nonlinearity="relu"))
    fresh.load_state_dict(model.state_dict())
    alike(fresh(TOKENS), model(TOKENS))


@pytest.mark.parametrize("accelerated_first", [True, False])
def test_parametrized_layers(accelerated_first):
    layer = nn.LSTM(3, 4)
    kept = copy.deepcopy(layer)
    if accelerated_first:
        recur.accelerate(layer)
    for each in (layer, kept):
        parametrizations.weight_norm(each, "weight_hh_l0")
        with torch.no_grad():
            each.parametrizations.weight_hh_l0.original0.mul_(2)
    twin = copy.deepcopy(layer)
    if not accelerated_first:
        assert recur.accelerate(layer).swapped == ("",)
    assert isinstance(layer, recur.LSTM)
    assert type(layer).__name__ == type(kept).__name__
    alike(layer(X), kept(X))
    alike(twin(X), kept(X))
    assert isinstance(twin, recur.LSTM) == accelerated_first  # the copy was not touched
    tensors(layer(X))[0].sum().backward()
    tensors(kept(X))[0].sum().backward()
    for a, b in zip(layer.parameters(), kept.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad)
    assert recur.restore(layer) == ("",)
    assert isinstance(layer, nn.LSTM)
    assert not isinstance(layer, recur.LSTM)
    alike(layer(X), kept(X))
    parametrize.remove_parametrizations(layer, "weight_hh_l0")
    assert type(layer) is nn.LSTM
    alike(layer(X), kept(X))


def test_a_parametrization_removed_while_accelerated():
    layer = nn.Embedding(5, 3)
    parametrizations.weight_norm(layer)
    recur.accelerate(layer)
    parametrize.remove_parametrizations(layer, "weight")
    assert type(layer) is recur.Embedding
    assert recur.restore(layer) == ("",)
    assert type(layer) is nn.Embedding


@pytest.mark.filterwarnings("ignore:.*weight_norm:FutureWarning")
def test_the_older_weight_norm_and_pruning():
    layer, kept = nn.GRU(3, 4), nn.GRU(3, 4)
    kept.load_state_dict(layer.state_dict())
    for each in (layer, kept):
        nn.utils.weight_norm(each, "weight_hh_l0")
        prune.l1_unstructured(each, "weight_ih_l0", amount=0.5)
    recur.accelerate(layer)
    for each in (layer, kept):
        with torch.no_grad():
            each.weight_hh_l0_g.mul_(2)
        tensors(each(X))[0].sum().backward()
    for a, b in zip(layer.parameters(), kept.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad)
    recur.restore(layer)
    alike(layer(X), kept(X))


@pytest.mark.filterwarnings("ignore::UserWarning")  # dynamo's remarks on what it does not trace
def test_a_model_that_was_compiled_before():
    model = nn.Sequential(nn.Embedding(8, 3), nn.LSTM(3, 4))
    compiled = torch.compile(model, backend="eager")
    before = compiled(TOKENS)
    assert recur.accelerate(compiled).swapped == ("_orig_mod.0", "_orig_mod.1")
    called = []
    model[1].register_forward_pre_hook(lambda layer, given: called.append(type(layer)))
    alike(compiled(TOKENS), before)
    assert called == [recur.LSTM]
    torch._dynamo.reset()


def spectral(layer, old):
    make = nn.utils.spectral_norm if old else parametrizations.spectral_norm
    return make(layer, "weight_hh_l0")


class Drawn(nn.Module):
    """A parametrization that counts how often it is computed."""

    def __init__(self):
        super().__init__()
        self.register_buffer("times", torch.tensor(0))

    def forward(self, weight):
        if self.training:
            self.times.add_(1)
        return weight


LOOKS = {
    "accelerate": recur.accelerate,
    "restore": recur.restore,
    "explain": recur.explain,
    "summary": recur.summary,
    "stream": lambda model: isinstance(model[0], recur.LSTM) and recur.Stream(model[0])(X[0, 0]),
    "weights": lambda model: isinstance(model[0], recur.LSTM) and model[0].weights(0, 0),
}


@pytest.mark.filterwarnings("ignore:.*spectral_norm.*:FutureWarning")
@pytest.mark.parametrize("how", ["parametrization", "hook", "another"])
def test_looking_at_a_layer_leaves_what_computes_its_weights_alone(how):
    layer = nn.LSTM(3, 4)
    if how == "another":
        parametrize.register_parametrization(layer, "weight_ih_l0", Drawn())
    else:
        spectral(layer, old=how == "hook")
    model = nn.Sequential(layer)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.rand_like(weight))  # the iteration has something to do
    before = copy.deepcopy({k: v.clone() for k, v in model.state_dict().items()})
    for name in ["accelerate", *LOOKS, "accelerate"]:
        LOOKS[name](model)
        if name != "restore":
            LOOKS["accelerate"](model)
        for key, value in model.state_dict().items():
            assert torch.equal(value, before[key]), (name, key)
    assert all(part.training for part in model.modules())


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize("make", [nn.LSTM, nn.GRU, lambda *n: nn.LSTM(*n, bias=False, proj_size=2)])
def test_weights_put_into_the_flat_list_are_those_that_count(make):
    """As in torch.nn, until an attribute is set or a tensor moved."""
    layer, kept = make(3, 4), make(3, 4)
    kept.load_state_dict(layer.state_dict())
    recur.accelerate(layer)
    other = [torch.rand_like(w) for w in layer._flat_weights]
    for each in (layer, kept):
        each._flat_weights = list(other)
    alike(layer(X), kept(X))
    for each in (layer, kept):
        each._flat_weights[1] = other[1] * 2
    alike(layer(X), kept(X))
    new = nn.Parameter(torch.rand_like(other[0]))
    for each in (layer, kept):
        each.weight_ih_l0 = new
    alike(layer(X), kept(X))
    for each in (layer, kept):
        each._flat_weights = list(other)
        each.double().float()
    alike(layer(X), kept(X))


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU", "Embedding"])
def test_put_in_the_place_of_torch_s_own(name, monkeypatch):
    monkeypatch.setattr(nn, name, getattr(recur, name))
    layer = getattr(nn, name)(3, 4)
    assert isinstance(layer, getattr(recur, name))
    assert isinstance(recur.MinGRU(3, 4), recur.MinGRU)
    recur.accelerate(nn.Sequential(layer, nn.Linear(1, 1)))
    model = recur.ManyToOne(vocabulary=5, embedding=3, units=4, outputs=1)
    assert model(torch.tensor([[1, 2]])).shape == (1, 1)


def test_the_table_in_the_documents_is_the_list_of_conditions():
    page = Path(__file__).parents[2].joinpath("docs/accelerate.md").read_text(encoding="utf-8")
    only = dict.fromkeys(taking.OF_CLASSES, "`accelerate`")
    only |= dict.fromkeys((*taking.OF_FORWARDS, *taking.OF_CALLS), "`patch`")
    rows = [f"| {each.about} | {only.get(each, 'both')} |\n" for each in taking.CONDITIONS]
    assert f"| left to torch | by |\n| --- | --- |\n{''.join(rows)}\n" in page
    assert set(path.CONDITIONS) < set(taking.CONDITIONS)  # by which the engine chooses
