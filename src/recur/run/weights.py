"""The weights of a run: what else belongs to them, and a model made to hold them."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from recur import files, schema
from recur.messages import InputError, shown
from recur.run.directory import CHANGEABLE, CONFIG, MODEL, PREPROCESSING, Config, damaged
from recur.tasks.options import Options
from recur.tasks.task import Task

SLACK = 10_000
"""Numbers that a model may hold beyond twice those in its file."""


def seal(task: Task[Any, Any, Any, Any], options: Options, preprocessing: Any) -> dict[str, str]:
    """Returns what is kept with the weights, so that they answer with what they were trained with.

    It is no protection from someone who forges all files; it tells a changed byte and the files of
    two runs. Sealed are the preprocessing and the options that decide what the model and its scores
    are. Not sealed is what may rightly change later: where the data are, how long training goes on,
    and how they are read.
    """
    free = ("data", *CHANGEABLE, *task.reading)
    kept = {name: value for name, value in options.to_json().items() if name not in free}
    return {
        "task": task.name,
        "options": json.dumps(kept),
        "preprocessing": _checksum(preprocessing.to_json()),
    }


def check_seal(path: Path, found: Mapping[str, str], config: Config, options: Options) -> None:
    """Checks that a run's other files are those that its weights were sealed with.

    Args:
        path: the run.
        found: the metadata of its weights; a run of an older recur has no seal.
        config: what config.json holds.
        options: what this recur makes of the options in it.

    Raises:
        InputError: if another file lies there; the text says what differs.
    """
    if "preprocessing" not in found:
        return
    with damaged(path / MODEL):
        sealed = schema.read(
            dict[str, Any], files.parse_json(found.get("options", ""), "its seal"), "it"
        )
    now = {"task": config["task"], **options.to_json(), **config["options"]}
    for name, before in {"task": found.get("task"), **sealed}.items():
        if now.get(name) != before:
            raise InputError(
                f"{path / CONFIG} is not the one that {MODEL} was trained with: {name} was "
                f"{shown(before)} and is {shown(now.get(name))}. Restore both from one copy."
            )
    if _checksum(files.read_json(path / PREPROCESSING)) != found["preprocessing"]:
        raise InputError(
            f"{path / PREPROCESSING} is not the one that {MODEL} was trained with. Restore both "
            "from one copy."
        )


def _checksum(content: Any) -> str:
    """Of JSON, however it is written."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def built(make: Callable[[], nn.Module], weights: Mapping[str, Tensor], path: Path) -> nn.Module:
    """Returns the model that `make` makes, with the weights that were read from `path`.

    Raises:
        InputError: if they are another model's; one that is far larger is not made to the end.
    """
    try:
        with _NotLarger(sum(tensor.numel() for tensor in weights.values())):
            model = make()
    except _LargerError as error:
        raise InputError(
            f"{path} does not fit the run's {CONFIG}: that model is larger."
        ) from error
    differ = files.differences(weights, model.state_dict())
    if differ:
        raise InputError(f"{path} does not fit the run's {CONFIG}: {differ[0]}")
    model.load_state_dict(weights)
    return model


class _LargerError(Exception):
    pass


class _NotLarger(TorchFunctionMode):
    """Stops the making of a model that needs much more memory than its weights have numbers.

    A size in a config.json may be any number, and memory is taken when a layer is made.
    """

    def __init__(self, numbers: int) -> None:
        super().__init__()
        self.left = 2 * numbers + SLACK  # tied weights are made, and then dropped

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Counts the numbers of fresh tensors; parameters begin as such."""
        if func is torch.empty:
            self.left -= _numbers(args)
            if self.left < 0:
                raise _LargerError
        return func(*args, **(kwargs or {}))


def _numbers(sizes: Iterable[Any]) -> int:
    return math.prod(_numbers(each) if isinstance(each, Iterable) else int(each) for each in sizes)
