"""The cells against those of torch.nn: one step at a call, on every path."""

from __future__ import annotations

import copy
import inspect
import pickle
import random

import pytest
import torch
from tests.engine.paths import PATHS, choosing, forced
from torch import nn
from torch.func import functional_call, grad, jacfwd, vmap
from torch.nn.utils import parametrizations

import recur
from recur import engine
from recur.cells import CELLS
from recur.engine.cpu import library

pytestmark = [
    # Torch's compiler, exporter and forward mode still use what torch deprecates.
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),
]
KINDS = {
    "rnn_tanh": ("RNNCell", {}),
    "rnn_relu": ("RNNCell", {"nonlinearity": "relu"}),
    "lstm": ("LSTMCell", {}),
    "gru": ("GRUCell", {}),
}


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture(params=PATHS)
def path(request):
    with forced(request.param):
        yield request.param


def make(module, kind, *args, **options):
    name, extra = KINDS[kind]
    return getattr(module, name)(*args, **extra, **options)


def pair(kind, *args, **options):
    """Torch's cell and recur's, with the same weights."""
    a, b = make(nn, kind, *args, **options), make(recur, kind, *args, **options)
    b.load_state_dict(a.state_dict())
    return a, b


def state(kind, *shape, dtype=torch.float32, **options):
    h, c = (torch.randn(*shape, dtype=dtype, **options) for _ in range(2))
    return (h, c) if kind == "lstm" else h


def parts(result):
    return list(result) if isinstance(result, tuple | list) else [result]


def outcome(call):
    """What a call gives, or its error as a program sees it."""
    try:
        return parts(call())
    except Exception as error:
        return type(error), str(error)


@pytest.mark.parametrize("seed", range(6))
def test_random_steps_and_gradients_are_torch_s(kind, path, seed):
    chance = random.Random(seed)
    inputs, hidden, rows = (
        chance.randint(1, 20),
        chance.choice([1, 5, 16, 33]),
        chance.randint(1, 9),
    )
    batched, started = seed != 0, seed % 3 != 1
    dtype = torch.float64 if seed % 2 else torch.float32
    cells = pair(kind, inputs, hidden, bias=seed != 5, dtype=dtype)
    shape = (rows,) if batched else ()
    xs = torch.randn(3, *shape, inputs, dtype=dtype)
    if seed == 4:
        xs = xs.transpose(0, 1).contiguous().transpose(0, 1)
    start = parts(state(kind, *shape, hidden, dtype=dtype)) if started else []
    found = []
    for cell in cells:
        leaves = [t.detach().clone().requires_grad_() for t in (xs, *start)]
        x, *given = leaves
        hx = (tuple(given) if kind == "lstm" else given[0]) if given else None
        for each in x:
            hx = cell(each, hx)
        assert isinstance(hx, tuple) == (kind == "lstm")
        loss = sum((t * torch.arange(1, t.numel() + 1).view_as(t)).sum() for t in parts(hx))
        found.append([*parts(hx), *torch.autograd.grad(loss, [*leaves, *cell.parameters()])])
    for want, got in zip(*found, strict=True):
        torch.testing.assert_close(got, want)


@pytest.mark.parametrize("shape", [(0, 3, 4), (2, 0, 4), (2, 3, 0)], ids=str)
def test_nothing_in_a_batch_a_step_or_a_state(kind, path, shape):
    rows, inputs, hidden = shape
    theirs, ours = pair(kind, inputs, hidden)
    x = torch.randn(rows, inputs)
    for want, got in zip(parts(theirs(x)), parts(ours(x)), strict=True):
        torch.testing.assert_close(got, want)


def test_the_same_class_constructor_first_weights_and_keys(kind):
    name, extra = KINDS[kind]
    theirs, ours = getattr(nn, name), getattr(recur, name)
    assert list(inspect.signature(ours).parameters) == list(inspect.signature(theirs).parameters)
    by_position = (3, 4, False, *extra.values())
    cells = []
    for made in (theirs, ours):
        torch.manual_seed(1)
        cells.append((made(*by_position), made(3, 4, dtype=torch.float64, device="cpu", **extra)))
    for a, b in zip(*cells, strict=True):
        assert isinstance(b, theirs)
        assert repr(a) == repr(b)
        assert list(a.state_dict()) == list(b.state_dict())
        for key, value in a.state_dict().items():
            assert torch.equal(value, b.state_dict()[key])
        a.load_state_dict(b.state_dict())
    assert (cells[1][0].bias_ih, cells[1][0].bias) == (None, False)
    with pytest.raises(recur.InputError, match="hidden_size must be at most"):
        ours(3, 10**23)


R = torch.randn
WRONG = {
    "three axes": lambda c, s: c(R(1, 2, 3)),
    "no axis": lambda c, s: c(R(())),
    "features": lambda c, s: c(R(2, 5)),
    "features without a batch": lambda c, s: c(R(5)),
    "a list": lambda c, s: c([1.0, 2.0, 3.0]),
    "float64": lambda c, s: c(R(2, 3).double()),
    "integers": lambda c, s: c(torch.ones(2, 3, dtype=torch.int64)),
    "another device": lambda c, s: c(R(2, 3, device="meta")),
    "state of three axes": lambda c, s: c(R(2, 3), s(1, 2, 4)),
    "rows of the state": lambda c, s: c(R(2, 3), s(3, 4)),
    "one row of the state": lambda c, s: c(R(2, 3), s(1, 4)),
    "units of the state": lambda c, s: c(R(2, 3), s(2, 5)),
    "state without a batch": lambda c, s: c(R(2, 3), s(4)),
    "state with a batch": lambda c, s: c(R(3), s(2, 4)),
    "state in float64": lambda c, s: c(R(2, 3), s(2, 4, dtype=torch.float64)),
    "a state for three": lambda c, s: c(R(2, 3), (R(2, 4),) * 3),
    "a state for one": lambda c, s: c(R(2, 3), (R(2, 4),)),
    "both as one tensor": lambda c, s: c(R(2, 3), R(2, 2, 4)),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_refused_in_torch_s_words(kind, case):
    """And before the compiled loop reads beyond a tensor."""
    theirs, ours = (
        outcome(lambda cell=cell: WRONG[case](cell, lambda *a, **o: state(kind, *a, **o)))
        for cell in pair(kind, 3, 4)
    )
    assert isinstance(theirs, tuple)
    assert ours == theirs


def test_an_unknown_nonlinearity_is_refused_when_it_is_called():
    with pytest.raises(RuntimeError, match="Unknown nonlinearity: wild"):
        recur.RNNCell(3, 4, nonlinearity="wild")(R(2, 3))


@pytest.mark.parametrize("name", ["weight_ih", "weight_hh", "bias_ih", "bias_hh"])
def test_weights_of_another_shape_are_refused(kind, path, name):
    cell = make(recur, kind, 3, 4)
    short = {name: getattr(cell, name)[:-1].detach()}
    with pytest.raises(RuntimeError, match=r"must be of the shape"):
        functional_call(cell, short, (R(2, 3),))


@pytest.mark.parametrize("wrong", ["x", "state", "w_hh"])
def test_the_door_of_one_step_checks_before_it_walks(path, wrong):
    given = {"x": R(2, 3), "state": R(2, 4), "w_hh": R(12, 4)}
    given[wrong] = given[wrong][:, :-1] if wrong == "x" else given[wrong][:-1]
    weights = engine.Weights(R(12, 3), given["w_hh"])
    with pytest.raises(RuntimeError, match=r"must be of the shape"):
        engine.step(CELLS["gru"], given["x"], (given["state"],), weights)


def test_the_path_that_is_named_is_taken(path, monkeypatch):
    model = nn.ModuleDict({"mine": recur.GRUCell(3, 4), "torch's": nn.LSTMCell(3, 4)})
    (mine, said), (theirs, why) = recur.explain(model).rows
    assert (mine, theirs) == ("mine (GRUCell)", "torch's (LSTMCell)")
    assert "one step, which torch's own does faster" in why
    taken = []
    for each in choosing.PATHS:
        step = each.step
        monkeypatch.setattr(
            each, "step", lambda *a, step=step, name=each.name: taken.append(name) or step(*a)
        )
    model["mine"](R(2, 3))
    assert taken == [said.partition(" ")[0]] == [path.partition("-")[0]]


def test_accelerate_leaves_them():
    model = nn.ModuleList([recur.RNNCell(3, 4), nn.GRUCell(3, 4)])
    report = recur.accelerate(model)
    assert report.kept == ("0", "1")
    assert "recur's already" in report.rows[0].about
    assert "which torch's own does faster" in report.rows[1].about


def test_differentiated_twice_and_forwards(kind, path):
    theirs, ours = pair(kind, 3, 4, dtype=torch.float64)
    x, hx = R(2, 3, dtype=torch.float64), state(kind, 2, 4, dtype=torch.float64)
    found = []
    for cell in (theirs, ours):
        leaf = x.clone().requires_grad_()
        (once,) = torch.autograd.grad(
            parts(cell(leaf, hx))[0].square().sum(), leaf, create_graph=True
        )
        (twice,) = torch.autograd.grad(once.square().sum(), leaf)
        found.append((once, twice))
    for want, got in zip(*found, strict=True):
        torch.testing.assert_close(got, want)
    want = torch.autograd.functional.jacobian(lambda x: parts(theirs(x, hx))[0], x)
    torch.testing.assert_close(jacfwd(lambda x: parts(ours(x, hx))[0])(x), want)


def test_per_sample_gradients_and_ensembles(kind):
    cells, x = [make(recur, kind, 3, 4, dtype=torch.float64) for _ in range(2)], R(5, 3).double()
    weights = {name: weight.detach() for name, weight in cells[0].named_parameters()}

    def loss(weights, x):
        return parts(functional_call(cells[0], weights, (x,)))[0].square().sum()

    each = vmap(grad(loss), in_dims=(None, 0))(weights, x)
    for row in range(5):
        for name, want in grad(loss)(weights, x[row]).items():
            torch.testing.assert_close(each[name][row], want)
    stacked, _ = torch.func.stack_module_state(cells)
    both = vmap(lambda w: parts(functional_call(cells[0], w, (x,)))[0])(stacked)
    for got, cell in zip(both, cells, strict=True):
        torch.testing.assert_close(got, parts(cell(x))[0])


@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16], ids=str)
def test_half_precision(kind, path, half):
    theirs, ours = pair(kind, 3, 4, dtype=half)
    x, hx = R(2, 3).to(half), state(kind, 2, 4, dtype=half)
    for want, got in zip(parts(theirs(x, hx)), parts(ours(x, hx)), strict=True):
        torch.testing.assert_close(got, want, rtol=0.02, atol=0.02)


@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16], ids=str)
def test_under_autocast_results_have_torch_s_types(kind, path, half):
    theirs, ours = pair(kind, 3, 4)
    whole, hx = R(2, 3), state(kind, 2, 4)
    exact = parts(ours(whole, hx))
    with torch.autocast("cpu", half):
        for into in (torch.float32, half):
            for start in (None, torch.float32, half):
                given = None if start is None else tuple(s.to(start) for s in parts(hx))
                given = given if given is None or kind == "lstm" else given[0]
                results = [parts(cell(whole.to(into), given)) for cell in (theirs, ours)]
                for want, got in zip(*results, strict=True):
                    torch.testing.assert_close(got, want, rtol=0.02, atol=0.02)
        # The step itself is in the weights' own type.
        for want, got in zip(exact, parts(ours(whole, hx)), strict=True):
            assert torch.equal(got, want.to(got.dtype))
        same = [outcome(lambda c=c: c(torch.ones(2, 3, dtype=torch.int64))) for c in (theirs, ours)]
        assert same[0] == same[1]
        sums = sum(part.float().sum() for part in parts(ours(whole, hx)))
    sums.backward()
    assert ours.weight_hh.grad.dtype == torch.float32


class Loop(nn.Module):
    """A cell as people use it."""

    def __init__(self, kind):
        super().__init__()
        self.cell, self.head = make(recur, kind, 3, 4), nn.Linear(4, 1)

    def forward(self, x):
        hx = None
        for each in x.unbind(1):
            hx = self.cell(each, hx)
        return self.head(hx[0] if isinstance(hx, tuple) else hx)


@pytest.mark.skipif(not library.runnable(), reason="the compiled engine is not built")
@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_compiled_and_exported(kind):
    library.decide_again()
    model, x = Loop(kind), R(5, 3, 3)
    run = torch.compile(model, backend="aot_eager", fullgraph=True, dynamic=True)
    found = []
    for function in (model, run):
        model.zero_grad()
        y = function(x)
        y.square().sum().backward()
        found.append([y, *(w.grad for w in model.parameters())])
    for want, got in zip(*found, strict=True):
        torch.testing.assert_close(got, want)
    rows = {0: torch.export.Dim("rows", min=1, max=1000)}
    with torch.no_grad():
        program = torch.export.export(model.eval(), (x,), dynamic_shapes=(rows,)).module()
    torch.testing.assert_close(program(R(5, 3, 3)[:2]).shape, torch.Size([2, 1]))
    torch.testing.assert_close(program(x), model(x))
    torch._dynamo.reset()


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
def test_graphs_of_models(kind):
    model, x = Loop(kind), R(2, 3, 3)
    traced = torch.jit.trace(model, (x,))
    torch.testing.assert_close(traced(x.flip(0)), model(x.flip(0)))
    with pytest.raises(recur.InputError, match=r"torch\.jit\.script cannot compile a recur\."):
        torch.jit.script(model)

    class Once(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell = model.cell

        def forward(self, x, hx):
            return self.cell(x, hx)

    once, given = Once(), (x[0], state(kind, 3, 4))
    graph = torch.fx.symbolic_trace(once)
    assert [n.target for n in graph.graph.nodes if n.op == "call_module"] == ["cell"]
    for want, got in zip(parts(once(*given)), parts(graph(*given)), strict=True):
        assert torch.equal(got, want)


def test_copies_pickles_and_parametrizations(kind):
    theirs, ours = pair(kind, 3, 4)
    x = R(2, 3)
    for twin in (copy.deepcopy(ours), pickle.loads(pickle.dumps(ours))):
        assert type(twin) is type(ours)
        assert torch.equal(parts(twin(x))[0], parts(ours(x))[0])
    for cell in (theirs, ours):
        parametrizations.weight_norm(cell, "weight_hh")
        with torch.no_grad():
            cell.parametrizations.weight_hh.original0.mul_(2)
    hx = state(kind, 2, 4)
    for want, got in zip(parts(theirs(x, hx)), parts(ours(x, hx)), strict=True):
        torch.testing.assert_close(got, want)
    assert len(recur.explain(ours).rows) == 1
