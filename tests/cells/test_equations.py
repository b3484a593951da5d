"""Each cell against its docstring's equations, written again in numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from recur.cells import CELLS

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


EQUATIONS = {"rnn_tanh": rnn_tanh, "rnn_relu": rnn_relu, "lstm": lstm, "gru": gru}


def drawn(cell, seed=0, rows=5):
    random = np.random.default_rng(seed)
    state = tuple(random.normal(size=(rows, HIDDEN)) for _ in cell.states)
    gx = random.normal(size=(rows, cell.input_gates * HIDDEN))
    gh = random.normal(size=(rows, cell.state_gates * HIDDEN))
    return state, gx, gh


def stepped(cell, state, gx, gh):
    result = cell.pointwise(tuple(map(torch.tensor, state)), torch.tensor(gx), torch.tensor(gh))
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
