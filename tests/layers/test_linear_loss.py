"""The cross-entropy in pieces: torch's values and gradients, in every shape and type."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import recur
from recur.layers import linear_loss as pieces
from recur.layers.scores import LinearScores, unscored
from recur.messages import InputError

TOLERANCES = {
    torch.float64: {},
    torch.float32: {"atol": 2e-6, "rtol": 2e-5},
    torch.bfloat16: {"atol": 0.02, "rtol": 0.02},
}


@pytest.fixture
def small_pieces(monkeypatch):
    monkeypatch.setattr(pieces, "ON_CPU", 1)
    monkeypatch.setattr(pieces, "FEWEST", 3)


def example(rows=7, features=4, classes=5, *, bias=True, dtype=torch.float64, seed=0):
    """What the layer reads, its weight and bias, and targets of which the second counts not."""
    chance = torch.Generator().manual_seed(seed)

    def drawn(*shape):
        return torch.randn(*shape, generator=chance, dtype=torch.float64).to(dtype)

    parts = [drawn(rows, features), drawn(classes, features)] + ([drawn(classes)] if bias else [])
    targets = torch.randint(classes, (rows,), generator=chance)
    targets[1:2] = -100
    return [part.requires_grad_() for part in parts], targets


def apart(parts, targets, **how):
    """What torch makes of all the scores, in float32 at least."""
    x, weight, *bias = (part.to(torch.promote_types(part.dtype, torch.float32)) for part in parts)
    return F.cross_entropy(F.linear(x, weight, *bias), targets, **how)


def together(parts, targets, **how):
    x, weight, *bias = parts
    return recur.linear_cross_entropy(
        x, weight, targets, linear_bias=bias[0] if bias else None, **how
    )


@given(
    rows=st.integers(2, 12),
    features=st.integers(1, 6),
    classes=st.integers(1, 9),
    bias=st.booleans(),
    reduction=st.sampled_from(pieces.REDUCTIONS),
    label_smoothing=st.sampled_from([0.0, 0.1, 1.0]),
    dtype=st.sampled_from(list(TOLERANCES)),
)
def test_values_and_gradients_are_torchs(
    rows, features, classes, bias, reduction, label_smoothing, dtype
):
    parts, targets = example(rows, features, classes, bias=bias, dtype=dtype)
    how = {"reduction": reduction, "label_smoothing": label_smoothing}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "ON_CPU", 1)
        patch.setattr(pieces, "FEWEST", 3)
        found, expected = together(parts, targets, **how), apart(parts, targets, **how)
        assert found.dtype == dtype
        torch.testing.assert_close(found.to(expected.dtype), expected, **TOLERANCES[dtype])
        incoming = torch.linspace(0.5, 1.5, found.numel(), dtype=dtype).reshape(found.shape)
        ours = torch.autograd.grad(found, parts, incoming)
    theirs = torch.autograd.grad(expected, parts, incoming.to(expected.dtype))
    for one, other in zip(ours, theirs, strict=True):
        assert one.dtype == dtype
        torch.testing.assert_close(one, other, **TOLERANCES[dtype])


@pytest.mark.parametrize("reduction", pieces.REDUCTIONS)
def test_gradients_can_be_differentiated_again(small_pieces, reduction):
    parts, targets = example()

    def loss(*parts):
        return together(parts, targets, reduction=reduction, label_smoothing=0.1)

    assert torch.autograd.gradcheck(loss, parts, check_batched_grad=True)
    assert torch.autograd.gradgradcheck(loss, parts)


def test_a_graph_that_is_kept_gives_its_gradients_twice(small_pieces):
    parts, targets = example()
    loss = together(parts, targets)
    loss.backward(retain_graph=True)
    first = [part.grad.clone() for part in parts]
    parts[1].grad.zero_()
    loss.backward()
    torch.testing.assert_close(parts[1].grad, first[1])
    torch.testing.assert_close(parts[0].grad, 2 * first[0])


def test_only_what_is_asked_for_has_a_gradient(small_pieces):
    parts, targets = example()
    for frozen in range(3):
        for number, part in enumerate(parts):
            part.requires_grad_(number != frozen).grad = None
        together(parts, targets).backward()
        assert [part.grad is None for part in parts] == [n == frozen for n in range(3)]
    with torch.no_grad():
        assert not together(parts, targets).requires_grad


def test_a_target_that_does_not_count_costs_and_teaches_nothing(small_pieces):
    parts, targets = example()
    targets[:] = 3
    loss = together(parts, targets, ignore_index=3)
    assert loss.item() == 0  # torch's is NaN
    assert not any(grad.any() for grad in torch.autograd.grad(loss, parts))
    targets[0] = 1
    expected = apart(parts, targets, ignore_index=3)
    torch.testing.assert_close(together(parts, targets, ignore_index=3), expected)


def test_no_rows_and_rows_of_several_axes(small_pieces):
    (x, weight, bias), targets = example(rows=6)
    assert recur.linear_cross_entropy(x[:0], weight, targets[:0]).item() == 0
    shaped = recur.linear_cross_entropy(
        x.reshape(2, 3, 4), weight, targets.reshape(2, 3), linear_bias=bias, reduction="none"
    )
    assert shaped.shape == (2, 3)
    torch.testing.assert_close(
        shaped.flatten(), apart((x, weight, bias), targets, reduction="none")
    )


def test_under_autocast_products_are_in_half_precision_and_weights_are_not(small_pieces):
    parts, targets = example(dtype=torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = together(parts, targets)
        expected = F.cross_entropy(F.linear(*parts), targets)
    assert found.dtype == expected.dtype == torch.float32
    torch.testing.assert_close(found, expected, atol=0.02, rtol=0.02)
    ours, theirs = torch.autograd.grad(found, parts), torch.autograd.grad(expected, parts)
    for one, other in zip(ours, theirs, strict=True):
        assert one.dtype == torch.float32
        torch.testing.assert_close(one, other, atol=0.02, rtol=0.02)


def test_transforms_see_torchs_operators():
    (x, weight, bias), targets = example()
    found = torch.func.grad(lambda x: together((x, weight, bias), targets))(x)
    torch.testing.assert_close(found, *torch.autograd.grad(apart((x, weight, bias), targets), x))


def test_the_scores_are_never_all_there(monkeypatch):
    """The greatest tensor that is made is the weight's gradient, not tokens times classes."""
    monkeypatch.setattr(pieces, "ON_CPU", 64 * 1000)
    made = []

    class Sizes(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, function, types, given=(), how=None):
            found = function(*given, **(how or {}))
            if isinstance(found, torch.Tensor):
                made.append(found.untyped_storage().nbytes() // found.element_size())
            return found

    (x, weight), targets = example(rows=640, classes=1000, bias=False, dtype=torch.float32)
    with Sizes():
        together((x, weight), targets).backward()
    assert max(made) == 64 * 1000


def test_the_module_is_the_layer_with_the_loss():
    torch.manual_seed(0)
    module = recur.LinearCrossEntropyLoss(4, 5, bias=True, label_smoothing=0.1)
    table = nn.Embedding(5, 4)
    module.linear.weight = table.weight
    x, targets = torch.randn(3, 4), torch.tensor([4, 0, -100])
    expected = F.cross_entropy(module.linear(x), targets, label_smoothing=0.1)
    torch.testing.assert_close(module(x, targets), expected)
    module(x, targets).backward()
    assert table.weight.grad is not None
    assert "label_smoothing=0.1" in repr(module)
    theirs = getattr(nn, "LinearCrossEntropyLoss", None)
    if theirs is not None:  # from torch 2.13 on
        like = theirs(4, 5, bias=True, label_smoothing=0.1)
        like.load_state_dict(module.state_dict())
        torch.testing.assert_close(like(x, targets), expected)


def test_scores_for_later_are_those_of_a_plain_large_layer(monkeypatch):
    monkeypatch.setattr("recur.layers.scores.LARGE", 5)
    layer, x = nn.Linear(4, 5), torch.randn(2, 3, 4)
    later = unscored(layer, x)
    assert isinstance(later, LinearScores)
    assert (later.shape, later.dim()) == ((2, 3, 5), 3)
    torch.testing.assert_close(later.computed(), layer(x))
    kept = torch.tensor([[True, False, True], [False, False, True]])
    assert torch.equal(later[kept].computed(), layer(x[kept]))
    assert isinstance(unscored(nn.Linear(4, 4), x), torch.Tensor)
    layer.register_forward_hook(lambda *given: None)
    assert isinstance(unscored(layer, x), torch.Tensor)


BAD = {
    "reduction": ({"reduction": "average"}, r"^reduction must be mean, sum or none; got 'average'"),
    "smoothing": ({"label_smoothing": 1.5}, "label_smoothing must be from 0 to 1; got 1.5"),
    "weight": ({"linear_weight": torch.zeros(5)}, r"linear_weight must be \(classes, features\)"),
    "input": ({"input": torch.zeros(7, 3)}, r"input must be \(..., 4\), as the weight has it; got"),
    "bias": ({"linear_bias": torch.zeros(4)}, r"linear_bias must be \(5,\); got \(4,\)"),
    "shape": ({"target": torch.zeros(6).long()}, r"target must be class numbers, int64, of the sh"),
    "type": ({"target": torch.zeros(7)}, "For probabilities take torch's cross_entropy"),
    "class": ({"target": torch.full((7,), 5)}, "from 0 to 4, or -100, which does not count; got 5"),
    "negative": ({"target": torch.full((7,), -1)}, "which does not count; got -1"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_sentence(case):
    (x, weight, bias), target = example()
    given = {"input": x, "linear_weight": weight, "target": target, "linear_bias": bias}
    changed, sentence = BAD[case]
    with pytest.raises(InputError, match=sentence):
        recur.linear_cross_entropy(**{**given, **changed})
