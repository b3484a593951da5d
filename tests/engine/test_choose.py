"""The choice of a path: what declines, in which words, and that what is said is done."""

from __future__ import annotations

import pytest
import torch
from tests.engine import oracle
from tests.engine.cases import Case, numbers_of
from tests.engine.paths import PATHS, choosing, forced

from recur import engine
from recur.cells import CELLS, GRU, LSTM, Cell
from recur.engine import reference
from recur.engine.cpu import library

PLAIN = engine.Problem(LSTM, torch.device("cpu"), torch.float32, torch.float32)
OTHER = Cell("other", 1, 1, 1, ("h",), lambda state, gx, gh: (gx + gh,))
compiled = pytest.mark.skipif(not library.runnable(), reason="the compiled engine is not built")


@compiled
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("cell", [CELLS[name] for name in oracle.PLAIN], ids=lambda cell: cell.name)
def test_the_compiled_path_takes_the_plain_problem(cell, dtype):
    for name in PATHS[1:]:
        with forced(name):
            problem = PLAIN._replace(cell=cell, dtype=dtype, input_dtype=dtype)
            choice = engine.choose(problem)
            assert choice.path.name == "cpu"
            assert choice.declined == ()
            assert name.removeprefix("cpu-") in str(choice)


@compiled
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"device": torch.device("meta")}, "device 'meta'"),
        ({"dtype": torch.complex64, "input_dtype": torch.complex64}, "torch.complex64"),
        ({"input_dtype": torch.float64}, "torch.float64"),
        ({"mixed": True}, "different types"),
        ({"general": True, "projected": True}, "projection"),
        ({"general": True, "every": 3}, "checkpoints"),
        ({"general": True, "dtype": torch.float16, "input_dtype": torch.float16}, "torch.float16"),
        ({"general": True, "normed_by_gate": True}, "layer normalisation of products"),
        ({"transformed": True}, "transform"),
        ({"cell": OTHER}, "'other'"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_a_path_declines_falls_to_the_reference_with_the_reason(change, reason):
    choice = engine.choose(PLAIN._replace(**change))
    assert choice.path is reference
    assert [name for name, _ in choice.declined] == ["cpu"]
    assert reason in choice.declined[0][1]
    assert str(choice).startswith("reference (")
    assert f"; not cpu: {choice.declined[0][1]}" in str(choice)


def test_scan_and_step_take_the_path_that_is_chosen(monkeypatch):
    """A path that is first in line and declines by its own condition."""
    taken = []

    class Watched:
        name = "watched"

        def about(self):
            return "the reference, watched"

        def declines(self, problem):
            return "it is an LSTM" if problem.cell is LSTM else None

        def scan(self, *args, **options):
            taken.append("scan")
            return reference.scan(*args, **options)

        def step(self, *args):
            taken.append("step")
            return reference.step(*args)

    monkeypatch.setattr(choosing, "PATHS", (Watched(), reference))
    for cell in (GRU, LSTM):
        numbers = numbers_of(Case(cell.name))
        engine.scan(cell, numbers.x, numbers.start, numbers.weights)
        engine.step(cell, numbers.x[0], numbers.start, numbers.weights)
    assert taken == ["scan", "step"]
    assert str(engine.choose(PLAIN)) == (
        "reference (a loop in plain PyTorch); not watched: it is an LSTM"
    )


def test_the_problem_is_read_from_the_weights_and_the_input():
    numbers = numbers_of(Case("lstm", projection=2, dtype=torch.bfloat16))
    problem = engine.Problem.of(LSTM, numbers.weights, numbers.x.float())
    want = engine.Problem(LSTM, torch.device("cpu"), torch.bfloat16, torch.float32)
    assert problem == want._replace(projected=True)
    assert engine.Problem.of(LSTM, numbers.weights).input_dtype == torch.bfloat16
    seen = []
    torch.func.vmap(lambda x: seen.append(engine.Problem.of(LSTM, numbers.weights, x)) or x)(
        numbers.x
    )
    assert seen[0].transformed
