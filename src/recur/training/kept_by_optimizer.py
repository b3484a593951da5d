"""What an optimizer keeps between steps: taken apart for a file, and put back.

Torch's fused steps walk through that state as if it were as large as the weights, and look at
nothing. What comes out of a file is therefore compared, before it is used, with what one step of
the same optimizer makes.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from recur import files, schema
from recur.messages import InputError, must, shown

# Groups of an optimizer say with these how a step is computed: that is this machine's matter.
_HOW = ("params", "fused", "foreach", "capturable", "differentiable")

Values = dict[str, Any]


def taken_apart(optimizer: Optimizer) -> tuple[dict[str, Tensor], dict[str, Values], list[Values]]:
    """An optimizer's state as tensors by name, plain values by parameter, and groups."""
    state = optimizer.state_dict()
    tensors: dict[str, Tensor] = {}
    slots: dict[str, Values] = {}
    for index, values in state["state"].items():
        slots[str(index)] = {}
        for name, value in values.items():
            if isinstance(value, Tensor):
                tensors[f"{index}.{name}"] = value
            else:
                slots[str(index)][name] = value
    groups = [
        {
            name: value.item() if isinstance(value, Tensor) else value
            for name, value in group.items()
            if name not in _HOW
        }
        for group in state["param_groups"]
    ]
    return tensors, slots, groups


def put_back(
    optimizer: Optimizer,
    tensors: Mapping[str, Tensor],
    slots: Mapping[str, Values],
    groups: list[Values],
) -> None:
    """The way back from `taken_apart`, in place; nothing is changed where something does not fit.

    Raises:
        InputError: if it is not the state of an optimizer of this kind, of these parameters.
    """
    whole = optimizer.state_dict()
    if len(groups) != len(whole["param_groups"]):
        got = f"{len(whole['param_groups'])} groups of parameters"
        raise InputError(must("the optimizer to go on with", "the one that was saved", got))
    whole["param_groups"] = [
        _group(now, saved) for now, saved in zip(whole["param_groups"], groups, strict=True)
    ]
    _check(optimizer, tensors, slots, _after_a_step(optimizer, whole["param_groups"]))
    whole["state"] = {int(index): dict(own) for index, own in slots.items()}
    for key, value in tensors.items():
        index, _, name = key.partition(".")
        whole["state"][int(index)][name] = value
    optimizer.load_state_dict(whole)


def _check(
    optimizer: Optimizer,
    tensors: Mapping[str, Tensor],
    slots: Mapping[str, Values],
    made: Mapping[int, Values],
) -> None:
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    places = {str(index): index for index in range(len(parameters))}
    strange = [*(slots.keys() - places.keys()), *(k for k in tensors if _index(k) not in slots)]
    if strange:
        expected = f"of one of {len(parameters):,} parameters"
        raise InputError(must("the optimizer's state", expected, shown(min(strange))))
    expected_tensors: dict[str, Tensor] = {}
    for index, own in slots.items():
        expected_here = made.get(places[index], {})
        expected_tensors |= {
            f"{index}.{name}": value
            for name, value in expected_here.items()
            if isinstance(value, Tensor)
        }
        for name, value in own.items():
            alike(expected_here.get(name), value, f"{name} of the optimizer")
    for key, value in tensors.items():
        # No first step made it: it is the optimizer's own, and as large as the parameter or single.
        if key not in expected_tensors:
            expected_tensors[key] = value if value.dim() == 0 else parameters[places[_index(key)]]
    differ = files.differences(tensors, expected_tensors)
    if differ:
        raise InputError(f"The optimizer's state does not fit its parameters: {differ[0]}")


def _index(key: str) -> str:
    return key.partition(".")[0]


def _after_a_step(optimizer: Optimizer, groups: list[Values]) -> dict[int, Values]:
    """What an optimizer keeps for each parameter after a step on copies of the parameters.

    Nothing where that cannot be: an optimizer of sparse gradients, one that needs more than them.
    """
    trial: Optimizer = copy.deepcopy(optimizer)
    for group, values in zip(trial.param_groups, groups, strict=True):
        group.update({name: value for name, value in values.items() if name != "params"})
        for parameter in group["params"]:
            parameter.grad = torch.zeros_like(parameter)
    with contextlib.suppress(Exception):  # a user's own optimizer may raise anything
        trial.step()
    made: dict[int, Values] = trial.state_dict()["state"]
    return made


def _group(now: Values, saved: Values) -> Values:
    """A group with the saved values; how a step is computed here stays as it is."""
    strange = sorted(saved.keys() & set(_HOW))
    if strange:
        raise InputError(must("a saved optimizer", f"without {strange[0]}", "one with it"))
    kept = {n: alike(now.get(n), value, f"{n} of the optimizer") for n, value in saved.items()}
    return {**now, **kept}


def alike(now: object, value: Any, name: str) -> Any:
    """A value as JSON has it, as the kind that is there now.

    Raises:
        InputError: if it is another kind.
    """
    if isinstance(now, Tensor) and now.numel() == 1 and _is_number(value):
        return torch.full_like(now, value)
    if isinstance(now, tuple | list) and isinstance(value, list) and len(value) == len(now):
        parts = [alike(part, each, name) for part, each in zip(now, value, strict=True)]
        return type(now)(parts)
    if now is None or (_is_number(now) and _is_number(value)):
        return value
    if type(value) is type(now) and not _is_number(now):
        return value
    raise InputError(must(name, f"like {shown(now)}", shown(value)))


def _is_number(value: object) -> bool:
    """Whether it is a number that torch can take."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, float) or abs(value) <= schema.LARGEST
