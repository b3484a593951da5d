"""Where training can go on: weights, optimizer, random state, the place in the epoch; one file.

One file, so that it is replaced whole or not at all. Tensors lie in it by name; everything else is
JSON in its header. Nothing in it can run code.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from recur import files
from recur.files import PathLike
from recur.messages import FailedError, InputError, listed, must
from recur.training import randomness
from recur.training.carried import packed, unpacked
from recur.training.gradients import Norms

FILE = "state.safetensors"
FORMAT = 1

# Groups of an optimizer say with these how a step is computed: that is this machine's matter.
_HOW = ("params", "fused", "foreach", "capturable", "differentiable")


@dataclass
class Position:
    """Where training stands, besides weights and optimizer.

    Attributes:
        seed: what the order of batches and the random numbers come from.
        epoch: epochs done.
        batch: batches done of the next epoch.
        rows: the history.
        notes: the history's.
        sums: of the epoch under way; see `Totals`.
        examples: of the epoch under way; see `Totals`.
        weight: of the epoch under way; see `Totals`.
        norms: gradient norms of the epoch under way.
        seconds: spent in the epoch under way.
        best: the best value of the monitored column; None before there is one.
        best_epoch: the epoch (from 0) that had it.
        exploded: the largest gradient norm that was put in words.
    """

    seed: int
    epoch: int = 0
    batch: int = 0
    rows: list[dict[str, float]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    sums: list[float] = field(default_factory=list)
    examples: int = 0
    weight: float = 0
    norms: Norms = field(default_factory=Norms)
    seconds: float = 0.0
    best: float | None = None
    best_epoch: int | None = None
    exploded: float = 0.0


@dataclass
class Live:
    """The parts of a training that hold tensors.

    Attributes:
        model: the model.
        optimizer: its optimizer.
        device: where the model is.
        best: the weights of the best epoch so far, by name; empty before there is one.
        carried: the recurrent state in the middle of an epoch, where one is carried on.
    """

    model: nn.Module
    optimizer: Optimizer
    device: torch.device
    best: dict[str, Tensor] = field(default_factory=dict)
    carried: Any = None


def save(folder: PathLike, position: Position, live: Live, settings: Mapping[str, Any]) -> None:
    """Writes the state; `settings` is what must be the same when training goes on.

    Raises:
        FailedError: if it cannot be written; the state before is still there.
    """
    tensors = {f"random.{name}": value for name, value in randomness.states(live.device).items()}
    tensors |= {f"model.{name}": value for name, value in weights_of(live.model).items()}
    tensors |= {f"best.{name}": value for name, value in live.best.items()}
    carried, lies = packed(live.carried)
    tensors |= {f"carried.{name}": value for name, value in carried.items()}
    stepped, slots, groups = _split(live.optimizer)
    tensors |= {f"optimizer.{name}": value for name, value in stepped.items()}
    text = {
        "format": json.dumps(FORMAT),
        "position": json.dumps(asdict(position)),
        "settings": json.dumps(dict(settings)),
        "slots": _json(slots),
        "groups": _json(groups),
        "carried": json.dumps(lies),
    }
    files.write_tensors(Path(folder) / FILE, tensors, text)


def exists(folder: PathLike) -> bool:
    """Whether there is a state to go on from."""
    return (Path(folder) / FILE).is_file()


def restore(folder: PathLike, live: Live, settings: Mapping[str, Any]) -> Position:
    """Puts model, optimizer and random state back, in place; returns the position.

    Raises:
        InputError: if there is no state, it is damaged or from a newer recur, or training would
            go on with another model, optimizer, data or batches.
    """
    path = Path(folder) / FILE
    tensors, text = files.read_tensors(path)
    try:
        header = {name: json.loads(value) for name, value in text.items()}
        _check_format(path, header["format"])
        _check_settings(path, header["settings"], settings)
        fields = header["position"]
        position = Position(**{**fields, "norms": Norms(**fields["norms"])})
        slots, groups = header["slots"], header["groups"]
        chance = _part(tensors, "random.")
        _load_model(path, live.model, _part(tensors, "model."))
        _load_optimizer(live.optimizer, _part(tensors, "optimizer."), slots, groups)
        randomness.restore(chance, live.device)
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
        raise InputError(
            f"{path} is damaged or no checkpoint of recur ({error!r}). Delete it to start again."
        ) from error
    carried = {name: value.to(live.device) for name, value in _part(tensors, "carried.").items()}
    live.carried = unpacked(carried, header.get("carried"))
    live.best = {name: value.to(live.device) for name, value in _part(tensors, "best.").items()}
    return position


def weights_of(model: nn.Module) -> dict[str, Tensor]:
    """Returns the weights and buffers of a model by name.

    Raises:
        InputError: if the model's state holds something that is no tensor.
    """
    state: dict[str, Any] = model.state_dict()
    for name, value in state.items():
        if not isinstance(value, Tensor):
            got = f"{name} of type {type(value).__name__}"
            raise InputError(must("what a model's state_dict holds", "tensors", got))
    return state


def _split(optimizer: Optimizer) -> tuple[dict[str, Tensor], dict[str, Any], list[dict[str, Any]]]:
    """An optimizer's state as tensors by name, plain values by parameter, and groups."""
    state = optimizer.state_dict()
    tensors: dict[str, Tensor] = {}
    slots: dict[str, Any] = {}
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


def _json(value: object) -> str:
    """Of what an optimizer keeps besides tensors."""
    try:
        return json.dumps(value)
    except TypeError as error:
        raise FailedError(
            f"The state of this optimizer cannot be saved: {error}. Take one whose state is "
            "tensors and numbers, or train without checkpoint."
        ) from error


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}


def _check_format(path: Path, found: int) -> None:
    if found > FORMAT:
        todo = "Install a newer recur to go on from it."
        raise InputError(must(f"the format of {path}", f"at most {FORMAT}", found, todo))


def _check_settings(path: Path, before: dict[str, Any], now: Mapping[str, Any]) -> None:
    changed = [
        f"{name} was {before.get(name)!r} and is {value!r}"
        for name, value in now.items()
        if before.get(name) != value
    ]
    if changed:
        raise InputError(
            f"Training cannot go on from {path} in another way than it began: "
            f"{listed(changed, 'and')}. Give what it began with, or another checkpoint folder."
        )


def _load_model(path: Path, model: nn.Module, weights: dict[str, Tensor]) -> None:
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        what = f"the model to go on with from {path}"
        todo = f"Torch says: {error}"
        raise InputError(must(what, "the one that was saved", "another", todo)) from error


def _load_optimizer(
    optimizer: Optimizer,
    tensors: dict[str, Tensor],
    slots: dict[str, dict[str, Any]],
    groups: list[dict[str, Any]],
) -> None:
    state: dict[int, dict[str, Any]] = {int(index): dict(own) for index, own in slots.items()}
    for key, value in tensors.items():
        index, name = key.split(".", 1)
        state[int(index)][name] = value
    whole = optimizer.state_dict()
    if len(groups) != len(whole["param_groups"]):
        got = f"{len(whole['param_groups'])} groups of parameters"
        raise InputError(must("the optimizer to go on with", "the one that was saved", got))
    whole["state"] = state
    for group, saved in zip(whole["param_groups"], groups, strict=True):
        for name, value in saved.items():
            group[name] = _like(group.get(name), value)
    optimizer.load_state_dict(whole)


def _like(now: object, value: Any) -> Any:
    """A value as JSON has it, as the kind that the optimizer has."""
    if isinstance(now, Tensor):
        return torch.full_like(now, value)
    return tuple(value) if isinstance(now, tuple) else value
