"""What a walk may be asked for besides: every path beside the reference, and that beside loops
written out here.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine import oracle
from tests.engine.cases import (
    SHAPES_OF_FLAGS,
    Case,
    agree,
    by_engine,
    by_oracle,
    cases,
    masks,
    numbers_of,
)
from tests.engine.paths import PATHS, forced

from recur import engine
from recur.cells import CELLS
from recur.engine.chance import kept_units

DTYPES = {torch.float64: 1e-11, torch.float32: 2e-5}


@dataclass(frozen=True)
class Asked:
    """Options and weights of a layer, besides the case."""

    keep: str = ""  # as a Case's
    zoneout: bool = False
    evaluating: bool = False
    clip_state: float = 0.0
    clip_gradient: float = 0.0
    peepholes: bool = False
    norm: bool = False
    record: bool = False


def other_weights(cell, hidden, asked, dtype, random):
    """Those that torch.nn's layers have not, by the engine's names."""

    def normal(*shape):
        drawn = torch.randn(*shape, generator=random, dtype=torch.float64)
        return drawn.to(dtype).requires_grad_()

    found = {}
    if cell.needs_units or (asked.peepholes and cell.unit_weights):
        found["units"] = normal(len(cell.unit_weights), hidden)
    if asked.norm and cell.state_gates and cell.feed is None:
        found["norm_x"] = normal(cell.input_gates * hidden)
        found["norm_h"] = normal(cell.state_gates * hidden)
        if cell.normalises:
            found["norm_c"], found["norm_c_bias"] = normal(hidden), normal(hidden)
    return found


def walked(case: Case, asked: Asked, directions=1):
    """Every result, gradient and record."""
    cell, hidden = CELLS[case.cell], case.hidden
    random = torch.Generator().manual_seed(case.seed + 7)
    weights, leaves, start, keep = [], [], [], []
    for direction in range(directions):
        numbers = numbers_of(Case(**{**vars(case), "seed": case.seed + direction}))
        numbers.learning()
        more = other_weights(cell, hidden, asked, case.dtype, random)
        weights.append(numbers.weights._replace(**more))
        leaves += [w for w in weights[-1] if w is not None and w.numel()]
        start.append(numbers.start)
        if asked.keep and cell.state_gates:
            keep.append(masks(asked.keep, case.cell, case.batch, hidden, random).to(case.dtype))
    # Batch first in memory, as a state comes out of a model's own order of axes.
    state = tuple(torch.stack(each, dim=1).transpose(0, 1) for each in zip(*start, strict=True))
    shares = (0.3, 0.5, 0.2, 0.4)[: len(cell.states)]
    options = engine.Options(
        keep=torch.stack(keep) if keep else None,
        zoneout=shares if asked.zoneout else (),
        seed=None if asked.evaluating else torch.arange(3, 3 + directions),
        clip_state=asked.clip_state if cell.clips else 0.0,
        clip_gradient=asked.clip_gradient,
        record={} if asked.record else None,
    )
    first = numbers_of(case)
    x = first.x.requires_grad_()
    y, final = engine.scan_layer(
        cell,
        x,
        state,
        weights,
        lengths=first.lengths,
        mask=first.mask,
        reset=first.reset,
        reverse=case.reverse and directions == 1,
        options=options,
    )
    incoming = [torch.randn(t.shape, generator=random, dtype=torch.float64) for t in (y, *final)]
    results = [y, *final]
    found = torch.autograd.grad(
        results,
        [x, *leaves, *(s for one in start for s in one)],
        [g.to(case.dtype) for g in incoming],
        allow_unused=True,
    )
    gradients = [torch.zeros(()) if g is None else g for g in found]
    return results, gradients, options.record


@st.composite
def questions(draw, cell, dtype):
    batch, time = draw(st.sampled_from([3, 1, 2, 5, 17])), draw(st.sampled_from([4, 1, 2, 7]))
    lengths = st.lists(st.integers(0, time), min_size=batch, max_size=batch).map(tuple)
    case = Case(
        cell,
        time,
        batch,
        inputs=draw(st.sampled_from([1, 3, 18])),
        hidden=draw(st.sampled_from([4, 1, 3, 9, 17, 33, 66])),
        bias=draw(st.booleans()),
        lengths=draw(st.none() | lengths),
        mask=draw(st.none() | st.sampled_from(SHAPES_OF_FLAGS)),
        reset=draw(st.none() | st.sampled_from(SHAPES_OF_FLAGS)),
        reverse=draw(st.booleans()),
        dtype=dtype,
        seed=draw(st.integers(0, 1000)),
    )
    asked = Asked(
        keep=draw(st.sampled_from(["", "tied", "by gate"])),
        zoneout=draw(st.booleans()),
        evaluating=draw(st.booleans()),
        clip_state=draw(st.sampled_from([0.0, 0.4])),
        clip_gradient=draw(st.sampled_from([0.0, 0.3])),
        peepholes=draw(st.booleans()),
        norm=draw(st.booleans()),
        record=draw(st.booleans()),
    )
    # One unit alone has no spread to be normalised by: all of it would be rounding.
    if asked.norm and case.hidden == 1:
        asked = Asked(**{**vars(asked), "norm": False})
    return case, asked, draw(st.sampled_from([1, 2]))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("cell", CELLS)
@settings(max_examples=2 * settings.default.max_examples)
@given(data=st.data())
def test_every_path_does_what_the_reference_does(cell, dtype, data):
    case, asked, directions = data.draw(questions(cell, dtype))
    exact = Case(**{**vars(case), "dtype": torch.float64})
    with forced("reference"):
        want = walked(exact if dtype == torch.float64 else case, asked, directions)
    for name in PATHS[1:]:
        with forced(name):
            got = walked(case, asked, directions)
        for a, b in zip(got[0] + got[1], want[0] + want[1], strict=True):
            scale = max(1.0, b.abs().max().item() if b.numel() else 0.0)
            # Normalised rows of few units divide by a spread that may be small.
            room = DTYPES[dtype] * scale * (100 if asked.norm else 1)
            torch.testing.assert_close(a, b, rtol=0, atol=room)
        assert (got[2] or {}).keys() == (want[2] or {}).keys()
        for key, value in (got[2] or {}).items():
            assert value.shape == (case.time, case.batch, directions * case.hidden)
            torch.testing.assert_close(value, want[2][key], rtol=0, atol=100 * DTYPES[dtype])


@pytest.mark.parametrize("cell", [name for name, cell in CELLS.items() if cell.state_gates])
@given(data=st.data())
def test_dropout_of_the_state(cell, data):
    """Beside the oracle, which multiplies h anew for the product of every gate."""
    case = data.draw(cases(cell, data.draw(st.sampled_from(list(DTYPES)))))
    keep = data.draw(st.sampled_from(["by gate", "tied"]))
    case = Case(**{**vars(case), "keep": keep, "every": 0, "projection": 0})
    want = by_oracle(case)
    for name in PATHS:
        with forced(name):
            agree(case, by_engine(case), want, name)


@pytest.mark.parametrize("cell", ["lstm", "gru", "gru_before"])
def test_dropout_of_each_gate_over_many_rows_and_steps(cell, monkeypatch):
    """Beyond one tile, one thread and one chunk of the compiled loops."""
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    lengths = tuple(torch.randint(0, 21, (37,)).tolist())
    case = Case(cell, 20, 37, 19, 45, lengths=lengths, dtype=torch.float32)
    with forced("reference"):
        want = walked(case, Asked(keep="by gate"), 2)
    for name in PATHS[1:]:
        with forced(name):
            got = walked(case, Asked(keep="by gate"), 2)
        for a, b in zip(got[0] + got[1], want[0] + want[1], strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=2e-5 * max(1.0, b.abs().max().item()))


@pytest.fixture(params=PATHS)
def path(request):
    with forced(request.param):
        yield request.param


def test_nothing_asked_is_the_plain_walk(path):
    """The general walk gives the numbers of the plain one."""
    for cell in oracle.PLAIN:
        case = Case(cell, 6, 5, 3, 9, lengths=(6, 0, 2, 5, 6), reset="scattered")
        plain, general = walked(case, Asked()), walked(case, Asked(clip_gradient=1e9))
        for a, b in zip(plain[0] + plain[1], general[0] + general[1], strict=True):
            torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("keep", ["", "tied", "by gate"])
def test_layer_normalisation_is_torch_s(keep, path):
    """An LSTM step by step, with torch.nn.LayerNorm: Ba et al., equations 20 to 22."""
    torch.manual_seed(0)
    time, batch, size, hidden = 4, 3, 2, 5
    w_ih, w_hh = torch.randn(4 * hidden, size).double(), torch.randn(4 * hidden, hidden).double()
    bias = torch.randn(4 * hidden).double()
    of_x, of_h, of_c = (torch.nn.LayerNorm(n).double() for n in (4 * hidden, 4 * hidden, hidden))
    for norm in (of_x, of_h, of_c):
        torch.nn.init.normal_(norm.weight)
    torch.nn.init.normal_(of_c.bias)  # the others' shifts are the layer's biases
    x = torch.randn(time, batch, size).double()
    h, c = torch.randn(batch, hidden).double(), torch.randn(batch, hidden).double()
    weights = engine.Weights(
        w_ih, w_hh, bias, torch.zeros_like(bias), None, None, of_x.weight, of_h.weight
    )
    weights = weights._replace(norm_c=of_c.weight, norm_c_bias=of_c.bias)
    mask = masks(keep, "lstm", batch, hidden, torch.default_generator)
    asked = engine.NOTHING if mask is None else engine.Options(keep=mask.double().unsqueeze(0))
    y, final = engine.scan(CELLS["lstm"], x, (h, c), weights, options=asked)
    each = mask.unbind(1) if keep == "by gate" else [1 if mask is None else mask] * 4
    for t in range(time):
        by_state = torch.cat([(h * m) @ w.T for m, w in zip(each, w_hh.chunk(4), strict=True)], -1)
        i, f, g, o = (of_x(x[t] @ w_ih.T) + of_h(by_state) + bias).chunk(4, dim=-1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * of_c(c).tanh()
        torch.testing.assert_close(y[t], h)
    torch.testing.assert_close(final, (h, c))


def test_a_unit_that_zoneout_keeps_stays_as_it_was(path):
    numbers = numbers_of(Case("lstm", 30, 6, 2, 40))
    seed = torch.tensor([11])
    asked = engine.Options(zoneout=(0.25, 0.5), seed=seed, record={})
    y, _ = engine.scan(CELLS["lstm"], numbers.x, numbers.start, numbers.weights, options=asked)
    for state, values, share in ((0, y, 0.25), (1, asked.record["c"], 0.5)):
        start = numbers.start[state]
        before = torch.cat([start.unsqueeze(0), values[:-1]])
        for t in range(30):
            kept = kept_units(seed[0], t, state, share, 6, 40)
            assert torch.equal(values[t][kept], before[t][kept])
            assert not (values[t] == before[t])[~kept].any()
    again, _ = engine.scan(CELLS["lstm"], numbers.x, numbers.start, numbers.weights, options=asked)
    assert torch.equal(again, y)
    other = asked._replace(seed=torch.tensor([12]))
    changed, _ = engine.scan(
        CELLS["lstm"], numbers.x, numbers.start, numbers.weights, options=other
    )
    assert not torch.equal(changed, y)


def test_zoneout_is_drawn_evenly_and_independently():
    """400 draws for each unit of each state: the share, and no unit that follows another."""
    drawn = torch.stack([kept_units(torch.tensor(5), t, 1, 0.3, 10, 64) for t in range(400)])
    flat = drawn.float()
    assert abs(flat.mean() - 0.3) < 0.005
    by_unit = flat.mean(dim=0)
    assert (by_unit - 0.3).abs().max() < 5 * (0.21 / 400) ** 0.5
    series = flat.flatten(1).T - 0.3
    together = series @ series.T / 400 / 0.21
    assert (together - torch.eye(len(series))).abs().max() < 6 / 400**0.5


def test_clipped_gradients_of_the_gates(path):
    """One step, whose gate gradients can be read off the bias."""
    torch.manual_seed(1)
    numbers = numbers_of(Case("rnn_tanh", 1, 1, 2, 50))
    weights = numbers.weights._replace(b_ih=numbers.weights.b_ih.requires_grad_())
    found = []
    for most in (0.0, 0.1):
        y, _ = engine.scan(
            CELLS["rnn_tanh"],
            numbers.x,
            numbers.start,
            weights,
            options=engine.Options(clip_gradient=most),
        )
        found += torch.autograd.grad(y.sum(), weights.b_ih)
    free, clipped = found
    assert (free > 0.1).any()
    torch.testing.assert_close(clipped, free.clamp(-0.1, 0.1))


@pytest.mark.parametrize("name", PATHS[1:])
@pytest.mark.parametrize(
    ("cell", "keep"), [*((cell, "") for cell in CELLS), ("lstm", "by gate"), ("lstm", "tied")]
)
def test_the_operators_keep_torch_s_rules(cell, keep, name):
    """Schema, fake tensors and autograd registration, as torch's own checks see them."""
    case = Case(cell, lengths=(5, 0, 3), mask="left", reset="scattered", keep=keep)
    numbers = numbers_of(case)
    numbers.learning()
    asked = Asked(peepholes=True, norm=keep != "by gate")
    more = other_weights(CELLS[cell], 4, asked, torch.float64, torch.Generator().manual_seed(0))
    state = [s.unsqueeze(0).detach().requires_grad_() for s in numbers.start]
    state += [None] * (4 - len(state))
    dropout = None if numbers.keep is None else numbers.keep.unsqueeze(0)
    flags = [numbers.lengths, numbers.mask, numbers.reset, None, dropout, torch.tensor([3])]
    weights = numbers.weights._replace(**more)
    tensors = [numbers.x, *state, *flags, *weights, *[None] * len(weights)]
    shares = [0.1] * len(CELLS[cell].states) + [0.0] * (4 - len(CELLS[cell].states))
    there = [t is not None for t in tensors]
    given = [t for t in tensors if t is not None]
    args = (cell, 0, True, True, False, [*shares, 0.0, 0.2], there, given)
    with forced(name):
        checks = ("test_schema", "test_autograd_registration", "test_faketensor")
        torch.library.opcheck(torch.ops.recur.variant.default, args, test_utils=checks)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"units": torch.zeros(2, 4)}, r"^units must be of the shape \(3, 4\); got \(2, 4\)"),
        ({"norm_x": torch.ones(16)}, "^the weights of layer normalisation must be all of"),
        ({"norm_h": torch.ones(15)}, r"^norm_h must be of the shape \(16,\)"),
    ],
)
def test_weights_that_do_not_fit(change, sentence):
    numbers = numbers_of(Case("lstm", dtype=torch.float32))
    with pytest.raises(RuntimeError, match=sentence):
        engine.scan(CELLS["lstm"], numbers.x, numbers.start, numbers.weights._replace(**change))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"keep": torch.ones(3, 4)}, r"^keep must be of the shape \(1, 3, 4\), or \(1, 3, 3, 4\)"),
        ({"keep": torch.ones(1, 3, 5)}, r"^keep must be .*; got \(1, 3, 5\)"),
        ({"keep": torch.ones(1, 3, 4, 4)}, r"^keep must be .*; got \(1, 3, 4, 4\)"),
        ({"keep": torch.ones(1, 3, 3, 5)}, r"^keep must be .*; got \(1, 3, 3, 5\)"),
        ({"keep": torch.ones(2, 3, 3, 4)}, r"^keep must be .*; got \(2, 3, 3, 4\)"),
        ({"keep": torch.ones(1, 3, 4, device="meta")}, "^keep must be on the device of x, cpu"),
        ({"seed": torch.ones(2, dtype=torch.int64)}, r"^seed must be of the shape \(1,\)"),
        ({"seed": torch.ones(1)}, "^seed must be of the type torch.int64"),
    ],
)
def test_options_that_do_not_fit(change, sentence):
    """A compiled loop would read what lies beyond them."""
    numbers = numbers_of(Case("gru", dtype=torch.float32))
    cell, weights, asked = CELLS["gru"], numbers.weights, engine.Options(**change)
    x, state = numbers.x, numbers.start
    with pytest.raises(RuntimeError, match=sentence):
        engine.scan(cell, x, state, weights, options=asked)
    with pytest.raises(RuntimeError, match=sentence):
        engine.step(cell, x[0], state, weights, asked)
    stack = tuple(s.unsqueeze(0) for s in state)
    with pytest.raises(RuntimeError, match=sentence):
        engine.stepper(cell, [weights], stack, x[0], asked)


def test_dropout_of_another_type_is_not_read_as_this_one():
    numbers = numbers_of(Case("gru", keep="by gate"))
    found = [
        engine.scan(
            CELLS["gru"],
            numbers.x,
            numbers.start,
            numbers.weights,
            options=engine.Options(keep=(numbers.keep > 0).to(dtype).unsqueeze(0)),
        )[0]
        for dtype in (torch.float32, torch.float64)
    ]
    torch.testing.assert_close(*found, rtol=1e-12, atol=1e-12)


def test_a_cell_without_units_of_its_own_is_refused_them():
    numbers = numbers_of(Case("gru", dtype=torch.float32))
    weights = numbers.weights._replace(units=torch.zeros(0, 4))
    with pytest.raises(RuntimeError, match=r"^units must be None for the cell 'gru'"):
        engine.scan(CELLS["gru"], numbers.x, numbers.start, weights)
