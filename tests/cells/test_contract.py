"""What every cell promises to the loop."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from recur.cells import CELLS, NONE, Cell, Extras

HIDDEN, ROWS = 3, 4


@pytest.fixture(params=CELLS.values(), ids=CELLS.keys())
def cell(request) -> Cell:
    return request.param


def drawn(cell, dtype=torch.float64, rows=ROWS):
    state = [torch.randn(rows, HIDDEN, dtype=dtype) for _ in cell.states]
    gx = torch.randn(rows, cell.input_gates * HIDDEN, dtype=dtype)
    gh = torch.randn(rows, cell.state_gates * HIDDEN, dtype=dtype)
    return [*state, gx, gh]


def extras_of(cell, like):
    """What a cell cannot do without: numbers of its units' own."""
    if not cell.needs_units:
        return NONE
    units = torch.linspace(0.3, 1.5, HIDDEN * len(cell.unit_weights)).to(like.dtype)
    return Extras(units=tuple(units.view(-1, HIDDEN)))


def stepped(cell, *tensors):
    *state, gx, gh = tensors
    return cell.pointwise(tuple(state), gx, gh, extras_of(cell, gx))


def test_it_is_known_by_its_name_and_cannot_be_changed(cell):
    assert CELLS[cell.name] is cell
    with pytest.raises(dataclasses.FrozenInstanceError):
        cell.input_gates = 7


def test_its_numbers_agree_with_one_another(cell):
    assert 0 <= cell.shared_gates <= min(cell.input_gates, cell.state_gates)
    assert cell.gates == cell.input_gates + cell.state_gates - cell.shared_gates
    assert len(set(cell.states)) == len(cell.states) >= 1


def test_what_it_says_of_its_gates(cell):
    assert len(cell.gate_words) == len(cell.gate_names) == len(set(cell.gate_names))
    assert [cell.word(gate) for gate in cell.gate_names] == list(cell.gate_words)
    assert {*cell.centred, cell.keeps, cell.takes} <= {*cell.gate_names, ""}
    assert cell.keeps or not cell.starts
    assert cell.advice.endswith(".")


def test_its_gates_lie_where_it_says(cell):
    seen: dict = {}
    extras = extras_of(cell, torch.ones(1))._replace(seen=seen)
    *state, gx, gh = (10 * part for part in drawn(cell, rows=200))
    cell.pointwise(tuple(state), gx, gh, extras)
    for gate, values in seen.items():
        below = (values < -0.5).any().item()
        assert below == (gate in cell.centred and not cell.rectified), gate


def test_its_numbers_agree_with_its_function(cell):
    """As many gates as it says: with one more or one less the step fails or has another shape."""

    def shapes(input_gates, state_gates):
        state = tuple(torch.ones(ROWS, HIDDEN) for _ in cell.states)
        gx, gh = torch.ones(ROWS, input_gates * HIDDEN), torch.ones(ROWS, state_gates * HIDDEN)
        try:
            return [tuple(s.shape) for s in stepped(cell, *state, gx, gh)]
        except (RuntimeError, ValueError):
            return None

    right = [(ROWS, HIDDEN)] * len(cell.states)
    assert shapes(cell.input_gates, cell.state_gates) == right
    for more in (1, 2):
        # One gate that stands for another cannot be told from one too many of them.
        if cell.gates > 1:
            assert shapes(cell.input_gates + more, cell.state_gates + more) != right


def test_shared_gates_are_those_where_only_the_sum_counts(cell):
    """What the input adds to a shared gate, the state may add instead."""
    *state, gx, gh = drawn(cell)
    shared = cell.shared_gates * HIDDEN
    moved = torch.randn(ROWS, shared, dtype=gx.dtype)
    gx2, gh2 = gx.clone(), gh.clone()
    gx2[:, :shared] += moved
    gh2[:, :shared] -= moved
    for got, want in zip(
        stepped(cell, *state, gx2, gh2), stepped(cell, *state, gx, gh), strict=True
    ):
        torch.testing.assert_close(got, want)
    # And in no other: a gate that is not shared tells the two apart.
    if shared < gx.shape[1] and shared < gh.shape[1]:
        gx2, gh2 = gx.clone(), gh.clone()
        gx2[:, shared:] += 0.5
        gh2[:, shared:] -= 0.5
        assert not torch.allclose(
            stepped(cell, *state, gx2, gh2)[0], stepped(cell, *state, gx, gh)[0]
        )


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_states_keep_shape_and_type(cell, dtype):
    for rows in (0, 1, ROWS):
        for state in stepped(cell, *drawn(cell, dtype, rows)):
            assert state.shape == (rows, HIDDEN)
            assert state.dtype == dtype


def test_each_unit_and_each_row_stands_alone(cell):
    """Pointwise: a unit in a row sees its own states and gates, and no others."""
    given = drawn(cell)
    changed = [tensor.clone() for tensor in given]
    for tensor in changed:
        tensor[:2, 1::HIDDEN] += 1
    for before, after in zip(stepped(cell, *given), stepped(cell, *changed), strict=True):
        same = torch.ones(ROWS, HIDDEN, dtype=torch.bool)
        same[:2, 1] = False
        assert torch.equal(before[same], after[same])
        assert (before[~same] != after[~same]).any()


def test_it_changes_nothing_that_it_is_given(cell):
    given = drawn(cell)
    copies = [t.clone() for t in given]
    stepped(cell, *given)
    for t, copy in zip(given, copies, strict=True):
        assert torch.equal(t, copy)


def test_first_and_second_derivatives_are_those_of_the_function(cell):
    given = [t.requires_grad_() for t in drawn(cell)]
    # The unused state of a cell (the LSTM's h) has no gradient: it is not part of the check.
    used = torch.autograd.grad(
        sum(s.sum() for s in stepped(cell, *given)), given, allow_unused=True
    )
    free = [i for i, gradient in enumerate(used) if gradient is not None]

    def function(*tensors):
        full = [t.detach() for t in given]
        for i, tensor in zip(free, tensors, strict=True):
            full[i] = tensor
        return stepped(cell, *full)

    inputs = [given[i] for i in free]
    assert torch.autograd.gradcheck(function, inputs)
    assert torch.autograd.gradgradcheck(function, inputs)


def test_it_notes_the_gates_that_it_names(cell):
    *state, gx, gh = drawn(cell)
    seen = {}
    extras = extras_of(cell, gx)._replace(seen=seen)
    cell.pointwise(tuple(state), gx, gh, extras)
    assert sorted(seen) == sorted(cell.gate_names)
    assert all(gate.shape == (ROWS, HIDDEN) for gate in seen.values())


def test_what_it_says_is_linear_is_its_step(cell):
    if cell.linear is None:
        return
    *state, gx, gh = drawn(cell)
    a, b = cell.linear(gx)
    (h,) = cell.pointwise(tuple(state), gx, gh)
    torch.testing.assert_close(a * state[0] + b, h)
    assert ((a >= 0) & (a <= 1)).all()
