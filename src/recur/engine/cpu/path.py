"""The compiled path as the engine's `choose` sees it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from recur.cells import Cell, State
from recur.engine.conditions import Condition, declined
from recur.engine.cpu import library, threads, variant
from recur.engine.cpu.operator import CELLS, DTYPES, walk
from recur.engine.cpu.stepper import Stepper
from recur.engine.options import NOTHING, Options
from recur.engine.problem import Problem, Weights
from recur.engine.reference import in_place

name = "cpu"


def about() -> str:
    """The instruction set, the threads, and whether other programs want the processors."""
    loaded = library.library()
    if loaded is None:
        return f"compiled, none, {threads.about(False)}"
    return f"compiled, {loaded.variant}, {threads.about(loaded.crowded())}"


def _device(problem: Problem) -> str | None:
    if problem.device.type == "cpu":
        return None
    return f"the weights are on the device {problem.device.type!r}"


def _form(problem: Problem) -> str | None:
    if problem.cell.name in variant.CELLS:
        return None
    return f"the cell {problem.cell.name!r} has no compiled form"


def _general(problem: Problem) -> str | None:
    """What the walk of all cells and options leaves out."""
    if problem.cell.name in CELLS and not problem.general:
        return None
    if problem.projected:
        return "a projection is compiled for the plain LSTM only"
    if problem.every:
        return "checkpoints are compiled for the plain RNN, LSTM and GRU only"
    if problem.normed_by_gate:
        return "layer normalisation of products with a dropout of their own is not compiled"
    if problem.dtype not in variant.DTYPES:
        types = ", ".join(map(str, variant.DTYPES))
        return f"the type is {problem.dtype}; compiled for such a layer are {types}"
    return None


def _type(problem: Problem) -> str | None:
    if problem.dtype in DTYPES:
        return None
    return f"the type is {problem.dtype}; compiled are {', '.join(map(str, DTYPES))}"


def _types(problem: Problem) -> str | None:
    if problem.input_dtype != problem.dtype:
        return f"the input is {problem.input_dtype} and the weights are {problem.dtype}"
    return (
        "the weights, the states and the dropout are of different types" if problem.mixed else None
    )


def _transform(problem: Problem) -> str | None:
    return "a function transform (vmap, jvp ...) is at work" if problem.transformed else None


def _library(_: Problem) -> str | None:
    if library.library() is not None:
        return None
    return f"no compiled engine is installed, or {library.SETTING} is 'none'"


CONDITIONS = (
    Condition("weights on a GPU, or on any other device than the CPU", _device),
    Condition("a cell that has no compiled form", _form),
    Condition(
        "a projection, checkpoints, bfloat16 and float16 with the cells and arguments that "
        "`torch.nn` has not",
        _general,
    ),
    Condition("other types than float32, float64, bfloat16 and float16", _type),
    Condition("an input, a state and weights of different types", _types),
    Condition("`torch.func`'s transforms and forward-mode differentiation", _transform),
    Condition("an installation without the compiled engine, or `RECUR_CPU=none`", _library),
)


def declines(problem: Problem) -> str | None:
    """Why the compiled loops cannot walk this problem; None if they can."""
    return declined(CONDITIONS, problem)


def scan(
    cell: Cell,
    x: Tensor,
    state: State | None,
    weights: Sequence[Weights],
    *,
    lengths: Tensor | None,
    mask: Tensor | None,
    starts: Sequence[Tensor | None],
    reverse: Sequence[bool],
    outputs: bool,
    every: int,
    options: Options,
) -> tuple[Tensor | None, State]:
    """Walks `x` (T, B, I) from `state`; see `recur.engine.scan_layer`."""
    steps: dict[str, Any] = {"lengths": lengths, "mask": mask, "starts": starts, "reverse": reverse}
    if _plain(cell, weights[0], options):
        y, final = walk(cell, x, state, weights, **steps, outputs=outputs, every=every)
        return (y if outputs else None), final
    return variant.walk(cell, x, state, weights, **steps, outputs=outputs, options=options)


def _plain(cell: Cell, weights: Weights, options: Options) -> bool:
    """Whether the tiles of the plain walk have room for it."""
    return cell.name in CELLS and options is NOTHING and weights.plain


def step(cell: Cell, x: Tensor, state: State, weights: Weights, options: Options) -> State:
    """Walks one step: `x` (B, I)."""
    _, final = scan(
        cell,
        x.unsqueeze(0),
        tuple(s.unsqueeze(0) for s in state),
        (weights,),
        lengths=None,
        mask=None,
        starts=(None,),
        reverse=(False,),
        outputs=False,
        every=0,
        options=options,
    )
    return tuple(s.squeeze(0) for s in final)


def stepper(
    cell: Cell, layers: Sequence[Weights], state: State, x: Tensor, options: Options
) -> Callable[[Tensor], None]:
    """What takes one step after another in place; see `recur.engine.stepper`."""
    if _plain(cell, layers[0], options):
        return Stepper(cell, layers, state, x)
    return in_place(lambda x, s, w: step(cell, x, s, w, options), layers, state)
