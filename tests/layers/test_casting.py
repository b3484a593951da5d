"""Under `torch.autocast`: the type that results have, and how near they are."""

from __future__ import annotations

import itertools

import pytest
import torch
from tests.engine.paths import PATHS, forced
from tests.layers.kinds import KINDS, initial, ours, pair, tensors
from torch import nn
from torch.nn.utils.rnn import PackedSequence, pack_sequence

HALVES = [torch.bfloat16, torch.float16]


@pytest.fixture(params=PATHS, autouse=True)
def path(request):
    with forced(request.param):
        yield request.param


@pytest.mark.parametrize("half", HALVES, ids=str)
@pytest.mark.parametrize("kind", [*KINDS, "lstm, projected"])
def test_results_have_its_type_whatever_goes_in(kind, half):
    options = {"num_layers": 2, "bidirectional": True}
    if kind == "lstm, projected":
        kind, options["proj_size"] = "lstm", 2
    layer = ours(kind, 3, 4, **options)
    x, hx = torch.randn(5, 2, 3), initial(layer, 2)
    want = tensors(layer(x, hx))
    with torch.autocast("cpu", half):
        for into, state in itertools.product([torch.float32, half], repeat=2):
            start = tuple(s.to(state) for s in tensors(hx))
            got = tensors(layer(x.to(into), start if len(start) > 1 else start[0]))
            for a, b in zip(got, want, strict=True):
                assert a.dtype == half
                torch.testing.assert_close(a.float(), b, rtol=0.02, atol=0.02)
    for dtype in {r.dtype for r in tensors(layer(x, hx))}:
        assert dtype == torch.float32


@pytest.mark.parametrize("kind", KINDS)
def test_the_walk_is_in_float32(kind):
    """The results are those of float32, rounded once, over a sequence that is long."""
    layer = ours(kind, 3, 4)
    x = torch.randn(300, 2, 3)
    want = tensors(layer(x))
    with torch.autocast("cpu", torch.bfloat16):
        got = tensors(layer(x))
    for a, b in zip(got, want, strict=True):
        assert torch.equal(a, b.bfloat16())


@pytest.mark.parametrize("kind", KINDS)
def test_training_a_model_as_people_do(kind):
    """Half precision from the layer below, gradients in the weights' own type, near torch's."""
    theirs, own = pair(kind, 3, 4, num_layers=2)
    found = []
    for layer in (theirs, own):
        torch.manual_seed(0)
        model = nn.ModuleList([nn.Linear(6, 3), layer, nn.Linear(4, 1)])
        with torch.autocast("cpu", torch.bfloat16):
            hidden = model[0](torch.randn(5, 2, 6))
            y = model[2](tensors(model[1](hidden))[0])
            loss = (y.float() - 1).square().mean()
        loss.backward()
        assert all(w.grad.dtype == torch.float32 for w in model.parameters())
        found.append([loss.detach(), *(w.grad for w in model.parameters())])
    for a, b in zip(*found, strict=True):
        torch.testing.assert_close(a, b, rtol=0.1, atol=0.02)


def test_a_packed_sequence_and_the_last_output():
    layer = ours("gru", 3, 4, return_sequences=False)
    whole = ours("gru", 3, 4)
    packed = pack_sequence([torch.randn(4, 3), torch.randn(2, 3)])
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(packed).dtype == torch.bfloat16
        output, state = whole(packed.to(torch.bfloat16))
    assert isinstance(output, PackedSequence)
    assert output.data.dtype == state.dtype == torch.bfloat16


def test_float64_is_left_alone_as_by_torch():
    layer = ours("lstm", 3, 4, dtype=torch.float64)
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(torch.randn(5, 2, 3, dtype=torch.float64))[0].dtype == torch.float64


def test_integers_are_refused_there_too():
    with torch.autocast("cpu", torch.bfloat16), pytest.raises(RuntimeError):
        ours("gru", 3, 4)(torch.ones(5, 2, 3, dtype=torch.int64))
