"""What is taken from torch, and what is left to it: one list of conditions, each with its reason.

`accelerate`, `patch` and `explain` ask it, and the table in docs/accelerate.md is made of it. Its
last part is the engine's own list, by which a path is chosen.
"""

from __future__ import annotations

import functools
import itertools
import re
from typing import Any

import torch
from torch import jit, nn
from torch.nn.utils import parametrize

from recur import engine
from recur.engine.conditions import Condition, declined
from recur.engine.cpu import path
from recur.layers import embedding
from recur.layers.cells import RecurrentCell
from recur.layers.embedding import Embedding
from recur.layers.gru import GRU
from recur.layers.lstm import LSTM
from recur.layers.recurrent import Recurrent
from recur.layers.rnn import RNN
from recur.layers.seen import seen
from recur.messages import listed

RECURRENT: dict[type[nn.Module], type[Recurrent]] = {nn.RNN: RNN, nn.LSTM: LSTM, nn.GRU: GRU}
OURS: dict[type[nn.Module], type[nn.Module]] = {**RECURRENT, nn.Embedding: Embedding}
# What a subclass may define of what torch's layers have, and still compute the same: its methods
# come before recur's as before torch's, and a forward of its own reaches recur's by `super()`.
HARMLESS = {
    *("__init__", "__init_subclass__", "__class_getitem__", "__doc__", "__module__", "__dict__"),
    *("__annotations__", "__weakref__", "__constants__", "__repr__", "extra_repr"),
    *("reset_parameters", "flatten_parameters", "forward"),
}
# Why a cell of torch.nn stays.
ONE_STEP = "it walks one step, which torch's own does faster; recur's layers gain over a sequence"
# What torch's forward asks of the layer, but for its weights and sizes.
_HELPERS = {
    *("check_input", "check_forward_args", "check_hidden_size", "permute_hidden"),
    *("get_expected_hidden_size", "get_expected_cell_size", "__getattr__", "__getattribute__"),
    *("_update_flat_weights", "_weights_have_changed", "_init_flat_weights", "_flat_weights"),
}
# The steps from which recur's loops gain in one call, what Python does before them included.
LEAST = {"gru": 4, "rnn_tanh": 8, "rnn_relu": 8}
_NAMES = re.compile("RNN|LSTM|GRU")


def why_not(layer: nn.Module) -> str | None:
    """Why `accelerate` leaves the layer as it is; None if it takes it."""
    return declined(OF_CLASSES, layer) or why_slower(layer)


def why_slower(layer: nn.Module, problem: engine.Problem | None = None) -> str | None:
    """Why torch's own loops serve the layer, an RNN, LSTM, GRU or Embedding; None if ours do.

    Args:
        layer: whose class computes what torch's does.
        problem: of a recurrent layer, what it walks; None for what its weights pose.
    """
    if isinstance(layer, nn.Embedding):
        return declined(embedding.CONDITIONS, layer)
    if problem is None:
        assert isinstance(layer, nn.RNNBase)
        problem = seen(layer, RECURRENT[theirs_of(type(layer))]).problem()
    return declined(OF_WALKS, problem)


def why_not_called(layer: nn.Module, problem: engine.Problem | None = None) -> str | None:
    """Why a call of torch's own `forward` is left to torch's loops; as `why_slower`."""
    reason = None if type(layer) in OURS else declined(OF_FORWARDS, type(layer))
    return reason or why_slower(layer, problem)


def too_short(problem: engine.Problem, steps: int) -> str | None:
    """Why torch's own loops serve a call of so few steps; None if ours do."""
    return declined(OF_CALLS, (problem.cell.name, steps))


def theirs_of(kind: type[nn.Module]) -> type[nn.Module]:
    """The class of torch.nn that it is or is derived from."""
    return next(theirs for theirs in OURS if issubclass(kind, theirs))


def kind_of(layer: nn.Module) -> str:
    """Its class as people know it: `torch.nn.LSTM`."""
    kind = parametrize.type_before_parametrizations(layer)
    place = "torch.nn" if kind.__module__.startswith("torch.nn.modules.") else kind.__module__
    return f"{place}.{kind.__qualname__}"


def concerns(layer: nn.Module) -> bool:
    """Whether the layer is of a kind that may be taken, or is named to be one."""
    if isinstance(layer, (*OURS, nn.RNNBase, nn.RNNCellBase)):
        return True
    if isinstance(layer, jit.ScriptModule):
        return bool(_NAMES.search(layer.original_name)) or layer.original_name == "Embedding"
    kind = type(layer)
    if kind.__module__.startswith("torch.ao."):
        return kind.__name__ in [theirs.__name__ for theirs in OURS]
    return not kind.__module__.startswith("torch.") and bool(_NAMES.search(kind.__name__))


def _changed(layer: nn.Module, theirs: type[nn.Module]) -> list[str]:
    """What the layer of a subclass has of its own under names that recur's layer has."""
    before, ours = parametrize.type_before_parametrizations(layer), OURS[theirs]
    own = itertools.takewhile(lambda each: each is not theirs, before.__mro__)
    named = {name for each in own for name in vars(each)}.intersection(dir(ours))
    hidden = set(vars(layer)).intersection(dir(ours)).difference(dir(theirs))
    return sorted((named | hidden) - HARMLESS)


def _ours_already(layer: nn.Module) -> str | None:
    mine = isinstance(layer, Recurrent | RecurrentCell | Embedding)
    return "it is recur's already" if mine else None


def _scripted(layer: nn.Module) -> str | None:
    if not isinstance(layer, jit.ScriptModule):
        return None
    return "it is compiled by TorchScript, which has loops of its own"


def _quantized(layer: nn.Module) -> str | None:
    before = parametrize.type_before_parametrizations(layer)
    prepared = before.__module__.startswith("torch.ao.")
    return "it is quantized, or prepared for that" if prepared else None


def _cell(layer: nn.Module) -> str | None:
    return ONE_STEP if isinstance(layer, nn.RNNCellBase) else None


def _of_the_program(layer: nn.Module) -> str | None:
    if isinstance(layer, tuple(OURS)):
        return None
    return (
        "it is a recurrent layer or cell of the program's own, which walks it itself; derive it "
        "from recur.LSTM, GRU or RNN where it computes what they do"
    )


def _subclass(layer: nn.Module) -> str | None:
    before = parametrize.type_before_parametrizations(layer)
    if before in OURS:
        return None
    parent = theirs_of(before)
    changed = _changed(layer, parent)
    if not changed:
        return None
    return (
        f"it is a subclass of torch.nn.{parent.__name__} with its own {listed(changed, 'and')}, "
        f"which may compute something else; derive it from recur.{parent.__name__}"
    )


def _replaced(layer: nn.Module) -> str | None:
    return "its forward was replaced by the program" if "forward" in vars(layer) else None


def _half_lstm(problem: engine.Problem) -> str | None:
    if problem.cell.name != "lstm" or problem.dtype not in (torch.bfloat16, torch.float16):
        return None
    return f"the type is {problem.dtype}, in which torch's own LSTM is faster"


@functools.lru_cache(maxsize=1000)
def _helpers(kind: Any) -> str | None:
    own = itertools.takewhile(lambda each: each is not theirs_of(kind), kind.__mro__)
    changed = sorted({name for each in own for name in vars(each)} & _HELPERS)
    return f"its class has its own {listed(changed, 'and')}" if changed else None


def _few_steps(call: tuple[str, int]) -> str | None:
    cell, steps = call
    least = LEAST.get(cell, 0)
    return None if steps >= least else f"it is called with fewer than {least} steps at a time"


# Of layers whose class is to be changed; a patch changes none.
OF_CLASSES = (
    Condition("a layer that is recur's already", _ours_already),
    Condition("a layer compiled by TorchScript", _scripted),
    Condition("a quantized layer", _quantized),
    Condition("a cell: `RNNCell`, `LSTMCell`, `GRUCell`", _cell),
    Condition("a recurrent layer or cell of the program's own", _of_the_program),
    Condition("a subclass that uses names of recur's layers for its own", _subclass),
    Condition("a layer whose `forward` was replaced", _replaced),
)
# Of calls of torch's forward, by the class of the layer.
OF_FORWARDS = (
    Condition("a subclass with its own of the methods that torch's `forward` calls", _helpers),
)
# Of single calls, which a patch sees.
OF_CALLS = (
    Condition(
        f"a call of fewer than {LEAST['gru']} steps of a GRU, {LEAST['rnn_tanh']} of an RNN",
        _few_steps,
    ),
)
OF_WALKS = (*path.CONDITIONS, Condition("an LSTM in bfloat16 or float16", _half_lstm))
CONDITIONS = (*OF_CLASSES, *embedding.CONDITIONS, *OF_WALKS, *OF_FORWARDS, *OF_CALLS)
