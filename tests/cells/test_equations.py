"""Each cell against its docstring's equations, written again in numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from recur.cells import CELLS, NONE, Extras

HIDDEN = 3


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def rnn_tanh(state, gx, gh):
    return (np.tanh(gx + gh),)


def rnn_relu(state, gx, gh):
    return (np.maximum(0, gx + gh),)


def lstm(state, gx, gh):
    i, f, g, o = np.split(gx + gh, 4, axis=-1)
    c = sigmoid(f) * state[1] + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def gru(state, gx, gh):
    (h,) = state
    xr, xz, xn = np.split(gx, 3, axis=-1)
    hr, hz, hn = np.split(gh, 3, axis=-1)
    r, z = sigmoid(xr + hr), sigmoid(xz + hz)
    n = np.tanh(xn + r * hn)
    return ((1 - z) * n + z * h,)


def lstm_coupled(state, gx, gh):
    f, g, o = np.split(gx + gh, 3, axis=-1)
    c = sigmoid(f) * state[1] + (1 - sigmoid(f)) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def gru_before(state, gx, gh):
    (h,) = state
    _, z, n = np.split(gx + gh, 3, axis=-1)  # r is in what the loop fed to n
    return (sigmoid(z) * h + (1 - sigmoid(z)) * np.tanh(n),)


def indrnn_tanh(state, gx, gh):
    return (np.tanh(gx + OWN * state[0]),)


def indrnn_relu(state, gx, gh):
    return (np.maximum(0, gx + OWN * state[0]),)


def candidate(a):
    return np.where(a < 0, sigmoid(a), a + 0.5)


def mingru(state, gx, gh):
    z, n = np.split(gx, 2, axis=-1)
    return ((1 - sigmoid(z)) * state[0] + sigmoid(z) * candidate(n),)


def minlstm(state, gx, gh):
    f, i, n = np.split(gx, 3, axis=-1)
    f, i = sigmoid(f), sigmoid(i)
    return ((f * state[0] + i * candidate(n)) / (f + i),)


def slstm(state, gx, gh):
    """The gates as they are, without a stabiliser: equations 8 to 10 of the paper."""
    _, c, n, m = state
    i, f, z, o = np.split(gx + gh, 4, axis=-1)
    # c and n of the paper are these times e^m.
    c, n = c * np.exp(m), n * np.exp(m)
    c = sigmoid(f) * c + np.exp(i) * np.tanh(z)
    n = sigmoid(f) * n + np.exp(i)
    m = np.maximum(np.log(sigmoid(f)) + m, i)
    return sigmoid(o) * c / n, c * np.exp(-m), n * np.exp(-m), m


OWN = np.array([0.5, -1.2, 0.9])  # of each unit, where a cell has such a number

EQUATIONS = {
    "rnn_tanh": rnn_tanh,
    "rnn_relu": rnn_relu,
    "lstm": lstm,
    "gru": gru,
    "lstm_coupled": lstm_coupled,
    "gru_before": gru_before,
    "indrnn_tanh": indrnn_tanh,
    "indrnn_relu": indrnn_relu,
    "mingru": mingru,
    "minlstm": minlstm,
    "slstm": slstm,
}


def drawn(cell, seed=0, rows=5):
    random = np.random.default_rng(seed)
    state = tuple(random.normal(size=(rows, HIDDEN)) for _ in cell.states)
    gx = random.normal(size=(rows, cell.input_gates * HIDDEN))
    gh = random.normal(size=(rows, cell.state_gates * HIDDEN))
    return state, gx, gh


def stepped(cell, state, gx, gh):
    extras = Extras(units=(torch.tensor(OWN),)) if cell.needs_units else NONE
    given = tuple(map(torch.tensor, state)), torch.tensor(gx), torch.tensor(gh)
    result = cell.pointwise(*given, extras)
    return [s.numpy() for s in result]


def test_every_cell_has_its_equations_here():
    assert CELLS.keys() == EQUATIONS.keys()


@pytest.mark.parametrize("name", CELLS)
def test_a_step_is_what_the_equations_say(name):
    cell = CELLS[name]
    for seed in range(5):
        state, gx, gh = drawn(cell, seed)
        want = EQUATIONS[name](state, gx, gh)
        for got, expected in zip(stepped(cell, state, gx, gh), want, strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("side", ["gx", "gh"])
@pytest.mark.parametrize("name", ["lstm", "gru"])
def test_no_two_gates_can_be_exchanged(name, side):
    """The comparison above would see a swapped gate: each pair, exchanged, gives other numbers."""
    cell = CELLS[name]
    given = dict(zip(("state", "gx", "gh"), drawn(cell), strict=True))
    gates = cell.input_gates if side == "gx" else cell.state_gates
    right = stepped(cell, **given)
    for a in range(gates):
        for b in range(a):
            parts = np.split(given[side], gates, axis=-1)
            parts[a], parts[b] = parts[b], parts[a]
            swapped = stepped(cell, **{**given, side: np.concatenate(parts, axis=-1)})
            assert np.abs(swapped[0] - right[0]).max() > 1e-3, (a, b)


@pytest.mark.parametrize(
    ("gate", "value", "expected"),
    [
        ("i", -50.0, lambda h, c, h1, c1: np.allclose(c1, sigmoid(0.0) * c)),  # nothing written
        ("f", -50.0, lambda h, c, h1, c1: np.allclose(c1, sigmoid(0.0) * np.tanh(0.3))),
        ("f", 50.0, lambda h, c, h1, c1: np.allclose(c1, c + sigmoid(0.0) * np.tanh(0.3))),
        ("g", 50.0, lambda h, c, h1, c1: np.allclose(c1, sigmoid(0.0) * (c + 1))),
        ("o", -50.0, lambda h, c, h1, c1: np.allclose(h1, 0) and not np.allclose(c1, 0)),
        ("o", 50.0, lambda h, c, h1, c1: np.allclose(h1, np.tanh(c1))),
    ],
)
def test_each_gate_of_the_lstm_does_its_work(gate, value, expected):
    gx = np.zeros((2, 4 * HIDDEN))
    gx[:, 2 * HIDDEN : 3 * HIDDEN] = 0.3
    at = "ifgo".index(gate) * HIDDEN
    gx[:, at : at + HIDDEN] = value
    h, c = np.full((2, HIDDEN), 0.7), np.linspace(-1, 1, 2 * HIDDEN).reshape(2, HIDDEN)
    assert expected(h, c, *stepped(CELLS["lstm"], (h, c), gx, np.zeros_like(gx)))


@pytest.mark.parametrize(
    ("gate", "value", "expected"),
    [
        ("z", 50.0, lambda h: h),  # kept as it was
        ("z", -50.0, lambda h: np.tanh(0.3 + sigmoid(0.0) * 0.4) + 0 * h),  # all new
        ("r", -50.0, lambda h: (np.tanh(0.3) + h) / 2),  # the state's half is shut out
        ("r", 50.0, lambda h: (np.tanh(0.3 + 0.4) + h) / 2),
    ],
)
def test_each_gate_of_the_gru_does_its_work(gate, value, expected):
    gx, gh = np.zeros((2, 3 * HIDDEN)), np.zeros((2, 3 * HIDDEN))
    gx[:, 2 * HIDDEN :], gh[:, 2 * HIDDEN :] = 0.3, 0.4
    at = "rz".index(gate) * HIDDEN
    gx[:, at : at + HIDDEN] = value
    h = np.linspace(-1, 1, 2 * HIDDEN).reshape(2, HIDDEN)
    np.testing.assert_allclose(stepped(CELLS["gru"], (h,), gx, gh)[0], expected(h), atol=1e-12)


class TestLstmWithMore:
    """What an LSTM may be given besides."""

    state, gx, gh = drawn(CELLS["lstm"])
    peepholes = np.array([[0.3, -0.8, 1.1], [0.7, 0.2, -0.4], [-0.9, 0.5, 0.6]])

    def stepped(self, **extras):
        given = (tuple(map(torch.tensor, self.state)), torch.tensor(self.gx), torch.tensor(self.gh))
        return [s.numpy() for s in CELLS["lstm"].pointwise(*given, Extras(**extras))]

    def test_peepholes_see_the_cell_before_and_the_output_gate_the_cell_after(self):
        i, f, g, o = np.split(self.gx + self.gh, 4, axis=-1)
        p_i, p_f, p_o = self.peepholes
        before = self.state[1]
        c = sigmoid(f + p_f * before) * before + sigmoid(i + p_i * before) * np.tanh(g)
        got = self.stepped(units=tuple(map(torch.tensor, self.peepholes)))
        np.testing.assert_allclose(got[1], c, rtol=1e-13)
        np.testing.assert_allclose(got[0], sigmoid(o + p_o * c) * np.tanh(c), rtol=1e-13)

    def test_a_clipped_cell_is_what_the_output_reads(self):
        h, c = self.stepped()
        clipped_h, clipped_c = self.stepped(clip=0.5)
        np.testing.assert_array_equal(clipped_c, c.clip(-0.5, 0.5))
        np.testing.assert_allclose(clipped_h, h / np.tanh(c) * np.tanh(clipped_c), rtol=1e-12)
        assert (np.abs(c) > 0.5).any()

    def test_a_normalised_cell_is_for_the_output_alone(self):
        h, c = self.stepped()
        got = self.stepped(normalise=lambda c: 2 * c)
        np.testing.assert_array_equal(got[1], c)
        np.testing.assert_allclose(got[0], h / np.tanh(c) * np.tanh(2 * c), rtol=1e-12)


def test_an_slstm_keeps_exponentials_in_range():
    cell = CELLS["slstm"]
    gx = torch.tensor([[500.0, -500, 0.3, 1], [-500, 500, 0.3, 1]]).repeat_interleave(HIDDEN, dim=1)
    state = tuple(torch.zeros(2, HIDDEN) for _ in cell.states)
    for _ in range(3):
        state = cell.pointwise(state, gx, torch.zeros_like(gx))
        assert all(s.isfinite().all() for s in state)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("shut", [-60.0, -120.0, -800.0, -1e4])
def test_gates_that_are_both_nearly_shut_still_share(shut, dtype):
    """f / (f + i) of two numbers that are 0 to every type: e^(f - i) is their ratio."""
    f = torch.full((1, 4), shut, dtype=dtype, requires_grad=True)
    apart = torch.tensor([[0.0, 2.0, -2.0, 16.0]], dtype=dtype)
    n, h = torch.full((1, 4), 0.5, dtype=dtype), torch.full((1, 4), 3.0, dtype=dtype)
    share = torch.sigmoid((f + apart - f).detach())
    gx = torch.cat([f, f + apart, n], dim=-1)
    (after,) = CELLS["minlstm"].pointwise((h,), gx, gx[:, :0])
    torch.testing.assert_close(after, h + share * (1.0 - h))
    a, b = CELLS["minlstm"].linear(gx)
    torch.testing.assert_close(a * h + b, h + share * (1.0 - h))
    (gradient,) = torch.autograd.grad(after.sum(), f)
    assert gradient.isfinite().all()
