"""What only the compiled path promises: its variants, threads, operators and rounding."""

from __future__ import annotations

import contextlib
import itertools
import os
import time

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine import oracle
from tests.engine.cases import (
    LAYOUTS,
    SHAPES_OF_FLAGS,
    TOLERANCE,
    Case,
    agree,
    by_engine,
    by_oracle,
    numbers_of,
)
from tests.engine.paths import PATHS, forced

import recur
from recur import engine
from recur.cells import CELLS, LSTM
from recur.engine.cpu import library
from recur.engine.cpu.operator import FORWARD
from recur.messages import InputError

pytestmark = pytest.mark.skipif(not library.runnable(), reason="the compiled engine is not built")
COMPILED = PATHS[1:]


@pytest.fixture
def fresh():
    """The variant in use is decided anew, before and after."""
    library.decide_again()
    yield
    library.decide_again()


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("variant", library.runnable())
def test_the_environment_names_a_variant(monkeypatch, variant):
    monkeypatch.setenv("RECUR_CPU", variant)
    assert library.library().variant == variant
    assert f"cpu (compiled, {variant}, " in str(recur.explain(recur.LSTM(2, 3)))


@pytest.mark.usefixtures("fresh")
def test_without_a_word_the_widest_variant_is_taken(monkeypatch):
    monkeypatch.delenv("RECUR_CPU", raising=False)
    assert library.library().variant == library.runnable()[0]


@pytest.mark.usefixtures("fresh")
def test_none_is_the_reference(monkeypatch):
    monkeypatch.setenv("RECUR_CPU", "none")
    layer = recur.LSTM(2, 3)
    assert "reference (a loop in plain PyTorch); not cpu: no compiled" in str(recur.explain(layer))
    assert layer(torch.ones(4, 1, 2))[0].isfinite().all()


@pytest.mark.usefixtures("fresh")
def test_a_variant_that_is_not_there_is_one_sentence(monkeypatch):
    monkeypatch.setenv("RECUR_CPU", "axv2")
    with pytest.raises(InputError, match=r"^The environment variable RECUR_CPU must be .*'axv2'"):
        library.library()


@pytest.mark.usefixtures("fresh")
def test_an_installation_without_the_library_says_so_and_works(monkeypatch):
    monkeypatch.delenv("RECUR_CPU", raising=False)
    monkeypatch.setattr(library, "_file", lambda variant: None)
    with pytest.warns(UserWarning, match="compiled engine is not part of this installation"):
        y, _ = recur.GRU(2, 3)(torch.ones(4, 1, 2))
    assert y.isfinite().all()


@pytest.mark.parametrize("path", COMPILED)
@pytest.mark.parametrize("cell", CELLS)
def test_the_same_bits_each_time_and_the_same_numbers_on_any_threads(cell, path):
    """With more threads than rows too, and rows of every length."""
    before = torch.get_num_threads()
    case = Case(cell, 9, 13, 5, 21, lengths=(9, 1, 0, 4, 9, 7, 7, 2, 3, 9, 8, 5, 6), seed=1)
    results = {}
    try:
        with forced(path):
            for threads in (1, 2, 3, 20) * 2:
                torch.set_num_threads(threads)
                results.setdefault(threads, []).append(by_engine(case))
    finally:
        torch.set_num_threads(before)
    for threads, (once, again) in results.items():
        for name, one in results[1][0].items():
            assert torch.equal(once[name], again[name]), (threads, name)
            torch.testing.assert_close(once[name], one, rtol=1e-12, atol=1e-12)


@contextlib.contextmanager
def crowded(loaded, there=True):
    """As if other programs wanted the processors: walks take threads that sleep while they wait.

    Or as if none did, whatever the tests run beside.
    """
    loaded.set_crowded(there)
    try:
        yield
    finally:
        loaded.set_crowded(None)


@pytest.mark.parametrize("variant", library.runnable())
@pytest.mark.parametrize("cell", CELLS)
def test_beside_other_programs_the_same_bits(cell, variant):
    """A wide one too, whose threads else share the rows."""
    before = torch.get_num_threads()
    cases = [Case(cell, 9, 13, 5, 21, seed=1), Case(cell, 3, 2, 8, 520, dtype=torch.float32)]
    loaded = library.load(variant)
    try:
        for case, threads in itertools.product(cases, (2, 3)):
            torch.set_num_threads(threads)
            with forced(f"cpu-{variant}"):
                want = by_engine(case)
                with crowded(loaded):
                    got = by_engine(case)
            for name, one in want.items():
                assert torch.equal(got[name], one), (threads, name)
    finally:
        torch.set_num_threads(before)


def test_explain_says_how_the_threads_wait(two_threads):
    layer, loaded = recur.GRU(2, 3), library.library()
    with crowded(loaded, there=False):
        assert "sleep" not in str(recur.explain(layer))
    with crowded(loaded):
        assert "2 threads, which sleep while they wait" in str(recur.explain(layer))
    torch.set_num_threads(500)
    assert f"500 threads on {len(os.sched_getaffinity(0))} processor" in str(recur.explain(layer))


@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="the system tells no threads")
def test_threads_of_a_busy_time_end_with_it(two_threads):
    loaded, layer, x = library.library(), recur.GRU(2, 3), torch.randn(4, 8, 2)

    def threads():
        return len(os.listdir("/proc/self/task"))

    with crowded(loaded, there=False):
        layer(x)
    quiet = threads()
    for _ in range(20):
        with crowded(loaded):
            layer(x)
    for _ in range(500):  # they end by themselves, soon; one of our own stays, asleep
        if threads() <= quiet + 1:
            break
        time.sleep(0.01)
    assert threads() <= quiet + 1


INFINITE = [
    ("rnn_tanh", 3, 17),
    ("lstm", 3, 15),
    ("lstm", 90, 33),  # beyond the walk of few steps
    ("gru", 3, 17),
    ("gru", 90, 100),
    ("lstm_coupled", 9, 17),
    ("gru_before", 9, 17),
    ("slstm", 9, 17),
]


@pytest.mark.parametrize("what", ["x", "h0"])
@pytest.mark.parametrize(("cell", "steps", "hidden"), INFINITE)
@pytest.mark.parametrize("path", COMPILED)
def test_an_infinite_number_reaches_what_it_reaches_in_the_reference(
    path, cell, steps, hidden, what
):
    """Lanes of padding, where a zero weight would make it NaN, are nobody's."""
    case = Case(cell, steps, 3, hidden=hidden, dtype=torch.float32)
    numbers = numbers_of(case)
    given = numbers.x if what == "x" else numbers.leaves["h0"]
    with torch.no_grad():
        given[(1, 1, 2) if what == "x" else (1, 2)] = float("inf")

    def walked(name):
        leaves = numbers.learning()
        with forced(name):
            y, _ = engine.scan(CELLS[cell], numbers.x, numbers.start, numbers.weights)
            grads = torch.autograd.grad(y.sum(), list(leaves.values()))
        return dict(zip(leaves, grads, strict=True)) | {"y": y}

    got, want = walked(path), walked("reference")
    for name, expected in want.items():
        finite = expected.isfinite()
        assert got[name][finite].isfinite().all(), name
        torch.testing.assert_close(got[name][finite], expected[finite], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("shut", [-30.0, -68.0, -70.0, -100.0, -900.0])
@pytest.mark.parametrize("path", COMPILED)
def test_gates_of_minlstm_that_are_both_nearly_shut_still_share(path, shut, dtype):
    """As sigmoids they are 0, and so is their sum."""
    apart = torch.tensor([0.0, 2.0, -16.0])
    layer = recur.MinLSTM(2, 3, dtype=dtype)
    with torch.no_grad():
        layer.weight_ih_l0.zero_()
        layer.bias_ih_l0.copy_(torch.cat([torch.full((3,), shut), shut + apart, apart]))
    x = torch.randn(5, 2, 2, dtype=dtype)

    def walked(name):
        with forced(name):
            y, _ = layer(x)
            return y, *torch.autograd.grad(y.square().sum(), list(layer.parameters()))

    for got, want in zip(walked(path), walked("reference"), strict=True):
        torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-6)


# Layers whose recurrent weights are beyond a core's own cache: threads share the rows.
WIDE = {
    "rnn_tanh": (460, 487, 512),
    "rnn_relu": (460, 487, 512),
    "lstm": (230, 243, 256),
    "gru": (261, 290, 301),
}


@st.composite
def wide_cases(draw, cell):
    time, batch = draw(st.integers(0, 5)), draw(st.integers(0, 4))
    lengths = st.lists(st.integers(0, time), min_size=batch, max_size=batch).map(tuple)
    flags = st.none() | st.sampled_from(SHAPES_OF_FLAGS)
    return Case(
        cell=cell,
        time=time,
        batch=batch,
        inputs=draw(st.sampled_from([1, 35, 70])),
        hidden=draw(st.sampled_from(WIDE[cell])),
        bias=draw(st.booleans()),
        lengths=draw(st.none() | lengths),
        mask=draw(flags),
        reset=draw(flags),
        reverse=draw(st.booleans()),
        outputs=draw(st.booleans()),
        layout=draw(st.sampled_from(LAYOUTS)),
        dtype=draw(st.sampled_from(list(TOLERANCE))),
        seed=draw(st.integers(0, 10_000)),
    )


@pytest.mark.parametrize("path", COMPILED)
@pytest.mark.parametrize("cell", oracle.PLAIN)
@settings(deadline=None, max_examples=20)
@given(data=st.data())
def test_threads_with_units_of_their_own_agree_with_the_oracle(cell, path, data):
    case = data.draw(wide_cases(cell))
    before = torch.get_num_threads()
    torch.set_num_threads(data.draw(st.sampled_from([2, 2, 3, 5])))
    try:
        with forced(path):
            agree(case, by_engine(case), by_oracle(case), path)
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("path", COMPILED)
@pytest.mark.parametrize("cell", oracle.PLAIN)
def test_units_of_their_own_give_the_same_bits_on_any_number_of_threads(cell, path):
    case = Case(cell, 40, 5, 5, WIDE[cell][1], lengths=(40, 1, 0, 33, 40), dtype=torch.float32)
    before = torch.get_num_threads()
    try:
        with forced(path):
            torch.set_num_threads(2)
            once = by_engine(case)
            for threads in (2, 3, 7):
                torch.set_num_threads(threads)
                for name, again in by_engine(case).items():
                    assert torch.equal(once[name], again), (threads, name)
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(("rows", "hidden"), [(1, 21), (2, 21), (7, 21), (1, 450), (3, 450)])
@pytest.mark.parametrize("path", COMPILED)
def test_two_directions_give_the_same_bits_each_time(path, rows, hidden):
    """Side by side on the threads, or one after the other: it depends on rows and weights."""
    layer = recur.LSTM(5, hidden, bidirectional=True)
    x = torch.randn(9, rows, 5, requires_grad=True)
    before = torch.get_num_threads()
    try:
        with forced(path):
            alone = None
            for threads in (1, 2, 3, 4):
                torch.set_num_threads(threads)
                found = []
                for _ in range(3):
                    y, state = layer(x, lengths=[9, *range(rows - 1)])
                    results = [y, *state]
                    leaves = [x, *layer.parameters()]
                    results += torch.autograd.grad(y.square().sum() + state[1].sum(), leaves)
                    found.append(results)
                for once, *others in zip(*found, strict=True):
                    assert all(torch.equal(once, other) for other in others)
                alone = alone or found[0]
                torch.testing.assert_close(found[0], alone, rtol=1e-4, atol=1e-5)
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("path", COMPILED)
@pytest.mark.parametrize("every", [0, 2])
@pytest.mark.parametrize("cell", oracle.PLAIN)
def test_the_operators_keep_torch_s_rules(cell, every, path):
    """Schema, fake tensors and autograd registration, as torch's own checks see them."""
    numbers = numbers_of(Case(cell, lengths=(5, 0, 3), mask="left", reset="scattered"))
    numbers.learning()
    state = [s.unsqueeze(0).detach().requires_grad_() for s in numbers.start]
    state += [None] * (2 - len(state))
    flags = (numbers.lengths, numbers.mask, numbers.reset, None)
    how = (cell, FORWARD, every, True, True)
    args = (*how, numbers.x, *state, *flags, *numbers.weights[:5], *[None] * 5)
    with forced(path):
        checks = ("test_schema", "test_autograd_registration", "test_faketensor")
        torch.library.opcheck(torch.ops.recur.scan.default, args, test_utils=checks)


@pytest.mark.parametrize("path", COMPILED)
@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported:UserWarning")
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("RNN", {}),
        ("LSTM", {}),
        ("GRU", {}),
        ("LSTM", {"proj_size": 7, "bidirectional": True, "num_layers": 2}),
    ],
    ids=str,
)
def test_in_float32_at_most_twice_the_error_of_torch(kind, options, path):
    """Both against torch in float64; what is below eight roundings of the greatest value is even.

    The rule is flash-attention's (tests/test_flash_attn.py).
    """
    theirs = getattr(torch.nn, kind)(12, 20, **options)
    truth = getattr(torch.nn, kind)(12, 20, **options, dtype=torch.float64)
    truth.load_state_dict(theirs.state_dict())
    ours = getattr(recur, kind)(12, 20, **options)
    ours.load_state_dict(theirs.state_dict())
    steps = 100 if options else 500
    x = torch.randn(steps, 32, 12)
    dy = torch.randn(steps, 32, 14 if options else 20)

    def results(layer, dtype):
        given = x.to(dtype).requires_grad_()
        y, state = layer(given)
        gradients = torch.autograd.grad(y, [given, *layer.parameters()], dy.to(dtype))
        return [y, *(state if isinstance(state, tuple) else (state,)), *gradients]

    with forced(path):
        mine = results(ours, torch.float32)
    torchs, exact = results(theirs, torch.float32), results(truth, torch.float64)
    for own, other, true in zip(mine, torchs, exact, strict=True):
        floor = 8 * 2**-24 * true.abs().max()
        allowed = 2 * (other.double() - true).abs().max() + floor
        assert (own.double() - true).abs().max() <= allowed


def test_a_state_of_another_type_is_refused_and_not_misread():
    numbers = numbers_of(Case("lstm"))
    start = tuple(s.float() for s in numbers.start)
    with pytest.raises(RuntimeError):
        engine.scan(LSTM, numbers.x, start, numbers.weights)


@pytest.mark.parametrize(
    "change",
    [
        {"w_ih": (16, 2)},
        {"w_hh": (16, 5)},
        {"w_hh": (12, 4)},
        {"w_ih": (12, 3)},
        {"b_ih": (15,)},
        {"b_hh": (4,)},
        {"h0": (3, 5)},
        {"h0": (2, 4)},
        {"c0": (3, 3)},
        {"c0": (1, 4)},
    ],
    ids=str,
)
def test_shapes_that_do_not_fit_are_refused_and_not_misread(change):
    """A parameter of another shape, as someone sets it, must not read memory beyond."""
    numbers = numbers_of(Case("lstm"))
    for name, shape in change.items():
        numbers.leaves[name] = torch.zeros(shape, dtype=torch.float64)
    with pytest.raises(RuntimeError):
        engine.scan(LSTM, numbers.x, numbers.start, numbers.weights)
