"""How far gradients reach: beside autograd on the equations, and beside what theory says."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from recur import GRU, LSTM, RNN, InputError, ManyToMany, ManyToOne, Sequences
from recur.cells import GRU as GRU_CELL
from recur.cells import LSTM as LSTM_CELL
from recur.cells import RNN_TANH
from recur.diagnostics import diagnose
from recur.diagnostics.walk import watched

CELLS = {"rnn": RNN_TANH, "lstm": LSTM_CELL, "gru": GRU_CELL}


def by_the_equations(model, cell, x, y, lengths):
    """The gradient of each row's squared error at every state, by autograd over the cell's step.

    By lag, the mean over rows of the norms.
    """
    layer, head = model.recurrent, model.head
    by_lag = {}
    for row, length in enumerate(lengths):
        states = [tuple(torch.zeros(1, layer.hidden_size).double() for _ in cell.states)]
        for t in range(length):
            gx = nn.functional.linear(x[row, t : t + 1], layer.weight_ih_l0, layer.bias_ih_l0)
            gh = nn.functional.linear(states[-1][0], layer.weight_hh_l0, layer.bias_hh_l0)
            # What is handed on, apart from what the step itself made of it (h of c).
            after = tuple(s.clone() for s in cell.pointwise(states[-1], gx, gh))
            for state in after:
                state.retain_grad()
            states.append(after)
        ((head(states[-1][0]) - y[row]) ** 2).sum().backward()
        for lag, state in enumerate(reversed(states[1:])):
            parts = [s.grad for s in state if s.grad is not None]
            norm = math.sqrt(sum(part.square().sum().item() for part in parts))
            by_lag.setdefault(lag, []).append(norm)
    return [sum(norms) / len(norms) for norms in by_lag.values()]


@given(st.sampled_from(sorted(CELLS)), st.lists(st.integers(1, 9), min_size=1, max_size=4))
def test_the_gradient_at_every_lag_is_autograds(name, lengths):
    torch.manual_seed(0)
    model = ManyToOne(inputs=3, outputs=1, cell=name, units=5).double()
    x, y = (
        torch.randn(len(lengths), max(lengths), 3).double(),
        torch.randn(len(lengths), 1).double(),
    )
    found = diagnose(model, (x, y, lengths), loss="mse")
    assert all(p.grad is None for p in model.parameters())
    (flow,) = found.flows
    assert flow.norms == pytest.approx(by_the_equations(model, CELLS[name], x, y, lengths))
    loss = nn.functional.mse_loss(model(x, lengths=lengths), y)
    assert found.loss == pytest.approx(loss.item())


@pytest.mark.parametrize("kind", [RNN, LSTM, GRU])
@pytest.mark.parametrize("how", [{}, {"mask": True}, {"reset": True}, {"lengths": True}])
@pytest.mark.parametrize("kept", [None, True, False])
def test_walking_by_steps_gives_what_the_layer_gives(kind, how, kept):
    options = {"proj_size": 2} if kind is LSTM else {}
    layer = kind(3, 4, num_layers=2, bidirectional=True, return_sequences=kept, **options).double()
    x = torch.randn(7, 5, 3).double().requires_grad_()
    given = {}
    if "mask" in how:
        given["mask"] = torch.rand(7, 5) < 0.6
        given["mask"][0] = True
    if "reset" in how:
        given["reset"] = torch.rand(7, 5) < 0.4
        given["mask"] = torch.rand(7, 5) < 0.7
    if "lengths" in how:
        given["lengths"] = [7, 0, 3, 1, 5]

    def run():
        result = layer(x, **given)
        y = result[0] if isinstance(result, tuple) else result
        asked = [x, *layer.parameters()]
        return y, torch.autograd.grad(y.square().sum(), asked, allow_unused=True)

    at_once, gradients = run()
    with watched(layer) as walks:
        by_steps, others = run()
    assert len(walks) == 4
    assert torch.allclose(by_steps, at_once)
    for one, other in zip(gradients, others, strict=True):
        assert torch.allclose(one, other)


@pytest.mark.parametrize("radius", [0.5, 0.8, 0.95])
def test_the_horizon_of_a_linear_network_is_the_analytic_one(radius):
    """So near zero tanh is linear, and a step multiplies the gradient by an orthogonal matrix."""
    model = _linear(radius)
    (flow,) = diagnose(model, torch.full((2, 150, 1), 1e-9).double()).flows
    expected = [flow.norms[0] * radius**lag for lag in range(150)]
    assert flow.norms == pytest.approx(expected, rel=1e-4)
    assert flow.horizon == math.ceil(math.log(0.01) / math.log(radius))
    assert flow.spectral_radius["h"] == pytest.approx(radius, rel=1e-5)
    said = str(flow)
    assert f"gradients vanish after {flow.horizon} steps" in said
    assert "cannot learn dependencies longer than that; try" in said


def test_gradients_that_explode_or_stay_are_said_to():
    x = torch.full((2, 61, 1), 1e-30).double()
    (grown,) = diagnose(_linear(1.2), x).flows
    assert grown.horizon is None
    assert grown.growth == pytest.approx(1.2**60, rel=1e-4)
    assert "gradients explode" in str(grown)
    (steady,) = diagnose(_linear(1.0), x).flows
    assert steady.horizon is None
    assert "reach back over all 60 steps: 100% of the largest is left" in str(steady)


def test_a_gradient_of_zero_is_said():
    model = _linear(0.5)
    nn.init.zeros_(model.head.weight)
    found = diagnose(model, torch.ones(1, 5, 1).double())
    assert "no gradient reaches it" in str(found)
    assert found.horizon is None


def _linear(radius):
    model = ManyToOne(inputs=1, outputs=1, units=6, recurrent_init="orthogonal").double()
    with torch.no_grad():
        model.recurrent.weight_hh_l0 *= radius
        model.recurrent.bias_ih_l0.zero_()
        model.recurrent.bias_hh_l0.zero_()
    return model


def test_a_step_in_time_matters_only_to_the_last_target():
    model = ManyToMany(vocabulary=7, outputs=5, units=6, cell="gru").double()
    x, y = torch.randint(0, 7, (3, 8)), torch.randint(0, 5, (3, 8))
    y[:, 6:] = -100
    (flow,) = diagnose(model, (x, y), loss="cross_entropy").flows
    assert flow.norms[:2] == (0, 0)
    assert all(norm > 0 for norm in flow.norms[2:])
    shorter, _ = diagnose(model, (x[:, :6], y[:, :6]), loss="cross_entropy").flows, None
    assert shorter[0].norms == pytest.approx(flow.norms[2:])


def test_pooling_gives_every_step_a_other_way():
    x = torch.randn(4, 60, 2)
    reached = {}
    for pooling in ("last", "mean", "attention"):
        torch.manual_seed(0)
        model = ManyToOne(inputs=2, outputs=1, units=8, pooling=pooling)
        reached[pooling] = diagnose(model, x).horizon
    assert reached == {"last": reached["last"], "mean": None, "attention": None}
    assert reached["last"] < 59


def test_the_model_is_left_as_it_was():
    model = ManyToOne(inputs=2, outputs=1, units=4, dropout=0.5, layers=2)
    model.head.eval()
    for parameter in model.recurrent.parameters():
        parameter.requires_grad_(False)
    x = torch.randn(3, 6, 2)
    found = diagnose(model, x)
    assert len(found.flows) == 2
    assert min(found.flows[0].norms) > 0  # frozen weights do not hide the states
    assert set(found.parameter_gradients) == {"head"}
    assert model.training
    assert not model.head.training
    assert "_walk" not in vars(model.recurrent)
    assert str(found) == str(diagnose(model, x))  # no dropout


def test_gradients_by_module_are_those_of_training():
    model = ManyToOne(vocabulary=9, outputs=1, units=4)
    x, y = torch.randint(0, 9, (3, 6)), torch.randn(3, 1)
    found = diagnose(model, Sequences(x, y), loss="mse")
    nn.functional.mse_loss(model(x), y).backward()
    for name in ("embedding", "recurrent", "head"):
        squares = [p.grad.square().sum() for p in getattr(model, name).parameters()]
        assert found.parameter_gradients[name] == pytest.approx(sum(squares).sqrt().item())


def test_gates_are_counted():
    model = ManyToOne(inputs=1, outputs=1, cell="lstm", units=6)
    with torch.no_grad():
        model.recurrent.bias_ih_l0[6:12] = 100.0  # the forget gate
        model.recurrent.bias_ih_l0[:3] = -100.0  # half of the input gate
    (flow,) = diagnose(model, torch.randn(2, 4, 1)).flows
    gates = {gate.name: gate for gate in flow.gates}
    assert list(gates) == ["i", "f", "g", "o"]
    assert (gates["f"].mean, gates["f"].low, gates["f"].high) == (1.0, 0.0, 1.0)
    assert gates["i"].low == 0.5
    assert "forget gate 1.00 (0% low, 100% high)" in str(flow)


def test_it_draws_and_goes_through_json(tmp_path):
    from recur import plots

    found = diagnose(ManyToOne(inputs=1, outputs=1, layers=2), torch.randn(2, 9, 1))
    (axes,) = found.plot().axes
    assert len(axes.get_lines()) == 4  # two layers, the lower one alone, the mark of 1%
    assert plots.save(found.plot(), tmp_path / "a.png").stat().st_size > 1000
    stored = found.to_json()
    assert len(stored["flows"]) == 2
    assert stored["flows"][0]["horizon"] == found.flows[0].horizon


class Reader(nn.Module):
    """A program's own network, of torch.nn alone."""

    def __init__(self, layer):
        super().__init__()
        self.layer, self.head = layer, nn.Linear(4, 1)

    def forward(self, x):
        return self.head(self.layer(x)[0][:, -1])


@pytest.mark.parametrize(("theirs", "ours"), [(nn.RNN, RNN), (nn.LSTM, LSTM), (nn.GRU, GRU)])
def test_layers_of_torch_are_looked_into_and_left_as_they_were(theirs, ours):
    model = Reader(theirs(3, 4, num_layers=2, batch_first=True, bidirectional=True))
    model.head = nn.Linear(8, 1)
    x, y = torch.randn(5, 9, 3), torch.randn(5, 1)
    found = diagnose(model, (x, y), loss="mse")
    assert type(model.layer) is theirs
    assert "_walk" not in vars(model.layer)
    other = Reader(ours(3, 4, num_layers=2, batch_first=True, bidirectional=True))
    other.head = model.head
    other.layer.load_state_dict(model.layer.state_dict())
    assert str(found) == str(diagnose(other, (x, y), loss="mse"))
    nn.functional.mse_loss(model(x), y).backward()
    norm = math.hypot(*(p.grad.norm() for p in model.layer.parameters()))
    assert found.parameter_gradients["layer"] == pytest.approx(norm, rel=1e-4)
    with pytest.raises(RuntimeError, match="Expected 3, got 2"):
        diagnose(model, x[..., :2])
    assert type(model.layer) is theirs


def test_a_compiled_model_is_looked_into_as_it_was_written():
    model = ManyToOne(inputs=2, outputs=1)
    x = torch.randn(2, 5, 2)
    assert str(diagnose(torch.compile(model, backend="eager"), x)) == str(diagnose(model, x))


def test_values_that_are_not_finite_are_said_to_be():
    model = ManyToOne(inputs=2, outputs=1)
    x = torch.randn(2, 6, 2)
    x[0, 2] = math.nan
    found = diagnose(model, x)
    assert "the gradient is not finite: look for values that are not finite" in str(found)
    assert found.horizon is None
    assert None in found.to_json()["flows"][0]["norms"]


class Subclass(nn.LSTM):
    """What it computes cannot be known."""


def test_bad_input_gets_a_sentence():
    for layer, got in ((nn.Linear(2, 1), "none"), (Subclass(2, 4), "Subclass")):
        with pytest.raises(InputError, match=f"one with a recurrent layer.*; got {got}"):
            diagnose(nn.Sequential(layer), torch.randn(1, 3, 2))
    with pytest.raises(InputError, match=r"model must be a torch\.nn\.Module; got str"):
        diagnose("model", torch.randn(1, 3, 2))
    with pytest.raises(InputError, match="The model must return a tensor; got tuple"):
        diagnose(LSTM(2, 4), torch.randn(1, 3, 2))
    model = ManyToOne(inputs=2, outputs=1)
    with pytest.raises(InputError, match="at least one step"):
        diagnose(model, torch.randn(2, 0, 2))
    with pytest.raises(InputError, match="at least one example"):
        diagnose(model, torch.randn(0, 3, 2))
    with pytest.raises(InputError, match="loss must be"):
        diagnose(model, (torch.randn(1, 3, 2), torch.randn(1, 1)), loss="msee")
    for batch in ("words", {"x": torch.randn(1, 3, 2)}, None):
        with pytest.raises(InputError, match="must be"):
            diagnose(model, batch)
    with pytest.raises(InputError, match="y must be as long as x"):
        diagnose(model, (torch.randn(2, 3, 2), torch.randn(3, 1)), loss="mse")
    reader = ManyToOne(vocabulary=9, outputs=2)
    with pytest.raises(InputError, match="token ids must be integers"):
        diagnose(reader, torch.randn(2, 3))
    with pytest.raises(InputError, match=r"class numbers from 0 to 1.*; got 5"):
        diagnose(reader, (torch.ones(2, 3).long(), torch.tensor([0, 5])), loss="cross_entropy")


@pytest.mark.parametrize("pooling", ["last", "mean", "attention"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_another_way_past_the_state_is_told_from_the_way_through_it(pooling, bidirectional):
    """The recurrent matrix halves what goes through; pooling reaches every step directly."""
    model = ManyToOne(inputs=2, outputs=1, units=4, pooling=pooling, bidirectional=bidirectional)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "weight_hh" in name:
                weight.copy_(0.5 * torch.eye(4))
            elif "recurrent" in name:
                weight.zero_()  # states of 0, where tanh has a slope of 1
    for flow in diagnose(model, torch.ones(1, 60, 2)).flows:
        assert flow.through == pytest.approx([flow.norms[0] * 0.5**lag for lag in range(60)])
        if pooling == "last":
            assert flow.norms == flow.through
            assert not flow.other_way
            assert "past its own state" not in str(flow)
        else:
            assert flow.other_way
            assert "reach back over all 59 steps" in flow.finding
            assert "through the state alone they vanish after 7 steps (1% is left)" in flow.finding
            assert flow.to_json()["horizon_through_state"] == 7
