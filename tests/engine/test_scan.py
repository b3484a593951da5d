"""`engine.scan` and `engine.step`, by every path, against the oracle."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine import oracle
from tests.engine.cases import SHAPES_OF_FLAGS, Case, agree, by_engine, by_oracle, cases, numbers_of
from tests.engine.paths import PATHS, choosing, forced

from recur import engine
from recur.cells import CELLS
from recur.engine.cpu import library

DTYPES = [torch.float64, torch.float32]
MORE = settings(max_examples=3 * settings.default.max_examples)


@pytest.fixture(params=PATHS)
def path(request):
    with forced(request.param):
        yield request.param


def test_fresh_memory_is_poisoned():
    assert torch.empty(3).isnan().all()
    assert torch.zeros(3, 2).new_empty(2).isnan().all()


def test_every_path_is_among_those_tested():
    built = {path.name for path in choosing.PATHS} - (set() if library.runnable() else {"cpu"})
    assert {name.partition("-")[0] for name in PATHS} == built


def test_every_cell_has_its_oracle():
    assert CELLS.keys() == oracle.CELLS.keys()


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("cell", CELLS)
@MORE
@given(data=st.data())
def test_every_result_and_gradient(cell, dtype, data):
    case = data.draw(cases(cell, dtype))
    want = by_oracle(case)
    for name in PATHS:
        with forced(name):
            agree(case, by_engine(case), want, name)


@pytest.mark.parametrize("cell", oracle.PLAIN)
@pytest.mark.parametrize("reverse", [False, True], ids=["forwards", "reverse"])
@pytest.mark.parametrize("reset", [None, *SHAPES_OF_FLAGS])
@pytest.mark.parametrize("mask", [None, *SHAPES_OF_FLAGS])
def test_masks_and_resets_of_every_shape(cell, mask, reset, reverse):
    case = Case(cell, 6, 4, hidden=5, lengths=(6, 0, 1, 4), mask=mask, reset=reset, reverse=reverse)
    want = by_oracle(case)
    for name in PATHS:
        with forced(name):
            agree(case, by_engine(case), want, name)


@pytest.mark.parametrize("every", [0, 2])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("cell", oracle.PLAIN)
def test_half_precision(cell, dtype, every, path):
    case = Case(cell, lengths=(5, 0, 2), reset="scattered", dtype=dtype, every=every)
    agree(case, by_engine(case), by_oracle(case), path)
    if cell == "lstm":
        case = Case(cell, lengths=(5, 0, 2), projection=3, dtype=dtype, every=every)
        agree(case, by_engine(case), by_oracle(case), path)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("projection", [0, 3])
@pytest.mark.parametrize("cell", oracle.PLAIN)
def test_both_directions_are_one_and_the_other(cell, projection, threads, path):
    if projection and cell != "lstm":
        return
    case = Case(cell, 6, 5, lengths=(6, 0, 2, 5, 6), mask="scattered", reset="scattered")
    there, back = (
        numbers_of(Case(**{**vars(case), "projection": projection, "seed": seed}))
        for seed in (1, 2)
    )
    x = there.x.requires_grad_()
    leaves = [x, *(v.requires_grad_() for n in (there, back) for v in n.leaves.values())]
    flags = {"lengths": there.lengths, "mask": there.mask, "reset": there.reset}
    state = tuple(torch.stack(pair) for pair in zip(there.start, back.start, strict=True))
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        weights = (there.weights, back.weights)
        y, final = engine.scan_layer(CELLS[cell], x, state, weights, **flags)
        alone = [
            engine.scan(CELLS[cell], x, n.start, n.weights, reverse=n is back, **flags)
            for n in (there, back)
        ]
        want_y = torch.cat([y for y, _ in alone], dim=-1)
        want_final = [torch.stack(pair) for pair in zip(*(s for _, s in alone), strict=True)]
        incoming = [torch.randn_like(t) for t in (want_y, *want_final)]
        got = torch.autograd.grad([y, *final], leaves, incoming)
        want = torch.autograd.grad([want_y, *want_final], leaves, incoming)
    finally:
        torch.set_num_threads(before)
    close = {"rtol": 1e-12, "atol": 1e-12}
    torch.testing.assert_close([y, *final], [want_y, *want_final], **close)
    torch.testing.assert_close(got, want, **close)


@pytest.mark.parametrize("cell", CELLS)
def test_no_state_is_a_state_of_zeros(cell, path):
    numbers = numbers_of(Case(cell, lengths=(5, 0, 3), reset="scattered", every=2))
    leaves = [
        numbers.x,
        *(
            v
            for k, v in numbers.leaves.items()
            if k in engine.Weights._fields and v.numel()  # a cell may have no recurrent matrix
        ),
    ]
    for leaf in leaves:
        leaf.requires_grad_()
    zeros = tuple(torch.zeros_like(s).unsqueeze(0) for s in numbers.start)
    results = []
    for state in (None, zeros):
        y, final = engine.scan_layer(
            CELLS[cell],
            numbers.x,
            state,
            (numbers.weights,),
            lengths=numbers.lengths,
            reset=numbers.reset,
        )
        incoming = [numbers.incoming["y"], numbers.incoming["h"].unsqueeze(0)]
        results.append([y, *final, *torch.autograd.grad([y, final[0]], leaves, incoming)])
    for none, zero in zip(*results, strict=True):
        assert torch.equal(none, zero)


@pytest.mark.parametrize("cell", oracle.PLAIN)
def test_checkpoints_change_no_bit(cell, path):
    """The steps between are walked again by the same operations in the same order."""
    case = Case(cell, 11, 5, lengths=(11, 0, 4, 7, 11), reset="scattered", dtype=torch.float32)
    want = by_engine(case)
    for every in (1, 3, 11, 100):
        got = by_engine(Case(**{**vars(case), "every": every}))
        for name in ("y", "h", "dx"):
            assert torch.equal(got[name], want[name]), (name, every)


@pytest.mark.parametrize("cell", oracle.PLAIN)
def test_many_rows_and_steps(cell, path):
    """Beyond one tile, one block and one chunk of any loop."""
    torch.manual_seed(1)
    lengths = tuple(torch.randint(0, 41, (37,)).tolist())
    case = Case(cell, 40, 37, 19, 45, lengths=lengths, reverse=True, layout="batch first")
    numbers = numbers_of(case)
    theirs = {
        "rnn_tanh": torch.nn.RNN,
        "rnn_relu": lambda *a, **k: torch.nn.RNN(*a, nonlinearity="relu", **k),
        "lstm": torch.nn.LSTM,
        "gru": torch.nn.GRU,
    }[cell](19, 45, dtype=torch.float64)
    names = {"w_ih": "weight_ih_l0", "w_hh": "weight_hh_l0", "b_ih": "bias_ih_l0"}
    names["b_hh"] = "bias_hh_l0"
    theirs.load_state_dict({names[k]: v for k, v in numbers.leaves.items() if k in names})
    # Torch walks each row alone, turned around, without its padding.
    want = {"y": torch.zeros(40, 37, 45, dtype=torch.float64)}
    want |= {state: numbers.leaves[f"{state}0"].clone() for state in numbers.states}
    for b, length in enumerate(lengths):
        if length:
            hx = tuple(numbers.leaves[f"{s}0"][b : b + 1] for s in numbers.states)
            y, hn = theirs(numbers.x[:length, b].flip(0), hx if len(hx) > 1 else hx[0])
            want["y"][:length, b] = y.detach().flip(0)
            for s, value in zip(numbers.states, hn if len(hx) > 1 else (hn,), strict=True):
                want[s][b] = value[0].detach()
    got = by_engine(case)
    agree(case, {k: got[k] for k in want}, want, path)
    # The gradients by the reference, which the other tests compare with the oracle.
    with forced("reference"):
        agree(case, got, {k: v.detach() for k, v in by_engine(case).items()}, path)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("reverse", [False, True], ids=["forwards", "reverse"])
def test_a_sequence_in_pieces_is_the_sequence_at_once(cell, reverse, path):
    case = Case(cell, 7, 3, lengths=(7, 3, 0), mask="scattered", seed=3, reverse=reverse)
    reset = None if reverse else "scattered"
    numbers = numbers_of(Case(**{**vars(case), "reset": reset}))
    leaves = list(numbers.learning().values())

    def walked(cuts):
        pieces = list(itertools.pairwise(cuts))
        state, outputs = numbers.start, []
        for low, high in reversed(pieces) if reverse else pieces:
            y, state = engine.scan(
                CELLS[cell],
                numbers.x[low:high],
                state,
                numbers.weights,
                lengths=(numbers.lengths - low).clamp(0, high - low),
                mask=numbers.mask[low:high],
                reset=None if numbers.reset is None else numbers.reset[low:high],
                reverse=reverse,
            )
            outputs.append(y)
        y = torch.cat(outputs[::-1] if reverse else outputs)
        results = [y, *state]
        incoming = [numbers.incoming[k] for k in ["y", *numbers.states]]
        return [*results, *torch.autograd.grad(results, leaves, incoming)]

    for at_once, in_pieces in zip(walked([0, 7]), walked([0, 2, 2, 3, 7]), strict=True):
        torch.testing.assert_close(in_pieces, at_once, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("reverse", [False, True], ids=["forwards", "reverse"])
def test_a_reset_separates_sequences(cell, reverse, path):
    """One row with flags at 2 and 5 is three sequences; only the first walked has a past."""
    numbers = numbers_of(Case(cell, 7, 1, seed=4))
    reset = torch.zeros(7, 1, dtype=torch.bool)
    reset[[2, 5]] = True

    def walk(x, state, reset=None):
        return engine.scan(CELLS[cell], x, state, numbers.weights, reset=reset, reverse=reverse)

    y, final = walk(numbers.x, numbers.start, reset)
    pieces = [slice(0, 2), slice(2, 5), slice(5, 7)]
    state = numbers.start
    for piece in reversed(pieces) if reverse else pieces:
        alone, state = walk(numbers.x[piece], state)
        torch.testing.assert_close(y[piece], alone)
        last, state = state, tuple(torch.zeros_like(s) for s in state)
    torch.testing.assert_close(final, last)


@pytest.mark.parametrize("cell", CELLS)
def test_a_reset_forgets_a_state_that_is_not_finite(cell, path):
    case = Case(cell, 4, 2, reset="all")
    numbers = numbers_of(case)
    bad = tuple(torch.full_like(numbers.leaves[f"{s}0"], torch.nan) for s in numbers.states)
    asking = [bad[0]] + ([] if cell in oracle.ALONE else [numbers.weights.w_hh])
    for tensor in asking:
        tensor.requires_grad_()
    y, final = engine.scan(CELLS[cell], numbers.x, bad, numbers.weights, reset=numbers.reset)
    assert y.isfinite().all()
    assert all(s.isfinite().all() for s in final)
    for gradient in torch.autograd.grad(y.sum() + sum(s.sum() for s in final), asking):
        assert torch.equal(gradient, torch.zeros_like(gradient))


@pytest.mark.parametrize("cell", CELLS)
def test_a_row_does_not_depend_on_its_neighbours(cell, path):
    case = Case(cell, 6, 5, hidden=7, lengths=(3, 6, 0, 5, 6), reset="scattered")
    whole = by_engine(case)
    numbers = numbers_of(case)
    numbers.x[:, [0, 2, 3]] = torch.nan
    flags = {"lengths": numbers.lengths, "reset": numbers.reset}
    y, final = engine.scan(CELLS[cell], numbers.x, numbers.start, numbers.weights, **flags)
    alone, last = engine.scan(
        CELLS[cell],
        numbers.x[:, 4:],
        tuple(s[4:] for s in numbers.start),
        numbers.weights,
        lengths=numbers.lengths[4:],
        reset=numbers.reset[:, 4:],
    )
    close = {"rtol": 1e-13, "atol": 1e-13}
    torch.testing.assert_close(y[:, [1, 4]], whole["y"][:, [1, 4]].detach(), **close)
    torch.testing.assert_close(alone[:, 0], whole["y"][:, 4].detach(), **close)
    for several, one, name in zip(final, last, numbers.states, strict=True):
        torch.testing.assert_close(several[[1, 4]], whole[name][[1, 4]].detach(), **close)
        torch.testing.assert_close(one[0], several[4], **close)


@pytest.mark.parametrize("cell", oracle.PLAIN)
@pytest.mark.parametrize("projection", [0, 2])
def test_step_is_a_scan_of_one_step(cell, projection, path):
    if projection and cell != "lstm":
        return
    numbers = numbers_of(Case(cell, 1, projection=projection))
    y, final = engine.scan(CELLS[cell], numbers.x, numbers.start, numbers.weights)
    stepped = engine.step(CELLS[cell], numbers.x[0], numbers.start, numbers.weights)
    torch.testing.assert_close(stepped, final)
    torch.testing.assert_close(stepped[0], y[0])
    want = oracle.one_step(
        cell, numbers.x[0, 1], tuple(s[1] for s in numbers.start), dict(numbers.leaves)
    )
    torch.testing.assert_close(tuple(s[1] for s in stepped), want)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("reverse", [False, True], ids=["forwards", "reverse"])
def test_first_and_second_derivatives_are_those_of_the_function(cell, reverse, path):
    case = Case(cell, 3, 2, 2, 2, lengths=(3, 2), reset="scattered", reverse=reverse, seed=5)
    numbers = numbers_of(case)
    names = list(numbers.leaves)
    count = len(numbers.states)
    x = torch.where(numbers.exists.unsqueeze(-1), numbers.x, 0)

    def function(x, *leaves):
        named = dict(zip(names, leaves, strict=True))
        weights = engine.Weights(**{k: v for k, v in named.items() if k in engine.Weights._fields})
        y, final = engine.scan(
            CELLS[cell],
            x,
            leaves[:count],
            weights,
            lengths=numbers.lengths,
            reset=numbers.reset,
            reverse=reverse,
        )
        return y, *final

    leaves = [x.requires_grad_(), *(leaf.requires_grad_() for leaf in numbers.leaves.values())]
    assert torch.autograd.gradcheck(function, leaves, fast_mode=True)
    assert torch.autograd.gradgradcheck(function, leaves, fast_mode=True)


@pytest.mark.parametrize("cell", CELLS)
def test_gradients_with_a_graph_are_those_without(cell, path):
    numbers = numbers_of(Case(cell, lengths=(5, 0, 3)))
    leaves = list(numbers.learning().values())
    y, final = engine.scan(
        CELLS[cell], numbers.x, numbers.start, numbers.weights, lengths=numbers.lengths
    )
    results, incoming = [y, final[0]], [numbers.incoming["y"], numbers.incoming["h"]]
    plain = torch.autograd.grad(results, leaves, incoming, retain_graph=True)
    again = torch.autograd.grad(results, leaves, incoming, create_graph=True)
    for a, b in zip(plain, again, strict=True):
        torch.testing.assert_close(a, b.detach(), rtol=1e-11, atol=1e-11)
