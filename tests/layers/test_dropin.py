"""In the place of torch.nn's classes: what programs do with layers besides calling them."""

from __future__ import annotations

import copy
import inspect

import pytest
import torch
from tests.layers.kinds import KINDS, ours, pair, tensors, theirs
from torch import nn
from torch.nn.utils import parametrizations, parametrize, prune

import recur
from recur import files

X = torch.linspace(-1, 1, 5 * 2 * 3).reshape(5, 2, 3)
OPTIONS = [
    {},
    {"num_layers": 2, "bidirectional": True},
    {"bias": False},
    {"num_layers": 3, "dropout": 0.2},
]


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


def alike(a, b, **close):
    for mine, other in zip(tensors(a), tensors(b), strict=True):
        torch.testing.assert_close(mine, other, **close)


def test_the_classes_and_their_names(kind):
    name, _ = KINDS[kind]
    layer = ours(kind, 3, 4)
    assert isinstance(layer, getattr(nn, name))
    assert isinstance(layer, nn.RNNBase)
    assert type(layer).__name__ == name
    assert recur.SimpleRNN is recur.RNN


def test_the_arguments_of_torch_come_first_and_in_its_order(kind):
    name, extra = KINDS[kind]
    documented = ["input_size", "hidden_size", "num_layers", "nonlinearity", "bias", "batch_first"]
    documented += ["dropout", "bidirectional", "proj_size", "device", "dtype"]
    if name != "RNN":
        documented.remove("nonlinearity")
    if name != "LSTM":
        documented.remove("proj_size")
    parameters = inspect.signature(getattr(recur, name)).parameters
    positional = [p.name for p in parameters.values() if p.kind == p.POSITIONAL_OR_KEYWORD]
    assert positional == documented
    forward = inspect.signature(getattr(recur, name).forward).parameters
    positional = [p.name for p in forward.values() if p.kind == p.POSITIONAL_OR_KEYWORD]
    assert positional == ["self", "input", "hx"]
    given = (3, 4, 2, *extra.values(), False, True, 0.5, True)
    if name == "RNN" and not extra:
        given = (3, 4, 2, "tanh", False, True, 0.5, True)
    a, b = getattr(nn, name)(*given), getattr(recur, name)(*given)
    for attribute in ("input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout"):
        assert getattr(b, attribute) == getattr(a, attribute)
    assert (b.mode, b.bidirectional, b.proj_size) == (a.mode, a.bidirectional, a.proj_size)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_the_state_dict_goes_both_ways(kind, options):
    a, b = theirs(kind, 3, 4, **options), ours(kind, 3, 4, **options)
    assert {k: v.shape for k, v in a.state_dict().items()} == {
        k: v.shape for k, v in b.state_dict().items()
    }
    assert list(a.state_dict()) == list(b.state_dict())
    assert [n for n, _ in a.named_parameters()] == [n for n, _ in b.named_parameters()]
    assert not b.load_state_dict(a.state_dict(), strict=True).missing_keys
    alike(b.eval()(X), a.eval()(X))
    with torch.no_grad():
        for weight in b.parameters():
            weight.mul_(1.5)
    a.load_state_dict(b.state_dict(), strict=True)
    alike(b(X), a(X))


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_the_same_seed_gives_the_weights_of_torch(kind, options, dtype):
    torch.manual_seed(11)
    a = theirs(kind, 3, 4, dtype=dtype, **options)
    after = torch.rand(1)
    torch.manual_seed(11)
    b = ours(kind, 3, 4, dtype=dtype, **options)
    assert torch.equal(torch.rand(1), after)  # and the numbers drawn later are torch's too
    for name, weight in a.named_parameters():
        assert torch.equal(weight, b.get_parameter(name)), name
    torch.manual_seed(12)
    a.reset_parameters()
    torch.manual_seed(12)
    b.reset_parameters()
    for name, weight in a.named_parameters():
        assert torch.equal(weight, b.get_parameter(name)), name


def test_a_copy_has_weights_of_its_own(kind):
    layer = ours(kind, 3, 4, num_layers=2)
    twin = copy.deepcopy(layer)
    alike(twin(X), layer(X), rtol=0, atol=0)
    before = [t.clone() for t in tensors(layer(X))]
    with torch.no_grad():
        twin.weight_hh_l1.zero_()
    alike(layer(X), before, rtol=0, atol=0)
    assert not torch.equal(tensors(twin(X))[0], before[0])


def test_weights_through_a_file(kind, tmp_path):
    layer = ours(kind, 3, 4, num_layers=2, bidirectional=True)
    files.write_tensors(tmp_path / "weights.safetensors", layer.state_dict())
    stored, _ = files.read_tensors(tmp_path / "weights.safetensors")
    for into in (ours, theirs):
        other = into(kind, 3, 4, num_layers=2, bidirectional=True)
        other.load_state_dict(stored)
        alike(other(X), layer(X))


def test_weights_handed_in_by_functional_call(kind):
    layer, other = ours(kind, 3, 4), ours(kind, 3, 4)
    weights = {n: w.detach().clone().requires_grad_() for n, w in other.named_parameters()}
    result = torch.func.functional_call(layer, weights, (X,))
    alike(result, other(X))
    tensors(result)[0].sum().backward()
    assert all(w.grad is not None for w in weights.values())
    assert all(w.grad is None for w in layer.parameters())


def test_a_weight_norm_is_seen(kind):
    a, b = pair(kind, 3, 4)
    for layer in (a, b):
        parametrizations.weight_norm(layer, "weight_hh_l0")
        with torch.no_grad():
            layer.parametrizations.weight_hh_l0.original0.mul_(2)
            layer.bias_ih_l0.fill_(1)
    alike(b(X), a(X))
    tensors(b(X))[0].sum().backward()
    assert b.parametrizations.weight_hh_l0.original0.grad.abs().sum() > 0
    parametrize.remove_parametrizations(b, "weight_hh_l0")
    alike(b(X), a(X))


def test_a_parametrization_is_computed_once_in_a_forward(kind):
    class Counted(nn.Module):
        calls = 0

        def forward(self, weight):
            self.calls += 1
            return weight

    layer, counted = ours(kind, 3, 4), Counted()
    parametrize.register_parametrization(layer, "weight_ih_l0", counted)
    before = counted.calls
    layer(X)
    assert counted.calls == before + 1


def test_pruned_weights_are_seen(kind):
    a, b = pair(kind, 3, 4)
    for layer in (a, b):
        prune.l1_unstructured(layer, "weight_hh_l0", amount=0.5)
    assert (b.weight_hh_l0 == 0).float().mean() == 0.5
    alike(b(X), a(X))
    tensors(b(X))[0].sum().backward()
    assert not b.weight_hh_l0_orig.grad[b.weight_hh_l0_mask == 0].any()
    prune.remove(b, "weight_hh_l0")
    alike(b(X), a(X))


def test_a_weight_set_anew_is_seen(kind):
    layer = ours(kind, 3, 4)
    layer(X)
    layer.weight_ih_l0 = nn.Parameter(torch.zeros_like(layer.weight_ih_l0))
    a, b = tensors(layer(X))[0], tensors(layer(X + 1))[0]
    assert torch.equal(a, b)
    layer.weight_ih_l0.data = torch.ones_like(layer.weight_ih_l0)
    assert not torch.equal(tensors(layer(X))[0], a)


def test_weights_of_another_shape_are_refused(kind):
    layer = ours(kind, 3, 4)
    layer.weight_hh_l0 = nn.Parameter(torch.zeros(4, 5))
    with pytest.raises(RuntimeError, match="must be of the shape"):
        layer(X)


def test_moved_to_another_type_and_device(kind):
    layer = ours(kind, 3, 4)
    single = tensors(layer(X))
    layer.to(torch.float64)
    assert all(w.dtype == torch.float64 for w in layer.parameters())
    for a, b in zip(tensors(layer(X.double())), single, strict=True):
        torch.testing.assert_close(a.float(), b)
    layer.float().half().float()
    layer.to("meta")
    assert tensors(layer(X.to("meta")))[0].shape == (5, 2, 4)
    assert ours(kind, 3, 4, device="meta", dtype=torch.bfloat16).weight_hh_l0.is_meta


def test_applied_initialisation_and_frozen_weights(kind):
    layer = ours(kind, 3, 4)
    layer.apply(lambda m: [nn.init.constant_(w, 0.1) for w in m.parameters()])
    assert all((w == 0.1).all() for w in layer.parameters())
    layer.weight_hh_l0.requires_grad_(False)
    tensors(layer(X))[0].sum().backward()
    assert layer.weight_hh_l0.grad is None
    assert layer.weight_ih_l0.grad.abs().sum() > 0
    layer.requires_grad_(False)
    assert not tensors(layer(X))[0].requires_grad


def test_hooks_and_a_sequence_of_modules(kind):
    seen = []
    layer = ours(kind, 3, 4, return_sequences=False)
    layer.register_forward_hook(lambda module, given, result: seen.append(result.shape))
    model = nn.Sequential(layer, nn.Linear(4, 1))
    assert model(X).shape == (2, 1)
    assert seen == [(2, 4)]
    layer.flatten_parameters()
    assert model.state_dict().keys() >= {"0.weight_hh_l0", "1.weight"}


def test_training_is_torch_s_training(kind):
    a, b = pair(kind, 3, 4, dtype=torch.float64)
    losses = []
    for layer in (a, b):
        optimizer = torch.optim.Adam(layer.parameters(), lr=0.05)
        for _ in range(10):
            optimizer.zero_grad()
            loss = (tensors(layer(X.double()))[0] - 0.5).square().mean()
            loss.backward()
            optimizer.step()
        losses.append(loss.item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-9)
    for w, v in zip(a.parameters(), b.parameters(), strict=True):
        torch.testing.assert_close(v, w, rtol=1e-8, atol=1e-10)


def test_gradients_of_a_gradient(kind):
    """A penalty on the gradient's norm, as in adversarial training; torch.nn does it too."""
    a, b = pair(kind, 3, 4, dtype=torch.float64)
    found = []
    for layer in (a, b):
        x = X.double().requires_grad_()
        (gradient,) = torch.autograd.grad(tensors(layer(x))[0].sum(), x, create_graph=True)
        gradient.square().sum().backward()
        found.append([w.grad for w in layer.parameters()])
    for mine, other in zip(found[1], found[0], strict=True):
        torch.testing.assert_close(mine, other if other is not None else torch.zeros_like(mine))
