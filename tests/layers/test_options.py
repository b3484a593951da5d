"""What recur adds to the constructors, and what a layer says about itself."""

from __future__ import annotations

import pytest
import torch
from tests.layers.kinds import KINDS, ours, theirs

import recur


@pytest.mark.parametrize(
    ("kind", "gates"), [("rnn_tanh", 1), ("rnn_relu", 1), ("lstm", 4), ("gru", 3)]
)
@pytest.mark.parametrize("how", ["orthogonal", "identity"])
def test_recurrent_matrices_start_gate_by_gate(kind, gates, how):
    torch.manual_seed(2)
    plain = theirs(kind, 3, 5, num_layers=2, bidirectional=True)
    torch.manual_seed(2)
    layer = ours(kind, 3, 5, num_layers=2, bidirectional=True, recurrent_init=how)
    for again in range(2):
        for name, weight in layer.named_parameters():
            if "weight_hh" not in name:
                if not again:  # the others are torch's own
                    assert torch.equal(weight, plain.get_parameter(name)), name
                continue
            for gate in weight.chunk(gates):
                assert gate.shape == (5, 5)
                torch.testing.assert_close(gate @ gate.T, torch.eye(5), rtol=0, atol=1e-5)
                if how == "identity":
                    assert torch.equal(gate, torch.eye(5))
        if how == "orthogonal":
            first, *others = [w for n, w in layer.named_parameters() if "weight_hh" in n]
            assert not any(torch.equal(first, other) for other in others)
        layer.reset_parameters()


@pytest.mark.parametrize("projection", [2, 3, 4])
def test_a_projected_state_starts_orthogonal_in_each_gate(projection):
    layer = recur.LSTM(3, 5, proj_size=projection, recurrent_init="orthogonal")
    for gate in layer.weight_hh_l0.chunk(4):
        torch.testing.assert_close(gate.T @ gate, torch.eye(projection), rtol=0, atol=1e-5)


def test_half_precision_starts_too():
    layer = recur.GRU(3, 4, dtype=torch.bfloat16, recurrent_init="orthogonal")
    gate = layer.weight_hh_l0[:4].float()
    torch.testing.assert_close(gate @ gate.T, torch.eye(4), rtol=0, atol=0.05)


def test_the_forget_gate_starts_open():
    layer = recur.LSTM(3, 5, num_layers=2, bidirectional=True, forget_bias=1.5)
    for end in ("l0", "l0_reverse", "l1", "l1_reverse"):
        b = layer.get_parameter(f"bias_ih_{end}") + layer.get_parameter(f"bias_hh_{end}")
        i, f, g, o = b.chunk(4)
        assert torch.equal(f, torch.full((5,), 1.5))
        assert all((other != 1.5).all() and other.std() > 0 for other in (i, g, o))
    layer.apply(lambda module: module.reset_parameters())
    assert torch.equal((layer.bias_ih_l1 + layer.bias_hh_l1)[5:10], torch.full((5,), 1.5))


def test_only_the_lstm_has_a_forget_gate():
    for layer in (recur.RNN, recur.GRU):
        with pytest.raises(TypeError, match="forget_bias"):
            layer(3, 4, forget_bias=1.0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "options", [{}, {"num_layers": 2, "bidirectional": True, "batch_first": True, "dropout": 0.5}]
)
def test_a_layer_prints_as_torch_s(kind, options):
    assert repr(ours(kind, 3, 4, **options)) == repr(theirs(kind, 3, 4, **options))


def test_a_layer_prints_what_is_recur_s_own():
    assert repr(
        recur.LSTM(3, 4, return_sequences=False, recurrent_init="identity", forget_bias=1.0)
    ) == ("LSTM(3, 4, return_sequences=False, recurrent_init='identity', forget_bias=1.0)")
    assert repr(recur.GRU(3, 4, return_sequences=True, return_state=True)) == (
        "GRU(3, 4, return_sequences=True, return_state=True)"
    )
    assert repr(recur.RNN(3, 4, checkpoint_every=7)) == "RNN(3, 4, checkpoint_every=7)"


@pytest.mark.parametrize("kind", KINDS)
def test_what_comes_back(kind):
    """The table of the docstring: two arguments, what comes out."""
    x = torch.zeros(5, 2, 3)

    def result(**options):
        return ours(kind, 3, 4, **options)(x)

    pair = result()
    assert isinstance(pair, tuple)
    assert pair[0].shape == (5, 2, 4)
    assert result(return_sequences=True).shape == (5, 2, 4)
    assert result(return_sequences=False).shape == (2, 4)
    for sequences, shape in ((True, (5, 2, 4)), (False, (2, 4))):
        output, state = result(return_sequences=sequences, return_state=True)
        assert output.shape == shape
        assert isinstance(state, tuple) == (kind == "lstm")
    assert len(result(return_state=True)) == 2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sequences", [None, False])
def test_checkpoints_change_no_number(kind, sequences):
    options = {"num_layers": 2, "bidirectional": True, "return_sequences": sequences}
    plain = ours(kind, 3, 4, **options)
    layer = ours(kind, 3, 4, checkpoint_every=3, **options)
    layer.load_state_dict(plain.state_dict())
    x, lengths = torch.randn(11, 3, 3), [11, 0, 5]
    found = []
    for each in (plain, layer):
        given = x.clone().requires_grad_()
        result = each(given, lengths=lengths)
        y = result if sequences is False else result[0]
        found.append([y, *torch.autograd.grad(y.square().sum(), [given, *each.parameters()])])
    for a, b in zip(*found, strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("kind", KINDS)
def test_checkpoints_keep_less(kind):
    """What the graph holds between forward and backward, in numbers."""

    def held(every):
        layer = ours(kind, 2, 16, return_sequences=False, checkpoint_every=every)
        sizes = {}
        with torch.autograd.graph.saved_tensors_hooks(
            lambda t: sizes.update({t.data_ptr(): t.untyped_storage().nbytes()}) or t, lambda t: t
        ):
            layer(torch.randn(400, 3, 2))
        return sum(sizes.values())

    assert held(20) < held(0) / 4


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU", "IndRNN", "MinGRU", "MinLSTM", "SLSTM"])
@pytest.mark.parametrize("size", ["input_size", "hidden_size", "num_layers"])
def test_sizes_that_no_machine_has_room_for(name, size):
    given = {"input_size": 2, "hidden_size": 3, size: 10**23}
    with pytest.raises(recur.InputError, match=f"^{size} must be at most [0-9,]+; got 1"):
        getattr(recur, name)(**given)
