"""The wiring of the loop, exactly: cells without a curve, and small whole numbers.

Nothing rounds then, so a wrong index, a step too many or a lost gradient shows as another integer,
over long sequences too.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.engine.paths import PATHS, forced

from recur import engine
from recur.cells import RNN_RELU, Cell

TIME, BATCH, INPUTS, HIDDEN = 200, 5, 3, 19
LENGTHS = np.array([200, 7, 0, 133, 1])


def whole_numbers(random):
    """A network whose sums stay small and above zero: W_hh moves each unit to another place."""
    return {
        "x": random.integers(0, 3, (TIME, BATCH, INPUTS)),
        "h0": random.integers(0, 3, (BATCH, HIDDEN)),
        "w_ih": random.integers(0, 3, (HIDDEN, INPUTS)),
        "w_hh": np.eye(HIDDEN, dtype=np.int64)[random.permutation(HIDDEN)],
        "b_ih": random.integers(1, 3, HIDDEN),
        "b_hh": random.integers(1, 3, HIDDEN),
        "dy": random.integers(-2, 3, (TIME, BATCH, HIDDEN)),
        "dh": random.integers(-2, 3, (BATCH, HIDDEN)),
    }


def by_hand(n, order_of, starts):
    """Forward and backward in integers; `order_of(length)` are the steps in the walk's order."""
    y = np.zeros_like(n["dy"])
    hn, dh = n["h0"].copy(), n["dh"].copy()
    gradients = {k: np.zeros_like(n[k]) for k in ("x", "w_ih", "w_hh", "b_ih")}
    before = {}
    for b, length in enumerate(LENGTHS):
        for t in order_of(length):
            before[t, b] = np.zeros_like(hn[b]) if starts[t, b] else hn[b].copy()
            fed = n["w_ih"] @ n["x"][t, b] + n["b_ih"] + n["b_hh"]
            y[t, b] = hn[b] = n["w_hh"] @ before[t, b] + fed
        for t in reversed(order_of(length)):
            da = dh[b] + n["dy"][t, b]
            gradients["x"][t, b] = da @ n["w_ih"]
            gradients["w_ih"] += np.outer(da, n["x"][t, b])
            gradients["w_hh"] += np.outer(da, before[t, b])
            gradients["b_ih"] += da
            dh[b] = 0 if starts[t, b] else da @ n["w_hh"]
    return {"y": y, "hn": hn, "h0": dh, "b_hh": gradients["b_ih"], **gradients}


@pytest.mark.parametrize("resets", [False, True], ids=["no resets", "resets"])
@pytest.mark.parametrize("reverse", [False, True], ids=["forwards", "reverse"])
@pytest.mark.parametrize(("every", "threads"), [(0, 1), (7, 3)], ids=["plain", "every 7, threads"])
@pytest.mark.parametrize("path", PATHS)
def test_every_number_exactly(path, every, threads, reverse, resets, monkeypatch):
    """Sums of whole numbers do not depend on their order: not on checkpoints nor threads."""
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    random = np.random.default_rng(0)
    n = whole_numbers(random)
    reset = random.random((TIME, BATCH)) < 0.05 * resets
    # The first step of a walk backwards over a boundary is the one before the flag.
    starts = np.roll(reset, -1, axis=0) if reverse else reset
    if reverse:
        starts[-1] = False
        for b, length in enumerate(LENGTHS):
            starts[max(length - 1, 0) :, b] = False
    want = by_hand(n, lambda k: list(range(k))[:: -1 if reverse else 1], starts)
    tensors = {k: torch.tensor(v, dtype=torch.float64) for k, v in n.items()}
    names = ["x", "h0", "w_ih", "w_hh", "b_ih", "b_hh"]
    for name in names:
        tensors[name].requires_grad_()
    with forced(path):
        y, (hn,) = engine.scan(
            RNN_RELU,
            tensors["x"],
            (tensors["h0"],),
            engine.Weights(*(tensors[k] for k in names[2:])),
            lengths=torch.from_numpy(LENGTHS),
            reset=torch.from_numpy(reset),
            reverse=reverse,
            checkpoint_every=every,
        )
        gradients = torch.autograd.grad(
            [y, hn], [tensors[k] for k in names], [tensors["dy"], tensors["dh"]]
        )
    got = {"y": y, "hn": hn, **dict(zip(names, gradients, strict=True))}
    for name, value in got.items():
        assert np.array_equal(value.detach().numpy(), want[name]), name


def uneven(state, gx, gh, extras):
    """Three gates fed by the input, two by the state, one of them shared; three states."""
    a, b, c = state
    x0, x1, x2 = gx.chunk(3, dim=-1)
    h0, h1 = gh.chunk(2, dim=-1)
    return x0 + h0 - b, x1 + 2 * h1 + c, x2 - a


def test_the_loop_knows_no_gate():
    """A cell that recur does not have, with numbers of its own, goes through the same door."""
    cell = Cell("uneven", 3, 2, 1, ("a", "b", "c"), uneven)
    assert cell.gates == 4
    random = np.random.default_rng(1)
    time, batch, inputs, hidden = 9, 3, 2, 4
    shapes = [(time, batch, inputs), *[(batch, hidden)] * 3]
    shapes += [(3 * hidden, inputs), (2 * hidden, hidden), (3 * hidden,), (2 * hidden,)]
    x, a, b, c, w_ih, w_hh, b_ih, b_hh = (random.integers(-1, 2, s) for s in shapes)
    y, final = engine.scan(
        cell,
        torch.tensor(x, dtype=torch.float64),
        tuple(torch.tensor(s, dtype=torch.float64) for s in (a, b, c)),
        engine.Weights(*(torch.tensor(w, dtype=torch.float64) for w in (w_ih, w_hh, b_ih, b_hh))),
    )
    for t in range(time):
        gx, gh = x[t] @ w_ih.T + b_ih, a @ w_hh.T + b_hh
        a, b, c = (
            gx[:, :4] + gh[:, :4] - b,
            gx[:, 4:8] + 2 * gh[:, 4:] + c,
            gx[:, 8:] - a,
        )
        assert np.array_equal(y[t].numpy(), a)
    for got, want in zip(final, (a, b, c), strict=True):
        assert np.array_equal(got.numpy(), want)
