"""Equal to torch.nn over the full product of options: outputs, final states, every gradient."""

from __future__ import annotations

import itertools

import pytest
import torch
from tests.engine.paths import PATHS, forced
from tests.layers.kinds import KINDS, initial, pair, tensors
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

# Torch's own remark about torch's layer.
pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported:UserWarning")

TIME, BATCH, INPUTS, HIDDEN = 5, 4, 3, 4
FORMS = ("unbatched", "batched", "packed, sorted", "packed, unsorted")
# In float32 both round; in float64 what differs by more is another function.
TOLERANCE = {torch.float32: 2e-5, torch.float64: 1e-12}


def drawn(form, batch_first, dtype):
    """A leaf, and what is made of it for the layer."""
    if form == "unbatched":
        leaf = torch.randn(TIME, INPUTS, dtype=dtype, requires_grad=True)
        return leaf, leaf
    shape = (BATCH, TIME, INPUTS) if batch_first else (TIME, BATCH, INPUTS)
    leaf = torch.randn(shape, dtype=dtype, requires_grad=True)
    if form == "batched":
        return leaf, leaf
    lengths = [5, 5, 3, 1] if form == "packed, sorted" else [3, 5, 1, 5]
    packed = pack_padded_sequence(
        leaf, torch.tensor(lengths), batch_first=batch_first, enforce_sorted="un" not in form
    )
    return leaf, packed


def everything(layer, leaf, given, hx, seed):
    """Outputs, final states, then the gradients of input, initial state and weights."""
    states = [s.requires_grad_() for s in tensors(hx)] if hx is not None else []
    output, state = layer(given, hx)
    results = tensors((output, state))
    torch.manual_seed(seed)
    incoming = [torch.randn(r.shape, dtype=r.dtype) for r in results]
    wanted = [leaf, *states, *layer.parameters()]
    gradients = torch.autograd.grad(results, wanted, incoming, retain_graph=True)
    return output, [*results, *gradients]


@pytest.mark.parametrize("dtype", TOLERANCE, ids=["float32", "float64"])
@pytest.mark.parametrize("batch_first", [False, True], ids=["time first", "batch first"])
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
@pytest.mark.parametrize("bidirectional", [False, True], ids=["one way", "both ways"])
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("kind", [*KINDS, "lstm, projected"])
def test_every_option(kind, layers, bidirectional, bias, batch_first, dtype):
    options = {"num_layers": layers, "bidirectional": bidirectional, "bias": bias}
    options |= {"batch_first": batch_first, "dtype": dtype}
    if kind == "lstm, projected":
        kind, options["proj_size"] = "lstm", 2
    theirs, ours = pair(kind, INPUTS, HIDDEN, **options)
    for seed, (form, with_state) in enumerate(itertools.product(FORMS, [False, True])):
        leaf, given = drawn(form, batch_first, dtype)
        hx = initial(ours, None if form == "unbatched" else BATCH, dtype) if with_state else None
        output, want = everything(theirs, leaf, given, hx, seed)
        own, got = everything(ours, leaf, given, hx, seed)
        assert type(own) is type(output)
        if isinstance(output, PackedSequence):
            for name in ("batch_sizes", "sorted_indices", "unsorted_indices"):
                mine, other = getattr(own, name), getattr(output, name)
                assert mine is other or torch.equal(mine, other), name
        for index, (a, b) in enumerate(zip(got, want, strict=True)):
            assert a.shape == b.shape
            assert a.dtype == b.dtype
            scale = max(1.0, b.abs().max().item())
            worst = (a - b).abs().max().item()
            assert worst <= TOLERANCE[dtype] * scale, (form, with_state, index, worst)


@pytest.mark.parametrize("kind", KINDS)
def test_without_gradients_and_in_evaluation(kind):
    theirs, ours = pair(kind, 3, 4, num_layers=2, dropout=0.5, bidirectional=True)
    theirs.eval()
    ours.eval()
    x = torch.randn(6, 3, 3)
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            for a, b in zip(tensors(ours(x)), tensors(theirs(x)), strict=True):
                torch.testing.assert_close(a, b)
                assert not a.requires_grad


@pytest.mark.parametrize("kind", KINDS)
def test_the_state_as_a_list_and_states_that_are_not_contiguous(kind):
    theirs, ours = pair(kind, 3, 4, num_layers=2)
    hx = initial(ours, 5)
    x = torch.randn(5, 6, 3).transpose(0, 1)
    if isinstance(hx, tuple):
        hx = [s.transpose(1, 2).contiguous().transpose(1, 2) for s in hx]
        want = theirs(x, tuple(hx))
    else:
        hx = hx.transpose(0, 2).contiguous().transpose(0, 2)
        want = theirs(x, hx)
    for a, b in zip(tensors(ours(x, hx)), tensors(want), strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_of_none(kind, path):
    """No rows, no steps, or neither; torch.nn refuses a time axis of none."""
    own = pair(kind, 3, 4, bidirectional=True)[1]
    for x in (torch.randn(5, 0, 3), torch.randn(0, 2, 3), torch.randn(0, 0, 3), torch.randn(0, 3)):
        with forced(path):
            output, state = own(x.requires_grad_())
            (output.sum() + sum(s.sum() for s in tensors(state))).backward()
        assert output.shape == (*x.shape[:-1], 8)
        for s in tensors(state):
            assert s.shape == (2, *x.shape[1:-1], 4)
            assert torch.equal(s, torch.zeros_like(s))
        assert torch.equal(x.grad, torch.zeros_like(x))
        assert all(p.grad is None or not p.grad.any() for p in own.parameters())


def test_half_precision_runs_and_is_near():
    theirs, ours = pair("lstm", 3, 4)
    want = theirs(x := torch.randn(5, 2, 3))[0]
    for dtype in (torch.bfloat16, torch.float16):
        output, _ = ours.to(dtype)(x.to(dtype))
        assert output.dtype == dtype
        torch.testing.assert_close(output.float(), want, rtol=0.05, atol=0.02)
