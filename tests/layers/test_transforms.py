"""Layers inside torch's function transforms, and backward in every mode that programs use."""

from __future__ import annotations

import pytest
import torch
from tests.engine.paths import PATHS, forced
from tests.layers.kinds import KINDS, ours, pair, tensors
from torch.func import functional_call, grad, hessian, jacfwd, jacrev, vmap
from torch.utils.checkpoint import checkpoint

import recur

# Torch's own forward mode still uses what torch deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")
ROWS, TIME = 4, 5


@pytest.fixture(params=[PATHS[0], *PATHS[1:2]], autouse=True)
def path(request):
    with forced(request.param):
        yield request.param


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


def layer_of(kind, **options):
    return ours(kind, 3, 4, batch_first=True, dtype=torch.float64, **options)


def batch():
    return torch.randn(ROWS, TIME, 3, dtype=torch.float64)


def test_per_sample_gradients_are_those_of_each_sample_alone(kind):
    layer, x = layer_of(kind, num_layers=2, bidirectional=True), batch()
    weights = {name: weight.detach() for name, weight in layer.named_parameters()}
    lengths = torch.tensor([5, 0, 1, 3])

    def loss(weights, x, length):
        given = (x.unsqueeze(0),), {"lengths": length.reshape(1)}
        output, *states = tensors(functional_call(layer, weights, *given))
        return output.square().sum() + sum(s.sum() for s in states)

    each = vmap(grad(loss), in_dims=(None, 0, 0))(weights, x, lengths)
    for row in range(ROWS):
        layer.zero_grad()
        output, *states = tensors(layer(x[row : row + 1], lengths=lengths[row : row + 1]))
        (output.square().sum() + sum(s.sum() for s in states)).backward()
        for name, weight in layer.named_parameters():
            torch.testing.assert_close(each[name][row], weight.grad)


def test_an_ensemble_of_layers_is_each_by_itself(kind):
    layers, x = [layer_of(kind) for _ in range(3)], batch()
    weights, _ = torch.func.stack_module_state(layers)
    together = vmap(lambda w: functional_call(layers[0], w, (x,))[0])(weights)
    for got, layer in zip(together, layers, strict=True):
        torch.testing.assert_close(got, layer(x)[0])


def test_jacobians_and_the_hessian(kind):
    theirs, own = pair(kind, 3, 4, dtype=torch.float64)
    x = torch.randn(3, 1, 3, dtype=torch.float64)
    want = torch.autograd.functional.jacobian(lambda x: theirs(x)[0], x)
    for jacobian in (jacrev, jacfwd):
        torch.testing.assert_close(jacobian(lambda x: own(x)[0])(x), want)
    second = [
        derive(lambda x, layer=layer: layer(x)[0].square().sum())(x)
        for layer, derive in (
            (theirs, lambda f: lambda x: torch.autograd.functional.hessian(f, x)),
            (own, hessian),
        )
    ]
    torch.testing.assert_close(second[1], second[0])


def test_backward_in_evaluation_mode_is_that_of_training(kind):
    layer, x = layer_of(kind, num_layers=2), batch().requires_grad_()
    leaves = [x, *layer.parameters()]
    want = torch.autograd.grad(layer(x)[0].square().sum(), leaves)
    layer.eval()
    for got, expected in zip(
        torch.autograd.grad(layer(x)[0].square().sum(), leaves), want, strict=True
    ):
        assert torch.equal(got, expected)


@pytest.mark.parametrize("reentrant", [False, True], ids=["plain", "reentrant"])
def test_torch_s_checkpoints(kind, reentrant):
    layer, x = layer_of(kind, return_sequences=True), batch().requires_grad_()
    found = []
    for function in (layer, lambda x: checkpoint(layer, x, use_reentrant=reentrant)):
        layer.zero_grad()
        x.grad = None
        function(x).square().sum().backward()
        found.append([x.grad, *(w.grad for w in layer.parameters())])
    for got, want in zip(found[1], found[0], strict=True):
        torch.testing.assert_close(got, want)


def test_backward_twice_and_what_was_changed_in_between(kind):
    layer, x = layer_of(kind), batch().requires_grad_()
    y, _ = layer(x)
    first = torch.autograd.grad(y.sum(), x, retain_graph=True)
    assert torch.equal(first[0], torch.autograd.grad(y.sum(), x)[0])
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        torch.autograd.grad(y.sum(), x)
    y, _ = layer(x)
    with torch.no_grad():
        layer.weight_hh_l0.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_what_is_saved_may_live_elsewhere(kind):
    layer, x = layer_of(kind), batch().requires_grad_()
    (want,) = torch.autograd.grad(layer(x)[0].sum(), x)
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(
        lambda t: kept.append(t.numpy().copy()) or len(kept) - 1,
        lambda at: torch.from_numpy(kept[at]),
    ):
        y, _ = layer(x)
    (got,) = torch.autograd.grad(y.sum(), x)
    torch.testing.assert_close(got, want)


def test_several_gradients_at_once(kind):
    """`is_grads_batched`, a transform of an older kind than torch.func's."""
    layer, x = layer_of(kind, return_sequences=True), batch().requires_grad_()
    y = layer(x)
    along = torch.randn(3, *y.shape, dtype=y.dtype)
    (together,) = torch.autograd.grad(y, x, along, is_grads_batched=True, retain_graph=True)
    for got, each in zip(together, along, strict=True):
        torch.testing.assert_close(got, torch.autograd.grad(y, x, each, retain_graph=True)[0])


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")
def test_a_trace_for_inference_serves_other_sizes(kind, path):
    layer = layer_of(kind, bidirectional=True, return_sequences=True).eval()
    with torch.no_grad():
        traced = torch.jit.trace(layer, (batch(),))
        # The reference's loop is unrolled by a trace, for one length.
        x = torch.randn(2, TIME if path == "reference" else 9, 3, dtype=torch.float64)
        torch.testing.assert_close(traced(x), layer(x))


@pytest.mark.parametrize("every", [0, 2])
def test_no_step_at_all_has_a_gradient_that_can_be_differentiated(kind, every):
    layer = layer_of(kind, checkpoint_every=every)
    x = torch.zeros(2, 0, 3, dtype=torch.float64, requires_grad=True)
    leaves = [x, *layer.parameters()]
    for pick in (0, 1):
        want = torch.autograd.grad(tensors(layer(x))[pick].sum(), leaves)
        got = torch.autograd.grad(tensors(layer(x))[pick].sum(), leaves, create_graph=True)
        for a, b in zip(got, want, strict=True):
            assert torch.equal(a, b)


def test_checkpoints_within_a_transform(kind):
    layer, kept, x = layer_of(kind, checkpoint_every=2), layer_of(kind), batch()
    weights = {name: weight.detach() for name, weight in kept.named_parameters()}

    def loss(layer, x):
        return functional_call(layer, weights, (x.unsqueeze(0),))[0].square().sum()

    for derive in (lambda f: grad(f)(x[0]), lambda f: vmap(grad(f))(x), lambda f: hessian(f)(x[0])):
        torch.testing.assert_close(
            derive(lambda x: loss(layer, x)), derive(lambda x: loss(kept, x))
        )


OTHERS = {
    "lstm": lambda **o: recur.LSTM(3, 4, **o),
    "gru": lambda **o: recur.GRU(3, 4, **o),
    "slstm": lambda **o: recur.SLSTM(3, 4, **o),
    "mingru": lambda **o: recur.MinGRU(3, 4, **o),
}


@pytest.mark.parametrize("case", OTHERS)
def test_a_clipped_gradient_is_not_differentiated_again(case):
    layer = OTHERS[case](clip_gradient=0.02, dtype=torch.float64)
    x = batch().requires_grad_()
    (plain,) = torch.autograd.grad(layer(x)[0].square().sum(), x)
    (once,) = torch.autograd.grad(layer(x)[0].square().sum(), x, create_graph=True)
    torch.testing.assert_close(once, plain)
    torch.testing.assert_close(grad(lambda x: layer(x)[0].square().sum())(x.detach()), plain)
    with pytest.raises(recur.InputError, match=r"clip_gradient has clipped .* clip_gradient=0"):
        torch.autograd.grad(once.sum(), x)
