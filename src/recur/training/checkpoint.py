"""Where training can go on: weights, optimizer, random state, the place in the epoch; one file.

One file, so that it is replaced whole or not at all. Tensors lie in it by name; everything else is
JSON in its header. Nothing in it can run code.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from recur import files
from recur.files import PathLike
from recur.messages import InputError, must

FILE = "state.safetensors"


@dataclass
class Position:
    """Where training stands, besides weights and optimizer.

    Attributes:
        seed: what the order of batches and the random numbers come from.
        epoch: epochs done.
        batch: batches done of the next epoch.
        rows: the history.
        notes: the history's.
        norms: gradient norms of the epoch under way.
        seconds: spent in the epoch under way.
        best: the best value of the monitored column; None before there is one.
        best_epoch: the epoch (from 0) that had it.
    """

    seed: int
    epoch: int = 0
    batch: int = 0
    rows: list[dict[str, float]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    norms: list[float] = field(default_factory=list)
    seconds: float = 0.0
    best: float | None = None
    best_epoch: int | None = None


@dataclass
class Live:
    """The parts of a training that hold tensors.

    Attributes:
        model: the model.
        optimizer: its optimizer.
        best: the weights of the best epoch so far, by name; empty before there is one.
        sums: sums of the epoch under way.
        epoch_random: the random state at the start of the epoch under way.
    """

    model: nn.Module
    optimizer: Optimizer
    best: dict[str, Tensor]
    sums: Tensor
    epoch_random: Tensor


def save(folder: PathLike, position: Position, live: Live) -> None:
    """Writes the state.

    Raises:
        FailedError: if it cannot be written; the state before is still there.
    """
    tensors = {"random": torch.get_rng_state(), "epoch_random": live.epoch_random}
    tensors["sums"] = live.sums
    tensors |= {f"model.{name}": value for name, value in live.model.state_dict().items()}
    tensors |= {f"best.{name}": value for name, value in live.best.items()}
    plain: dict[str, dict[str, Any]] = {}
    for index, slots in live.optimizer.state_dict()["state"].items():
        for name, value in slots.items():
            if isinstance(value, Tensor):
                tensors[f"optimizer.{index}.{name}"] = value
            else:
                plain.setdefault(str(index), {})[name] = value
    header = {"position": json.dumps(asdict(position)), "optimizer": json.dumps(plain)}
    files.write_tensors(Path(folder) / FILE, tensors, header)


def exists(folder: PathLike) -> bool:
    """Whether there is a state to go on from."""
    return (Path(folder) / FILE).is_file()


def restore(folder: PathLike, live: Live) -> Position:
    """Puts model, optimizer and random state back, in place; returns the position.

    Raises:
        InputError: if there is no state, it is damaged, or it is of another model.
    """
    path = Path(folder) / FILE
    tensors, header = files.read_tensors(path)
    try:
        position = Position(**json.loads(header["position"]))
        plain = json.loads(header["optimizer"])
        live.sums.copy_(tensors.pop("sums"))
        live.epoch_random = tensors.pop("epoch_random")
        random = tensors.pop("random")
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is damaged or no checkpoint of recur: {error}.") from error
    _load_model(path, live.model, _part(tensors, "model."))
    live.best = _part(tensors, "best.")
    _load_optimizer(live.optimizer, _part(tensors, "optimizer."), plain)
    torch.set_rng_state(random)
    return position


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}


def _load_model(path: Path, model: nn.Module, weights: dict[str, Tensor]) -> None:
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise InputError(
            must(
                f"the model to go on with from {path}",
                "the one that was saved",
                "another",
                f"Torch says: {error}",
            )
        ) from error


def _load_optimizer(
    optimizer: Optimizer, tensors: dict[str, Tensor], plain: dict[str, dict[str, Any]]
) -> None:
    state: dict[int, dict[str, Any]] = {int(i): dict(slots) for i, slots in plain.items()}
    for key, value in tensors.items():
        index, name = key.split(".", 1)
        state.setdefault(int(index), {})[name] = value
    whole = optimizer.state_dict()
    whole["state"] = state
    optimizer.load_state_dict(whole)
