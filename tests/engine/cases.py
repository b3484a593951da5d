"""Problems for the engine, drawn at random, and what each way of walking makes of them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from hypothesis import strategies as st
from tests.engine import oracle
from torch import Tensor

from recur import engine
from recur.cells import CELLS

SHAPES_OF_FLAGS = ("left", "right", "middle", "scattered", "all", "none")
POISON = {"nan": float("nan"), "inf": float("inf")}


@dataclass(frozen=True)
class Case:
    """All that one walk depends on; the numbers follow from the seed."""

    cell: str
    time: int = 5
    batch: int = 3
    inputs: int = 3
    hidden: int = 4
    projection: int = 0
    bias: bool = True
    lengths: tuple[int, ...] | None = None
    mask: str | None = None
    reset: str | None = None
    reverse: bool = False
    outputs: bool = True
    every: int = 0
    keep: str = ""  # "tied": dropout of the state by one mask, "by gate": by a mask for each gate
    layout: str = "time first"
    poison: str = "nan"
    dtype: torch.dtype = torch.float64
    # Which inputs need a gradient, and which results pass one back; None for all.
    needs: frozenset[str] | None = None
    pulls: frozenset[str] | None = None
    seed: int = 0


@dataclass
class Numbers:
    """The tensors of a case, in its dtype."""

    x: Tensor
    leaves: dict[str, Tensor]  # states and weights by name
    incoming: dict[str, Tensor]  # gradients of "y", "h" and "c"
    lengths: Tensor | None
    mask: Tensor | None
    reset: Tensor | None
    exists: Tensor
    states: list[str]
    keep: Tensor | None  # (B, R), or (B, gates, R)

    @property
    def weights(self) -> engine.Weights:
        return engine.Weights(
            **{k: v for k, v in self.leaves.items() if k.startswith(("w_", "b_", "units"))}
        )

    @property
    def start(self) -> tuple[Tensor, ...]:
        return tuple(self.leaves[f"{state}0"] for state in self.states)

    def learning(self, needs: frozenset[str] | None = None) -> dict[str, Tensor]:
        """Everything that can have a gradient, by name, and asks for one."""
        # A cell may have no recurrent matrix: then nothing uses it.
        there = {k: v for k, v in self.leaves.items() if k not in ("w_hh", "b_hh") or v.numel()}
        leaves = {"x": self.x, **there}
        for name, leaf in leaves.items():
            leaf.requires_grad_(needs is None or name in needs)
        return leaves


def numbers_of(case: Case) -> Numbers:
    random = torch.Generator().manual_seed(case.seed)

    def normal(*shape: int, scale: float = 1.0) -> Tensor:
        return (torch.randn(*shape, generator=random, dtype=torch.float64) * scale).to(case.dtype)

    time, batch, hidden = case.time, case.batch, case.hidden
    width = case.projection or hidden
    gates = oracle.GATES[case.cell] * hidden
    back = 0 if case.cell in oracle.ALONE else gates
    states = oracle.states(case.cell)
    leaves = {f"{name}0": normal(batch, hidden if n else width) for n, name in enumerate(states)}
    if "n" in states:
        leaves["n0"] = leaves["n0"].abs() + 0.1  # a sum of exponentials
    leaves["w_ih"] = normal(gates, case.inputs, scale=case.inputs**-0.5)
    leaves["w_hh"] = normal(back, width, scale=width**-0.5)
    if case.bias:
        leaves["b_ih"], leaves["b_hh"] = normal(gates), normal(back)
    if case.projection:
        leaves["w_hr"] = normal(width, hidden, scale=hidden**-0.5)
    if case.cell in oracle.WITH_UNITS:
        leaves["units"] = normal(1, hidden)
    x = normal(time, batch, case.inputs)
    incoming = {"y": normal(time, batch, width)}
    incoming |= {name: normal(batch, hidden if n else width) for n, name in enumerate(states)}

    mask = None if case.mask is None else _flags(case.mask, time, batch, random)
    reset = None if case.reset is None else _flags(case.reset, time, batch, random)
    lengths = None if case.lengths is None else torch.tensor(case.lengths, dtype=torch.int64)
    exists = torch.ones(time, batch, dtype=torch.bool)
    if lengths is not None:
        exists &= torch.arange(time).unsqueeze(1) < lengths
    if mask is not None:
        exists &= mask
    # What lies in the padding must reach nothing, and what comes back there must not either.
    x = torch.where(exists.unsqueeze(-1), x, POISON[case.poison])
    incoming["y"] = torch.where(exists.unsqueeze(-1), incoming["y"], POISON[case.poison])
    keep = masks(case.keep, case.cell, batch, width, random)
    keep = None if keep is None else keep.to(case.dtype)
    return Numbers(x, leaves, incoming, lengths, mask, reset, exists, states, keep)


def masks(kind: str, cell: str, batch: int, width: int, random: torch.Generator) -> Tensor | None:
    """Dropout of the state by 0.4, of one direction: (B, R), or of each gate (B, gates, R)."""
    if not kind:
        return None
    gates = [oracle.GATES[cell]] if kind == "by gate" else []
    kept = torch.rand(batch, *gates, width, generator=random) < 0.6
    return torch.where(kept, 1 / 0.6, 0.0)


def _flags(shape: str, time: int, batch: int, random: torch.Generator) -> Tensor:
    steps = torch.arange(time).unsqueeze(1)
    cuts = torch.randint(0, time + 1, (2, batch), generator=random)
    low, high = cuts.amin(0), cuts.amax(0)
    return {
        "left": steps >= low,
        "right": steps < high,
        "middle": (steps < low) | (steps >= high),
        "scattered": torch.rand(time, batch, generator=random) < 0.5,
        "all": torch.ones(time, batch, dtype=torch.bool),
        "none": torch.zeros(time, batch, dtype=torch.bool),
    }[shape]


def laid_out(x: Tensor, layout: str) -> Tensor:
    """The same numbers, lying otherwise in memory."""
    if layout == "batch first":
        return x.transpose(0, 1).contiguous().transpose(0, 1)
    if layout == "every other feature":
        return torch.stack([x, x], dim=-1).flatten(-2)[..., ::2]
    if layout == "features first":
        return x.permute(2, 0, 1).contiguous().permute(1, 2, 0)
    return x


LAYOUTS = ("time first", "batch first", "every other feature", "features first")


def by_engine(case: Case) -> dict[str, Tensor]:
    """Outputs, final states and gradients, by the path that the engine takes."""
    numbers = numbers_of(case)
    leaves = numbers.learning(case.needs)
    flags = {"mask": numbers.mask, "reset": numbers.reset}
    if case.layout == "batch first":
        flags = {k: v if v is None else v.t().contiguous().t() for k, v in flags.items()}
    y, final = engine.scan(
        CELLS[case.cell],
        laid_out(numbers.x, case.layout),
        numbers.start,
        numbers.weights,
        lengths=numbers.lengths,
        **flags,
        reverse=case.reverse,
        outputs=case.outputs,
        checkpoint_every=case.every,
        options=engine.NOTHING
        if numbers.keep is None
        else engine.Options(keep=numbers.keep.unsqueeze(0)),
    )
    assert (y is None) == (not case.outputs), "outputs that were not asked for, or none"
    results = dict(zip(numbers.states, final, strict=True))
    if y is not None:
        results["y"] = y
    return results | _gradients(case, results, leaves, numbers.incoming)


def by_oracle(case: Case) -> dict[str, Tensor]:
    """The same results by the oracle, in float64 from the same rounded numbers."""
    numbers = numbers_of(case)
    numbers.x = numbers.x.double()
    numbers.leaves = {name: leaf.double() for name, leaf in numbers.leaves.items()}
    leaves = numbers.learning(case.needs)
    reset = torch.zeros_like(numbers.exists) if numbers.reset is None else numbers.reset
    y, final = oracle.walk(
        case.cell,
        numbers.x,
        numbers.start,
        {k: v for k, v in numbers.weights._asdict().items() if v is not None},
        exists=numbers.exists,
        reset=reset,
        reverse=case.reverse,
        keep=None if numbers.keep is None else numbers.keep.double(),
    )
    results = dict(zip(numbers.states, final, strict=True))
    if case.outputs:
        results["y"] = y
    incoming = {k: v.double() for k, v in numbers.incoming.items()}
    incoming["y"] = torch.where(numbers.exists.unsqueeze(-1), incoming["y"], 0)
    return results | _gradients(case, results, leaves, incoming)


def _gradients(
    case: Case, results: dict[str, Tensor], leaves: dict[str, Tensor], incoming: dict[str, Tensor]
) -> dict[str, Tensor]:
    pulled = [
        k for k, v in results.items() if v.requires_grad and (not case.pulls or k in case.pulls)
    ]
    wanted = [k for k, v in leaves.items() if v.requires_grad]
    if not pulled:
        found: list[Tensor | None] = [None] * len(wanted)
    else:
        found = list(
            torch.autograd.grad(
                [results[k] for k in pulled],
                [leaves[k] for k in wanted],
                [incoming[k] for k in pulled],
                allow_unused=True,
            )
        )
    return {
        f"d{k}": torch.zeros_like(leaves[k]) if gradient is None else gradient
        for k, gradient in zip(wanted, found, strict=True)
    }


# Arithmetic alone: the oracle starts from the same rounded numbers.
TOLERANCE = {torch.float64: 1e-11, torch.float32: 1e-5, torch.bfloat16: 0.1, torch.float16: 0.01}


def agree(case: Case, got: dict[str, Tensor], want: dict[str, Tensor], who: str) -> None:
    """Every result, within rounding."""
    assert got.keys() == want.keys()
    for name, expected in want.items():
        value = got[name].detach()
        assert value.dtype == case.dtype, f"{who}: {name} is {value.dtype}"
        assert value.shape == expected.shape, f"{who}: {name} has the shape {value.shape}"
        scale = max(1.0, expected.abs().max().item() if expected.numel() else 0.0)
        error = (value.double() - expected).abs()
        worst = error.max().item() if error.numel() else 0.0
        assert worst <= TOLERANCE[case.dtype] * scale, (
            f"{who}: {name} is off by {worst:.2e} (values up to {scale:.2e})\n{case}"
        )


@st.composite
def cases(draw, cell: str, dtype: torch.dtype) -> Case:
    """Sizes around the widths of vectors and tiles, 0 and 1 included."""
    time = draw(st.sampled_from([4, 0, 1, 2, 3, 5, 6, 8]))
    batch = draw(st.sampled_from([3, 0, 1, 2, 4, 5, 7, 9]))
    hidden = draw(st.sampled_from([4, 1, 2, 3, 9, 17, 33]))
    names = oracle.states(cell)
    leaves = ["x", *(f"{n}0" for n in names), "w_ih", "w_hh", "b_ih", "b_hh", "w_hr"]
    lengths = st.lists(st.integers(0, time), min_size=batch, max_size=batch).map(tuple)
    shapes = st.none() | st.sampled_from(SHAPES_OF_FLAGS)
    return Case(
        cell=cell,
        time=time,
        batch=batch,
        inputs=draw(st.sampled_from([1, 2, 3, 7, 18, 35])),
        hidden=hidden,
        projection=draw(st.sampled_from([0, 0, hidden // 2])) if cell == "lstm" else 0,
        bias=draw(st.booleans()),
        lengths=draw(st.none() | lengths),
        mask=draw(shapes),
        reset=draw(shapes),
        reverse=draw(st.booleans()),
        outputs=draw(st.sampled_from([True, True, False])),
        every=draw(st.sampled_from([0, 0, 1, 2, 3, 9])),
        layout=draw(st.sampled_from(LAYOUTS)),
        poison=draw(st.sampled_from(list(POISON))),
        dtype=dtype,
        needs=draw(st.none() | st.frozensets(st.sampled_from(leaves))),
        pulls=draw(st.none() | st.frozensets(st.sampled_from(["y", *names]), min_size=1)),
        seed=draw(st.integers(0, 10_000)),
    )
