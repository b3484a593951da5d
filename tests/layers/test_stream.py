"""`recur.Stream`: a step at a call is the sequence at once, and costs no memory."""

from __future__ import annotations

import copy
import io
import pickle
import tracemalloc

import pytest
import torch
from tests.engine.paths import PATHS, forced
from tests.layers.kinds import KINDS, ours
from torch import nn
from torch.nn.utils import parametrizations

import recur


@pytest.fixture(params=PATHS, autouse=True)
def path(request):
    with forced(request.param):
        yield request.param


def states(stream):
    return stream.state if isinstance(stream.state, tuple) else (stream.state,)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
@pytest.mark.parametrize("batch", [None, 1, 3, 9])
@pytest.mark.parametrize("kind", [*KINDS, "lstm, projected"])
def test_step_by_step_is_at_once(kind, batch, dtype):
    options = {"num_layers": 2}
    if kind == "lstm, projected":
        kind, options["proj_size"] = "lstm", 5
    layer = ours(kind, 3, 18, dtype=dtype, **options)
    rows = () if batch is None else (batch,)
    x = torch.randn(7, *rows, 3).to(dtype)
    with torch.no_grad():
        y, final = layer(x)
    stream = recur.Stream(layer, batch)
    close = {"rtol": 0.05, "atol": 0.05} if dtype == torch.bfloat16 else {}
    for t in range(7):
        torch.testing.assert_close(stream(x[t]), y[t], **close)
    want = final if isinstance(final, tuple) else (final,)
    for got, state in zip(states(stream), want, strict=True):
        torch.testing.assert_close(got.reshape(state.shape), state, **close)


def test_the_state_may_be_written_and_rows_start_anew():
    layer = ours("gru", 3, 4)
    x, hx = torch.randn(2, 3), torch.randn(1, 2, 4)
    stream = recur.Stream(layer, 2)
    stream.state.copy_(hx)
    torch.testing.assert_close(stream(x), layer(x.unsqueeze(0), hx)[0][0])
    before = stream.state.clone()
    stream.reset([1])
    assert torch.equal(stream.state[0, 0], before[0, 0])
    assert not stream.state[0, 1].any()
    stream.reset()
    assert not stream.state.any()


def test_weights_changed_in_place_are_seen():
    layer, other = ours("lstm", 3, 4), ours("lstm", 3, 4)
    stream, x = recur.Stream(layer, 1), torch.randn(1, 3)
    layer.load_state_dict(other.state_dict())
    torch.testing.assert_close(stream(x), other(x.unsqueeze(0))[0][0])
    for weight in layer.parameters():
        weight.data = torch.zeros_like(weight)
    stream.reset()
    assert not stream(x).any()


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_allocated_after_the_first_call(kind, path):
    if path == "reference":
        pytest.skip("the reference is plain PyTorch, whose operators allocate")
    stream, x = recur.Stream(ours(kind, 8, 16, num_layers=2), 1), torch.randn(1, 8)
    for _ in range(3):
        y = stream(x)
    with torch.profiler.profile(profile_memory=True) as seen:
        for _ in range(100):
            assert stream(x) is y
    assert not [event for event in seen.key_averages() if event.key.startswith("aten::")]
    tracemalloc.start()
    try:
        for _ in range(3):
            stream(x)
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(100):
            stream(x)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 200, "Python objects pile up"


def test_no_gradient_is_recorded():
    stream = recur.Stream(ours("rnn_tanh", 3, 4))
    assert not stream(torch.randn(3, requires_grad=True)).requires_grad


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (torch.zeros(1, 4), "of the shape \\(1, 3\\) on cpu; got .* of the shape \\(1, 4\\)"),
        (torch.zeros(3), "shape \\(3,\\)"),
        (torch.zeros(2, 3), "shape \\(2, 3\\)"),
        (torch.zeros(1, 3, dtype=torch.float64), "torch.float64"),
        (torch.zeros(1, 3, device="meta"), "on meta"),
    ],
)
def test_another_input_is_one_sentence(x, words):
    stream = recur.Stream(ours("gru", 3, 4), 1)
    with pytest.raises(recur.InputError, match=words):
        stream(x)


def test_x_may_lie_in_any_way():
    layer, x = ours("gru", 3, 4), torch.randn(3, 2)
    stream = recur.Stream(layer, 2)
    torch.testing.assert_close(stream(x.t()), layer(x.t().unsqueeze(0))[0][0])


def test_a_layer_that_became_another_is_refused():
    layer = ours("gru", 3, 4)
    stream = recur.Stream(layer, 1)
    layer.double()
    with pytest.raises(RuntimeError, match=r"float64|same dtype"):
        stream(torch.zeros(1, 3))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: recur.Stream(nn.GRU(3, 4)), "recur.RNN, LSTM or GRU; got GRU. recur.accelerate"),
        (lambda: recur.Stream(recur.GRU(3, 4, bidirectional=True)), "no end to walk back from"),
        (lambda: recur.Stream(recur.GRU(3, 4), 0), "batch_size must be .* got 0"),
    ],
)
def test_what_cannot_stream_is_one_sentence(make, words):
    with pytest.raises(recur.InputError, match=words):
        make()


def test_the_layer_is_left_alone():
    layer = ours("lstm", 3, 4, num_layers=2)
    before = copy.deepcopy(layer.state_dict())
    recur.Stream(layer, 2)(torch.randn(2, 3))
    for name, weight in layer.state_dict().items():
        assert torch.equal(weight, before[name])


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        (lambda layer: recur.Stream(layer, 1.5), "batch_size must be a whole number"),
        (lambda layer: recur.Stream(layer, "a"), "batch_size must be a whole number"),
        (lambda layer: recur.Stream(layer, 2).reset([5]), "rows must be None, or some of the 2"),
        (lambda layer: recur.Stream(layer, 2).reset("a"), "rows must be None, or some of the 2"),
        (lambda layer: recur.Stream(layer, 2).reset(torch.ones(3).bool()), "some of the 2 rows"),
        (lambda layer: recur.Stream(layer, 2)([[1.0, 2], [3, 4]]), "x must be a tensor; got list"),
    ],
)
def test_bad_input_is_one_sentence(act, sentence):
    with pytest.raises(recur.InputError, match=sentence):
        act(recur.GRU(2, 3))


CASES = {
    "rnn": lambda **o: recur.RNN(3, 4, **o),
    "lstm": lambda **o: recur.LSTM(3, 4, **o),
    "gru": lambda **o: recur.GRU(3, 4, **o),
    "projected": lambda **o: recur.LSTM(3, 4, proj_size=2, **o),
    "peepholes": lambda **o: recur.LSTM(3, 4, peepholes=True, **o),
    "coupled": lambda **o: recur.LSTM(3, 4, coupled=True, **o),
    "clip_cell": lambda **o: recur.LSTM(3, 4, clip_cell=0.1, **o),
    "layer_norm": lambda **o: recur.LSTM(3, 4, layer_norm=True, **o),
    "zoneout": lambda **o: recur.GRU(3, 4, zoneout=0.2, **o),
    "reset before": lambda **o: recur.GRU(3, 4, reset_after=False, **o),
    "indrnn": lambda **o: recur.IndRNN(3, 4, **o),
    "mingru": lambda **o: recur.MinGRU(3, 4, **o),
    "minlstm": lambda **o: recur.MinLSTM(3, 4, **o),
    "slstm": lambda **o: recur.SLSTM(3, 4, heads=2, **o),
    "parametrized": lambda **o: parametrizations.weight_norm(recur.GRU(3, 4, **o), "weight_hh_l0"),
}


def saved(stream):
    kept = io.BytesIO()
    torch.save(stream, kept)
    return torch.load(io.BytesIO(kept.getvalue()), weights_only=False)


COPIES = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda stream: pickle.loads(pickle.dumps(stream)),
    "torch.save": saved,
}


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("case", CASES)
def test_a_copy_goes_on_from_the_same_place_and_apart(case, how):
    for batch, steps in ((None, 0), (None, 3), (2, 1)):
        layer = CASES[case](num_layers=2).eval()
        x = torch.randn(6, *([] if batch is None else [batch]), 3)
        want = layer(x)[0].detach()
        stream = recur.Stream(layer, batch)
        for t in range(steps):
            stream(x[t])
        twin = COPIES[how](stream)
        third = COPIES[how](twin)
        for each in (twin, stream, third):
            for t in range(steps, 6):
                torch.testing.assert_close(each(x[t]), want[t])


def test_whose_weights_a_copy_follows():
    layer, x = ours("gru", 3, 4), torch.randn(3)
    stream = recur.Stream(layer)
    shallow, both = copy.copy(stream), copy.deepcopy({"layer": layer, "stream": stream})
    with torch.no_grad():
        for weight in (*layer.parameters(), *both["layer"].parameters()):
            weight.zero_()
    assert not shallow(x).any()
    assert not both["stream"](x).any()
