"""The architectures beyond torch.nn's, as arguments of the layers and as layers of their own."""

from __future__ import annotations

import pytest
import torch
from tests.engine.paths import PATHS, forced

import recur
from recur.layers import Recurrent

LAYERS = {
    "rnn": recur.RNN,
    "lstm": recur.LSTM,
    "gru": recur.GRU,
    "indrnn": recur.IndRNN,
    "mingru": recur.MinGRU,
    "minlstm": recur.MinLSTM,
    "slstm": recur.SLSTM,
}
# Everything that a layer may be asked for, by the layer.
OF_ALL = [{"zoneout": 0.2}, {"input_dropout": 0.3}, {"clip_gradient": 0.5}, {"return_gates": True}]
WITH_A_MATRIX = [
    {"layer_norm": True},
    {"recurrent_dropout": 0.3},
    {"weight_drop": 0.3},
    {"recurrent_init": "orthogonal"},
]
OF_ONE = {
    "lstm": [
        {"peepholes": True},
        {"coupled": True},
        {"peepholes": True, "coupled": True, "layer_norm": True},
        {"clip_cell": 0.3},
        {"zoneout": (0.1, 0.4)},
        {"chrono": 20},
        {"coupled": True, "forget_bias": 1.0},
    ],
    "gru": [{"reset_after": False}, {"chrono": 20}, {"reset_after": False, "weight_drop": 0.2}],
    "indrnn": [{"nonlinearity": "tanh"}],
    "slstm": [{"heads": 2}, {"heads": 4, "recurrent_init": "orthogonal"}],
}
ASKED = [
    (name, options)
    for name in LAYERS
    for options in [
        {},
        *OF_ALL,
        *(WITH_A_MATRIX if name in ("rnn", "lstm", "gru", "slstm") else []),
        *OF_ONE.get(name, []),
    ]
]


def ids(value):
    return str(value)


def tensors(result):
    if isinstance(result, torch.Tensor):
        return [result]
    parts = result.values() if isinstance(result, dict) else result
    return [tensor for part in parts for tensor in tensors(part)]


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize(("name", "options"), ASKED, ids=ids)
def test_every_path_gives_the_same(name, options, bidirectional):
    """Training and evaluation, two layers, rows of several lengths: numbers and gradients."""
    torch.manual_seed(3)
    shape = {"num_layers": 2, "bidirectional": bidirectional, "dtype": torch.float64}
    layer = LAYERS[name](3, 8, **shape, **options)
    x = torch.randn(6, 4, 3, dtype=torch.float64)
    for training in (True, False):
        layer.train(training)
        found = []
        for path in PATHS:
            with forced(path):
                torch.manual_seed(4)  # the same units are dropped
                result = tensors(layer(x, lengths=[6, 0, 3, 5]))
                loss = sum((r * r).sum() for r in result if r.requires_grad)
                gradients = torch.autograd.grad(loss, list(layer.parameters()))
                found.append([*result, *gradients])
        for other in found[1:]:
            torch.testing.assert_close(other, found[0], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("name", "options"), ASKED, ids=ids)
def test_a_layer_is_kept_and_made_again(name, options):
    torch.manual_seed(0)
    layer = LAYERS[name](3, 8, num_layers=2, bidirectional=True, **options).eval()
    again = LAYERS[name](3, 8, num_layers=2, bidirectional=True, **options).eval()
    again.load_state_dict(layer.state_dict())
    x = torch.randn(5, 2, 3)
    for a, b in zip(tensors(layer(x)), tensors(again(x)), strict=True):
        assert torch.equal(a, b)
    assert len(list(layer.parameters())) == len(layer.state_dict())
    before = [p.clone() for p in layer.parameters()]
    layer.reset_parameters()
    changed = [not torch.equal(a, b) for a, b in zip(before, layer.parameters(), strict=True)]
    assert any(changed)
    for argument, value in options.items():
        assert f"{argument}={value!r}" in repr(layer) or argument == "nonlinearity"


@pytest.mark.parametrize("options", [{}, {"layer_norm": True, "zoneout": 0.1}], ids=ids)
@pytest.mark.parametrize("name", ["rnn", "lstm", "slstm", "mingru"])
def test_a_stream_takes_its_steps(name, options):
    if name == "mingru":
        options = {k: v for k, v in options.items() if k != "layer_norm"}
    torch.manual_seed(0)
    layer = LAYERS[name](3, 8, num_layers=2, **options).eval()
    x = torch.randn(7, 4, 3)
    stream = recur.Stream(layer, batch_size=4)
    steps = torch.stack([stream(each).clone() for each in x])
    torch.testing.assert_close(steps, layer(x)[0], rtol=1e-5, atol=1e-5)
    assert len(tensors(stream.state)) == len(layer.cell.states)
    alone = recur.Stream(layer)
    torch.testing.assert_close(alone(x[0, 0]), steps[0, 0], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", LAYERS)
def test_a_state_goes_in_and_comes_out(name):
    torch.manual_seed(0)
    layer = LAYERS[name](3, 8, num_layers=2, batch_first=True)
    x = torch.randn(2, 9, 3)
    whole, last = layer(x)
    first, state = layer(x[:, :4])
    second, end = layer(x[:, 4:], state)
    torch.testing.assert_close(torch.cat([first, second], dim=1), whole)
    torch.testing.assert_close(end, last)


@pytest.mark.parametrize("name", [n for n in LAYERS if n not in ("rnn", "lstm", "gru")])
@pytest.mark.parametrize("layout", ["unbatched", "packed", "return_sequences"])
def test_a_layer_of_its_own_takes_what_the_others_take(name, layout):
    torch.manual_seed(0)
    x = torch.randn(5, 2, 3)
    if layout == "unbatched":
        layer = LAYERS[name](3, 8)
        torch.testing.assert_close(layer(x[:, 0])[0], layer(x)[0][:, 0])
    elif layout == "packed":
        layer = LAYERS[name](3, 8, bidirectional=True)
        packed = torch.nn.utils.rnn.pack_padded_sequence(x, [5, 3])
        y, _ = torch.nn.utils.rnn.pad_packed_sequence(layer(packed)[0])
        torch.testing.assert_close(y, layer(x, lengths=[5, 3])[0])
    else:
        layer = LAYERS[name](3, 8, return_sequences=False)
        assert layer(x, lengths=[5, 3]).shape == (2, 8)


@pytest.mark.parametrize("merge", ["sum", "mean", "mul"])
@pytest.mark.parametrize("sequences", [None, False])
def test_the_directions_are_merged(merge, sequences):
    torch.manual_seed(0)
    layer = recur.GRU(3, 4, bidirectional=True, merge=merge, return_sequences=sequences)
    apart = recur.GRU(3, 4, bidirectional=True, return_sequences=sequences)
    apart.load_state_dict(layer.state_dict())
    x = torch.randn(5, 2, 3)
    got, both = layer(x), apart(x)
    if sequences is None:
        got, both = got[0], both[0]
    a, b = both.chunk(2, dim=-1)
    want = {"sum": a + b, "mean": (a + b) / 2, "mul": a * b}[merge]
    torch.testing.assert_close(got, want)
    deep = recur.GRU(3, 4, num_layers=2, bidirectional=True, merge=merge)
    assert deep.weight_ih_l1.shape == (12, 4)
    assert deep(x)[0].shape == (5, 2, 4)


def test_masks_come_from_torch_s_seed():
    """The same seed, the same dropout and zoneout; another seed, others; none in evaluation."""
    options = {"recurrent_dropout": 0.4, "zoneout": 0.3, "weight_drop": 0.3, "input_dropout": 0.3}
    torch.manual_seed(0)
    layer, x = recur.LSTM(6, 16, **options), torch.randn(9, 3, 6)

    def drawn(seed):
        torch.manual_seed(seed)
        return layer(x)[0]

    assert torch.equal(drawn(1), drawn(1))
    assert not torch.equal(drawn(1), drawn(2))
    layer.eval()
    assert torch.equal(drawn(1), drawn(2))


@pytest.mark.parametrize(
    "options",
    [{"return_sequences": True}, {"recurrent_dropout": 0.3, "zoneout": 0.2, "weight_drop": 0.2}],
    ids=ids,
)
def test_weights_may_be_parametrized(options):
    """In training too, where masks are drawn of the weights' type."""
    layer = recur.GRU(3, 8, dtype=torch.float64, **options)
    for name in ("weight_ih_l0", "weight_hh_l0"):
        torch.nn.utils.parametrizations.weight_norm(layer, name)
    result = layer(torch.randn(5, 2, 3, dtype=torch.float64))
    y = result if isinstance(result, torch.Tensor) else result[0]
    y.sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in layer.parameters())


def test_dropout_of_the_input_and_between_layers_is_locked():
    """A feature that is dropped is dropped at every step of the row, and in no other row."""
    seen = []
    layer = recur.RNN(
        4, 50, num_layers=2, input_dropout=0.5, dropout=0.5, locked_dropout=True, bias=False
    )
    with torch.no_grad():
        layer.weight_ih_l1.copy_(torch.eye(50) * 0.01)
        layer.weight_hh_l1.zero_()
    for _ in range(2):
        y, _ = layer(torch.randn(8, 3, 4))
        dropped = y == 0
        seen.append(dropped)
        assert torch.equal(dropped, dropped[:1].expand_as(dropped))
        assert not torch.equal(dropped[0, 0], dropped[0, 1])
        assert 0.3 < dropped.float().mean() < 0.7
    assert not torch.equal(*seen)


def test_variational_dropout_hides_units_from_the_recurrent_matrix():
    torch.manual_seed(0)
    layer = recur.RNN(2, 64, recurrent_dropout=0.5, nonlinearity="relu", bias=False)
    with torch.no_grad():
        layer.weight_ih_l0.fill_(0.1)
        layer.weight_hh_l0.copy_(torch.eye(64))
    y, _ = layer(torch.ones(6, 2, 2))
    # A unit that W_hh sees doubles at each step (1 / 0.5), and adds the input; else it stays.
    grows = y[-1] > y[0] * 2
    assert 0.3 < grows.float().mean() < 0.7
    torch.testing.assert_close(y[-1][~grows], y[0][~grows])
    torch.testing.assert_close(y[1][grows], 2 * y[0][grows] + 0.2)


def test_zoneout_in_evaluation_is_its_expectation():
    """The mean over many draws, with a network that is linear in its state."""
    layer = recur.RNN(1, 1, nonlinearity="relu", zoneout=0.4, bias=False, dtype=torch.float64)
    with torch.no_grad():
        layer.weight_ih_l0.fill_(1)
        layer.weight_hh_l0.fill_(0.5)
    x = torch.ones(6, 4000, 1, dtype=torch.float64)
    torch.manual_seed(0)
    drawn = layer(x)[0].mean(dim=1)
    expected = layer.eval()(x)[0][:, 0]
    torch.testing.assert_close(drawn, expected, rtol=0.03, atol=0.03)


def test_what_comes_back_of_the_inside():
    layer = recur.LSTM(3, 4, num_layers=2, bidirectional=True, batch_first=True, return_gates=True)
    x = torch.randn(2, 5, 3)
    y, (_, c), inside = layer(x, lengths=[5, 3])
    assert len(inside) == 2
    assert list(inside[1]) == ["i", "f", "g", "o", "c"]
    assert all(v.shape == (2, 5, 8) for v in inside[1].values())
    assert not inside[1]["i"].requires_grad
    torch.testing.assert_close(inside[1]["c"][0, 4, :4], c[2, 0])
    torch.testing.assert_close(inside[1]["c"][1, 0, 4:], c[3, 1])
    torch.testing.assert_close(inside[1]["o"] * inside[1]["c"].tanh(), y)
    assert (inside[1]["f"][1, 3:] == 0).all()  # steps that do not exist
    only = recur.GRU(3, 4, return_gates=True, return_sequences=False)
    last, found = only(torch.randn(5, 2, 3))
    assert last.shape == (2, 4)
    assert list(found[0]) == ["r", "z", "n"]


class TestInitialisation:
    def test_chrono_lets_memories_last(self):
        torch.manual_seed(0)
        size = {"num_layers": 2, "bidirectional": True, "chrono": 100}
        lstm, gru = recur.LSTM(3, 400, **size), recur.GRU(3, 400, **size)
        b = lstm.bias_ih_l1_reverse + lstm.bias_hh_l1_reverse
        i, f = b[:400], b[400:800]
        torch.testing.assert_close(i, -f)
        for keeps in (f, (gru.bias_ih_l0 + gru.bias_hh_l0)[400:800]):
            spans = keeps.exp()
            assert spans.min() >= 1 - 1e-4
            assert spans.max() <= 99 + 1e-2
            assert abs(spans.mean() - 50) < 5  # uniform from 1 to 99

    def test_normalisation_starts_as_none(self):
        layer = recur.LSTM(3, 4, layer_norm=True, bidirectional=True)
        assert (layer.weight_norm_ih_l0 == 1).all()
        assert (layer.weight_norm_c_l0_reverse == 1).all()
        assert (layer.bias_norm_c_l0 == 0).all()

    def test_heads_do_not_see_one_another(self):
        torch.manual_seed(0)
        layer = recur.SLSTM(3, 8, heads=4)
        assert layer.weight_hh_l0.shape == (32, 2)
        whole = layer.weights(0, 0).w_hh
        blocks = torch.block_diag(*torch.ones(4, 2, 2)).bool().repeat(4, 1)
        assert (whole[~blocks] == 0).all()
        assert (whole[blocks] != 0).all()
        torch.testing.assert_close(whole[8:10, 0:2], layer.weight_hh_l0[8:10])
        torch.testing.assert_close(whole[14:16, 6:8], layer.weight_hh_l0[14:16])


BAD = [
    ("lstm", {"zoneout": 1.0}, "zoneout must be a number from 0 to below 1, or one for each"),
    ("lstm", {"zoneout": (0.1, 0.2, 0.3)}, "of the states h, c; got"),
    ("lstm", {"recurrent_dropout": -0.1}, "recurrent_dropout must be a number from 0"),
    ("lstm", {"weight_drop": "0.5"}, "weight_drop must be a number from 0 to below 1; got '0.5'"),
    ("lstm", {"layer_norm": 1}, "layer_norm must be True or False; got 1"),
    ("lstm", {"clip_cell": -1.0}, "clip_cell must be a number, 0 for no limit; got -1.0"),
    ("lstm", {"clip_gradient": float("nan")}, "clip_gradient must be a number"),
    ("lstm", {"chrono": 1}, "chrono must be 2 or more; got 1"),
    ("lstm", {"chrono": 9, "bias": False}, "bias must be True where a chrono is given"),
    ("lstm", {"chrono": 9, "forget_bias": 1.0}, "forget_bias must be None where chrono is given"),
    ("lstm", {"merge": "sum"}, "merge must be 'concat' where there is one direction"),
    (
        "lstm",
        {"merge": "add", "bidirectional": True},
        "merge must be concat, sum, mean or mul; got 'add'",
    ),
    ("lstm", {"peepholes": True, "proj_size": 3}, "proj_size must be 0 with peepholes"),
    (
        "gru",
        {"reset_after": False, "layer_norm": True},
        "layer_norm must be False with reset_after",
    ),
    ("mingru", {"recurrent_dropout": 0.1}, "recurrent_dropout must be left out: a MinGRU has no"),
    ("indrnn", {"weight_drop": 0.1}, "weight_drop must be left out: a IndRNN has no recurrent"),
    ("indrnn", {"nonlinearity": "gelu"}, "nonlinearity must be relu or tanh; got"),
    ("slstm", {"heads": 3}, "heads must be a divisor of 8, the units; got 3"),
    ("slstm", {"heads": 0}, "heads must be 1 or more; got 0"),
]


@pytest.mark.parametrize(("name", "options", "sentence"), BAD, ids=ids)
def test_arguments_that_mean_nothing(name, options, sentence):
    with pytest.raises(recur.InputError, match=sentence):
        LAYERS[name](3, 8, **options)


@pytest.mark.parametrize(
    ("name", "argument"), [("rnn", "peepholes"), ("gru", "coupled"), ("lstm", "reset_after")]
)
def test_arguments_of_another_layer(name, argument):
    with pytest.raises(TypeError, match=f"unexpected keyword argument '{argument}'"):
        LAYERS[name](3, 8, **{argument: True})


def test_the_path_of_each_is_told():
    assert "cpu (compiled" in str(recur.explain(recur.LSTM(3, 4, layer_norm=True, zoneout=0.1)))
    projected = recur.LSTM(3, 4, proj_size=2, zoneout=0.1)
    assert "a projection is compiled for the plain LSTM only" in str(recur.explain(projected))
    kept = recur.SLSTM(3, 4, checkpoint_every=5)
    assert "checkpoints are compiled for the plain" in str(recur.explain(kept))


@pytest.mark.parametrize("name", LAYERS)
def test_each_is_a_recurrent_layer(name):
    layer = LAYERS[name](3, 4)
    assert isinstance(layer, Recurrent)
    assert isinstance(layer, torch.nn.RNNBase)
    assert "cpu (compiled" in str(recur.explain(layer))


@pytest.mark.parametrize("name", ["lstm", "slstm", "mingru"])
def test_each_compiles_into_one_graph(name):
    torch._dynamo.reset()
    options = {} if name == "mingru" else {"layer_norm": True, "recurrent_dropout": 0.2}
    layer = LAYERS[name](3, 4, zoneout=0.1, batch_first=True, **options).eval()
    x = torch.randn(2, 5, 3)
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(x)[0], layer(x)[0])
    layer.train()
    assert compiled(x)[0].isfinite().all()
    given = x.clone().requires_grad_()
    layer.eval()
    found = []
    for each in (compiled, layer):
        y, state = each(given)
        loss = y.square().sum() + (state[0] if isinstance(state, tuple) else state).sum()
        found.append(torch.autograd.grad(loss, [given, *layer.parameters()]))
    for a, b in zip(*found, strict=True):
        torch.testing.assert_close(a, b)
