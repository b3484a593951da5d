"""Where training can go on: weights, optimizer, random state, the place in the epoch; one file.

One file, so that it is replaced whole or not at all. Tensors lie in it by name; everything else is
JSON in its header. Nothing in it can run code.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from recur import files, schema
from recur.files import PathLike
from recur.messages import FailedError, InputError, listed, must, shown, whole
from recur.training import kept_by_optimizer, randomness
from recur.training.accumulation import Accumulation
from recur.training.averaging import Average
from recur.training.carried import on_device, packed, unpacked
from recur.training.gradients import Norms
from recur.training.schedulers import Schedule
from recur.training.totals import Tally

FILE = "state.safetensors"
FORMAT = 2


@dataclass
class Position:
    """Where training stands, besides weights and optimizer.

    Attributes:
        seed: what the order of batches and the random numbers come from.
        epoch: epochs done.
        batch: batches done of the next epoch.
        rows: the history.
        notes: the history's.
        tallies: of the epoch under way; see `Totals`.
        sums: those of the only tally, in states of format 1.
        examples: the same.
        weight: the same; states of before there were weights have none.
        norms: gradient norms of the epoch under way.
        seconds: spent in the epoch under way.
        best: the best value of the monitored column; None before there is one.
        best_epoch: the epoch (from 0) that had it.
        exploded: the largest gradient norm that was put in words.
        learning_rate: the step size asked for; None for the optimizer's own.
        averaged: the steps that the average of the weights was taken over.
        counts: what the gradients of the group of batches under way are to be divided by.
    """

    seed: int
    epoch: int = 0
    batch: int = 0
    rows: list[dict[str, float]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    tallies: list[Tally] = field(default_factory=list)
    sums: list[float] = field(default_factory=list)
    examples: int = 0
    weight: float = 0
    norms: Norms = field(default_factory=Norms)
    seconds: float = 0.0
    best: float | None = None
    best_epoch: int | None = None
    exploded: float = 0.0
    learning_rate: float | None = None
    averaged: int = 0
    counts: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        counts = ("seed", "epoch", "batch", "examples", "best_epoch", "averaged")
        for name in counts:
            whole(name, getattr(self, name) or 0, least=0)
        if (self.best is None) != (self.best_epoch is None):
            raise InputError(must("best and best_epoch", "known together", "one without the other"))

    def known_tallies(self) -> list[Tally]:
        """The tallies, also of a state of format 1; none where there was no batch yet."""
        if self.tallies or not self.sums:
            return self.tallies
        return [Tally(self.sums, self.examples, self.weight or self.examples)]


class Header(TypedDict):
    """What a state holds besides tensors.

    Attributes:
        format: of the file.
        position: where training stands.
        settings: what must be the same when training goes on.
        slots: what the optimizer keeps of each parameter that is no tensor.
        groups: the optimizer's groups of parameters.
        carried: how the tensors of the carried state lie in it.
        schedule: what the schedule of the step size keeps.
    """

    format: int
    position: Position
    settings: dict[str, Any]
    slots: dict[str, dict[str, Any]]
    groups: list[dict[str, Any]]
    carried: NotRequired[Any]
    schedule: NotRequired[Any]


@dataclass
class Live:
    """The parts of a training that hold tensors.

    Attributes:
        model: the model.
        optimizer: its optimizer.
        schedule: of the optimizer's step size.
        device: where the model is.
        average: of the weights.
        group: the batches of the step under way.
        best: the weights of the best epoch so far, by name; empty before there is one.
        carried: the recurrent state in the middle of an epoch, where one is carried on.
    """

    model: nn.Module
    optimizer: Optimizer
    schedule: Schedule
    device: torch.device
    average: Average
    group: Accumulation
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
    tensors |= {f"average.{name}": value for name, value in live.average.values.items()}
    position.averaged = live.average.steps
    sums, position.counts = live.group.state()
    tensors |= {f"group.{name}": value for name, value in sums.items()}
    stepped, slots, groups = kept_by_optimizer.taken_apart(live.optimizer)
    tensors |= {f"optimizer.{name}": value for name, value in stepped.items()}
    text = {
        "format": json.dumps(FORMAT),
        "position": json.dumps(asdict(position)),
        "settings": json.dumps(dict(settings)),
        "slots": _json(slots),
        "groups": _json(groups),
        "carried": json.dumps(lies),
        "schedule": json.dumps(live.schedule.state()),
    }
    files.write_tensors(Path(folder) / FILE, tensors, text)


def exists(folder: PathLike) -> bool:
    """Whether there is a state to go on from."""
    return (Path(folder) / FILE).is_file()


def restore(
    folder: PathLike, live: Live, settings: Mapping[str, Any], rate: float | None = None
) -> Position:
    """Puts model, optimizer, schedule and random state back, in place; returns the position.

    Everything in the file is checked before anything of it is used.

    Args:
        folder: where the state is.
        live: what it is put into.
        settings: what must be the same as when it was saved.
        rate: the step size asked for now: where it is another than before, it is taken.

    Raises:
        InputError: if there is no state, it is damaged or from a newer recur, or training would
            go on with another model, optimizer, data or batches.
    """
    path = Path(folder) / FILE
    tensors, text = files.read_tensors(path)
    with _said_of(path, "is damaged or no checkpoint of recur"):
        header = schema.read(Header, _parsed(text), "its header")
    _check_format(path, header["format"])
    _check_settings(path, header["settings"], settings)
    weights, best = _part(tensors, "model."), _part(tensors, "best.")
    for part in (weights, best) if best else (weights,):
        _check_weights(path, live.model, part)
    with _said_of(path, "is damaged or not of this training"):
        carried = unpacked(_part(tensors, "carried."), header.get("carried"))
        randomness.restore(_part(tensors, "random."), live.device)
        stepped = _part(tensors, "optimizer.")
        kept_by_optimizer.put_back(live.optimizer, stepped, header["slots"], header["groups"])
        another = rate if rate != header["position"].learning_rate else None
        if another is not None:
            for group in live.optimizer.param_groups:
                group["lr"] = another
        if header.get("schedule") is not None:
            live.schedule.restore(header["schedule"], another)
        live.group.restore(_part(tensors, "group."), header["position"].counts)
        live.average.restore(_part(tensors, "average."), header["position"].averaged)
    live.model.load_state_dict(weights)
    live.carried = on_device(carried, live.device)
    live.best = {name: value.to(live.device) for name, value in best.items()}
    return header["position"]


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


def _parsed(text: Mapping[str, str]) -> dict[str, Any]:
    return {name: files.parse_json(value, name, finite=False) for name, value in text.items()}


@contextlib.contextmanager
def _said_of(path: Path, what: str) -> Iterator[None]:
    """Says which file it is that does not fit, and what to do."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{path} {what}. {error} Delete it to start again.") from error
    except RecursionError as error:
        raise InputError(f"{path} {what}: it is nested too deeply.") from error


def _check_format(path: Path, found: int) -> None:
    if found > FORMAT:
        todo = "Install a newer recur to go on from it."
        raise InputError(must(f"the format of {path}", f"at most {FORMAT}", found, todo))


def _check_settings(path: Path, before: dict[str, Any], now: Mapping[str, Any]) -> None:
    changed = [
        f"{name} was {shown(before.get(name))} and is {shown(value)}"
        for name, value in now.items()
        if before.get(name) != value
    ]
    if changed:
        raise InputError(
            f"Training cannot go on from {path} in another way than it began: "
            f"{listed(changed, 'and')}. Give what it began with, or another checkpoint folder."
        )


def _check_weights(path: Path, model: nn.Module, weights: dict[str, Tensor]) -> None:
    differ = files.differences(weights, weights_of(model))
    if differ:
        what = f"the model to go on with from {path}"
        todo = f"The first difference: {differ[0]}"
        raise InputError(must(what, "the one that was saved", "another", todo))
