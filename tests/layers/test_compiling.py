"""`torch.compile` without a graph break, and `torch.export`, of models with each layer."""

from __future__ import annotations

import pytest
import torch
from tests.layers.kinds import ours, tensors
from torch import nn
from torch.export import Dim

import recur
from recur.engine.cpu import library

pytestmark = [
    pytest.mark.skipif(not library.runnable(), reason="the compiled engine is not built"),
    # Torch's compiler and exporter still use what torch deprecates.
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),
]


# Each class once: a trace takes seconds.
CLASSES = ["rnn_tanh", "lstm", "gru"]


@pytest.fixture(autouse=True)
def fresh():
    """As in a process of its own: the compiler remembers nothing, no library has been chosen."""
    library.decide_again()
    yield
    torch._dynamo.reset()


class Model(nn.Module):
    """Both ways, with everything that a batch of unequal sequences brings along."""

    def __init__(self, kind):
        super().__init__()
        options = {"bidirectional": True, "batch_first": True}
        self.rnn = ours(kind, 3, 4, return_sequences=False, **options)
        self.head = nn.Linear(8, 1)

    def forward(self, x, lengths=None, mask=None, reset=None):
        return self.head(self.rnn(x, lengths=lengths, mask=mask, reset=reset))


def batch(rows, time):
    lengths = torch.arange(rows) % (time + 1)
    flags = torch.rand(2, rows, time) < 0.5
    return torch.randn(rows, time, 3), lengths, flags[0], flags[1]


def compiled(model, **options):
    return torch.compile(model, backend="aot_eager", fullgraph=True, **options)


def both_ways(model, run, given):
    """Outputs and gradients of the model itself and of what was made of it."""
    found = []
    for function in (model, run):
        model.zero_grad()
        outputs = tensors(function(*given))
        sum(y.square().sum() for y in outputs).backward()
        found.append([*outputs, *(w.grad for w in model.parameters())])
    for a, b in zip(*found, strict=True):
        torch.testing.assert_close(b, a)


@pytest.mark.parametrize("kind", CLASSES)
def test_a_model_in_one_graph(kind):
    model = nn.Sequential(recur.Embedding(9, 3), ours(kind, 3, 4, num_layers=2))
    both_ways(model, compiled(model), (torch.randint(9, (5, 2)),))


@pytest.mark.parametrize("kind", CLASSES)
def test_a_new_length_or_batch_needs_no_new_graph(kind):
    """Two in all: one for the first sizes, one for any."""
    layer = ours(kind, 3, 4, bidirectional=True)
    torch._dynamo.utils.counters.clear()
    run = compiled(layer)
    for time, rows in ((5, 2), (7, 3), (9, 4), (30, 7), (11, 5), (4, 9)):
        tensors(run(torch.randn(time, rows, 3)))[0].sum().backward()
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 2


@pytest.mark.parametrize("kind", CLASSES)
def test_lengths_masks_and_resets_in_one_graph(kind):
    model = Model(kind)
    run = compiled(model, dynamic=True)
    both_ways(model, run, batch(3, 7))
    x, _, mask, reset = batch(3, 7)
    for wrong in (8, -1):
        with pytest.raises(RuntimeError, match="lengths must be between 0 and the steps"):
            run(x, torch.tensor([7, wrong, 0]), mask, reset)


def test_a_layer_by_itself_and_under_autocast():
    layer = recur.GRU(3, 4)
    x = torch.randn(5, 2, 3)
    with torch.autocast("cpu", torch.bfloat16):
        y, state = compiled(layer)(x)
        want, _ = layer(x)
    assert y.dtype == state.dtype == torch.bfloat16
    assert torch.equal(y, want)


def test_evaluation_and_inference():
    model = Model("lstm").eval()
    run, given = compiled(model), batch(3, 7)
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            torch.testing.assert_close(run(*given), model(*given))


def test_the_refusal_of_torch_s_own_layers_stays_as_it_is():
    compiled(recur.LSTM(3, 4))(torch.randn(5, 2, 3))
    assert not torch._dynamo.config.allow_rnn
    with pytest.raises(torch._dynamo.exc.Unsupported):
        compiled(nn.LSTM(3, 4))(torch.randn(5, 2, 3))


@pytest.mark.parametrize(("kind", "strict"), [*((kind, False) for kind in CLASSES), ("gru", True)])
def test_export_with_free_batch_and_time(kind, strict, tmp_path):
    model = Model(kind).eval()
    rows, time = Dim("rows", min=1, max=10_000), Dim("time", min=1, max=100_000)
    both = {0: rows, 1: time}
    with torch.no_grad():
        program = torch.export.export(
            model,
            batch(3, 7),
            dynamic_shapes={"x": both, "lengths": {0: rows}, "mask": both, "reset": both},
            strict=strict,
        )
    torch.export.save(program, tmp_path / "model.pt2")
    loaded = torch.export.load(tmp_path / "model.pt2").module()
    for shape in ((3, 7), (1, 1), (5, 12)):
        given = batch(*shape)
        torch.testing.assert_close(loaded(*given), model(*given))
